//! Verdicts and output in the target folder, so that a run that was interrupted
//! goes on, and a failure can be looked at.
//!
//! The engine's lie in a folder named after its bytes: another engine begins
//! anew. Native and QEMU's stay until somebody removes them.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use e2e::command::Done;
use e2e::product;

use super::super::machine::Machine;
use super::{Verdict, Verdicts};

/// Of one suite.
#[derive(Debug)]
pub(in crate::suites) struct Kept {
    folder: PathBuf,
    engine: String,
}

impl Kept {
    pub(in crate::suites) fn new(suite: &str, engine: &Path) -> Result<Self> {
        Self::open(Self::place(suite), &[engine])
    }

    /// Where a suite's are.
    pub(in crate::suites) fn place(suite: &str) -> PathBuf {
        product::target_dir().join("suites/outcomes").join(suite)
    }

    /// The engine's outcomes are those of these files: the engine, and what else they
    /// depend on.
    pub(in crate::suites) fn open(folder: PathBuf, files: &[&Path]) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        for file in files {
            let bytes = fs::read(file).with_context(|| file.display().to_string())?;
            bytes.hash(&mut hasher);
        }
        let kept = Self {
            folder,
            engine: format!("engine-{:016x}", hasher.finish()),
        };
        for machine in Machine::ALL {
            fs::create_dir_all(kept.folder.join(kept.of(machine)))?;
        }
        Ok(kept)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn of(&self, machine: Machine) -> &str {
        match machine {
            Machine::Engine => &self.engine,
            Machine::Native | Machine::Qemu => machine.name(),
        }
    }

    fn file(&self, machine: Machine, test: &str, end: &str) -> PathBuf {
        let name = test.replace('/', ",");
        self.folder.join(self.of(machine)).join(name + end)
    }

    /// How often it was tried, and the best that came of it.
    pub(in crate::suites) fn read(
        &self,
        machine: Machine,
        test: &str,
    ) -> Result<(usize, Verdicts)> {
        let path = self.file(machine, test, "");
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok((0, Vec::new()));
        };
        let mut lines = text.lines();
        let tries = lines.next().unwrap_or_default().parse()?;
        let verdicts = lines.map(|line| {
            let mut words = line.splitn(3, '\t');
            let words = (words.next(), words.next(), words.next().unwrap_or_default());
            let (Some(name), Some(word), rest) = words else {
                bail!("{}: can't read `{line}`", path.display());
            };
            let verdict = match word {
                "passed" => Verdict::Passed,
                "partly" => Verdict::Partly(rest.parse()?),
                "skipped" => Verdict::Skipped,
                "foreign" => Verdict::Foreign,
                "failed" => Verdict::Failed(rest.to_owned()),
                _ => bail!("{}: can't read `{line}`", path.display()),
            };
            Ok((name.to_owned(), verdict))
        });
        Ok((tries, verdicts.collect::<Result<_>>()?))
    }

    /// Whole or not at all.
    pub(in crate::suites) fn write(
        &self,
        machine: Machine,
        test: &str,
        tries: usize,
        verdicts: &Verdicts,
    ) -> Result<()> {
        let mut text = format!("{tries}\n");
        for (name, verdict) in verdicts {
            let _ = match verdict {
                Verdict::Passed => writeln!(text, "{name}\tpassed"),
                Verdict::Partly(skipped) => writeln!(text, "{name}\tpartly\t{skipped}"),
                Verdict::Skipped => writeln!(text, "{name}\tskipped"),
                Verdict::Foreign => writeln!(text, "{name}\tforeign"),
                Verdict::Failed(how) => writeln!(text, "{name}\tfailed\t{how}"),
            };
        }
        let partial = self.file(machine, test, ".partial");
        fs::write(&partial, text)?;
        Ok(fs::rename(partial, self.file(machine, test, ""))?)
    }

    /// What it said, the last time.
    pub(super) fn log(&self, machine: Machine, test: &str, done: &Done) -> Result<()> {
        Ok(fs::write(
            self.file(machine, test, ".log"),
            done.to_string(),
        )?)
    }
}
