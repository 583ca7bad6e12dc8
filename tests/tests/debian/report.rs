//! What came out of the long run, kept in `tests/results/debian.md`: versions,
//! machine, counts; each failure with the reason that `known.txt` gives.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use e2e::{DebianRoot, product, run};

use super::case::{self, Case};

/// How one case came out in one release.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How many lines were compared.
    pub(crate) lines: usize,
    /// How long it took on the engine.
    pub(crate) seconds: u64,
    /// What differed on the engine.
    pub(crate) engine: Option<String>,
    /// What differed with the storm; nothing where the storm changes what the
    /// programs do on amd64, too.
    pub(crate) storm: Option<Option<String>>,
    /// What differed on QEMU.
    pub(crate) qemu: Option<String>,
}

/// The report as it grows.
#[derive(Debug)]
pub(crate) struct Report {
    head: String,
    rows: String,
    reasons: String,
    unknown: Vec<String>,
    differences: String,
    counts: [[usize; 2]; 3],
}

impl Report {
    pub(crate) fn new(engine: &Path, qemu: &Path) -> Report {
        let first = |program: &Path| {
            let said = run(Command::new(program).arg("--version")).ok().stdout;
            said.lines().next().unwrap_or_default().to_owned()
        };
        let host = |script: &str| run(Command::new("sh").args(["-c", script])).stdout;
        Report {
            head: format!(
                "# Debian for arm64, compared with Debian for amd64\n\n\
                 Written by `ARMISTICE_LONG=1 cargo test -p e2e --test debian on_amd64` on {}: {} with {} processors, Linux {}.\n\
                 {}; {}.\n\n\
                 *Same*: output and exit are the same to the byte. *Storm*: the same with SIGALRM at random \
                 microseconds in every program; *natively not*: where the storm changes it on amd64, too.\n\n",
                host("date -u +%F").trim(),
                host("sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1").trim(),
                host("nproc").trim(),
                host("uname -r | cut -d- -f1").trim(),
                first(engine),
                first(qemu),
            ),
            rows: "| release | case | lines | seconds | engine | storm | QEMU |\n| --- | --- | --- | --- | --- | --- | --- |\n".to_owned(),
            reasons: String::new(),
            unknown: Vec::new(),
            differences: String::new(),
            counts: [[0; 2]; 3],
        }
    }

    /// A userland that was made on the engine.
    pub(crate) fn userland(&mut self, root: &DebianRoot) {
        let took = root.made.stderr.lines().last().unwrap_or_default();
        let _ = writeln!(
            self.head,
            "- {} was made on the engine by mmdebstrap, with all maintainer scripts: `{took}`",
            root.suite
        );
    }

    pub(crate) fn case(&mut self, suite: &str, case: &Case, outcome: &Outcome) {
        let says = |difference: &Option<String>| match difference {
            None => "same",
            Some(_) => "differs",
        };
        let storm = outcome.storm.as_ref().map_or("natively not", says);
        let _ = writeln!(
            self.rows,
            "| {suite} | {} | {} | {} | {} | {storm} | {} |",
            case.name,
            outcome.lines,
            outcome.seconds,
            says(&outcome.engine),
            says(&outcome.qemu)
        );
        let ways = [
            ("engine", Some(&outcome.engine)),
            ("storm", outcome.storm.as_ref()),
            ("qemu", Some(&outcome.qemu)),
        ];
        for (counts, (way, difference)) in self.counts.iter_mut().zip(ways) {
            let Some(difference) = difference else {
                continue;
            };
            counts[usize::from(difference.is_some())] += 1;
            let Some(difference) = difference else {
                continue;
            };
            match reason(suite, &case.name, way) {
                Some(reason) => {
                    let _ = writeln!(self.reasons, "- {suite} {} ({way}): {reason}", case.name);
                }
                None if way == "qemu" => {
                    let _ = writeln!(self.reasons, "- {suite} (qemu) {}", in_a_line(difference));
                }
                None => self.unknown.push(format!("{suite} ({way}) {difference}")),
            }
            let _ = writeln!(self.differences, "{suite} ({way}) {difference}");
        }
        // As it grows: a run of an hour shows what it found so far.
        self.write();
    }

    /// Fails where the engine did and no reason is known.
    pub(crate) fn finish(self) {
        assert!(self.unknown.is_empty(), "{}", self.unknown.join("\n"));
    }

    fn write(&self) {
        let [engine, storm, qemu] = self.counts;
        let folder = product::workspace().join("tests/results");
        fs::create_dir_all(&folder).expect("the workspace can be written");
        let text = format!(
            "{}\nSame: {} of {} on the engine, {} of {} in the storm, {} of {} on QEMU.\n\n{}\n## What differs\n\n{}{}",
            self.head,
            engine[0],
            engine[0] + engine[1],
            storm[0],
            storm[0] + storm[1],
            qemu[0],
            qemu[0] + qemu[1],
            self.rows,
            if self.reasons.is_empty() {
                "Nothing.\n"
            } else {
                &self.reasons
            },
            self.unknown
                .iter()
                .map(|difference| format!("- **without a reason**: {}\n", in_a_line(difference)))
                .collect::<String>()
        );
        fs::write(folder.join("debian.md"), text).expect("the workspace can be written");
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
