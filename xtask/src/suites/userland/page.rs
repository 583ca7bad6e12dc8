//! The page of a suite's outcomes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Result;

use super::known::Known;
use super::outcome::Outcome;
use super::run::Userlands;
use super::store::{Kept, Results, Store};
use super::table::{RELEASE, Suite};
use crate::differential::{first_line, host};
use crate::guest::Guest;

/// Behind the number of tests, on a page of some tests only.
const SO_FAR: &str = "tests were run so far.**";

/// What a run has to tell.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) text: String,
    /// Whether all tests were run.
    whole: bool,
}

impl Page {
    /// Whether it may take the place of an earlier page.
    pub(super) fn replaces(&self, earlier: Option<String>) -> bool {
        self.whole || earlier.is_none_or(|text| text.contains(SO_FAR))
    }
}

pub(super) fn page(
    suite: &Suite,
    tests: &[String],
    store: &Store,
    known: &Known<'_>,
    userlands: &Userlands,
) -> Result<Page> {
    let results: Vec<Option<Results>> = tests
        .iter()
        .map(|test| store.of(test))
        .collect::<Result<_>>()?;
    let results: Vec<Results> = results.into_iter().flatten().collect();
    let whole = results.len() == tests.len();
    let guest = userlands.guest();
    let option = match guest {
        Guest::Arm64 => String::new(),
        Guest::Arm => format!("--guest {} ", guest.name()),
    };
    let mut page = format!(
        "# {}\n\n\
         By `cargo xtask suites {}--only {}`: Debian {RELEASE}'s {} {}, each test natively in an {} \
         userland and on the engine in an {} one. {}, host {}; beside {}, which was asked {}.\n\n",
        suite.title,
        option,
        suite.name,
        suite.package,
        userlands.version(suite.package)?,
        guest.native().name(),
        guest.own().name(),
        first_line("date", &["--iso-8601"])?,
        host()?,
        userlands.qemu(),
        asked(&results),
    );
    if !whole {
        let _ = writeln!(page, "**{} of {} {SO_FAR}\n", results.len(), tests.len());
    }
    counts(&mut page, &results);
    differences(&mut page, &guest.titled(suite.name), &results, known);
    lists(&mut page, suite, &results);
    if !whole {
        let run: Vec<&str> = results.iter().map(|of| of.test.as_str()).collect();
        let _ = writeln!(page, "\nRun so far: {}.", run.join(", "));
    }
    Ok(Page { text: page, whole })
}

fn asked(results: &[Results]) -> String {
    let asked = results.iter().filter(|of| of.qemu.is_some()).count();
    match asked {
        0 => "about none, since the engine fails nothing that passes natively".to_owned(),
        _ if asked == results.len() => "about all".to_owned(),
        _ => format!("about {asked} of them, among them all that fail on the engine only"),
    }
}

fn counts(page: &mut String, results: &[Results]) {
    let _ = write!(
        page,
        "| | tests | pass | skipped | fail | of those that pass natively, not all of it passes |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut row = |name: &str, of: &dyn Fn(&Results) -> Option<&Kept>| {
        let ran: Vec<_> = results
            .iter()
            .filter_map(|result| Some((result, &of(result)?.outcome)))
            .collect();
        let count = |is: fn(&Outcome) -> bool| ran.iter().filter(|(_, what)| is(what)).count();
        let worse = ran.iter().filter(|(result, what)| {
            let native = &result.native.outcome;
            !native.worse(&result.test, what).is_empty()
        });
        let _ = writeln!(
            page,
            "| {name} | {} | {} | {} | {} | {} |",
            ran.len(),
            count(|what| *what == Outcome::Passed),
            count(|what| *what == Outcome::Skipped),
            count(|what| matches!(what, Outcome::Failed { .. })),
            worse.count(),
        );
    };
    row("natively", &|result| Some(&result.native));
    row("engine", &|result| Some(&result.engine));
    row("QEMU", &|result| result.qemu.as_ref());
}

/// What passes natively and not on the engine.
fn differences(page: &mut String, titled: &str, results: &[Results], known: &Known<'_>) {
    let mut first = true;
    for result in results {
        let native = &result.native.outcome;
        for part in result.news() {
            if std::mem::take(&mut first) {
                page.push_str(
                    "\nWhat passes natively and not on the engine:\n\n\
                     | test | engine | QEMU | why |\n| --- | --- | --- | --- |\n",
                );
            }
            let qemu = match &result.qemu {
                None => "not asked",
                Some(kept) => {
                    let worse = native.worse(&result.test, &kept.outcome);
                    // Broken off, it did not pass the part either.
                    if worse.contains(&part) || worse.contains(&result.test) {
                        kept.outcome.says()
                    } else {
                        "passes"
                    }
                }
            };
            let _ = writeln!(
                page,
                "| {part} | {} | {qemu} | {} |",
                result.engine.outcome.says(),
                known
                    .reason(titled, &result.test, &part)
                    .unwrap_or("**not known**"),
            );
        }
    }
    if first {
        page.push_str("\nAll that passes natively passes on the engine.\n");
    }
}

/// What else there is to know.
fn lists(page: &mut String, suite: &Suite, results: &[Results]) {
    let mut list = |title: &str, names: Vec<String>| {
        if !names.is_empty() {
            let _ = writeln!(page, "\n{title}: {}.", names.join(", "));
        }
    };
    let named = |is: &dyn Fn(&Results) -> bool| -> Vec<String> {
        let those = results.iter().filter(|result| is(result));
        those.map(|result| result.test.clone()).collect()
    };
    list(
        "Failed on the engine at first, and passed when run again",
        named(&|result| result.engine.failures > 0 && result.news().is_empty()),
    );
    list(
        "Fail on QEMU only",
        named(&|result| {
            let native = &result.native.outcome;
            let fails = |kept: &Kept| !native.worse(&result.test, &kept.outcome).is_empty();
            result.news().is_empty() && result.qemu.as_ref().is_some_and(fails)
        }),
    );
    list(
        "Fail natively, in whole (and are no measure) or in part",
        named(&|result| matches!(result.native.outcome, Outcome::Failed { .. })),
    );
    list(
        "Skipped natively",
        named(&|result| result.native.outcome == Outcome::Skipped),
    );
    let excluded = suite.excluded.iter();
    list(
        "Not run",
        excluded
            .map(|(name, why)| format!("{name} ({why})"))
            .collect(),
    );
    let builds: BTreeSet<&str> = results.iter().map(|of| of.engine.by.as_str()).collect();
    if builds.len() > 1 {
        let _ = writeln!(
            page,
            "\nRun by {} builds of the engine, which changed meanwhile.",
            builds.len()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_some_tests_replaces_none_of_all() {
        let page = |whole| Page {
            text: String::new(),
            whole,
        };
        let all = || Some("| engine | 322 |".to_owned());
        let some = || Some(format!("**3 of 322 {SO_FAR}"));
        assert!(!page(false).replaces(all()));
        assert!(page(false).replaces(some()));
        assert!(page(false).replaces(None));
        assert!(page(true).replaces(all()));
    }
}
