//! Promise: where a loop that multiplies, or a long one, keeps other slots in
//! registers, nobody can tell, whichever way the loop is left and entered.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::process::Command;

use common::compiled::{guest, native, said};
use common::engine;
use tempfile::TempDir;

/// SP that is no multiple of 16, signals, faults, children, and new code.
#[test]
fn a_loop_with_other_registers_is_left_and_entered() {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, "swapped.c")).output().unwrap());
    let program = guest(&dir, "swapped.c", "-O2");
    for mode in [&["--interpret"][..], &["--eager"], &[]] {
        let output = engine().args(mode).arg(&program).output().unwrap();
        assert_eq!(said(&output), expected, "{mode:?}");
    }
}

/// The loop of that test has them.
#[test]
fn a_loop_that_multiplies_has_other_registers() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "swapped.c", "-O2");
    let mut printing = engine();
    let printed = printing
        .args(["--print-guest", "--print-host"])
        .arg(program);
    let text = String::from_utf8(printed.output().unwrap().stderr).unwrap();
    let of_loop = |region: &&str| region.matches("  EXTR ").count() == 2;
    let regions: Vec<&str> = text.split("guest code").filter(of_loop).collect();
    let in_both_modes = |any: bool| {
        let mut of_mode = (regions.iter()).filter(|region| region.contains("(any SP)") == any);
        of_mode.any(|region| region.contains("[rbp+swapped"))
    };
    assert!(in_both_modes(false) && in_both_modes(true), "{regions:?}");
}

/// A long loop of plain integer work, with faults and signals.
#[test]
fn a_long_loop_is_left_and_entered() {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, "picked.c")).output().unwrap());
    let program = guest(&dir, "picked.c", "-O2");
    for mode in [&["--interpret"][..], &["--eager"], &[]] {
        let output = engine().args(mode).arg(&program).output().unwrap();
        assert_eq!(said(&output), expected, "{mode:?}");
    }
}

/// The loop of that test has other registers, where it is translated as a loop.
#[test]
fn a_long_loop_has_other_registers() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "picked.c", "-O2");
    let mut printing = engine();
    let printed = printing
        .args(["--print-guest", "--print-host"])
        .arg(program);
    let text = String::from_utf8(printed.output().unwrap().stderr).unwrap();
    let of_loop =
        |region: &&str| region.contains("  EON_") && region.matches("  LDR_register ").count() == 3;
    let mut regions = text.split("guest code").filter(of_loop);
    let swapped = regions.find(|region| region.contains("[rbp+swapped"));
    let swapped = swapped.expect(&text);
    // Its loads go before what overwrites the flags.
    let body = swapped.split(", loop:").nth(1).unwrap();
    let body = body.split("  jne ").next().unwrap();
    assert!(!body.contains("lahf"), "{swapped}");
}

/// A store between products and their additions goes before the products. Its faults show
/// the registers and the flags that the guest has at the store.
#[test]
fn a_store_between_products_faults_in_its_place() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "put_off.c", "-O2");
    let said_in = |mode: &[&str]| said(&engine().args(mode).arg(&program).output().unwrap());
    let expected = said_in(&["--interpret"]);
    assert!(expected.contains("1280 faults"), "{expected}");
    for mode in [&["--eager"][..], &[]] {
        assert_eq!(said_in(mode), expected, "{mode:?}");
    }
}
