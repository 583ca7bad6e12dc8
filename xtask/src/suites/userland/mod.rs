//! Suites that Debian packages, and that run inside a whole userland: each test
//! in Debian for amd64 (i386 for 32-bit Arm) natively, in the same Debian for the guest on
//! the engine, and, where the two differ, there on QEMU.
//!
//! The machine decides what counts: what does not pass natively is no measure.
//! What passes natively and not on the engine must be in `known.txt` with its
//! reason, and what is in there must still fail: else the run ends in an error.
//!
//! It takes hours, so each test's outcome is kept in the target folder at once,
//! and the next run goes on from there.

mod known;
mod outcome;
mod page;
mod read;
mod run;
mod store;
mod table;

use anyhow::{Context, Result, bail};
use e2e::product;

use crate::guest::Guest;
use crate::setup::{self, Need, need};
use known::Known;
use run::Userlands;
use store::Store;
use table::{SUITES, Suite};

/// What is wanted.
#[derive(Debug)]
pub(super) struct Wanted {
    suite: &'static Suite,
    /// Only tests whose names begin with one of these. None: all.
    starts: Vec<String>,
    /// Those again that failed natively, or on the engine only.
    again: bool,
    /// Nothing kept is taken.
    fresh: bool,
    /// All on QEMU, not only those that the engine fails.
    all_on_qemu: bool,
}

impl Wanted {
    /// From `SUITE[:START,START...]` and flags. Nothing if it is no suite of these.
    pub(super) fn parse(what: &str, flags: &[&str]) -> Result<Option<Self>> {
        let (name, starts) = match what.split_once(':') {
            Some((name, starts)) => (name, starts.split(',').map(str::to_owned).collect()),
            None => (what, Vec::new()),
        };
        let Some(suite) = SUITES.iter().find(|suite| suite.name == name) else {
            return Ok(None);
        };
        let mut wanted = Self {
            suite,
            starts,
            again: false,
            fresh: false,
            all_on_qemu: false,
        };
        for flag in flags {
            match *flag {
                "--again" => wanted.again = true,
                "--fresh" => wanted.fresh = true,
                "--all-on-qemu" => wanted.all_on_qemu = true,
                _ => bail!("{flag} is no flag of suites (they are: {FLAGS})"),
            }
        }
        Ok(Some(wanted))
    }

    fn has(&self, test: &str) -> bool {
        let mut starts = self.starts.iter();
        self.starts.is_empty() || starts.any(|start| test.starts_with(start.as_str()))
    }
}

/// The flags of these suites.
const FLAGS: &str = "--again, --fresh, --all-on-qemu";

/// Beside what the tests need.
const NEEDS: &[Need] = &[need(
    "ip",
    "iproute2",
    "gives each test a network of its own",
)];

/// Runs what is wanted and is not done yet; writes the suite's page, which tells of
/// all that was run so far. A page of all tests is never replaced by one of some.
pub(super) fn suites(guest: Guest, wanted: &Wanted) -> Result<()> {
    setup::install(&[setup::QUICK, setup::ENGINES, NEEDS])?;
    let suite = wanted.suite;
    let known = Known::parse(known::TEXT)?;
    let folder = product::target_dir().join("suites/userland");
    let userlands = Userlands::make(guest, &folder)?;
    let titled = guest.titled(suite.name);
    let store = Store::open(&folder.join("results").join(&titled))?;
    let all = userlands.tests(suite)?;
    let tests: Vec<&String> = all.iter().filter(|test| wanted.has(test)).collect();
    if tests.is_empty() {
        bail!("no test of {} starts with {:?}", suite.name, wanted.starts);
    }
    if wanted.fresh {
        tests.iter().try_for_each(|test| store.forget(test))?;
    } else if wanted.again {
        tests.iter().try_for_each(|test| store.try_again(test))?;
    }
    println!("{} tests of {}", tests.len(), suite.name);
    userlands.run_all(suite, &tests, &store, wanted.all_on_qemu)?;
    let page = page::page(suite, &all, &store, &known, &userlands)?;
    let place = format!("crates/engine/results/{titled}.md");
    if page.replaces(std::fs::read_to_string(product::workspace().join(&place)).ok()) {
        std::fs::write(product::workspace().join(&place), page.text)?;
        println!("Written to {place}");
    } else {
        println!(
            "{}\n{place} is of all tests, and is left as it is",
            page.text
        );
    }
    let tests: Vec<&str> = tests.iter().map(|test| test.as_str()).collect();
    judge(&titled, suite, &tests, &store, &known)
}

/// An error if something fails that is not known to, or passes that is.
fn judge(titled: &str, suite: &Suite, tests: &[&str], store: &Store, known: &Known) -> Result<()> {
    let mut wrong = Vec::new();
    for test in tests {
        let results = store.of(test)?.context("a test that was not run")?;
        let news = results.news();
        let unknown = news
            .iter()
            .filter(|part| known.reason(titled, test, part).is_none());
        wrong.extend(unknown.map(|part| format!("{part} passes natively, and not on the engine")));
        let gone = known.gone(titled, suite.part, test, &news);
        wrong.extend(gone.map(|part| {
            format!("{part} PASSES NOW: take it out of xtask/src/suites/userland/known.txt")
        }));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("{titled}:\n{}", wrong.join("\n"))
}
