//! `cargo xtask bench-engine`: the engine beside native code and QEMU.
//!
//! The kernels of benches/engine are compiled for both machines by the same
//! compiler at the same level. All candidates run in turn, round by round, so
//! that noise hits all alike, and every run's checksum must be native's.
//! Translating is measured by a program whose code runs once
//! ([`generated`](crate::generated)), starting by one that does nothing.
//! The result is benches/results/engine.md, with the machine named.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use e2e::product;

use crate::step::{cargo, run};
use crate::{generated, setup};

/// How to say what is wanted.
pub(crate) const USAGE: &str = "bench-engine [--quick] [--only GROUP|KERNEL]";

/// A program of benches/engine, and the level it is compiled at.
struct Group {
    name: &'static str,
    level: &'static str,
    title: &'static str,
}

const GROUPS: [Group; 5] = [
    Group {
        name: "integer",
        level: "-O2",
        title: "Integer, of CoreMark's kinds",
    },
    Group {
        name: "calls",
        level: "-O2",
        title: "Calls and indirect branches",
    },
    Group {
        name: "float",
        level: "-O3",
        title: "Floating point",
    },
    Group {
        name: "simd",
        level: "-O3",
        title: "SIMD on integers",
    },
    Group {
        name: "strings",
        level: "-O2",
        title: "String functions of glibc",
    },
];

/// How often each is measured; the median counts.
const ROUNDS: usize = 5;
/// The same of starts, which are short.
const STARTS: usize = 200;

/// Who runs a program.
const NATIVE: usize = 0;
const QEMU: usize = 1;
const INSTALLED: usize = 2;
const OURS: usize = 3;
const CANDIDATES: usize = 4;

/// A program for both machines.
struct Program {
    native: PathBuf,
    guest: PathBuf,
}

/// The candidates' emulators; native code needs none.
struct Machines {
    emulators: [Option<PathBuf>; CANDIDATES],
}

/// What one run printed, or how it failed.
type Outcome = Result<String, String>;

impl Machines {
    fn command(&self, candidate: usize, program: &Program) -> Command {
        match &self.emulators[candidate] {
            None => Command::new(&program.native),
            Some(emulator) => {
                let mut command = Command::new(emulator);
                command.arg(&program.guest);
                command
            }
        }
    }

    /// Runs a program once: seconds, and what it printed.
    fn time(&self, candidate: usize, program: &Program, args: &[&str]) -> Result<(f64, Outcome)> {
        let mut command = self.command(candidate, program);
        command.args(args).stdin(Stdio::null());
        let started = Instant::now();
        let output = command.output()?;
        let seconds = started.elapsed().as_secs_f64();
        let outcome = if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("{}; {}", output.status, said.trim()))
        };
        Ok((seconds, outcome))
    }
}

/// The times of one thing, by candidate.
struct Measured {
    name: String,
    seconds: [Vec<f64>; CANDIDATES],
    /// Whose runs did not all print what native code does.
    failed: [bool; CANDIDATES],
    /// What went wrong, for the page and the exit code.
    wrong: Vec<String>,
}

impl Measured {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            seconds: Default::default(),
            failed: [false; CANDIDATES],
            wrong: Vec::new(),
        }
    }

    /// One round: every candidate once; native's answer is the measure.
    fn round(&mut self, machines: &Machines, program: &Program, args: &[&str]) -> Result<()> {
        let mut expected = None;
        for (candidate, who) in CANDIDATE_NAMES.iter().enumerate() {
            let (seconds, outcome) = machines.time(candidate, program, args)?;
            let expected = expected.get_or_insert_with(|| outcome.clone());
            if outcome.is_ok() && outcome == *expected {
                self.seconds[candidate].push(seconds);
                continue;
            }
            self.failed[candidate] = true;
            let what = match outcome {
                Ok(text) => format!("prints {}", text.trim()),
                Err(error) => error,
            };
            let line = format!("{}, {who}: {what}", self.name);
            if !self.wrong.contains(&line) {
                self.wrong.push(line);
            }
        }
        Ok(())
    }

    /// A candidate's median, unless a run of it failed.
    fn median(&self, candidate: usize) -> Option<f64> {
        if self.failed[candidate] {
            return None;
        }
        median(&self.seconds[candidate])
    }

    fn ratio(&self, over: usize, under: usize) -> Option<f64> {
        Some(self.median(over)? / self.median(under)?)
    }
}

