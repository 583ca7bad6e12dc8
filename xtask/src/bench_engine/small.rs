//! Small processes: how long they take from start to end, and how much memory
//! one holds.
//!
//! Dynamic programs for the guest name the cross compiler's loader and libc,
//! so they need no root of their own. To run a command many times, the guest's
//! program executes the emulator: that needs no registration.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use e2e::product;

use super::measure::{CANDIDATES, Machines, Measured, NATIVE, OURS, Program, QEMU};
use super::page::number;
use super::{STARTS, Wanted, compile_with};

/// Where Debian's cross compiler for the guest has its libraries.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu/lib";
/// How often a command is run by one program.
const MANY: &str = "200";

/// How programs are linked, and what that is called.
const LINKED: [(&str, bool); 2] = [("static", true), ("dynamic", false)];

/// What was measured.
pub(super) struct Small {
    /// Of a static program, of a dynamic one.
    pub(super) starts: [Measured; 2],
    many: Measured,
    memory: Vec<(String, [Memory; CANDIDATES])>,
}

/// What a process holds, in KiB.
#[derive(Clone, Copy, Default)]
struct Memory {
    resident: u64,
    /// Shared pages by how many share them.
    proportional: u64,
    /// Written by it alone.
    dirty: u64,
}

/// Measures.
pub(super) fn measure(wanted: &Wanted<'_>, machines: &Machines, folder: &Path) -> Result<Small> {
    let empty = folder.join("empty.c");
    fs::write(&empty, "int main(void) { return 0; }\n")?;
    let mut small = Small {
        starts: LINKED.map(|(name, _)| Measured::new(name)),
        many: Measured::new("many"),
        memory: Vec::new(),
    };
    let rounds = if wanted.quick { STARTS / 10 } else { STARTS };
    let mut programs = Vec::new();
    for (name, is_static) in LINKED {
        programs.push(linked(folder, &format!("empty-{name}"), &empty, is_static)?);
    }
    for _ in 0..rounds {
        for (program, measured) in programs.iter().zip(&mut small.starts) {
            measured.round(machines, program, &[])?;
        }
    }
    many(wanted, machines, folder, &programs[0], &mut small.many)?;
    let source = product::workspace().join("benches/engine/hold.c");
    for (name, is_static) in LINKED {
        let program = linked(folder, &format!("hold-{name}"), &source, is_static)?;
        let mut held = [Memory::default(); CANDIDATES];
        for (candidate, held) in held.iter_mut().enumerate() {
            *held = hold(machines.command(candidate, &program))?;
        }
        small.memory.push((name.to_owned(), held));
    }
    Ok(small)
}

fn linked(folder: &Path, name: &str, source: &Path, is_static: bool) -> Result<Program> {
    let loader = format!("-Wl,--dynamic-linker={LIBRARIES}/ld-linux-aarch64.so.1");
    let path = format!("-Wl,-rpath,{LIBRARIES}");
    let (native, guest): (&[&str], &[&str]) = if is_static {
        (&["-static"], &["-static"])
    } else {
        (&[], &[&loader, &path])
    };
    compile_with(folder, name, source, "-O2", [native, guest])
}

/// A program that runs an empty one many times.
fn many(
    wanted: &Wanted<'_>,
    machines: &Machines,
    folder: &Path,
    empty: &Program,
    measured: &mut Measured,
) -> Result<()> {
    let source = product::workspace().join("benches/engine/many.c");
    let program = linked(folder, "many", &source, true)?;
    for _ in 0..wanted.rounds() {
        for candidate in 0..CANDIDATES {
            let run = machines.command(candidate, empty);
            let mut command = machines.command(candidate, &program);
            command
                .arg(MANY)
                .arg(run.get_program())
                .args(run.get_args());
            let started = Instant::now();
            let output = command.stdin(Stdio::null()).output()?;
            measured.seconds[candidate].push(started.elapsed().as_secs_f64());
            if !output.status.success() {
                bail!("{command:?} fails: {}", output.status);
            }
        }
    }
    Ok(())
}

/// What a process holds that waits.
fn hold(mut command: Command) -> Result<Memory> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("can't start {command:?}"))?;
    let mut said = [0; 5];
    let mut output = child.stdout.take().context("its output")?;
    let read = output.read_exact(&mut said);
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", child.id()));
    child.kill()?;
    child.wait()?;
    read.with_context(|| format!("{command:?} says nothing"))?;
    let rollup = rollup?;
    let line = |name: &str| -> Result<u64> {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number
            .with_context(|| format!("no {name} in {rollup}"))?
            .parse()?)
    };
    Ok(Memory {
        resident: line("Rss:")?,
        proportional: line("Pss:")?,
        dirty: line("Private_Dirty:")?,
    })
}

impl Small {
    /// The tables.
    pub(super) fn page(&self) -> Result<String> {
        let mut text = format!(
            "## Small processes\n\nFrom start to end, medians in µs: a program that does nothing, \
             static and dynamic, and one that runs the static one {MANY} times (for each of them).\n\n\
             | program | native | newest QEMU | installed QEMU | ours | newest/ours | newest over native | ours over native |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        );
        let each = 1e6 / MANY.parse::<f64>()?;
        let rows = [
            (&self.starts[0], "static", 1e6),
            (&self.starts[1], "dynamic", 1e6),
            (&self.many, "run by another", each),
        ];
        for (measured, name, unit) in rows {
            write!(text, "| {name} |")?;
            for candidate in 0..CANDIDATES {
                let time = measured.median(candidate).map(|seconds| seconds * unit);
                write!(text, " {} |", number(time, 0))?;
            }
            write!(text, " {} |", number(measured.ratio(QEMU, OURS), 2))?;
            for candidate in [QEMU, OURS] {
                let both = measured.median(candidate).zip(measured.median(NATIVE));
                let over = both.map(|(seconds, native)| (seconds - native) * unit);
                write!(text, " {} |", number(over, 0))?;
            }
            text.push('\n');
        }
        self.memory(&mut text)?;
        Ok(text)
    }

    fn memory(&self, text: &mut String) -> Result<()> {
        text.push_str(
            "\nWhat such a process holds while it waits, in KiB: resident (RSS), its share of that \
             (PSS), and what it alone has written.\n\n\
             | program | | native | newest QEMU | installed QEMU | ours |\n\
             | --- | --- | ---: | ---: | ---: | ---: |\n",
        );
        for (name, held) in &self.memory {
            for (kind, values) in [
                ("RSS", held.map(|memory| memory.resident)),
                ("PSS", held.map(|memory| memory.proportional)),
                ("private dirty", held.map(|memory| memory.dirty)),
            ] {
                write!(text, "| {name} | {kind} |")?;
                for value in values {
                    write!(text, " {value} |")?;
                }
                text.push('\n');
            }
        }
        Ok(())
    }
}
