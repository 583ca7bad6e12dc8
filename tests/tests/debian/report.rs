//! What came out of the long runs, kept in a page of `tests/results` for each guest: each
//! case's last outcome, with its date; the machines and versions by date; each
//! failure with the reason that `known.txt` gives.
//!
//! A run need not be of everything: it puts its rows in place of those that
//! the page has of the same cases, and leaves the others. So the page is read
//! first; what it says is what [`Page::text`] wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::{DebianRoot, product, run};

use super::case::{self, Case};

/// How one way of running a case came out.
#[derive(Debug)]
pub(crate) enum Way {
    /// It was not tried.
    NotRun,
    /// What the programs do natively is not the same that way, either.
    NativelyNot,
    /// It prints what amd64 prints.
    Same,
    /// It differs in this.
    Differs(String),
}

impl From<Option<String>> for Way {
    fn from(difference: Option<String>) -> Way {
        difference.map_or(Way::Same, Way::Differs)
    }
}

const NOT_RUN: &str = "not run";

impl Way {
    /// What the page says of it, which has `before` from an earlier run of that date. A way that
    /// was not tried this time keeps its last result, with the date.
    fn cell(&self, before: &str, date: &str) -> String {
        match self {
            Way::NotRun if before.is_empty() || before == NOT_RUN => NOT_RUN.to_owned(),
            Way::NotRun if before.contains(", ") => before.to_owned(),
            Way::NotRun => format!("{before}, {date}"),
            Way::NativelyNot => "natively not".to_owned(),
            Way::Same => "same".to_owned(),
            Way::Differs(_) => "differs".to_owned(),
        }
    }
}

/// A cell without the date that it may have.
fn undated(cell: &str) -> &str {
    cell.split(", ").next().unwrap_or_default()
}

/// How one case came out in one release.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How many lines were compared.
    pub(crate) lines: usize,
    /// How long it took on the engine.
    pub(crate) seconds: u64,
    /// On the engine.
    pub(crate) engine: Way,
    /// With the storm of signals.
    pub(crate) storm: Way,
    /// On QEMU.
    pub(crate) qemu: Way,
}

/// What the page says of a case in a release, and why it differs.
#[derive(Debug, Default)]
struct Row {
    /// Lines, seconds, engine, storm, QEMU, date.
    cells: [String; 6],
    reasons: Vec<String>,
}

impl Row {
    /// When its ways were run.
    fn dates(&self) -> impl Iterator<Item = &str> {
        let of_ways = self.cells[2..5]
            .iter()
            .filter_map(|cell| Some(cell.split_once(", ")?.1));
        of_ways.chain([self.cells[5].as_str()])
    }
}

/// The page, by release and case.
#[derive(Debug, Default)]
struct Page {
    rows: BTreeMap<(String, String), Row>,
    /// Machine and versions by date.
    runs: BTreeMap<String, String>,
    /// How a release's userland was made.
    made: BTreeMap<String, String>,
}

/// How a page begins.
fn title([native, foreign]: [&str; 2]) -> String {
    let either = if native == "i386" {
        " A line that differs from i386's counts as the same where it is amd64's: i386 computes in 80 bits."
    } else {
        ""
    };
    format!(
        "# Debian for {foreign}, compared with Debian for {native}\n\n\
        Written by `ARMISTICE_LONG=1 cargo test -p e2e --test debian on_{native}`.\n\n\
        *Same*: output and exit are the same to the byte.{either} *Storm*: the same with SIGALRM at random \
        microseconds in every program; *natively not*: where the storm changes it on {native}, too.\n"
    )
}

const HEAD: &str = "| release | case | lines | seconds | engine | storm | QEMU | date |\n\
    | --- | --- | --- | --- | --- | --- | --- | --- |\n";

impl Page {
    fn path(name: &str) -> PathBuf {
        product::workspace().join("tests/results").join(name)
    }

