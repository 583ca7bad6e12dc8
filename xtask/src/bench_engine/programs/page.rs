//! The page: the machine, a table of each kind, and the means.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context, Result};

use super::items::{Kind, RELEASE};
use super::place::Candidate;
use super::samples::{COLD, CORTEX, NATIVE, Of, QEMU, Samples, WARM};
use crate::bench_engine::measure::geometric_mean;
use crate::bench_engine::page::number;
use crate::guest::{Arch, Guest};

/// Who over whom, and what that column is called; `{cpu}` is the processor that QEMU is told to be.
const RATIOS: [(usize, usize, &str); 6] = [
    (COLD, NATIVE, "cold/native"),
    (WARM, NATIVE, "warm/native"),
    (QEMU, COLD, "QEMU/cold"),
    (QEMU, WARM, "QEMU/warm"),
    (CORTEX, COLD, "{cpu}/cold"),
    (CORTEX, WARM, "{cpu}/warm"),
];

/// How many of them are there by the clock, too.
const BY_CLOCK: usize = 4;

/// The page and its picture, in benches/results.
pub(super) fn names(guest: Guest) -> [String; 2] {
    let name = guest.titled("programs");
    [format!("{name}.md"), format!("{name}.svg")]
}

/// A processor that images are built for, which QEMU is told to be beside the one that it is by
/// itself; and how it is told.
pub(super) const fn other_cpu(guest: Guest) -> (&'static str, &'static [&'static str]) {
    match guest {
        Guest::Arm64 => ("cortex-a72", &["QEMU_CPU=cortex-a72"]),
        Guest::Arm => ("cortex-a15", &["QEMU_CPU=cortex-a15"]),
    }
}

/// A column's name.
fn column(name: &str, guest: Guest) -> String {
    name.replace("{cpu}", other_cpu(guest).0)
}

/// The machine, the versions, and what the columns mean.
pub(super) fn head(guest: Guest, candidates: &[Candidate], rounds: usize) -> Result<String> {
    let size = |candidate: usize| -> Result<u64> {
        let file = candidates[candidate].emulator.as_ref();
        Ok(std::fs::metadata(file.context("an emulator")?)?.len())
    };
    let line = |command: &mut Command| -> Result<String> {
        let text = String::from_utf8(command.output()?.stdout)?;
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    };
    let version = |candidate: usize| -> Result<String> {
        let emulator = candidates[candidate].emulator.as_ref();
        line(Command::new(emulator.context("an emulator")?).arg("--version"))
    };
    let sh = |script: &str| line(Command::new("sh").args(["-c", script]));
    let [native, own] = guest.both().map(Arch::name);
    let options = match guest {
        Guest::Arm64 => "",
        Guest::Arm => " --guest arm",
    };
    let [_, drawn] = names(guest);
    let (cpu, _) = other_cpu(guest);
    Ok(format!(
        "# Whole programs: figures\n\n\
         Made by `cargo xtask bench-engine programs{options}`, {}. Machine: {}, {} cores, Linux {}; with a load average of {} at the start. \
         Debian {RELEASE} for {native} natively, and the same versions for {own} on QEMU ({}) as it comes, on QEMU with \
         `QEMU_CPU={cpu}`, and on the engine ({}).\n\n\
         All candidates run in turn, {rounds} rounds, each run on a layer of its own; medians. Times are milliseconds of \
         processors, of the program and all its children; the clock's times are in the last columns. What is printed is compared \
         with what native code prints, where that does not name the architecture. Memory is what the largest process had resident, in MiB.\n\n\
         *Cold* is the engine without kept translations: each process makes its own. *Warm* is the same engine with translations baked \
         behind it ({} MiB), learned from one run of each item before the measurement.\n\n\
         ![Each item over native]({drawn})\n",
        sh("date --iso-8601")?,
        sh("grep -m1 'model name' /proc/cpuinfo | cut -d: -f2")?,
        sh("nproc")?,
        sh("uname -r | cut -d- -f1")?,
        sh("cut -d' ' -f1 /proc/loadavg")?,
        version(QEMU)?,
        version(COLD)?,
        (size(WARM)? - size(COLD)?) >> 20,
    ))
}

/// All of it.
pub(super) fn page(head: &str, guest: Guest, measured: &[Samples]) -> String {
    let mut page = head.to_owned();
    page.push_str(&means(guest, measured));
    for kind in Kind::ALL {
        let of: Vec<&Samples> = measured.iter().filter(|m| m.item.kind == kind).collect();
        if !of.is_empty() {
            let _ = write!(page, "\n## {}\n\n{}", kind.title(), table(guest, &of));
        }
    }
    for line in measured.iter().flat_map(|samples| &samples.wrong) {
        let _ = write!(page, "\n**Wrong:** {line}\n");
    }
    page
}

/// A kind's table.
fn table(guest: Guest, measured: &[&Samples]) -> String {
    let columns = RATIOS.map(|(_, _, name)| column(name, guest)).into_iter();
    let clocks = RATIOS[..BY_CLOCK].iter();
    let clocks = clocks.map(|(_, _, name)| format!("clock: {name}"));
    let columns: Vec<String> = columns.chain(clocks).collect();
    let mut text = format!(
        "| item | native | QEMU | {} | cold | warm | {} | memory: native, QEMU, cold, warm |\n| --- |{}\n",
        other_cpu(guest).0,
        columns.join(" | "),
        " ---: |".repeat(columns.len() + 6)
    );
    for samples in measured {
        let _ = write!(text, "| {} |", samples.item.name);
        for candidate in [NATIVE, QEMU, CORTEX, COLD, WARM] {
            let seconds = samples.median(candidate, Of::Processor);
            let _ = write!(text, " {} |", number(seconds.map(|s| s * 1e3), 0));
        }
        for (over, under, _) in RATIOS {
            let _ = write!(
                text,
                " {} |",
                number(samples.ratio(over, under, Of::Processor), 2)
            );
        }
        for (over, under, _) in &RATIOS[..BY_CLOCK] {
            let _ = write!(
                text,
                " {} |",
                number(samples.ratio(*over, *under, Of::Wall), 2)
            );
        }
        let memory = [NATIVE, QEMU, COLD, WARM].map(|candidate| {
            number(
                samples
                    .median(candidate, Of::Memory)
                    .map(|kib| kib / 1024.0),
                0,
            )
        });
        let _ = writeln!(text, " {} |", memory.join(", "));
    }
    text
}

/// The geometric means, of each kind and of all, and the worst.
fn means(guest: Guest, measured: &[Samples]) -> String {
    let mut text = String::from("\n## Geometric means\n\n| kind |");
    for (_, _, name) in RATIOS {
        let _ = write!(text, " {} |", column(name, guest));
    }
    for (_, _, name) in &RATIOS[..BY_CLOCK] {
        let _ = write!(text, " clock: {name} |");
    }
    let _ = writeln!(
        text,
        "\n| --- |{}",
        " ---: |".repeat(RATIOS.len() + BY_CLOCK)
    );
    let mut row = |title: &str, of: &[&Samples]| {
        let mean = |over, under, what| {
            let ratios: Vec<f64> = of
                .iter()
                .filter_map(|m| m.ratio(over, under, what))
                .collect();
            number(geometric_mean(&ratios), 2)
        };
        let _ = write!(text, "| {title} |");
        for (over, under, _) in RATIOS {
            let _ = write!(text, " {} |", mean(over, under, Of::Processor));
        }
        for (over, under, _) in &RATIOS[..BY_CLOCK] {
            let _ = write!(text, " {} |", mean(*over, *under, Of::Wall));
        }
        text.push('\n');
    };
    for kind in Kind::ALL {
        let of: Vec<&Samples> = measured.iter().filter(|m| m.item.kind == kind).collect();
        if !of.is_empty() {
            row(kind.title(), &of);
        }
    }
    row("**all**", &measured.iter().collect::<Vec<_>>());
    for (candidate, how) in [(COLD, "cold"), (WARM, "warm")] {
        if let Some((name, ratio)) = worst(measured, candidate, NATIVE) {
            let _ = write!(
                text,
                "\nFarthest from native, {how}: {name}, {ratio:.2} times.\n"
            );
        }
        if let Some((name, ratio)) = worst(measured, candidate, QEMU) {
            let _ = write!(
                text,
                "\nNearest to QEMU, {how}: {name}, {ratio:.2} of QEMU's time.\n"
            );
        }
    }
    text
}

/// The item with the largest ratio.
fn worst(measured: &[Samples], over: usize, under: usize) -> Option<(&'static str, f64)> {
    measured
        .iter()
        .filter_map(|m| Some((m.item.name, m.ratio(over, under, Of::Processor)?)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::super::items::ITEMS;
    use super::*;

    #[test]
    fn a_page_has_means_the_worst_and_what_went_wrong() {
        let mut failed = Samples::with(&ITEMS[1], [10, 100, 100, 10, 10]);
        failed.fail(COLD);
        failed.wrong.push("true, cold: exit status: 1".to_owned());
        let measured = [
            Samples::with(&ITEMS[0], [10, 80, 70, 20, 10]),
            failed,
            Samples::with(&ITEMS[2], [10, 160, 90, 80, 40]),
        ];
        let page = page("# Head\n", Guest::Arm64, &measured);
        for wanted in [
            "| kind | cold/native | warm/native | QEMU/cold | QEMU/warm | cortex-a72/cold | cortex-a72/warm \
             | clock: cold/native | clock: warm/native | clock: QEMU/cold | clock: QEMU/warm |",
            "| **all** | 4.00 | 1.59 | 2.83 | 6.84 | 1.98 | 5.40 | 4.00 | 1.59 | 2.83 | 6.84 |",
            "Farthest from native, cold: dash, 8.00 times.",
            "Farthest from native, warm: dash, 4.00 times.",
            "| true | 10 | 100 | 100 | - | 10 | - | 1.00 | - | 10.00 | - | 10.00 | - | 1.00 | - | 10.00 | 1, 1, -, 1 |",
            "**Wrong:** true, cold: exit status: 1",
        ] {
            assert!(page.contains(wanted), "{wanted}\n{page}");
        }
    }
}