const CANDIDATE_NAMES: [&str; CANDIDATES] = ["native", "newest QEMU", "installed QEMU", "ours"];

/// What the page shows beside the times: who over whom.
const RATIOS: [(usize, usize); 3] = [(QEMU, OURS), (INSTALLED, OURS), (OURS, NATIVE)];

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

fn geometric_mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let count = u32::try_from(values.len()).ok()?;
    Some((values.iter().map(|v| v.ln()).sum::<f64>() / f64::from(count)).exp())
}

/// What is wanted.
#[derive(Default)]
struct Wanted<'a> {
    quick: bool,
    only: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn read(args: &[&'a str]) -> Result<Self> {
        let mut wanted = Self::default();
        let mut args = args.iter();
        while let Some(&arg) = args.next() {
            match arg {
                "--quick" => wanted.quick = true,
                "--only" => wanted.only = Some(args.next().context("--only wants a name")?),
                _ => bail!("no option {arg}; usage: cargo xtask {USAGE}"),
            }
        }
        Ok(wanted)
    }

    /// Whether a kernel of a group was asked for.
    fn has(&self, group: &str, kernel: &str) -> bool {
        self.only.is_none_or(|only| {
            only == group || only == kernel || only == format!("{group}/{kernel}")
        })
    }

    fn rounds(&self) -> usize {
        if self.quick { 1 } else { ROUNDS }
    }
}

