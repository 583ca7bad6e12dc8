//! Promise: a program that does what no program should gets what Linux gives
//! it, errors and signals; the engine stays sound, and nothing of its own
//! reaches the program's output.
//!
//! The program is compiled for this machine too, and both print the same: for each guest.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::process::Command;

use common::compiled::said;
use common::guests::{BOTH, TABLE};
use tempfile::TempDir;

#[test]
fn as_on_the_host() {
    for of in &BOTH {
        let dir = TempDir::new().unwrap();
        let run = |mut command: Command| {
            let place = TempDir::new().unwrap();
            said(&command.arg(place.path()).output().unwrap())
        };
        let expected = run(Command::new(of.native(&dir, "hostile.c")));
        assert!(expected.ends_with("exit status: 0\n"), "{expected}");
        assert!(!expected.contains("exit 99"), "{expected}");
        let program = of.guest(&dir, "hostile.c", "-O1");
        for mode in [&["--eager"][..], &[]] {
            let mut command = of.engine();
            command.args(mode).arg(&program);
            assert_eq!(run(command), expected, "{} {mode:?}", of.engine);
        }
    }
}

/// Where the kernel starts the engine, it is the engine that a program executes
/// and not what it asked for; the errors are the same.
#[test]
fn no_programs_through_the_kernel() {
    for of in &BOTH {
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
                .args([&script, of.magic, of.engine])
                .arg(program)
                .arg(place.path())
                .output();
            said(&output.unwrap())
        };
        let expected = run(&of.native(&dir, "hostile.c"));
        assert!(expected.contains("missing: No such file"), "{expected}");
        assert_eq!(run(&of.guest(&dir, "hostile.c", "-O1")), expected);
    }
}
