//! Promise: the kernel starts the engine through `binfmt_misc`, with any of
//! the flags, and the program sees the arguments that it was started with.
//!
//! In user and mount namespaces of the test's own, where a table of its own
//! can be mounted since Linux 6.7. Needs no root; nothing outside changes.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use common::compiled::{guest, native, said};
use common::program;
use tempfile::TempDir;

const INSIDE: &str = "ARMISTICE_TEST_INSIDE";
const TABLE: &str = "/proc/sys/fs/binfmt_misc";

/// Prints its argument 0 and exits with its user id.
const PROOF: &[u8] = include_bytes!("../../proof/programs/bin/aarch64");

/// AArch64 programs, whatever their type and their ABI.
const MAGIC: &str = concat!(
    r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:",
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff",
);

#[test]
fn started_by_the_kernel() {
    if std::env::var_os(INSIDE).is_some() {
        return with_any_flags();
    }
    inside("started_by_the_kernel");
}

/// However a program is named: by a path, by a descriptor that is closed.
#[test]
fn processes_that_execute_others() {
    if std::env::var_os(INSIDE).is_some() {
        return as_native();
    }
    inside("processes_that_execute_others");
}

/// Runs a test of this file again, in namespaces with a table.
#[track_caller]
fn inside(test: &str) {
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn mount_table() {
    let mounted = Command::new("mount")
        .args(["-t", "binfmt_misc", "none", TABLE])
        .status();
    assert!(mounted.unwrap().success());
}

fn register(flags: &str) {
    let engine = env!("CARGO_BIN_EXE_armistice-aarch64");
    fs::write(
        format!("{TABLE}/register"),
        format!(":armistice:M::{MAGIC}:{engine}:{flags}"),
    )
    .unwrap();
}

fn as_native() {
    mount_table();
    register("POCF");
    let dir = TempDir::new().unwrap();
    let [expected, found] = [native, |dir: &TempDir, source: &str| {
        guest(dir, source, "-O2")
    }]
    .map(|compiled| {
        let place = TempDir::new().unwrap();
        let program = compiled(&dir, "processes.c");
        said(&Command::new(program).arg(place.path()).output().unwrap())
    });
    assert_eq!(found, expected);
    assert!(found.contains("closing descriptor: "), "{found}");
}

fn with_any_flags() {
    mount_table();
    let dir = TempDir::new().unwrap();
    let path = program(&dir, "proof", PROOF);
    let name = path.to_str().unwrap();
    // What argument 0 the program sees: its own where the flag P keeps it.
    for (flags, zero) in [
        ("", name),
        ("O", name),
        ("P", "--help"),
        ("OP", "--help"),
        ("OC", name),
        ("OPC", "--help"),
        ("F", name),
        ("OPCF", "--help"),
    ] {
        register(flags);
        let output = Command::new(&path).arg0("--help").output().unwrap();
        fs::write(format!("{TABLE}/armistice"), "-1").unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{flags}");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            format!("{zero}\n"),
            "{flags}"
        );
        assert_eq!(output.status.code(), Some(0), "{flags}");
    }
}
