//! Promise: a guest traces guests by `ptrace` as natively: the stops, what is told of them,
//! memory, registers, and what happens when one side ends.
//!
//! `programs/traced.c` prints what it sees; compiled for this machine, it prints the same.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::process::Command;

use common::compiled::{guest, native, said};
use common::engine;
use tempfile::TempDir;

/// What it prints, the same as natively, in each way of running code.
#[track_caller]
fn as_native(source: &str) -> String {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, source)).output().unwrap());
    for level in ["-O0", "-O2"] {
        let program = guest(&dir, source, level);
        for mode in [&[][..], &["--eager"], &["--interpret"]] {
            let output = engine().args(mode).arg(&program).output().unwrap();
            assert_eq!(said(&output), expected, "{source} {level} {mode:?}");
        }
    }
    expected
}

#[test]
fn a_guest_traces_guests() {
    let text = as_native("traced.c");
    assert!(text.contains("enters getppid: 85, 80, 1\n"), "{text}");
    assert!(text.contains("-- vfork\n"), "{text}");
    assert!(text.ends_with("waitid: 1 7\nexit status: 0\n"), "{text}");
}

/// Who sends a program what only a tracer's engine sends has no more of it than a signal.
#[test]
fn what_pretends_to_be_a_tracer() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "traced_forged.c", "-O2");
    for mode in [&[][..], &["--eager"], &["--interpret"]] {
        let output = engine().args(mode).arg(&program).output().unwrap();
        assert_eq!(said(&output), "all\nexit status: 0\n", "{mode:?}");
    }
}

/// What natively no two machines have alike: arm64's sets of registers, a breakpoint in code
/// that was translated, calls that are changed and left out.
#[test]
fn registers_of_arm64() {
    let dir = TempDir::new().unwrap();
    for level in ["-O0", "-O2"] {
        let program = guest(&dir, "traced_registers.c", level);
        for mode in [&[][..], &["--eager"], &["--interpret"]] {
            let output = engine().args(mode).arg(&program).output().unwrap();
            let text = said(&output);
            assert!(
                text.ends_with("all\nexit status: 0\n"),
                "{level} {mode:?}: {text}"
            );
        }
    }
}
