//! The page: the machine, and tables of what was measured.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context, Result};

use super::measure::{
    CANDIDATES, INSTALLED, Machines, Measured, NATIVE, OURS, QEMU, geometric_mean,
};

/// What the page shows beside the times: who over whom.
pub(super) const RATIOS: [(usize, usize); 3] = [(QEMU, OURS), (INSTALLED, OURS), (OURS, NATIVE)];

/// The machine, the versions, and what the columns mean.
pub(super) fn head(machines: &Machines, rounds: usize) -> Result<String> {
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
pub(super) fn table(measured: &[Measured]) -> String {
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
    for mean in means(measured) {
        let _ = write!(text, " **{}** |", number(mean, 2));
    }
    text.push('\n');
    text
}

/// The geometric means of the ratios of what has not failed.
pub(super) fn means(measured: &[Measured]) -> [Option<f64>; RATIOS.len()] {
    RATIOS.map(|(over, under)| {
        let ratios: Vec<f64> = measured
            .iter()
            .filter_map(|m| m.ratio(over, under))
            .collect();
        geometric_mean(&ratios)
    })
}

/// The groups' means.
pub(super) fn summary(means: &[(&str, [Option<f64>; RATIOS.len()])]) -> Result<String> {
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
pub(super) fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
