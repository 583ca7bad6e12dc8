//! `cargo xtask suites`: test programs that nobody here wrote, compiled for the
//! guest, static, and run under the engine and under the newest QEMU.
//!
//! They are GCC's own, out of Debian's source package: the programs of
//! `gcc.c-torture/execute` and those of every Advanced SIMD intrinsic, for each of
//! the guest's [ways](gcc). Each checks itself, and says by its exit code whether it found
//! the compiler (here: what runs its code) right. Nothing of them is kept in
//! this project but which passed.

mod compared;
mod cross;
mod gcc;
mod go;
mod kept;
mod libc_test;
mod ltp;
mod machine;
mod page;
mod pool;
mod reasons;
mod source;
mod userland;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use e2e::product;

use crate::guest::Guest;
use crate::setup;

/// How to say what is wanted.
pub(crate) const USAGE: &str = "suites [--guest arm64|arm] [--only SUITE[:TEST,...] [--source CHECKOUT] [--all] \
     [--jobs N] [--again] [--fresh] [--all-on-qemu]]";

/// How long a program may take, in seconds.
const PATIENCE: &str = "120";

/// A program of a suite.
#[derive(Debug)]
pub(crate) struct Program {
    suite: &'static str,
    compiler: &'static str,
    /// In its suite.
    name: String,
    sources: Vec<PathBuf>,
    flags: Vec<String>,
}

/// What came of a program under one of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// How it ended instead.
    Failed(String),
}

/// What came of a program: nothing if it does not compile.
#[derive(Debug)]
pub(crate) struct Ran {
    engine: Outcome,
    qemu: Outcome,
}

impl Ran {
    /// The engine may be to blame.
    fn worse(&self) -> bool {
        self.engine != Outcome::Passed && self.qemu == Outcome::Passed
    }
}

/// Runs them, and writes crates/engine/results/suites.md, or suites-arm.md. An error if a program
/// that passes under QEMU does not under the engine.
pub(crate) fn suites(args: &[&str]) -> Result<()> {
    let (guest, args) = match *args {
        ["--guest", name, ref rest @ ..] => {
            let guest = Guest::by_name(name);
            (guest.context("--guest wants arm64 or arm")?, rest)
        }
        _ => (Guest::default(), args),
    };
    if let ["--only", what, ref flags @ ..] = *args {
        if let Some(wanted) = userland::Wanted::parse(what, flags)? {
            return userland::suites(guest, &wanted);
        }
        if let Some(wanted) = cross::Wanted::parse(guest, what, flags)? {
            return cross::suites(&wanted);
        }
    }
    let only = match *args {
        [] => None,
        ["--only", suite] => Some(suite),
        _ => bail!("usage: cargo xtask {USAGE}"),
    };
    setup::install(&[setup::QUICK, gcc::NEEDS])?;
    let (engine, qemu) = (guest.engine()?, guest.newest_qemu()?);
    let folder = product::target_dir().join("suites");
    let mut programs = gcc::programs(guest, &folder)?;
    programs.retain(|program| only.is_none_or(|only| program.suite.starts_with(only)));
    if programs.is_empty() {
        bail!("no suite starts with {}", only.unwrap_or_default());
    }
    println!("{} programs", programs.len());
    let results = run_all(
        guest,
        &programs,
        &folder.join(guest.titled("run")),
        &engine,
        &qemu,
    )?;
    let page = page::page(guest, &programs, &results, &qemu)?;
    println!("\n{page}");
    if only.is_none() {
        let place = format!("crates/engine/results/{}.md", guest.titled("suites"));
        std::fs::write(product::workspace().join(&place), page)?;
        println!("Written to {place}");
    }
    match results.iter().flatten().filter(|ran| ran.worse()).count() {
        0 => Ok(()),
        count => bail!("{count} programs pass under QEMU and not under the engine"),
    }
}

/// Each in a folder of its own, as many at a time as there are processors. What was
/// kept of this build of the engine, this QEMU and this compiler is not run again.
fn run_all(
    guest: Guest,
    programs: &[Program],
    folder: &Path,
    engine: &Path,
    qemu: &Path,
) -> Result<Vec<Option<Ran>>> {
    let kept = kept::Kept::new(guest, engine, qemu)?;
    pool::each(programs, pool::processors(), |number, program| {
        if let Some(ran) = kept.read(program)? {
            return Ok(ran);
        }
        let place = folder.join(number.to_string());
        std::fs::create_dir_all(&place)?;
        let ran = one(program, &place, engine, qemu)?;
        std::fs::remove_dir_all(&place)?;
        kept.write(program, ran.as_ref())?;
        Ok(ran)
    })
}

fn one(program: &Program, place: &Path, engine: &Path, qemu: &Path) -> Result<Option<Ran>> {
    let binary = place.join("program");
    let compiled = Command::new(program.compiler)
        .args(["-w", "-static"])
        .args(&program.flags)
        .arg("-o")
        .arg(&binary)
        .args(&program.sources)
        .arg("-lm")
        .current_dir(place)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("can't start {}", program.compiler))?;
    if !compiled.status.success() {
        return Ok(None);
    }
    Ok(Some(Ran {
        engine: under(engine, &binary, place)?,
        qemu: under(qemu, &binary, place)?,
    }))
}

fn under(runner: &Path, binary: &Path, place: &Path) -> Result<Outcome> {
    let output = Command::new("timeout")
        .args(["--kill-after=5", PATIENCE])
        .args([runner, binary])
        .current_dir(place)
        .stdin(Stdio::null())
        .output()
        .context("can't start timeout")?;
    Ok(match output.status.code() {
        Some(0) => Outcome::Passed,
        Some(124) => Outcome::Failed(format!("not done after {PATIENCE} s")),
        // `timeout` ends as what it runs does.
        _ => Outcome::Failed(output.status.to_string()),
    })
}
