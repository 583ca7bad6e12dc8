//! The page of a suite's results.

use std::fmt::Write as _;

use anyhow::Result;

use super::known::Known;
use super::{Emulators, Extent, Row, Suite, Verdict};
use crate::differential::{first_line, host};

pub(super) fn page(
    suite: &Suite,
    rows: &[Row],
    not_built: &[String],
    known: &Known,
    extent: Extent,
    emulators: Emulators<'_>,
) -> Result<String> {
    let mut page = format!(
        "# {}\n\n{}\n\nBy `cargo xtask suites --guest {} --only {}`, {}, host {}, Linux {}; beside {}. Each test ran \
         in a system of its own, without rights over the machine; {}; what ended worse than natively \
         was tried three times.\n\n",
        suite.title(),
        suite.about,
        suite.guest.name(),
        suite.name,
        first_line("date", &["--iso-8601"])?,
        host()?,
        first_line("sh", &["-c", "uname -r | cut -d- -f1"])?,
        first_line(&emulators.qemu.display().to_string(), &["--version"])?,
        if extent.all {
            "all natively and under QEMU, too"
        } else {
            "natively and under QEMU only what is started together with one that does not pass"
        },
    );
    let count = |which: fn(&Row) -> bool| rows.iter().filter(|row| which(row)).count();
    let _ = writeln!(page, "| | tests |\n| --- | --- |");
    for (what, which) in COUNTS {
        let _ = writeln!(page, "| {what} | {} |", count(*which));
    }
    list(&mut page, "Worse on the engine, and why", rows, |row| {
        let reason = known.reason(&row.name).unwrap_or("NOT KNOWN");
        row.worse().then(|| format!("{}. {reason}", ends(row)))
    });
    list(
        &mut page,
        "Better on the engine than under QEMU",
        rows,
        |row| {
            let qemu = row.qemu.as_ref()?;
            let better = qemu.worse_than(&row.engine) && row.engine.passed();
            better.then(|| format!("QEMU: {}", said(qemu)))
        },
    );
    list(&mut page, "Failing natively, too", rows, |row| {
        let fails = matches!(row.native, Some(Verdict::Failed(_)));
        (fails && !row.worse()).then(|| ends(row))
    });
    if !not_built.is_empty() {
        let _ = writeln!(page, "\nNot built: {}.", not_built.join(", "));
    }
    Ok(page)
}

type Count = (&'static str, fn(&Row) -> bool);

const COUNTS: &[Count] = &[
    ("all", |_| true),
    ("pass on the engine", |row| row.engine.passed()),
    ("do worse there than natively or under QEMU", Row::worse),
    ("are of what the guest does not have", |row| {
        row.engine == Verdict::Foreign
    }),
    ("else pass neither there nor natively", |row| {
        let engine = row.engine.passed() || row.engine == Verdict::Foreign;
        !engine && !passes(row.native.as_ref())
    }),
    ("ran natively", |row| row.native.is_some()),
    ("pass natively", |row| passes(row.native.as_ref())),
    ("ran under QEMU", |row| row.qemu.is_some()),
    ("pass under QEMU", |row| passes(row.qemu.as_ref())),
];

fn passes(verdict: Option<&Verdict>) -> bool {
    verdict.is_some_and(Verdict::passed)
}

fn list(page: &mut String, title: &str, rows: &[Row], says: impl Fn(&Row) -> Option<String>) {
    let lines = rows
        .iter()
        .filter_map(|row| Some(format!("- {}: {}\n", row.name, says(row)?)));
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        let _ = write!(page, "\n## {title}\n\n{}", lines.concat());
    }
}

/// How a test ends, on all machines.
pub(super) fn ends(row: &Row) -> String {
    let mut ends = format!("engine: {}", said(&row.engine));
    for (who, verdict) in [("natively", &row.native), ("QEMU", &row.qemu)] {
        if let Some(verdict) = verdict {
            let _ = write!(ends, "; {who}: {}", said(verdict));
        }
    }
    ends
}

fn said(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Passed => "passes".to_owned(),
        Verdict::Partly(1) => "passes without one part".to_owned(),
        Verdict::Partly(parts) => format!("passes without {parts} parts"),
        Verdict::Skipped => "skips".to_owned(),
        Verdict::Foreign => "not for the guest".to_owned(),
        Verdict::Failed(how) => how.clone(),
    }
}
