//! Promise: a program that writes code and says so (IC IVAU, mprotect) runs
//! what it wrote last.
//!
//! Needs Debian's cross compiler, which `cargo xtask test` installs.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::Path;
use std::process::Command;

use common::engine;
use tempfile::TempDir;

#[test]
fn the_newest_code_runs() {
    let dir = TempDir::new().unwrap();
    let program = dir.path().join("rewritten");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/rewritten.c");
    let compiled = Command::new("aarch64-linux-gnu-gcc")
        .args(["-static", "-O2", "-Wall", "-o"])
        .args([&program, &source])
        .status()
        .expect("aarch64-linux-gnu-gcc: `cargo xtask test` installs it");
    assert!(compiled.success());
    for mode in [&["--interpret"][..], &["--eager"], &[]] {
        let output = engine().args(mode).arg(&program).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{mode:?}");
    }
}
