//! What the tests of the binary share: running it, and making ELF files
//! without a cross compiler.
#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

pub(crate) mod compiled;
pub(crate) mod elf;
pub(crate) mod guests;
pub(crate) mod machine;

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The binary under test. Where `ARMISTICE_KEPT` names a file, all programs use the
/// translations in it, and note beside it (`.notes`) what they run that it has not.
pub(crate) fn engine() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_armistice-aarch64"));
    if let Some(file) = std::env::var_os("ARMISTICE_KEPT") {
        let mut notes = file.clone();
        notes.push(".notes");
        command.arg("--kept").arg(file).arg("--learn").arg(notes);
    }
    command
}

/// Runs the binary with these arguments.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Output {
    engine().args(arguments).output().unwrap()
}

/// Writes a file that may be executed.
pub(crate) fn program(dir: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    write_program(&path, bytes);
    path
}

/// Writes a file that may be executed.
pub(crate) fn write_program(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// Copies the binary under test, to be executed. Another process does it: if this
/// one did, a child that some other test forks could hold the copy open for
/// writing, and executing it would fail.
pub(crate) fn copy_engine(to: &Path) {
    let mut copy = Command::new("cp");
    copy.arg(env!("CARGO_BIN_EXE_armistice-aarch64")).arg(to);
    assert!(copy.status().unwrap().success());
}

/// Whether the long runs are asked for.
pub(crate) fn long() -> bool {
    std::env::var_os("ARMISTICE_LONG").is_some_and(|value| value == "1")
}
