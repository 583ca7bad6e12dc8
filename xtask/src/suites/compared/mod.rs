//! Tests of Linux and of libraries, compared: on the engine, natively and under
//! QEMU, in a system of its own each.
//!
//! A test that passes on the engine is done with, unless all are wanted. For
//! the others, what they do natively is what they should do. One that ends
//! worse on the engine than natively, or than under QEMU, fails the run, unless
//! the list of known failures has it with a reason. Some need luck: what is
//! worse is tried three times.

mod kept;
mod known;
mod page;
mod sandbox;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use e2e::command::Done;
use e2e::product;

pub(super) use kept::Kept;
use known::Known;

use super::machine::Machine;
use super::pool;
use crate::guest::{Arch, Guest};

/// How often what fails may be tried.
const TRIES: usize = 3;

/// A suite, ready to be run.
pub(super) struct Suite {
    /// As `--only` calls it.
    pub(super) name: &'static str,
    pub(super) guest: Guest,
    /// What it is and where it is from, for the page.
    pub(super) about: String,
    pub(super) tests: Vec<Test>,
}

/// How much of a suite is run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extent {
    /// Whether what passes on the engine is run natively and under QEMU, too.
    pub(super) all: bool,
    /// Whether it is only a part of the suite, of which no page is written.
    pub(super) part: bool,
    /// How many tests run at a time. None: as many as there are processors.
    pub(super) jobs: Option<usize>,
}

impl Suite {
    /// As its page, its outcomes and the list of known failures are called.
    fn title(&self) -> String {
        self.guest.titled(self.name)
    }

    /// Only what is started by these names.
    pub(super) fn only(&mut self, names: &[&str]) -> Result<()> {
        for name in names {
            if !self.tests.iter().any(|test| test.name == *name) {
                bail!("{} has no test {name}", self.name);
            }
        }
        self.tests.retain(|test| names.contains(&&*test.name));
        Ok(())
    }
}

/// What is started at once. It may be many tests.
pub(super) struct Test {
    pub(super) name: String,
    /// Builds it for an architecture; false if it can't be.
    pub(super) build: Box<dyn Fn(Arch) -> Result<bool> + Send + Sync>,
    pub(super) native: Vec<String>,
    /// What is started of the guest's.
    pub(super) own: Vec<String>,
    /// Where it runs.
    pub(super) folder: PathBuf,
    pub(super) limit: Duration,
    /// What its end and its output tell: its tests' names and verdicts.
    pub(super) read: fn(&str, &Done) -> Verdicts,
    /// Built for it alone: removed when it is done.
    pub(super) temporary: Vec<PathBuf>,
}

/// Names within the suite.
pub(super) type Verdicts = Vec<(String, Verdict)>;

/// What became of a test. The less, the better.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Passed,
    /// But for so many parts that it says can't be tested here.
    Partly(usize),
    Skipped,
    /// Of something that the guest does not have.
    Foreign,
    /// How it ended instead.
    Failed(String),
}

impl Verdict {
    fn passed(&self) -> bool {
        matches!(self, Self::Passed | Self::Partly(_))
    }

    fn worse_than(&self, other: &Self) -> bool {
        match (self, other) {
            // Two that failed may differ in how.
            (Self::Failed(_), Self::Failed(_)) | (Self::Foreign, _) => false,
            _ => self > other,
        }
    }
}

/// A test's verdicts; none from who was not asked.
#[derive(Debug)]
pub(super) struct Row {
    name: String,
    engine: Verdict,
    native: Option<Verdict>,
    qemu: Option<Verdict>,
}

impl Row {
    /// What passes under QEMU should pass here, even if natively it fails: some
    /// tests are for the guest only.
    fn worse(&self) -> bool {
        let native = self.native.as_ref();
        let qemu = self.qemu.as_ref().filter(|qemu| qemu.passed());
        native
            .into_iter()
            .chain(qemu)
            .any(|other| self.engine.worse_than(other))
    }
}

/// The emulators.
#[derive(Debug, Clone, Copy)]
pub(super) struct Emulators<'a> {
    pub(super) engine: &'a Path,
    pub(super) qemu: &'a Path,
}

/// Runs a suite, and writes its page, `crates/engine/results/NAME.md`. An error
/// if the engine does worse than the list of known failures says.
pub(super) fn run(suite: &Suite, extent: Extent, emulators: Emulators<'_>) -> Result<()> {
    let known = Known::of(suite.title())?;
    let kept = Kept::new(&suite.title(), emulators.engine)?;
    println!(
        "{}: {} to start; what is done is kept in {}",
        suite.name,
        suite.tests.len(),
        kept.folder().display()
    );
    let (rows, not_built) = run_all(suite, extent, emulators, &kept)?;
    if !extent.part {
        let page = page::page(suite, &rows, &not_built, &known, extent, emulators)?;
        let place =
            product::workspace().join(format!("crates/engine/results/{}.md", suite.title()));
        std::fs::write(&place, page)?;
        println!("Written to {}", place.display());
    }
    judge(suite, &rows, &known)
}

