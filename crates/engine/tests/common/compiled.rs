//! Programs in C, compiled for the guest and for this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Compiles a source of `programs/`, static, with a compiler's prefix.
fn compile(dir: &TempDir, source: &str, prefix: &str, level: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/programs")
        .join(source);
    let compiler = format!("{prefix}gcc");
    // Named alike, since programs print their names.
    let place = dir.path().join(format!("{prefix}{level}"));
    std::fs::create_dir_all(&place).unwrap();
    let program = place.join("program");
    let status = Command::new(&compiler)
        .args([level, "-static", "-std=gnu17", "-pthread", "-o"])
        .args([&program, &path])
        .arg("-lm")
        .status()
        .unwrap_or_else(|error| {
            panic!("{compiler}: {error}; cargo xtask test installs what is needed")
        });
    assert!(status.success(), "{compiler} {level} {source}");
    program
}

/// For the guest.
pub(crate) fn guest(dir: &TempDir, source: &str, level: &str) -> PathBuf {
    compile(dir, source, "aarch64-linux-gnu-", level)
}

/// For this machine.
pub(crate) fn native(dir: &TempDir, source: &str) -> PathBuf {
    compile(dir, source, "", "-O2")
}

/// How it ended and what it printed.
#[track_caller]
pub(crate) fn said(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout);
    format!("{text}{error}{}\n", output.status)
}
