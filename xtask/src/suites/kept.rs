//! What came of GCC's programs, so that a run that was broken off goes on.
//!
//! Only what another run would not better is kept: a program that passes under
//! QEMU and not under the engine may have had too little time. Another build of
//! the engine, another QEMU or another compiler begins anew.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use e2e::need;

use super::compared::{Kept as Outcomes, Verdict};
use super::machine::Machine;
use super::{Outcome, Program, Ran};
use crate::guest::Guest;

/// All of one build of the engine, beside one QEMU, of what one compiler made.
#[derive(Debug)]
pub(super) struct Kept(Outcomes);

impl Kept {
    /// The compilers are the programs of these names that the host has.
    pub(super) fn new(guest: Guest, engine: &Path, qemu: &Path) -> Result<Self> {
        let compilers = guest.compilers().iter();
        let compilers: Vec<PathBuf> = compilers
            .map(|name| need::program(name, &format!("gcc-{}", name.trim_end_matches("-gcc"))))
            .collect();
        let mut files = vec![engine, qemu];
        files.extend(compilers.iter().map(PathBuf::as_path));
        let place = Outcomes::place(&guest.titled("gcc"));
        Ok(Self(Outcomes::open(place, &files)?))
    }

    /// Nothing if it was not run; nothing inside if it does not compile.
    pub(super) fn read(&self, program: &Program) -> Result<Option<Option<Ran>>> {
        let (runs, verdicts) = self.0.read(Machine::Engine, &name(program))?;
        Ok(match (runs, verdicts.as_slice()) {
            (0, _) => None,
            (_, []) => Some(None),
            (_, [(_, engine), (_, qemu)]) => Some(Some(Ran {
                engine: outcome(engine),
                qemu: outcome(qemu),
            })),
            _ => bail!("{}: what is kept of it is damaged", name(program)),
        })
    }

    pub(super) fn write(&self, program: &Program, ran: Option<&Ran>) -> Result<()> {
        if ran.is_some_and(Ran::worse) {
            return Ok(());
        }
        let both = ran.map(|ran| {
            [("engine", &ran.engine), ("QEMU", &ran.qemu)]
                .map(|(who, outcome)| (who.to_owned(), verdict(outcome)))
        });
        let verdicts = both.into_iter().flatten().collect();
        self.0.write(Machine::Engine, &name(program), 1, &verdicts)
    }
}

fn name(program: &Program) -> String {
    format!("{} {}", program.suite, program.name)
}

fn verdict(outcome: &Outcome) -> Verdict {
    match outcome {
        Outcome::Passed => Verdict::Passed,
        Outcome::Failed(how) => Verdict::Failed(how.clone()),
    }
}

fn outcome(verdict: &Verdict) -> Outcome {
    match verdict {
        Verdict::Failed(how) => Outcome::Failed(how.clone()),
        _ => Outcome::Passed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_was_broken_off_goes_on() {
        let folder = e2e::temporary();
        let [engine, qemu] = ["engine", "qemu"].map(|name| folder.path().join(name));
        std::fs::write(&engine, "a build").unwrap();
        std::fs::write(&qemu, "a version").unwrap();
        let open = || Kept(Outcomes::open(folder.path().join("gcc"), &[&engine, &qemu]).unwrap());
        let program = |name: &str| Program {
            suite: "c-torture",
            compiler: "gcc",
            name: name.to_owned(),
            sources: Vec::new(),
            flags: Vec::new(),
        };
        let failed = || Outcome::Failed("signal: 6 (SIGABRT)".to_owned());
        let ran = |engine, qemu| Ran { engine, qemu };
        let keep = |name: &str, ran: Option<Ran>| {
            open().write(&program(name), ran.as_ref()).unwrap();
            open().read(&program(name)).unwrap()
        };
        let passed = keep("ieee/a -O0", Some(ran(Outcome::Passed, failed()))).unwrap();
        let passed = passed.unwrap();
        assert_eq!((passed.engine, passed.qemu), (Outcome::Passed, failed()));
        assert!(keep("b -O0", None).unwrap().is_none());
        // What only the engine fails is tried again.
        assert!(keep("c -O0", Some(ran(failed(), Outcome::Passed))).is_none());
        assert!(keep("d -O0", Some(ran(failed(), failed()))).is_some());
        // So is all that another build ran, or what ran beside another QEMU.
        for file in [&engine, &qemu] {
            assert!(keep("b -O0", None).unwrap().is_none());
            std::fs::write(file, "another").unwrap();
            assert!(open().read(&program("b -O0")).unwrap().is_none());
        }
    }
}
