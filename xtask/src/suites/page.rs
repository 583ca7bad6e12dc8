//! The page of the results.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::{Outcome, Program, Ran};
use crate::differential::{first_line, host};
use crate::guest::Guest;

pub(super) fn page(
    guest: Guest,
    programs: &[Program],
    results: &[Option<Ran>],
    qemu: &Path,
) -> Result<String> {
    let compilers: Result<Vec<String>> = guest
        .compilers()
        .iter()
        .map(|compiler| first_line(compiler, &["--version"]))
        .collect();
    let mut page = format!(
        "# Programs that nobody here wrote\n\n\
         By `cargo xtask suites --guest {}`, which says where they come from. {}, host {}; compiled by {}; \
         beside {}.\n\n\
         | suite | programs | not compiled | pass under the engine | pass under QEMU |\n\
         | --- | --- | --- | --- | --- |\n",
        guest.name(),
        first_line("date", &["--iso-8601"])?,
        host()?,
        compilers?.join(" and "),
        first_line(&qemu.display().to_string(), &["--version"])?,
    );
    let mut suites: Vec<&str> = programs.iter().map(|program| program.suite).collect();
    suites.sort_unstable();
    suites.dedup();
    for suite in suites {
        let of = || {
            let all = programs.iter().zip(results);
            all.filter(move |(program, _)| program.suite == suite)
        };
        let ran = || of().filter_map(|(_, ran)| ran.as_ref());
        let _ = writeln!(
            page,
            "| {suite} | {} | {} | {} | {} |",
            of().count(),
            of().count() - ran().count(),
            ran().filter(|ran| ran.engine == Outcome::Passed).count(),
            ran().filter(|ran| ran.qemu == Outcome::Passed).count(),
        );
    }
    let names = programs.iter().zip(results);
    let not_compiled = names.filter(|(_, ran)| ran.is_none());
    let not_compiled: Vec<&str> = not_compiled.map(|(p, _)| p.name.as_str()).collect();
    if !not_compiled.is_empty() {
        let _ = writeln!(page, "\nNot compiled: {}.", not_compiled.join(", "));
    }
    failures(&mut page, programs, results);
    Ok(page)
}

/// Those that do not pass, and how they end.
fn failures(page: &mut String, programs: &[Program], results: &[Option<Ran>]) {
    let said = |outcome: &Outcome| match outcome {
        Outcome::Passed => "passes".to_owned(),
        Outcome::Failed(how) => how.clone(),
    };
    let mut first = true;
    for (program, ran) in programs.iter().zip(results) {
        let Some(ran) = ran else { continue };
        if (&ran.engine, &ran.qemu) == (&Outcome::Passed, &Outcome::Passed) {
            continue;
        }
        if std::mem::take(&mut first) {
            page.push_str("\nWhat does not pass:\n\n");
        }
        let _ = writeln!(
            page,
            "- {} {}: engine {}; QEMU {}",
            program.suite,
            program.name,
            said(&ran.engine),
            said(&ran.qemu)
        );
    }
}
