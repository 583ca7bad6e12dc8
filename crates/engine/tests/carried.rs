//! Promise: an access that is done before the addition with carry in front of it
//! shows nobody that it was: at its fault, program counter, registers and flags are
//! those behind the addition.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::process::Command;

use common::compiled::{guest, native, said};
use common::engine;
use tempfile::TempDir;

/// Stores, loads, and a load and a store.
#[test]
fn faults_behind_additions_with_carry() {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, "carried.c")).output().unwrap());
    let program = guest(&dir, "carried.c", "-O2");
    for mode in [&["--interpret"][..], &["--eager"], &[]] {
        let output = engine().args(mode).arg(&program).output().unwrap();
        assert_eq!(said(&output), expected, "{mode:?}");
    }
}

/// They are done first there: the carry is added by one instruction.
#[test]
fn accesses_go_first() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "carried.c", "-O2");
    let mut printing = engine();
    let printed = printing
        .args(["--eager", "--print-guest", "--print-host"])
        .arg(program);
    let text = String::from_utf8(printed.output().unwrap().stderr).unwrap();
    let function = |region: &&str| {
        region.matches("  LDP_offset ").count() == 3 && region.matches("  SBC ").count() == 1
    };
    let regions: Vec<&str> = text.split("guest code").filter(function).collect();
    assert!(!regions.is_empty());
    for region in regions {
        assert!(
            !region.contains("setb") && !region.contains("setae"),
            "{region}"
        );
        // The last selection's flags are seen.
        assert_eq!(region.matches("cmovb").count(), 1, "{region}");
    }
}
