//! Promise: a stack pointer that is no multiple of 16 costs nothing until it is
//! used, and then it is the fault that it is on arm64.
//!
//! The program prints the same natively, of what arm64 does.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::process::Command;

use common::compiled::{guest, native, said};
use common::engine;
use tempfile::TempDir;

/// How often SP is moved where the interpreter's work is counted.
const TIMES: u32 = 100_000;
/// What is interpreted of such a program before it is hot.
const COLD: u32 = 40_000;

/// Every instruction that writes SP, every access through it, calls, signals,
/// jumps, branches, soft floats, new code, and children.
#[test]
fn a_stack_pointer_may_be_anything_until_it_is_used() {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, "any_stack.c")).output().unwrap());
    assert!(expected.ends_with("\nexit status: 0\n"), "{expected}");
    for level in ["-O0", "-O2"] {
        let program = guest(&dir, "any_stack.c", level);
        for mode in [&["--interpret"][..], &["--eager"], &[]] {
            let output = engine().args(mode).arg(&program).output().unwrap();
            assert_eq!(said(&output), expected, "{level} {mode:?}");
        }
    }
}

/// Neither a fault nor the interpreter: both would be counted.
#[test]
fn moving_it_is_not_interpreted() {
    let dir = TempDir::new().unwrap();
    let times = TIMES.to_string();
    let native = Command::new(native(&dir, "any_stack.c"))
        .arg(&times)
        .output();
    let program = guest(&dir, "any_stack.c", "-O2");
    let mut counting = engine();
    counting.arg("--counters").arg(program).arg(&times);
    let output = counting.output().unwrap();
    assert_eq!(output.stdout, native.unwrap().stdout);
    let text = String::from_utf8(output.stderr).unwrap();
    let count = |what: &str| -> u32 {
        let line = text.lines().find(|line| line.ends_with(what));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.map_or(0, |number| number.parse().unwrap())
    };
    let cold = count(" interpreted before they were translated");
    assert!((1..COLD).contains(&cold), "{text}");
    assert!(
        count(" left to the interpreter by translated code") < COLD,
        "{text}"
    );
}

/// Code of both modes is told apart.
#[test]
fn its_mode_is_shown() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "any_stack.c", "-O2");
    let mut printing = engine();
    printing.arg("--print-guest").arg(program).arg("1000");
    let text = String::from_utf8(printing.output().unwrap().stderr).unwrap();
    let heads = text.lines().filter(|line| line.starts_with("guest code"));
    let (any, plain): (Vec<&str>, _) = heads.partition(|line| line.ends_with(" (any SP):"));
    assert!(!any.is_empty() && !plain.is_empty(), "{text}");
    // The same code in both.
    let both = |any: &&str| plain.contains(&&*any.replace(" (any SP)", ""));
    assert!(any.iter().any(both), "{any:?} {plain:?}");
}