    fn read(text: &str) -> Page {
        let mut page = Page::default();
        for line in text.lines() {
            if let Some(row) = line
                .strip_prefix("| ")
                .and_then(|line| line.strip_suffix(" |"))
            {
                let cells: Vec<&str> = row.split(" | ").collect();
                if let [release, case, rest @ ..] = &cells[..]
                    && let Ok(cells) = <[&str; 6]>::try_from(rest)
                    && cells[0].parse::<usize>().is_ok()
                {
                    let row = page.row(release, case);
                    row.cells = cells.map(str::to_owned);
                }
            } else if let Some((of, what)) = line
                .strip_prefix("- ")
                .and_then(|line| line.split_once(": "))
            {
                match of.split(' ').collect::<Vec<_>>()[..] {
                    ["run", date] => drop(page.runs.insert(date.to_owned(), what.to_owned())),
                    ["made", release] => {
                        drop(page.made.insert(release.to_owned(), what.to_owned()));
                    }
                    [release, case, _] => page.row(release, case).reasons.push(line.to_owned()),
                    _ => {}
                }
            }
        }
        page
    }

    fn row(&mut self, release: &str, case: &str) -> &mut Row {
        self.rows
            .entry((release.to_owned(), case.to_owned()))
            .or_default()
    }

    fn text(&self, names: [&str; 2]) -> String {
        let mut text = format!("{}\n", title(names));
        let dates: BTreeSet<&str> = self.rows.values().flat_map(Row::dates).collect();
        let named = |(date, _): &(&String, &String)| dates.contains(date.as_str());
        for (date, what) in self.runs.iter().filter(named) {
            let _ = writeln!(text, "- run {date}: {what}");
        }
        for (release, what) in &self.made {
            let _ = writeln!(text, "- made {release}: {what}");
        }
        let count = |column: usize| {
            let cells = || self.rows.values().map(|row| row.cells[column].as_str());
            let same = cells().filter(|&cell| undated(cell) == "same").count();
            let all = same + cells().filter(|&cell| undated(cell) == "differs").count();
            format!("{same} of {all}")
        };
        let _ = writeln!(
            text,
            "\nSame: {} on the engine, {} in the storm, {} on QEMU.\n",
            count(2),
            count(3),
            count(4)
        );
        text += HEAD;
        for ((release, case), row) in &self.rows {
            let _ = writeln!(text, "| {release} | {case} | {} |", row.cells.join(" | "));
        }
        text += "\n## What differs\n\n";
        let reasons: Vec<&str> = self
            .rows
            .values()
            .flat_map(|row| &row.reasons)
            .map(String::as_str)
            .collect();
        text += &if reasons.is_empty() {
            "Nothing.".to_owned()
        } else {
            reasons.join("\n")
        };
        text + "\n"
    }
}

