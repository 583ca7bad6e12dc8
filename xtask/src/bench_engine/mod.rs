//! `cargo xtask bench-engine`: the engine beside native code and QEMU.
//!
//! The kernels of benches/engine are compiled for both machines by the same
//! compiler at the same level. All candidates run in turn, round by round, so
//! that noise hits all alike, and every run's checksum must be native's.
//! Translating is measured by a program whose code runs once
//! ([`generated`]); starting, and what a process holds, by small ones
//! ([`small`]).
//! The result is benches/results/engine.md, with the machine named.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use e2e::product;

use crate::setup;
use crate::step::engine;

mod generated;
mod measure;
mod page;
mod programs;
mod small;

use measure::{CANDIDATE_NAMES, Machines, Measured, NATIVE, OURS, Program};

/// How to say what is wanted.
pub(crate) const USAGE: &str = "bench-engine [--quick] [--only GROUP|KERNEL]";

/// A program of benches/engine, and the level it is compiled at.
struct Group {
    name: &'static str,
    level: &'static str,
    title: &'static str,
}

const GROUPS: [Group; 7] = [
    Group {
        name: "integer",
        level: "-O2",
        title: "Integer, of CoreMark's kinds",
    },
    Group {
        name: "bignum",
        level: "-O2",
        title: "Big numbers",
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
    Group {
        name: "processes",
        level: "-O2",
        title: "Threads, processes, system calls",
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
    if let ["programs", rest @ ..] = args {
        return programs::bench(rest);
    }
    let wanted = Wanted::read(args)?;
    setup::install(&[setup::QUICK])?;
    engine()?;
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
        let small = small::measure(&wanted, &machines, &folder)?;
        let (text, translate) = translate(&wanted, &machines, &folder, &small.starts[0])?;
        say(&mut page, &text);
        say(&mut page, &small.page()?);
        let starts = small.starts.into_iter().flat_map(|start| start.wrong);
        wrong.extend(translate.wrong.into_iter().chain(starts));
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
    let mut eager = Vec::new();
    for _ in 0..wanted.rounds() {
        measured.round(machines, &program, &[])?;
        eager.push(translate_all(machines, &program)?);
    }
    let mut text = String::from(
        "## Translating\n\nA program of generated functions that each run once. The time is the whole \
         run's without the start of an empty program's; the guest code is what ours translates \
         with `--eager`, for all. Without, it interprets most of it.\n\n",
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
    let rows = CANDIDATE_NAMES.iter().enumerate();
    let rows = rows.map(|(candidate, who)| (candidate, *who, measured.median(candidate)));
    let last = (OURS, "ours, --eager", measure::median(&eager));
    for (candidate, who, all) in rows.chain([last]) {
        let start = start.median(candidate);
        let seconds = all.zip(start).map(|(all, start)| all - start);
        let speed = seconds.map(|seconds| megabytes / seconds);
        writeln!(
            text,
            "| {who} | {} | {} |",
            page::number(seconds.map(|s| s * 1e3), 1),
            page::number(speed.filter(|_| translates(who)), 1),
        )?;
    }
    Ok((text, measured))
}

/// Whether all that runs is translated.
fn translates(who: &str) -> bool {
    ![CANDIDATE_NAMES[NATIVE], CANDIDATE_NAMES[OURS]].contains(&who)
}

/// How long ours takes that translates all that runs.
fn translate_all(machines: &Machines, program: &Program) -> Result<f64> {
    let engine = machines.emulators[OURS].as_ref().context("the engine")?;
    let mut command = Command::new(engine);
    command.arg("--eager").arg(&program.guest);
    let started = Instant::now();
    let output = command.output()?;
    let seconds = started.elapsed().as_secs_f64();
    if !output.status.success() {
        bail!("{command:?} fails: {}", output.status);
    }
    Ok(seconds)
}

/// How many guest instructions ours translates for a program: the third
/// column of its counters.
fn translated(machines: &Machines, program: &Program) -> Result<Option<u32>> {
    let engine = machines.emulators[OURS].as_ref().context("the engine")?;
    let output = Command::new(engine)
        .args(["--eager", "--counters"])
        .arg(&program.guest)
        .output()?;
    if !output.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8(output.stderr)?;
    let rows = text.lines().skip(2).map(str::split_whitespace);
    let mut sum = 0;
    // Behind the regions comes what the interpreter did.
    for mut row in rows.take_while(|row| row.clone().count() == 5) {
        let column = row.nth(2).context("a column")?;
        sum += column.parse::<u32>().context("the counters' table")?;
    }
    Ok(Some(sum))
}

/// Compiles a source for both machines, static, with the same flags.
fn compile(folder: &Path, name: &str, source: &Path, level: &str) -> Result<Program> {
    compile_with(folder, name, source, level, [&["-static"]; 2])
}

/// Compiles a source for both machines, with flags of each beside those of
/// both.
fn compile_with(
    folder: &Path,
    name: &str,
    source: &Path,
    level: &str,
    flags: [&[&str]; 2],
) -> Result<Program> {
    let program = Program {
        native: folder.join(format!("{name}.native")),
        guest: folder.join(format!("{name}.aarch64")),
    };
    let [native, guest] = flags;
    for (compiler, flags, to) in [
        ("gcc", native, &program.native),
        ("aarch64-linux-gnu-gcc", guest, &program.guest),
    ] {
        let status = Command::new(compiler)
            .args(flags)
            .args([level, "-ffp-contract=off", "-w", "-o"])
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
