//! GCC's test programs, out of Debian's source package of a fixed version: what
//! they are compiled with may be another. Each is compiled in all the [ways] of a guest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Program;
use crate::guest::Guest;
use crate::setup::{self, Need, need};
use crate::step::run;

/// To unpack them.
pub(crate) const NEEDS: &[Need] = &[need("xz", "xz-utils", "unpacks GCC's sources")];

const SUITE: &str = "bookworm";
/// The package, and the archive in the archive of its sources.
const PACKAGE: &str = "gcc-12";

/// A compiler, and the flags of all programs that it makes so.
#[derive(Debug, Clone, Copy)]
struct Way {
    compiler: &'static str,
    flags: &'static [&'static str],
    /// What the intrinsics need beside, where they are compiled so. All of it is advertised.
    advsimd: Option<&'static [&'static str]>,
}

const ARM64: &str = "aarch64-linux-gnu-gcc";
const ARMHF: &str = "arm-linux-gnueabihf-gcc";
/// It has no floating-point registers, and no instruction after armv5te: as T32, 16-bit ones only.
const ARMEL: &str = "arm-linux-gnueabi-gcc";

const ADVSIMD: Option<&[&str]> =
    Some(&["-march=armv8.2-a+fp16+crypto+dotprod+rdma+fp16fml+bf16+i8mm"]);
const ADVSIMD_ARM: Option<&[&str]> = Some(&[
    "-march=armv8.2-a+simd+fp16+crypto+dotprod+fp16fml+bf16+i8mm",
    "-mfpu=auto",
]);

/// How a guest's programs are compiled.
const fn ways(guest: Guest) -> &'static [Way] {
    const fn way(
        compiler: &'static str,
        flags: &'static [&'static str],
        advsimd: Option<&'static [&'static str]>,
    ) -> Way {
        Way {
            compiler,
            flags,
            advsimd,
        }
    }
    match guest {
        Guest::Arm64 => const { &[way(ARM64, &["-O0"], ADVSIMD), way(ARM64, &["-O2"], ADVSIMD)] },
        Guest::Arm => {
            const {
                &[
                    way(ARMHF, &["-marm", "-O0"], ADVSIMD_ARM),
                    way(ARMHF, &["-marm", "-mfpu=neon", "-O3"], None),
                    way(ARMHF, &["-mthumb", "-O2"], ADVSIMD_ARM),
                    way(ARMEL, &["-marm", "-O2"], None),
                    way(ARMEL, &["-mthumb", "-O2"], None),
                ]
            }
        }
    }
}

/// All programs, fetched into `folder` if they are not there.
pub(super) fn programs(guest: Guest, folder: &Path) -> Result<Vec<Program>> {
    let sources = folder.join("gcc");
    if !sources.is_dir() {
        fetch(folder, &sources)?;
    }
    let mut programs = Vec::new();
    for way in ways(guest) {
        let execute = sources.join("gcc.c-torture/execute");
        torture(&execute, "", way, &[], &mut programs)?;
        torture(&execute, "ieee", way, &["-fno-inline"], &mut programs)?;
        builtins(&execute.join("builtins"), way, &mut programs)?;
        if let Some(flags) = way.advsimd {
            let folder = sources.join("gcc.target/aarch64/advsimd-intrinsics");
            advsimd(&folder, way, flags, &mut programs)?;
        }
    }
    Ok(programs)
}

impl Way {
    /// A program's name in its suite.
    fn named(&self, name: &str) -> String {
        let soft = if self.compiler == ARMEL { " soft" } else { "" };
        format!("{name} {}{soft}", self.flags.join(" "))
    }

    fn flags(&self, more: &[&str]) -> Vec<String> {
        let all = self.flags.iter().chain(more);
        all.map(ToString::to_string).collect()
    }
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
    way: &Way,
    flags: &[&str],
    programs: &mut Vec<Program>,
) -> Result<()> {
    for source in files(&execute.join(part), ".c")? {
        let text = String::from_utf8_lossy(&fs::read(&source)?).into_owned();
        let mut all = way.flags(flags);
        all.extend(options(&text));
        programs.push(Program {
            suite: "c-torture",
            compiler: way.compiler,
            name: way.named(&Path::new(part).join(stem(&source)).display().to_string()),
            flags: all,
            sources: vec![source],
        });
    }
    Ok(())
}

/// Those that bring string functions of their own, which must not be the
/// compiler's or libc's.
fn builtins(folder: &Path, way: &Way, programs: &mut Vec<Program>) -> Result<()> {
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
            compiler: way.compiler,
            sources: vec![
                folder.join(format!("{name}.c")),
                library,
                folder.join("lib/main.c"),
            ],
            name: way.named(&format!("builtins/{name}")),
            flags: way.flags(&FLAGS),
        });
    }
    Ok(())
}

/// But those that are to be compiled only, or not even that.
fn advsimd(folder: &Path, way: &Way, flags: &[&str], programs: &mut Vec<Program>) -> Result<()> {
    for source in files(folder, ".c")? {
        let text = String::from_utf8_lossy(&fs::read(&source)?).into_owned();
        let runs = ["dg-error", "dg-do compile", "dg-do assemble"];
        if runs.iter().any(|directive| text.contains(directive)) {
            continue;
        }
        programs.push(Program {
            suite: "advsimd-intrinsics",
            compiler: way.compiler,
            name: way.named(&stem(&source)),
            sources: vec![source],
            flags: way.flags(flags),
        });
    }
    Ok(())
}
