//! `cargo xtask differential`: interpreter, translator and QEMU on the same random instructions
//! and states, of arm64 (crates/oracle) and of 32-bit Arm (crates/a32/tests/qemu).

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use e2e::product;

use crate::setup;
use crate::step::{cargo, run};

/// What is compared, by the names of the crate's tests.
const TESTS: [&str; 4] = ["instructions", "sequences", "faults", "injected"];

/// How to say what is wanted.
pub(crate) const USAGE: &str = "differential [--long] [--seed N] [--op NAME] [--guest arm64|arm] [--installed-qemu] [--without-avx512]";

/// What is wanted.
#[derive(Debug, Default)]
struct Wanted<'a> {
    long: bool,
    seed: Option<&'a str>,
    op: Option<&'a str>,
    /// Only this one.
    guest: Option<&'a str>,
    installed: bool,
    without_avx512: bool,
}

impl<'a> Wanted<'a> {
    fn read(args: &[&'a str]) -> Result<Self> {
        let mut wanted = Self::default();
        let mut args = args.iter();
        while let Some(&arg) = args.next() {
            match arg {
                "--long" => wanted.long = true,
                "--installed-qemu" => wanted.installed = true,
                "--without-avx512" => wanted.without_avx512 = true,
                "--seed" => wanted.seed = Some(args.next().context("--seed wants a number")?),
                "--guest" => wanted.guest = Some(guest(args.next())?),
                "--op" => wanted.op = Some(args.next().context("--op wants a name")?),
                _ => bail!("no option {arg}; usage: cargo xtask {USAGE}"),
            }
        }
        Ok(wanted)
    }
}

/// A guest's name.
fn guest<'a>(name: Option<&&'a str>) -> Result<&'a str> {
    match name {
        Some(&name @ ("arm64" | "arm")) => Ok(name),
        _ => bail!("--guest wants arm64 or arm"),
    }
}

/// Compares; with `--long`, also writes crates/oracle/results/long.md, or
/// long-without-avx512.md, and crates/a32/results/long.md.
pub(crate) fn differential(args: &[&str]) -> Result<()> {
    let wanted = Wanted::read(args)?;
    setup::install(&[setup::QUICK])?;
    let is_wanted = |guest| wanted.guest.is_none_or(|only| only == guest);
    let arm64 = if is_wanted("arm64") {
        arm64(&wanted)
    } else {
        Ok(())
    };
    arm64.and(if is_wanted("arm") {
        arm(&wanted)
    } else {
        Ok(())
    })
}

/// The three executors of A64.
fn arm64(wanted: &Wanted<'_>) -> Result<()> {
    let parts = product::target_dir().join("differential");
    fs::create_dir_all(&parts)?;
    let mut test = cargo(&["test", "--release", "--no-fail-fast"]);
    test.args(["--package", "armistice-oracle"]);
    for name in TESTS {
        // Sequences are of all instructions.
        if wanted.op.is_some() && matches!(name, "sequences" | "injected") {
            continue;
        }
        test.arg(format!("--test={name}"));
        let _ = fs::remove_file(parts.join(name).with_extension("md"));
    }
    test.env("ARMISTICE_RESULTS", &parts);
    if !wanted.installed {
        test.env("ARMISTICE_QEMU_AARCH64", setup::newest_qemu()?);
    }
    if wanted.long {
        test.env("ARMISTICE_LONG", "1");
    }
    if let Some(seed) = wanted.seed {
        test.env("ARMISTICE_SEED", seed);
    }
    if let Some(op) = wanted.op {
        test.env("ARMISTICE_OP", op);
    }
    if wanted.without_avx512 {
        test.env("ARMISTICE_WITHOUT_AVX512", "1");
    }
    // The results are written of a run that finds differences too.
    let done = run(test.args(["--", "--nocapture"]));
    let (without, name) = match wanted.without_avx512 {
        true => (" --without-avx512", "long-without-avx512.md"),
        false => ("", "long.md"),
    };
    let title =
        format!("# Three executors compared\n\nBy `cargo xtask differential --long{without}`");
    let place = format!("crates/oracle/results/{name}");
    page(wanted, &title, &TESTS.map(|name| parts.join(name)), &place)?;
    done
}

/// Interpreter and translator of 32-bit Arm against QEMU, in the same way.
fn arm(wanted: &Wanted<'_>) -> Result<()> {
    let parts = product::target_dir().join("differential/arm");
    fs::create_dir_all(&parts)?;
    let names = ["instructions", "sequences"].map(|name| parts.join(name));
    for name in &names {
        let _ = fs::remove_file(name.with_extension("md"));
    }
    let mut test = cargo(&["test", "--release", "--package", "armistice-a32"]);
    test.arg("--test=qemu").env("ARMISTICE_RESULTS", &parts);
    if !wanted.installed {
        test.env("ARMISTICE_QEMU_ARM", setup::newest_qemu_arm()?);
    }
    for (name, value) in [
        ("ARMISTICE_LONG", wanted.long.then_some("1")),
        ("ARMISTICE_SEED", wanted.seed),
        ("ARMISTICE_OP", wanted.op),
    ] {
        if let Some(value) = value {
            test.env(name, value);
        }
    }
    test.args(["--", "--nocapture"]);
    if wanted.op.is_some() {
        // Sequences are of all instructions.
        test.arg("every_instruction");
    }
    let done = run(&mut test);
    let title = "# Three executors of 32-bit Arm compared\n\nBy `cargo xtask differential --long --guest arm`";
    page(wanted, title, &names, "crates/a32/results/long.md")?;
    done
}

/// Shows the page of the results, and keeps that of a long run of all.
fn page(wanted: &Wanted<'_>, title: &str, parts: &[PathBuf], place: &str) -> Result<()> {
    let mut page = format!(
        "{title}. {}, {}, host {}.\n",
        first_line("date", &["--iso-8601"])?,
        first_line("rustc", &["--version"])?,
        host()?,
    );
    for part in parts {
        if let Ok(part) = fs::read_to_string(part.with_extension("md")) {
            page.push('\n');
            page.push_str(&part);
        }
    }
    println!("\n{page}");
    if wanted.long && wanted.op.is_none() {
        let file = product::workspace().join(place);
        fs::create_dir_all(file.parent().context("a folder")?)?;
        fs::write(&file, page)?;
        println!("Written to {place}");
    }
    Ok(())
}

/// The processor's name.
pub(crate) fn host() -> Result<String> {
    let info = fs::read_to_string("/proc/cpuinfo")?;
    let model = info.lines().find(|line| line.starts_with("model name"));
    let name = model.and_then(|line| line.split_once(": "));
    Ok(name.map_or("unknown", |(_, name)| name).to_owned())
}

/// The first line that a program prints.
pub(crate) fn first_line(program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program).args(args).output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
