//! The outcomes so far: a file for each test and machine, so that a run that was
//! broken off goes on.
//!
//! A file's first line says what ran it (a build of the engine, a version of
//! QEMU), the second how often it had failed before, the third what came out;
//! then come the parts that failed, an empty line, and what the test said.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::super::machine::Machine;
use super::outcome::Outcome;

/// One outcome.
#[derive(Debug)]
pub(super) struct Kept {
    /// What ran it.
    pub(super) by: String,
    /// How often it had failed before.
    pub(super) failures: u32,
    pub(super) outcome: Outcome,
}

/// All of one test.
#[derive(Debug)]
pub(super) struct Results {
    pub(super) test: String,
    pub(super) native: Kept,
    pub(super) engine: Kept,
    /// Where it was asked.
    pub(super) qemu: Option<Kept>,
}

impl Results {
    /// What passes natively and not on the engine.
    pub(super) fn news(&self) -> Vec<String> {
        let native = &self.native.outcome;
        native.worse(&self.test, &self.engine.outcome)
    }
}

/// The folder of a suite.
#[derive(Debug)]
pub(super) struct Store(PathBuf);

impl Store {
    pub(super) fn open(folder: &Path) -> Result<Self> {
        for machine in Machine::ALL {
            fs::create_dir_all(folder.join(machine.name()))?;
        }
        Ok(Self(folder.to_owned()))
    }

    fn file(&self, machine: Machine, test: &str) -> PathBuf {
        self.0.join(machine.name()).join(test.replace('/', "%"))
    }

    /// Nothing if it was not run natively and on the engine.
    pub(super) fn of(&self, test: &str) -> Result<Option<Results>> {
        let native = self.get(Machine::Native, test)?;
        let engine = self.get(Machine::Engine, test)?;
        let (Some(native), Some(engine)) = (native, engine) else {
            return Ok(None);
        };
        Ok(Some(Results {
            test: test.to_owned(),
            native,
            engine,
            qemu: self.get(Machine::Qemu, test)?,
        }))
    }

    /// Nothing if it was not run, or is to be run again.
    pub(super) fn get(&self, machine: Machine, test: &str) -> Result<Option<Kept>> {
        let Some(kept) = self.read(machine, test)? else {
            return Ok(None);
        };
        Ok(Some(kept).filter(|kept| !kept.by.is_empty()))
    }

    fn read(&self, machine: Machine, test: &str) -> Result<Option<Kept>> {
        let file = self.file(machine, test);
        let Ok(text) = fs::read_to_string(&file) else {
            return Ok(None);
        };
        parse(&text)
            .with_context(|| format!("{} is damaged: remove it", file.display()))
            .map(Some)
    }

    /// Keeps an outcome, and what the test said.
    pub(super) fn put(
        &self,
        machine: Machine,
        test: &str,
        by: &str,
        outcome: &Outcome,
        said: &str,
    ) -> Result<()> {
        let before = self.read(machine, test)?.map_or(0, |kept| kept.failures);
        let (how, parts): (&str, &[String]) = match outcome {
            Outcome::Failed { how, parts } => (how, parts),
            other => (other.says(), &[]),
        };
        let mut text = format!("{by}\n{before}\n{how}\n");
        for part in parts {
            text.push_str(part);
            text.push('\n');
        }
        text.push('\n');
        text.push_str(said);
        let file = self.file(machine, test);
        let mut new = file.clone().into_os_string();
        new.push(".new");
        fs::write(&new, text)?;
        Ok(fs::rename(new, file)?)
    }

    /// Whether it did not pass on the engine as it did natively.
    pub(super) fn differs(&self, test: &str) -> bool {
        let results = self.of(test);
        results.is_ok_and(|results| results.is_some_and(|results| !results.news().is_empty()))
    }

    /// Has it run again if it did not pass: on all machines if it failed natively, since
    /// a load that hid what the test measures may have been short; else on the engine,
    /// and remembers that it failed there.
    pub(super) fn try_again(&self, test: &str) -> Result<()> {
        let native = self.read(Machine::Native, test)?;
        if native.is_some_and(|kept| matches!(kept.outcome, Outcome::Failed { .. })) {
            return self.forget(test);
        }
        if !self.differs(test) {
            return Ok(());
        }
        if let Some(kept) = self.read(Machine::Engine, test)? {
            let failures = kept.failures + 1;
            let file = self.file(Machine::Engine, test);
            fs::write(file, format!("\n{failures}\nto be run again\n\n"))?;
        }
        // What was bad luck on the one may have been so on the other.
        self.remove(Machine::Qemu, test)
    }

    /// Has it run again on all machines.
    pub(super) fn forget(&self, test: &str) -> Result<()> {
        for machine in Machine::ALL {
            self.remove(machine, test)?;
        }
        Ok(())
    }

    fn remove(&self, machine: Machine, test: &str) -> Result<()> {
        let file = self.file(machine, test);
        if file.exists() {
            fs::remove_file(file)?;
        }
        Ok(())
    }
}

fn parse(text: &str) -> Option<Kept> {
    let mut lines = text.lines();
    let by = lines.next()?.to_owned();
    let failures = lines.next()?.parse().ok()?;
    let outcome = match lines.next()? {
        "passes" => Outcome::Passed,
        "skipped" => Outcome::Skipped,
        how => Outcome::Failed {
            how: how.to_owned(),
            parts: lines
                .take_while(|line| !line.is_empty())
                .map(str::to_owned)
                .collect(),
        },
    };
    Some(Kept {
        by,
        failures,
        outcome,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back() {
        let folder = e2e::temporary();
        let store = Store::open(folder.path()).unwrap();
        let failed = Outcome::Failed {
            how: "1 failed".to_owned(),
            parts: vec!["../a.t:2".to_owned()],
        };
        let put = |machine, outcome: &Outcome| {
            store
                .put(machine, "../a.t", "it", outcome, "said\n")
                .unwrap();
        };
        put(Machine::Native, &Outcome::Passed);
        assert!(store.of("../a.t").unwrap().is_none());
        put(Machine::Engine, &failed);
        let results = store.of("../a.t").unwrap().unwrap();
        assert_eq!(results.engine.outcome, failed);
        assert_eq!(results.news(), ["../a.t:2"]);
        store.try_again("../a.t").unwrap();
        assert!(store.of("../a.t").unwrap().is_none());
        put(Machine::Engine, &Outcome::Passed);
        let results = store.of("../a.t").unwrap().unwrap();
        assert_eq!(results.engine.failures, 1);
        assert!(results.news().is_empty());
    }

    #[test]
    fn what_failed_natively_is_tried_again() {
        let folder = e2e::temporary();
        let store = Store::open(folder.path()).unwrap();
        let late = Outcome::Failed {
            how: "not done in time".to_owned(),
            parts: Vec::new(),
        };
        for (test, native) in [("late", &late), ("passes", &Outcome::Passed)] {
            store.put(Machine::Native, test, "it", native, "").unwrap();
            let engine = Outcome::Passed;
            store.put(Machine::Engine, test, "it", &engine, "").unwrap();
            store.try_again(test).unwrap();
        }
        assert!(store.get(Machine::Native, "late").unwrap().is_none());
        assert!(store.get(Machine::Engine, "late").unwrap().is_none());
        assert!(store.of("passes").unwrap().is_some());
    }
}
