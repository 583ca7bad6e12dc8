//! GCC's test programs, out of Debian's source package of a fixed version: what
//! they are compiled with may be another.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Program;
use crate::setup::{self, Need, need};
use crate::step::run;

/// To unpack them.
pub(crate) const NEEDS: &[Need] = &[need("xz", "xz-utils", "unpacks GCC's sources")];

const SUITE: &str = "bookworm";
/// The package, and the archive in the archive of its sources.
const PACKAGE: &str = "gcc-12";

const LEVELS: [&str; 2] = ["-O0", "-O2"];

/// What the intrinsics need. All of it is advertised.
const ADVSIMD: &str = "-march=armv8.2-a+fp16+crypto+dotprod+rdma+fp16fml+bf16+i8mm";

/// All programs, fetched into `folder` if they are not there.
pub(super) fn programs(folder: &Path) -> Result<Vec<Program>> {
    let sources = folder.join("gcc");
    if !sources.is_dir() {
        fetch(folder, &sources)?;
    }
    let mut programs = Vec::new();
    for level in LEVELS {
        let execute = sources.join("gcc.c-torture/execute");
        torture(&execute, "", level, &[], &mut programs)?;
        torture(&execute, "ieee", level, &["-fno-inline"], &mut programs)?;
        builtins(&execute.join("builtins"), level, &mut programs)?;
        advsimd(
            &sources.join("gcc.target/aarch64/advsimd-intrinsics"),
            level,
            &mut programs,
        )?;
    }
    Ok(programs)
}

/// Whole or not at all.
fn fetch(folder: &Path, sources: &Path) -> Result<()> {
    println!("Missing: GCC's test programs, out of the sources of Debian's {PACKAGE} (90 MB).");
    let at = folder.join("apt");
    let apt = setup::lists(&at, "deb-src", SUITE)?;
    apt.get(&["source", "--download-only", PACKAGE])?;
    let outer = apt.file(&format!("{PACKAGE}_"), ".orig.tar.gz")?;
    let partial = folder.join("unpacking");
    let _ = fs::remove_dir_all(&partial);
    fs::create_dir_all(&partial)?;
    let tar = |archive: &Path, what: &[&str], strip: &str| {
        run(Command::new("tar")
            .args(["--extract", "--wildcards", strip])
            .arg("--directory")
            .arg(&partial)
            .arg("--file")
            .arg(archive)
            .args(what))
    };
    tar(&outer, &["*/gcc-*.tar.xz"], "--strip-components=1")?;
    let inner = files(&partial, ".tar.xz")?;
    let inner = inner.first().context("no archive of GCC in its package")?;
    let parts = [
        "*/gcc/testsuite/gcc.c-torture/execute",
        "*/gcc/testsuite/gcc.target/aarch64/advsimd-intrinsics",
    ];
    tar(inner, &parts, "--strip-components=3")?;
    fs::rename(&partial, sources)?;
    fs::remove_dir_all(&at)?;
    Ok(())
}

/// The files of a folder whose names end so, in order.
fn files(folder: &Path, end: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_file() && path.to_string_lossy().ends_with(end) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into()
}

/// The options that a program asks for on all targets, in its comments.
fn options(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .filter(|line| line.contains("dg-options") || line.contains("dg-additional-options"))
        .filter(|line| !line.contains("target"));
    lines
        .filter_map(|line| line.split('"').nth(1))
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect()
}

fn torture(
    execute: &Path,
    part: &str,
    level: &str,
    flags: &[&str],
    programs: &mut Vec<Program>,
) -> Result<()> {
    for source in files(&execute.join(part), ".c")? {
        let text = String::from_utf8_lossy(&fs::read(&source)?).into_owned();
        let mut all: Vec<String> = vec![level.to_owned()];
        all.extend(flags.iter().map(ToString::to_string));
        all.extend(options(&text));
        programs.push(Program {
            suite: "c-torture",
            name: Path::new(part).join(stem(&source)).display().to_string() + " " + level,
            flags: all,
            sources: vec![source],
        });
    }
    Ok(())
}

/// Those that bring string functions of their own, which must not be the
/// compiler's or libc's.
fn builtins(folder: &Path, level: &str, programs: &mut Vec<Program>) -> Result<()> {
    const FLAGS: [&str; 6] = [
        "-fno-tree-dse",
        "-fno-tree-loop-distribute-patterns",
        "-fno-tracer",
        "-fno-ipa-ra",
        "-fno-inline-functions",
        "-Wl,--allow-multiple-definition",
    ];
    for library in files(folder, "-lib.c")? {
        let name = stem(&library).trim_end_matches("-lib").to_owned();
        programs.push(Program {
            suite: "c-torture",
            sources: vec![
                folder.join(format!("{name}.c")),
                library,
                folder.join("lib/main.c"),
            ],
            name: format!("builtins/{name} {level}"),
            flags: [level]
                .iter()
                .chain(&FLAGS)
                .map(ToString::to_string)
                .collect(),
        });
    }
    Ok(())
}

/// But those that are to be compiled only, or not even that.
fn advsimd(folder: &Path, level: &str, programs: &mut Vec<Program>) -> Result<()> {
    for source in files(folder, ".c")? {
        let text = String::from_utf8_lossy(&fs::read(&source)?).into_owned();
        let runs = ["dg-error", "dg-do compile", "dg-do assemble"];
        if runs.iter().any(|directive| text.contains(directive)) {
            continue;
        }
        programs.push(Program {
            suite: "advsimd-intrinsics",
            name: stem(&source) + " " + level,
            sources: vec![source],
            flags: vec![level.to_owned(), ADVSIMD.to_owned()],
        });
    }
    Ok(())
}