/// An error if something is worse that is not known to be, or is not that is.
fn judge(suite: &Suite, rows: &[Row], known: &Known) -> Result<()> {
    let mut wrong = Vec::new();
    for row in rows {
        if row.worse() && known.reason(&row.name).is_none() {
            wrong.push(format!("{}: {}", row.name, page::ends(row)));
        }
        if !row.worse() && known.always(&row.name) {
            wrong.push(format!(
                "{} PASSES NOW: take it out of {}",
                row.name,
                known::FILE
            ));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("{}:\n{}", suite.name, wrong.join("\n"))
}

/// All; and which can't be built.
fn run_all(
    suite: &Suite,
    extent: Extent,
    emulators: Emulators<'_>,
    kept: &Kept,
) -> Result<(Vec<Row>, Vec<String>)> {
    let threads = extent.jobs.unwrap_or_else(pool::processors);
    let results = pool::each(&suite.tests, threads, |_, test| {
        let machines = Machines {
            test,
            guest: suite.guest,
            emulators,
            kept,
        };
        let rows = machines.rows(extent)?;
        told(suite, test, rows.as_deref());
        Ok(rows)
    })?;
    let (mut rows, mut not_built) = (Vec::new(), Vec::new());
    for (test, done) in suite.tests.iter().zip(results) {
        match done {
            Some(of_one) => rows.extend(of_one),
            None => not_built.push(test.name.clone()),
        }
    }
    Ok((rows, not_built))
}

/// Says how far it is.
fn told(suite: &Suite, test: &Test, rows: Option<&[Row]>) {
    let (suite, test) = (suite.name, &test.name);
    let Some(rows) = rows else {
        println!("{suite} {test}: not built");
        return;
    };
    match rows.iter().filter(|row| row.worse()).count() {
        0 => println!("{suite} {test}: {} tests", rows.len()),
        worse => println!(
            "{suite} {test}: {} tests, {worse} worse than they should be",
            rows.len()
        ),
    }
}

/// A test that did not come to be run has failed.
fn find(verdicts: &Verdicts, name: &str) -> Verdict {
    let found = verdicts.iter().find(|(other, _)| other == name);
    found.map_or_else(
        || Verdict::Failed("not run".to_owned()),
        |(_, verdict)| verdict.clone(),
    )
}

/// How a program ended that should have exited with 0.
pub(super) fn of_program(done: &Done) -> String {
    match done.status.code() {
        Some(sandbox::TIMED_OUT) => "does not end".to_owned(),
        _ => done.status.to_string(),
    }
}

/// A test on its machines.
struct Machines<'a> {
    test: &'a Test,
    guest: Guest,
    emulators: Emulators<'a>,
    kept: &'a Kept,
}

impl Machines<'_> {
    /// Nothing if it can't be built.
    fn rows(&self, extent: Extent) -> Result<Option<Vec<Row>>> {
        let Some(mut engine) = self.verdicts(Machine::Engine, None)? else {
            return Ok(None);
        };
        let (mut native, mut qemu) = (None, None);
        let settled = |(_, verdict): &(String, Verdict)| {
            matches!(verdict, Verdict::Passed | Verdict::Foreign)
        };
        if extent.all || !engine.iter().all(settled) {
            native = self.verdicts(Machine::Native, None)?;
            // Again, now that it is known what should be.
            if let Some(again) = self.verdicts(Machine::Engine, native.as_ref())? {
                engine = again;
            }
            qemu = self.verdicts(Machine::Qemu, native.as_ref())?;
        }
        for file in &self.test.temporary {
            let _ = std::fs::remove_file(file);
        }
        // What only one of them has is a test, too.
        let all = native.iter().flatten().chain(&engine);
        let mut names: Vec<&String> = all.map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        let row = |name: &String| Row {
            name: name.clone(),
            engine: find(&engine, name),
            native: native.as_ref().map(|native| find(native, name)),
            qemu: qemu.as_ref().map(|qemu| find(qemu, name)),
        };
        Ok(Some(names.into_iter().map(row).collect()))
    }

    /// What is kept, and what comes of running it again and again while it is
    /// worse than it should be. Nothing if it can't be built.
    fn verdicts(&self, machine: Machine, should: Option<&Verdicts>) -> Result<Option<Verdicts>> {
        let name = &self.test.name;
        let (mut tries, mut best) = self.kept.read(machine, name)?;
        while tries < TRIES {
            let worse = |should: &Verdicts| {
                let mut should = should.iter();
                should.any(|(name, verdict)| find(&best, name).worse_than(verdict))
            };
            if tries > 0 && !should.is_some_and(worse) {
                break;
            }
            let arch = match machine {
                Machine::Native => self.guest.native(),
                Machine::Engine | Machine::Qemu => self.guest.own(),
            };
            if !(self.test.build)(arch)? {
                return Ok(None);
            }
            let done = sandbox::run(machine, self.test, self.emulators)?;
            self.kept.log(machine, name, &done)?;
            for (name, verdict) in (self.test.read)(name, &done) {
                match best.iter_mut().find(|(other, _)| *other == name) {
                    Some((_, so_far)) if *so_far > verdict => *so_far = verdict,
                    Some(_) => {}
                    None => best.push((name, verdict)),
                }
            }
            // What hangs would hang again.
            let hangs = done.status.code() == Some(sandbox::TIMED_OUT);
            tries = if hangs { TRIES } else { tries + 1 };
            self.kept.write(machine, name, tries, &best)?;
        }
        Ok(Some(best))
    }
}
