//! Suites of libraries and of system calls, compiled for the guest on this machine:
//! what is wanted of them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use e2e::product;

use super::{compared, go, libc_test, ltp};
use crate::guest::Guest;
use crate::setup::{self, Need, need};

/// Each has to be asked for.
pub(super) const SUITES: [&str; 3] = ["go", "libc-test", "ltp"];

const FLAGS: &str = "--source CHECKOUT, --all, --jobs N";

const NEEDS: &[Need] = &[need(
    "ip",
    "iproute2",
    "gives each test a network of its own",
)];

/// What is wanted.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    guest: Guest,
    suite: &'static str,
    /// These alone. None: all.
    tests: Vec<&'a str>,
    /// A checkout of the suite, where it is nowhere packaged.
    source: Option<&'a Path>,
    /// What passes on the engine natively and under QEMU, too.
    all: bool,
    /// How many at a time.
    jobs: Option<usize>,
}

impl<'a> Wanted<'a> {
    /// From `SUITE[:TEST,TEST...]` and flags. Nothing if it is no suite of these.
    pub(super) fn parse(guest: Guest, what: &'a str, flags: &[&'a str]) -> Result<Option<Self>> {
        let (name, tests) = match what.split_once(':') {
            Some((name, tests)) => (name, tests.split(',').collect()),
            None => (what, Vec::new()),
        };
        let Some(suite) = SUITES.into_iter().find(|suite| *suite == name) else {
            return Ok(None);
        };
        let mut wanted = Self {
            guest,
            suite,
            tests,
            source: None,
            all: false,
            jobs: None,
        };
        let mut flags = flags.iter().copied();
        while let Some(flag) = flags.next() {
            match flag {
                "--all" => wanted.all = true,
                "--source" => {
                    let folder = flags.next().context("--source wants a folder")?;
                    wanted.source = Some(Path::new(folder));
                }
                "--jobs" => {
                    let jobs = flags.next().context("--jobs wants a number")?;
                    let jobs: usize = jobs.parse().with_context(|| format!("--jobs {jobs}"))?;
                    wanted.jobs = Some(jobs.max(1));
                }
                _ => bail!("{flag} is no flag of {suite} (they are: {FLAGS})"),
            }
        }
        Ok(Some(wanted))
    }

    fn checkout(&self) -> Result<PathBuf> {
        let named = self.source.with_context(|| {
            let suite = self.suite;
            format!("{suite} is nowhere packaged: say where a checkout is, by --source CHECKOUT")
        })?;
        named
            .canonicalize()
            .with_context(|| named.display().to_string())
    }
}

/// Runs what is wanted and is not done yet, and writes the suite's page.
pub(super) fn suites(wanted: &Wanted<'_>) -> Result<()> {
    setup::install(&[setup::QUICK, NEEDS, ltp::NEEDS])?;
    let guest = wanted.guest;
    let (engine, qemu) = (guest.engine()?, guest.newest_qemu()?);
    let folder = product::target_dir().join("suites");
    std::fs::create_dir_all(&folder)?;
    let mut suite = match wanted.suite {
        "go" => go::suite(guest, &folder)?,
        "libc-test" => libc_test::suite(guest, &folder, &wanted.checkout()?)?,
        _ => ltp::suite(guest, &folder, &wanted.checkout()?)?,
    };
    if !wanted.tests.is_empty() {
        suite.only(&wanted.tests)?;
    }
    let emulators = compared::Emulators {
        engine: &engine,
        qemu: &qemu,
    };
    let extent = compared::Extent {
        all: wanted.all,
        part: !wanted.tests.is_empty(),
        jobs: wanted.jobs,
    };
    compared::run(&suite, extent, emulators)
}
