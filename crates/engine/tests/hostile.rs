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
