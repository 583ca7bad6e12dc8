//! `cargo xtask bench-engine`: the engine beside native code and QEMU.
//!
//! The kernels of benches/engine are compiled for both machines by the same
//! compiler at the same level. All candidates run in turn, round by round, so
//! that noise hits all alike, and every run's checksum must be native's.
//! Translating is measured by a program whose code runs once
//! ([`generated`]), starting by one that does nothing.
//! The result is benches/results/engine.md, with the machine named.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use e2e::product;

use crate::setup;
use crate::step::{cargo, run};

mod generated;
mod measure;
mod page;

use measure::{CANDIDATE_NAMES, Machines, Measured, NATIVE, OURS, Program};

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
    let folder = product::target_dir().join("bench-engine");
    fs::create_dir_all(&folder)?;
    let machines = machines(&folder)?;
    let mut page = page::head(&machines, wanted.rounds())?;
    let mut wrong = Vec::new();
    let mut means = Vec::new();
    for group in &GROUPS {
        let measured = kernels(group, &wanted, &machines, &folder)?;
        if measured.is_empty() {
            continue;
        }
        let table = page::table(&measured);
        say(
            &mut page,
            &format!("## {} ({})\n\n{table}", group.title, group.level),
        );
        means.push((group.title, page::means(&measured)));
        wrong.extend(measured.into_iter().flat_map(|m| m.wrong));
    }
    if wanted.has("translate", "generated") || wanted.has("start", "empty") {
        let start = start(&wanted, &machines, &folder)?;
        let (text, translate) = translate(&wanted, &machines, &folder, &start)?;
        say(&mut page, &text);
        say(&mut page, &page::start(&start)?);
        wrong.extend(translate.wrong.into_iter().chain(start.wrong));
    }
    if !means.is_empty() {
        say(&mut page, &page::summary(&means)?);
    }
    for line in &wrong {
        writeln!(page, "\n**Wrong:** {line}")?;
    }
    if wanted.only.is_none() && !wanted.quick {
        let results = product::workspace().join("benches/results/engine.md");
        fs::write(results, &page)?;
        println!("Written to benches/results/engine.md");
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("not all answers are right:\n  {}", wrong.join("\n  "))
}

/// Prints a part of the page, and adds it.
fn say(page: &mut String, part: &str) {
    println!("\n{part}");
    page.push('\n');
    page.push_str(part);
}

/// The candidates. The engine is a copy, so that building meanwhile does not
/// exchange it.
fn machines(folder: &Path) -> Result<Machines> {
    let built = product::target_dir().join("x86_64-unknown-linux-gnu/release/armistice-aarch64");
    let engine = folder.join("armistice-aarch64");
    fs::copy(built, &engine)?;
    let installed = e2e::need::find("qemu-aarch64-static").context("qemu-aarch64-static")?;
    Ok(Machines {
        emulators: [
            None,
            Some(setup::newest_qemu()?),
            Some(installed),
            Some(engine),
        ],
    })
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
            page::number(seconds.map(|s| s * 1e3), 1),
            page::number(speed.filter(|_| candidate != NATIVE), 1),
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
