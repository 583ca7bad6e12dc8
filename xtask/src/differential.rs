//! `cargo xtask differential`: interpreter, translator and QEMU on the same random instructions
//! and states, of arm64 and of 32-bit Arm (crates/oracle).

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use e2e::product;

use crate::setup;
use crate::step::{cargo, run};

/// A guest that is compared.
struct Guest {
    name: &'static str,
    /// How pages call its comparison.
    title: &'static str,
    /// What is compared, by the names of the crate's tests.
    tests: &'static [&'static str],
    /// The variable that names its QEMU, and the newest of these.
    variable: &'static str,
    newest: fn() -> Result<PathBuf>,
    /// Where results of long runs go.
    results: &'static str,
}

const GUESTS: [Guest; 2] = [
    Guest {
        name: "arm64",
        title: "Three executors compared",
        tests: &["instructions", "sequences", "faults", "injected"],
        variable: "ARMISTICE_QEMU_AARCH64",
        newest: setup::newest_qemu,
        results: "crates/oracle/results",
    },
    Guest {
        name: "arm",
        title: "Three executors of 32-bit Arm compared",
        tests: &["arm_instructions", "arm_sequences"],
        variable: "ARMISTICE_QEMU_ARM",
        newest: setup::newest_qemu_arm,
        results: "crates/a32/results",
    },
];

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
    let known = |name: &&&str| GUESTS.iter().any(|guest| guest.name == **name);
    name.filter(known)
        .copied()
        .context("--guest wants arm64 or arm")
}

/// Compares; with `--long`, also writes long.md, or long-without-avx512.md, in
/// crates/oracle/results and crates/a32/results.
pub(crate) fn differential(args: &[&str]) -> Result<()> {
    let wanted = Wanted::read(args)?;
    setup::install(&[setup::QUICK])?;
    let is_wanted = |guest: &&Guest| wanted.guest.is_none_or(|only| only == guest.name);
    let guests = GUESTS.iter().filter(is_wanted);
    // Each is compared, though others differ.
    let done: Vec<Result<bool>> = guests.map(|guest| compare(&wanted, guest)).collect();
    let compared: Vec<bool> = done.into_iter().collect::<Result<_>>()?;
    if let Some(op) = wanted.op.filter(|_| !compared.contains(&true)) {
        bail!("no instruction's name starts with {op}: nothing was compared");
    }
    Ok(())
}

/// The three executors of a guest, and whether there was something to compare.
fn compare(wanted: &Wanted<'_>, guest: &Guest) -> Result<bool> {
    let parts = product::target_dir().join("differential");
    fs::create_dir_all(&parts)?;
    let mut test = cargo(&["test", "--release", "--no-fail-fast"]);
    test.args(["--package", "armistice-oracle"]);
    for name in guest.tests {
        let _ = fs::remove_file(parts.join(name).with_extension("md"));
        // Sequences are of all instructions.
        if wanted.op.is_some() && (name.ends_with("sequences") || *name == "injected") {
            continue;
        }
        test.arg(format!("--test={name}"));
    }
    test.env("ARMISTICE_RESULTS", &parts);
    if !wanted.installed {
        test.env(guest.variable, (guest.newest)()?);
    }
    for (name, value) in [
        ("ARMISTICE_LONG", wanted.long.then_some("1")),
        ("ARMISTICE_SEED", wanted.seed),
        ("ARMISTICE_OP", wanted.op),
        (
            "ARMISTICE_WITHOUT_AVX512",
            wanted.without_avx512.then_some("1"),
        ),
    ] {
        if let Some(value) = value {
            test.env(name, value);
        }
    }
    // The results are written of a run that finds differences too.
    let done = run(test.args(["--", "--nocapture"]));
    let (without, name) = match wanted.without_avx512 {
        true => (" --without-avx512", "long-without-avx512.md"),
        false => ("", "long.md"),
    };
    let title = format!(
        "# {}\n\nBy `cargo xtask differential --long --guest {}{without}`",
        guest.title, guest.name
    );
    let pages: Vec<_> = guest.tests.iter().map(|name| parts.join(name)).collect();
    page(wanted, &title, &pages, &format!("{}/{name}", guest.results))?;
    done?;
    let something = |part: &PathBuf| {
        let text = fs::read_to_string(part.with_extension("md"));
        text.is_ok_and(|text| !text.contains(" 0 subjects,"))
    };
    Ok(pages.iter().any(something))
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
