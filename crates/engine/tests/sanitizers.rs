//! Promise: programs with ThreadSanitizer in them run in an address space of a
//! size that it knows, and it finds what it finds natively.
//!
//! GCC's is a library of Debian's cross compilers; Clang's and MemorySanitizer
//! are compared in whole userlands (`tests/tests/debian/clang.sh`).
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::PathBuf;
use std::process::Command;

use common::compiled::{self, Target};
use common::engine;
use tempfile::TempDir;

/// Compiles `races.c`. For the guest, with a loader and libraries at the cross
/// compiler's place.
fn compile(dir: &TempDir, target: Target, flags: &[&str]) -> PathBuf {
    let usual = ["-O1", "-g", "-fsanitize=thread", "-pthread"];
    let flags = [&usual, flags].concat();
    compiled::compile(target, "races.c", &flags, dir.path().join("races"))
}

const GUEST: [&str; 2] = [
    "-Wl,--dynamic-linker=/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1",
    "-Wl,--disable-new-dtags,-rpath=/usr/aarch64-linux-gnu/lib",
];

/// What it prints, how many races it tells of, and how it ends.
fn said(mut command: Command, how: &str) -> (String, usize, Option<i32>) {
    let output = command.arg(how).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let races = told.matches("WARNING: ThreadSanitizer: data race").count();
    assert!(!told.contains("FATAL"), "{told}");
    assert_eq!(told.is_empty(), races == 0, "{told}");
    (printed, races, output.status.code())
}

#[test]
fn thread_sanitizer_finds_what_it_finds_natively() {
    let dir = TempDir::new().unwrap();
    let native = compile(&dir, Target::Host, &[]);
    for flags in [&["-pie", "-fPIE"][..], &["-no-pie"], &["-static-libtsan"]] {
        let place = TempDir::new().unwrap();
        let guest = compile(&place, Target::Guest, &[flags, &GUEST].concat());
        for how in ["race", "clean", "all"] {
            let expected = said(Command::new(&native), how);
            assert_eq!(expected.1, usize::from(how == "race"), "{expected:?}");
            let mut command = engine();
            command.arg(&guest);
            assert_eq!(said(command, how), expected, "{flags:?} {how}");
        }
    }
}
