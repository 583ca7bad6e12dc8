//! Promise: a program that does what no program should gets what Linux gives
//! it, errors and signals; the engine stays sound, and nothing of its own
//! reaches the program's output.
//!
//! The program is compiled for this machine too, and both print the same.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::process::Command;

use common::compiled::{guest, native, said};
use common::engine;
use tempfile::TempDir;

#[test]
fn as_on_the_host() {
    let dir = TempDir::new().unwrap();
    let run = |mut command: Command| {
        let place = TempDir::new().unwrap();
        said(&command.arg(place.path()).output().unwrap())
    };
    let expected = run(Command::new(native(&dir, "hostile.c")));
    assert!(expected.ends_with("exit status: 0\n"), "{expected}");
    assert!(!expected.contains("exit 99"), "{expected}");
    let program = guest(&dir, "hostile.c", "-O1");
    for mode in [&["--eager"][..], &[]] {
        let mut command = engine();
        command.args(mode).arg(&program);
        assert_eq!(run(command), expected, "{mode:?}");
    }
}

/// Where the kernel starts the engine, it is the engine that a program executes
/// and not what it asked for; the errors are the same.
#[test]
fn no_programs_through_the_kernel() {
    const TABLE: &str = "/proc/sys/fs/binfmt_misc";
    const MAGIC: &str = concat!(
        r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:",
        r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff",
    );
    let dir = TempDir::new().unwrap();
    let part = "no programs";
    let run = |program: &std::path::Path| {
        let place = TempDir::new().unwrap();
        let script = format!(
            "mount -t binfmt_misc none {TABLE}
             printf '%s' \":armistice:M::$0:$1:POCF\" >{TABLE}/register
             exec \"$2\" \"$3\" '{part}'"
        );
        let output = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-ec"])
            .args([&script, MAGIC, env!("CARGO_BIN_EXE_armistice-aarch64")])
            .arg(program)
            .arg(place.path())
            .output();
        said(&output.unwrap())
    };
    let expected = run(&native(&dir, "hostile.c"));
    assert!(expected.contains("missing: No such file"), "{expected}");
    assert_eq!(run(&guest(&dir, "hostile.c", "-O1")), expected);
}
