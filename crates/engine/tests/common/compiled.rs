//! Programs in C, compiled for the guest and for this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Whose instructions a compiler makes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// This machine's.
    Host,
    /// The guest's. Debian's cross compiler makes them, which `cargo xtask test` installs.
    Guest,
    /// 32-bit Arm's, with hard floating point.
    Hard,
    /// With soft floating point, and no instruction newer than Armv5.
    Soft,
    /// i386's, which this machine runs.
    I386,
}

/// Compiles one of `programs/`, or a source with a path of its own, in C or C++. All
/// tests of this folder compile here.
#[track_caller]
pub(crate) fn compile<P: AsRef<Path>>(
    target: Target,
    source: P,
    flags: &[&str],
    program: PathBuf,
) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/programs")
        .join(source);
    let prefix = match target {
        Target::Host => "",
        Target::Guest => "aarch64-linux-gnu-",
        Target::Hard => "arm-linux-gnueabihf-",
        Target::Soft => "arm-linux-gnueabi-",
        Target::I386 => "i686-linux-gnu-",
    };
    let language = match source.extension().unwrap().to_str() {
        Some("cc") => "g++",
        _ => "gcc",
    };
    let compiler = format!("{prefix}{language}");
    // A library counts for the sources before it: flags are last.
    let status = Command::new(&compiler)
        .arg("-o")
        .args([&program, &source])
        .args(flags)
        .status()
        .unwrap_or_else(|error| panic!("{compiler}: {error}; cargo xtask test installs it"));
    assert!(status.success(), "{compiler} {source:?} {flags:?}");
    program
}

/// As most tests want one of `programs/`: static, with threads and mathematics.
pub(crate) fn usual(target: Target, dir: &TempDir, source: &str, level: &str) -> PathBuf {
    // Named alike, since programs print their names.
    let place = dir.path().join(format!("{target:?}{level}"));
    std::fs::create_dir_all(&place).unwrap();
    let flags = [level, "-static", "-std=gnu17", "-pthread", "-lm"];
    compile(target, source, &flags, place.join("program"))
}

/// For the guest.
pub(crate) fn guest(dir: &TempDir, source: &str, level: &str) -> PathBuf {
    usual(Target::Guest, dir, source, level)
}

/// For this machine.
pub(crate) fn native(dir: &TempDir, source: &str) -> PathBuf {
    usual(Target::Host, dir, source, "-O2")
}

/// How it ended and what it printed.
#[track_caller]
pub(crate) fn said(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout);
    format!("{text}{error}{}\n", output.status)
}
