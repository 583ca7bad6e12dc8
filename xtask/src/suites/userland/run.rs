//! Runs the tests, two at a time, each on a layer of its own.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use e2e::DebianRoot;

use super::super::machine::Machine;
use super::super::pool;
use super::store::Store;
use super::table::{self, Suite};
use crate::differential::first_line;
use crate::guest::{Arch, Guest};

/// At the same time.
const THREADS: usize = 2;

/// Debian for the host and for the guest, kept for the next run.
#[derive(Debug)]
pub(super) struct Userlands {
    guest: Guest,
    native: DebianRoot,
    foreign: DebianRoot,
    engine: Runner,
    qemu: Runner,
    /// Empty; what the roots see at `/mnt`.
    shared: PathBuf,
}

#[derive(Debug)]
struct Runner {
    path: PathBuf,
    by: String,
}

impl Userlands {
    /// Made if they aren't there: takes some minutes.
    pub(super) fn make(guest: Guest, folder: &Path) -> Result<Self> {
        let (engine, qemu) = (&guest.engine()?, guest.newest_qemu()?);
        let by = format!("engine {:016x}", digest(engine)?);
        // It may be built anew while the tests run.
        // Named as `DebianRoot` tells whose programs an engine runs.
        let build = by.replace("engine ", "-");
        let copy = folder.join([guest.engine_name(), &build].concat());
        std::fs::create_dir_all(folder)?;
        if !copy.is_file() {
            let new = copy.with_extension("new");
            std::fs::copy(engine, &new)?;
            std::fs::rename(new, &copy)?;
        }
        let engine = copy;
        let make = |arch: Arch, emulator: Option<&Path>| {
            let name = arch.name();
            DebianRoot::keep(
                name,
                &folder.join(name),
                table::RELEASE,
                table::PACKAGES,
                emulator,
                |root| table::add_perl(root, &folder.join(format!("{name}-apt"))),
            )
        };
        let native = make(guest.native(), None);
        let foreign = make(guest.own(), Some(&engine));
        let shared = folder.join("shared");
        std::fs::create_dir_all(&shared)?;
        Ok(Self {
            guest,
            native,
            foreign,
            engine: Runner { path: engine, by },
            qemu: Runner {
                by: first_line(&qemu.display().to_string(), &["--version"])?,
                path: qemu,
            },
            shared,
        })
    }

    pub(super) fn guest(&self) -> Guest {
        self.guest
    }

    /// QEMU's version.
    pub(super) fn qemu(&self) -> &str {
        &self.qemu.by
    }

    /// The version of a package; it is an error if the two have different ones.
    pub(super) fn version(&self, package: &str) -> Result<String> {
        let ask = ["dpkg-query", "--showformat=${Version}", "--show", package];
        let [native, foreign] =
            [&self.native, &self.foreign].map(|root| root.run(&self.shared, &ask).ok().stdout);
        if native != foreign {
            bail!("{package} is of version {native} natively and {foreign} for the guest");
        }
        Ok(native)
    }

    /// The names of a suite's tests, in order; but for those that are not run.
    pub(super) fn tests(&self, suite: &Suite) -> Result<Vec<String>> {
        let done = self
            .native
            .run(&self.shared, &["sh", "-c", suite.list])
            .ok();
        let mut tests: Vec<String> = done.stdout.lines().map(str::to_owned).collect();
        tests.retain(|test| !test.is_empty());
        for (name, _) in suite.excluded {
            if !tests.iter().any(|test| test == name) {
                bail!(
                    "{} has no test {name}, which is said not to be run",
                    suite.name
                );
            }
            tests.retain(|test| test != name);
        }
        tests.sort();
        tests.dedup();
        Ok(tests)
    }

    /// Those that have no outcome yet. On QEMU those that fail on the engine,
    /// or all.
    pub(super) fn run_all(
        &self,
        suite: &Suite,
        tests: &[&String],
        store: &Store,
        all_on_qemu: bool,
    ) -> Result<()> {
        pool::each(tests, THREADS, |_, test| {
            self.run(suite, test, store, Machine::Native)?;
            self.run(suite, test, store, Machine::Engine)?;
            if all_on_qemu || store.differs(test) {
                self.run(suite, test, store, Machine::Qemu)?;
            }
            Ok(())
        })?;
        Ok(())
    }

    fn run(&self, suite: &Suite, test: &str, store: &Store, machine: Machine) -> Result<()> {
        if store.get(machine, test)?.is_some() {
            return Ok(());
        }
        let (root, emulator, by) = match machine {
            Machine::Native => (&self.native, None, self.guest.native().name()),
            Machine::Engine => (&self.foreign, Some(&self.engine.path), &*self.engine.by),
            Machine::Qemu => (&self.foreign, Some(&self.qemu.path), &*self.qemu.by),
        };
        let done = root.run_briefly(
            emulator.map(PathBuf::as_path),
            &self.shared,
            Duration::from_secs(suite.patience),
            &["sh", "-c", suite.command, "sh", test],
        );
        let outcome = (suite.read)(test, &done);
        println!("{} {test} {machine:?}: {}", suite.name, outcome.says());
        let said = format!("{}\n{}\n{}", done.status, done.stdout, done.stderr);
        store.put(machine, test, by, &outcome, &said)
    }
}

/// Which build it is.
fn digest(file: &Path) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    std::fs::read(file)?.hash(&mut hasher);
    Ok(hasher.finish())
}