/// Measures; writes the page when all was measured in full.
///
/// # Errors
/// Where something is missing, or a candidate fails or prints something else
/// than native code does.
pub(crate) fn bench(args: &[&str]) -> Result<()> {
    let wanted = Wanted::read(args)?;
    setup::install(&[setup::QUICK])?;
    run(&mut cargo(&[
        "build",
        "--release",
        "--package",
        "armistice-engine",
    ]))?;
    let engine = product::target_dir().join("x86_64-unknown-linux-gnu/release/armistice-aarch64");
    let installed = e2e::need::find("qemu-aarch64-static").context("qemu-aarch64-static")?;
    let machines = Machines {
        emulators: [
            None,
            Some(setup::newest_qemu()?),
            Some(installed),
            Some(engine),
        ],
    };
    let folder = product::target_dir().join("bench-engine");
    fs::create_dir_all(&folder)?;
    let mut page = head(&machines, wanted.rounds())?;
    let mut wrong = Vec::new();
    let mut means = Vec::new();
    for group in &GROUPS {
        let measured = kernels(group, &wanted, &machines, &folder)?;
        if measured.is_empty() {
            continue;
        }
        let table = table(&measured);
        println!("\n{}\n\n{table}", group.title);
        write!(page, "\n## {} ({})\n\n{table}", group.title, group.level)?;
        means.push((group.title, group_means(&measured)));
        wrong.extend(measured.into_iter().flat_map(|m| m.wrong));
    }
    if wanted.has("translate", "generated") || wanted.has("start", "empty") {
        let start = start(&wanted, &machines, &folder)?;
        let translate = translate(&wanted, &machines, &folder, &start)?;
        for (text, measured) in [translate, (start_table(&start)?, start)] {
            println!("\n{text}");
            write!(page, "\n{text}")?;
            wrong.extend(measured.wrong);
        }
    }
    write!(page, "\n{}", summary(&means)?)?;
    println!("\n{}", summary(&means)?);
    for line in &wrong {
        writeln!(page, "\n**Wrong:** {line}")?;
    }
    if wanted.only.is_none() && !wanted.quick {
        fs::write(
            product::workspace().join("benches/results/engine.md"),
            &page,
        )?;
        println!("Written to benches/results/engine.md");
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("not all answers are right:\n  {}", wrong.join("\n  "))
}

/// Compiles a group and measures what is wanted of it.
fn kernels(
    group: &Group,
    wanted: &Wanted<'_>,
    machines: &Machines,
    folder: &Path,
) -> Result<Vec<Measured>> {
    let source = product::workspace().join(format!("benches/engine/{}.c", group.name));
    let program = compile(folder, group.name, &source, group.level)?;
    let names = Command::new(&program.native).output()?.stdout;
    let names = String::from_utf8(names)?;
    let names: Vec<&str> = names
        .lines()
        .filter(|k| wanted.has(group.name, k))
        .collect();
    let mut measured: Vec<Measured> = names.iter().map(|name| Measured::new(name)).collect();
    for round in 1..=wanted.rounds() {
        for kernel in &mut measured {
            eprintln!("{}/{} {round}", group.name, kernel.name);
            let name = kernel.name.clone();
            kernel.round(machines, &program, &[&name])?;
        }
    }
    Ok(measured)
}

/// Compiles a source for both machines, with the same flags.
fn compile(folder: &Path, name: &str, source: &Path, level: &str) -> Result<Program> {
    let program = Program {
        native: folder.join(format!("{name}.native")),
        guest: folder.join(format!("{name}.aarch64")),
    };
    for (compiler, to) in [
        ("gcc", &program.native),
        ("aarch64-linux-gnu-gcc", &program.guest),
    ] {
        let status = Command::new(compiler)
            .args([level, "-static", "-ffp-contract=off", "-w", "-o"])
            .arg(to)
            .arg(source)
            .arg("-lm")
            .status()
            .with_context(|| format!("can't start {compiler}"))?;
        if !status.success() {
            bail!("{compiler} fails on {name}");
        }
    }
    Ok(program)
}

/// A program that does nothing, started often.
fn start(wanted: &Wanted<'_>, machines: &Machines, folder: &Path) -> Result<Measured> {
    let source = folder.join("empty.c");
    fs::write(&source, "int main(void) { return 0; }\n")?;
    let program = compile(folder, "empty", &source, "-O2")?;
    let mut measured = Measured::new("empty");
    let rounds = if wanted.quick { STARTS / 10 } else { STARTS };
    for _ in 0..rounds {
        measured.round(machines, &program, &[])?;
    }
    Ok(measured)
}

fn start_table(start: &Measured) -> Result<String> {
    let mut text = String::from(
        "## Starting\n\nA static program that does nothing, from its start to its end; medians.\n\n\
         | native µs | newest QEMU µs | installed QEMU µs | ours µs | newest/ours | ours/native |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: |\n|",
    );
    for candidate in 0..CANDIDATES {
        write!(
            text,
            " {} |",
            number(start.median(candidate).map(|s| s * 1e6), 0)
        )?;
    }
    for (over, under) in [(QEMU, OURS), (OURS, NATIVE)] {
        write!(text, " {} |", number(start.ratio(over, under), 2))?;
    }
    text.push('\n');
    Ok(text)
}

/// Code that runs once: how fast it is translated.
fn translate(
    wanted: &Wanted<'_>,
    machines: &Machines,
    folder: &Path,
    start: &Measured,
) -> Result<(String, Measured)> {
    let mut measured = Measured::new("generated");
    let program = Program {
        native: folder.join("generated.native"),
        guest: folder.join("generated.aarch64"),
    };
    generated::build(folder, "", &program.native)?;
    generated::build(folder, "aarch64-linux-gnu-", &program.guest)?;
    for _ in 0..wanted.rounds() {
        measured.round(machines, &program, &[])?;
    }
    let mut text = String::from(
        "## Translating\n\nA program of generated functions that each run once. The time is the whole \
         run's without the start of an empty program's; the guest code is what ours translated, \
         for all.\n\n",
    );
    let Some(instructions) = translated(machines, &program)? else {
        text.push_str("Ours fails.\n");
        return Ok((text, measured));
    };
    let megabytes = f64::from(instructions) * 4.0 / 1e6;
    writeln!(
        text,
        "Guest code: {megabytes:.2} MB, {instructions} instructions.\n\n\
         | who | ms | MB of guest code a second |\n| --- | ---: | ---: |"
    )?;
    for (candidate, who) in CANDIDATE_NAMES.iter().enumerate() {
        let seconds = measured
            .median(candidate)
            .zip(start.median(candidate))
            .map(|(all, start)| all - start);
        let speed = seconds.map(|seconds| megabytes / seconds);
        writeln!(
            text,
            "| {who} | {} | {} |",
            number(seconds.map(|s| s * 1e3), 1),
            number(speed.filter(|_| candidate != NATIVE), 1),
        )?;
    }
    Ok((text, measured))
}

/// How many guest instructions ours translates for a program: the third
/// column of its counters.
fn translated(machines: &Machines, program: &Program) -> Result<Option<u32>> {
    let engine = machines.emulators[OURS].as_ref().context("the engine")?;
    let output = Command::new(engine)
        .arg("--counters")
        .arg(&program.guest)
        .output()?;
    if !output.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8(output.stderr)?;
    let mut sum = 0;
    for line in text.lines().skip(2) {
        let column = line.split_whitespace().nth(2).context("a column")?;
        sum += column.parse::<u32>().context("the counters' table")?;
    }
    Ok(Some(sum))
}

/// The machine, the versions, and what the columns mean.
fn head(machines: &Machines, rounds: usize) -> Result<String> {
    let line = |command: &mut Command| -> Result<String> {
        let text = String::from_utf8(command.output()?.stdout)?;
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    };
    let version = |candidate: usize| -> Result<String> {
        let emulator = machines.emulators[candidate]
            .as_ref()
            .context("an emulator")?;
        line(Command::new(emulator).arg("--version"))
    };
    let sh = |script: &str| line(Command::new("sh").args(["-c", script]));
    Ok(format!(
        "# The engine: figures\n\n\
         Machine: {}, {} cores, Linux {}, {}. Made by `cargo xtask bench-engine`.\n\n\
         Newest QEMU: {}. Installed QEMU: {}. Ours: {}. Both with their default CPU.\n\n\
         Compilers: {} and {}, `-static -ffp-contract=off` and the level that each table names, \
         for plain x86-64 (SSE2) and plain Armv8.0; where a kernel needs more (SSSE3 for the \
         table, FMA for the fused product, DotProd for simd's dot), its function says so. \
         glibc chooses its string functions by the machine it finds.\n\n\
         Times are of the whole process, in milliseconds; medians of {rounds} rounds, in which all \
         candidates run in turn. What is printed is compared with what native code prints. QEMU/ours: how many times ours is \
         faster; ours/native: how many times it is slower than native code.\n",
        sh("grep -m1 'model name' /proc/cpuinfo | cut -d: -f2")?,
        sh("nproc")?,
        sh("uname -r | cut -d- -f1")?,
        sh(". /etc/os-release; echo $PRETTY_NAME")?,
        version(QEMU)?,
        version(INSTALLED)?,
        version(OURS)?,
        line(Command::new("gcc").arg("--version"))?,
        line(Command::new("aarch64-linux-gnu-gcc").arg("--version"))?,
    ))
}

/// A group's table, with the geometric means of the ratios at its end.
fn table(measured: &[Measured]) -> String {
    let mut text = String::from(
        "| kernel | native | newest QEMU | installed QEMU | ours | newest/ours | installed/ours | ours/native |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for kernel in measured {
        let _ = write!(text, "| {} |", kernel.name);
        for candidate in 0..CANDIDATES {
            let _ = write!(
                text,
                " {} |",
                number(kernel.median(candidate).map(|s| s * 1e3), 1)
            );
        }
        for (over, under) in RATIOS {
            let _ = write!(text, " {} |", number(kernel.ratio(over, under), 2));
        }
        text.push('\n');
    }
    text.push_str("| **geometric mean** | | | | |");
    for mean in group_means(measured) {
        let _ = write!(text, " **{}** |", number(mean, 2));
    }
    text.push('\n');
    text
}

/// The geometric means of the ratios of what has not failed.
fn group_means(measured: &[Measured]) -> [Option<f64>; RATIOS.len()] {
    RATIOS.map(|(over, under)| {
        let ratios: Vec<f64> = measured
            .iter()
            .filter_map(|m| m.ratio(over, under))
            .collect();
        geometric_mean(&ratios)
    })
}

/// The groups' means.
fn summary(means: &[(&str, [Option<f64>; RATIOS.len()])]) -> Result<String> {
    let mut text = String::from(
        "## Geometric means\n\n| group | newest/ours | installed/ours | ours/native |\n\
         | --- | ---: | ---: | ---: |\n",
    );
    for (title, ratios) in means {
        write!(text, "| {title} |")?;
        for &ratio in ratios {
            write!(text, " {} |", number(ratio, 2))?;
        }
        text.push('\n');
    }
    Ok(text)
}

/// A cell; a dash where there is no value.
fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_of_what_there_is() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[]), None);
        let mean = geometric_mean(&[2.0, 8.0]).unwrap_or_default();
        assert!((mean - 4.0).abs() < 1e-12);
        assert_eq!(geometric_mean(&[]), None);
    }

    #[test]
    fn a_failure_has_no_time() {
        let mut measured = Measured::new("fib");
        measured.seconds[OURS].push(1.0);
        measured.seconds[QEMU].push(3.0);
        assert_eq!(measured.ratio(QEMU, OURS), Some(3.0));
        measured.failed[OURS] = true;
        assert_eq!(measured.ratio(QEMU, OURS), None);
        assert!(table(&[measured]).contains("| fib | - | 3000.0 | - | - | - | - | - |"));
    }
}
