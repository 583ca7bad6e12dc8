//! What came out, kept in `tests/results/machine.md`: each check of the story by
//! release, what the machines were made of, and what failed. A run of some
//! releases leaves what the page says of the others.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use e2e::machine::RELEASES;
use e2e::product;

/// The page. A cell is a word, `worked` or `failed`, and the time it took.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The checks in the story's order.
    checks: Vec<String>,
    /// By release.
    columns: BTreeMap<String, Column>,
    failures: String,
}

#[derive(Debug, Default)]
struct Column {
    versions: String,
    cells: BTreeMap<String, String>,
}

const TITLE: &str = "# A machine of its own\n\n\
    Written by `cargo xtask machine --long`: what `tests/tests/machine/story.rs` says, in virtual \
    machines with each release's own kernel, systemd and Docker.\n\n";

impl Page {
    /// These will be made, in this order: what is not reached is `not run`.
    pub(crate) fn expect<'c>(&mut self, checks: impl IntoIterator<Item = &'c str>) {
        self.checks = checks.into_iter().map(str::to_owned).collect();
    }

    /// A release's column begins.
    pub(crate) fn begin(&mut self, release: &str, versions: &str) {
        let date = e2e::run(std::process::Command::new("date").arg("+%Y-%m-%d")).ok();
        let column = Column {
            versions: format!(
                "{versions}; {}; {}",
                e2e::machine::host(),
                date.stdout.trim()
            ),
            cells: BTreeMap::new(),
        };
        self.columns.insert(release.to_owned(), column);
    }

    /// How a check came out, one that was expected or not.
    pub(crate) fn note(
        &mut self,
        release: &str,
        what: &str,
        took: Duration,
        failure: Option<String>,
    ) {
        if !self.checks.iter().any(|check| check == what) {
            self.checks.push(what.to_owned());
        }
        let word = if failure.is_some() {
            "failed"
        } else {
            "worked"
        };
        let column = self.columns.entry(release.to_owned()).or_default();
        let cell = format!("{word}, {} s", took.as_secs());
        column.cells.insert(what.to_owned(), cell);
        if let Some(failure) = failure {
            let _ = writeln!(self.failures, "{release}: {what}:\n{failure}\n");
        }
    }

    /// All that failed; nothing where all worked.
    pub(crate) fn failures(&self) -> &str {
        &self.failures
    }

    /// Puts this run's columns in the place of those that the page has.
    pub(crate) fn write(&mut self) {
        let path = path();
        for (release, column) in read(&fs::read_to_string(&path).unwrap_or_default()) {
            self.columns.entry(release).or_insert(column);
        }
        fs::write(path, self.text()).expect("tests/results can be written to");
    }

    fn text(&self) -> String {
        let releases: Vec<_> = RELEASES
            .iter()
            .filter_map(|release| Some((release.suite, self.columns.get(release.suite)?)))
            .collect();
        let mut text = TITLE.to_owned();
        for (name, column) in &releases {
            let _ = writeln!(text, "- {name}: {}", column.versions);
        }
        let names: Vec<_> = releases.iter().map(|(name, _)| *name).collect();
        let _ = writeln!(text, "\n| check | {} |", names.join(" | "));
        let _ = writeln!(text, "| --- |{}", " --- |".repeat(names.len()));
        for check in &self.checks {
            let cells: Vec<_> = releases
                .iter()
                .map(|(_, column)| column.cells.get(check).map_or("not run", String::as_str))
                .collect();
            let _ = writeln!(text, "| {check} | {} |", cells.join(" | "));
        }
        text
    }
}

fn path() -> PathBuf {
    product::workspace().join("tests/results/machine.md")
}

/// What [`Page::text`] wrote.
fn read(text: &str) -> BTreeMap<String, Column> {
    let mut columns: BTreeMap<String, Column> = BTreeMap::new();
    let mut names: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some((name, versions)) = line.strip_prefix("- ").and_then(|l| l.split_once(": ")) {
            let column = columns.entry(name.to_owned()).or_default();
            versions.clone_into(&mut column.versions);
        }
        let cells = line.strip_prefix("| ").and_then(|l| l.strip_suffix(" |"));
        let Some(cells) = cells else { continue };
        let mut cells = cells.split(" | ").map(str::to_owned);
        match cells.next().as_deref() {
            Some("check") => names = cells.collect(),
            Some("---") | None => {}
            Some(check) => {
                for (name, cell) in names.iter().zip(cells) {
                    let column = columns.entry(name.clone()).or_default();
                    column.cells.insert(check.to_owned(), cell);
                }
            }
        }
    }
    columns
}

#[test]
fn what_the_page_says_of_other_releases_stays() {
    let mut page = Page::default();
    page.begin("bullseye", "Linux 5.10");
    page.note("bullseye", "it works", Duration::from_secs(7), None);
    let failure = Some("slow".to_owned());
    page.note("bullseye", "it is quick", Duration::from_secs(70), failure);
    let text = page.text();
    assert!(text.contains("| it is quick | failed, 70 s |"), "{text}");
    let again = Page {
        checks: page.checks.clone(),
        columns: read(&text),
        failures: String::new(),
    };
    assert_eq!(again.text(), text);
}