/// The report as it grows.
#[derive(Debug)]
pub(crate) struct Report {
    name: &'static str,
    names: [&'static str; 2],
    page: Page,
    date: String,
    unknown: Vec<String>,
    differences: String,
}

impl Report {
    /// Of the page of this name, with Debian's names of this machine and the guest.
    pub(crate) fn new(
        name: &'static str,
        names: [&'static str; 2],
        engine: &Path,
        qemu: &Path,
    ) -> Report {
        let first = |program: &Path| {
            let said = run(Command::new(program).arg("--version")).ok().stdout;
            said.lines().next().unwrap_or_default().to_owned()
        };
        let host = |script: &str| {
            let said = run(Command::new("sh").args(["-c", script])).stdout;
            said.trim().to_owned()
        };
        let mut page = Page::read(&fs::read_to_string(Page::path(name)).unwrap_or_default());
        let date = host("date -u +%F");
        let what = format!(
            "{} with {} processors, Linux {}; {}; {}",
            host("sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1"),
            host("nproc"),
            host("uname -r | cut -d- -f1"),
            first(engine),
            first(qemu),
        );
        page.runs.insert(date.clone(), what);
        Report {
            name,
            names,
            page,
            date,
            unknown: Vec::new(),
            differences: String::new(),
        }
    }

    /// A userland that was made on the engine.
    pub(crate) fn userland(&mut self, root: &DebianRoot) {
        let made = root.made.as_ref();
        let took = made
            .and_then(|made| made.stderr.lines().last())
            .unwrap_or_default();
        let what = format!("on the engine by mmdebstrap, with all maintainer scripts: `{took}`");
        self.page.made.insert(root.suite.clone(), what);
    }

    pub(crate) fn case(&mut self, suite: &str, case: &Case, outcome: &Outcome) {
        let row = self.page.row(suite, &case.name);
        let [_, _, engine, storm, qemu, date] = &row.cells;
        row.cells = [
            outcome.lines.to_string(),
            outcome.seconds.to_string(),
            outcome.engine.cell(engine, date),
            outcome.storm.cell(storm, date),
            outcome.qemu.cell(qemu, date),
            self.date.clone(),
        ];
        let ways = [
            ("engine", &outcome.engine),
            ("storm", &outcome.storm),
            ("qemu", &outcome.qemu),
        ];
        for (way, outcome) in ways {
            if !matches!(outcome, Way::NotRun) {
                let of_way = format!("- {suite} {} {way}: ", case.name);
                row.reasons.retain(|reason| !reason.starts_with(&of_way));
            }
            let Way::Differs(difference) = outcome else {
                continue;
            };
            let reason = reason(suite, &case.name, way);
            if reason.is_none() && way != "qemu" {
                self.unknown.push(format!("{suite} ({way}) {difference}"));
            }
            let unexplained = if way == "qemu" {
                ""
            } else {
                "**without a reason** "
            };
            row.reasons.push(format!(
                "- {suite} {} {way}: {}",
                case.name,
                reason.unwrap_or_else(|| format!("{unexplained}{}", in_a_line(difference)))
            ));
            let _ = writeln!(self.differences, "{suite} ({way}) {difference}");
        }
        // As it grows: a run of hours shows what it found so far.
        self.write();
    }

    /// Fails where the engine did and no reason is known.
    pub(crate) fn finish(self) {
        assert!(self.unknown.is_empty(), "{}", self.unknown.join("\n"));
    }

    fn write(&self) {
        let path = Page::path(self.name);
        let folder = path.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).expect("the workspace can be written");
        fs::write(&path, self.page.text(self.names)).expect("the workspace can be written");
        let all = product::target_dir().join("debian-differences.txt");
        fs::write(all, &self.differences).expect("target can be written");
    }
}

/// A difference in a line: where, and the first lines that differ.
fn in_a_line(difference: &str) -> String {
    let mut lines = difference.lines();
    let mut text = lines.next().unwrap_or_default().to_owned();
    while let (Some(side), Some(line)) = (lines.find(|line| line.starts_with("  on")), lines.next())
    {
        let _ = write!(text, "{side} `{}`;", line.trim());
    }
    text
}

/// What `known.txt` says of it: lines of `RELEASE CASE WAY: REASON`.
fn reason(suite: &str, case: &str, way: &str) -> Option<String> {
    let text = fs::read_to_string(case::folder().join("known.txt")).ok()?;
    text.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(what, _)| *what == format!("{suite} {case} {way}"))
        .map(|(_, reason)| reason.to_owned())
}

/// A run of one way keeps what is known of the others, and of when.
#[test]
fn a_way_that_was_not_run_keeps_its_last_result_with_the_date() {
    let cell = |before| Way::NotRun.cell(before, "2026-11-25");
    assert_eq!(cell(""), "not run");
    assert_eq!(cell("not run"), "not run");
    assert_eq!(cell("same"), "same, 2026-11-25");
    assert_eq!(cell("natively not, 2026-11-24"), "natively not, 2026-11-24");
    assert_eq!(Way::Same.cell("differs", "2026-11-25"), "same");
    let row = Row {
        cells: [
            "1",
            "1",
            "same",
            "same, 2026-11-24",
            "not run",
            "2026-11-26",
        ]
        .map(str::to_owned),
        reasons: Vec::new(),
    };
    assert_eq!(
        row.dates().collect::<Vec<_>>(),
        ["2026-11-24", "2026-11-26"]
    );
}

/// What is read is what was written, so that a run of some cases keeps what is
/// known of the others.
#[test]
fn the_page_of_results_is_read_as_it_was_written() {
    let path = Page::path("debian.md");
    let text = fs::read_to_string(path).expect("the results are in the repository");
    let page = Page::read(&text);
    assert!(page.rows.len() > 20);
    assert_eq!(page.text(["amd64", "arm64"]), text);
}
