//! Promise: wherever `core_pattern` sends core files, the one of a program that a
//! signal ends is the guest's, as an arm64 kernel would write it with the program's
//! rights, or there is none. None is the engine's.
//!
//! The pattern is one for the whole machine, so this is tried in one that QEMU makes
//! ([`common::machine`]), by the same program natively and as a guest
//! (`programs/dumped.c`).
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::Path;

use common::compiled::{guest, native};
use common::machine::{self, Root};
use tempfile::TempDir;

/// What a program or a socket would get, which only the kernel can start or write to
/// as it does: natively, then as a guest. Also where a file would be root's.
fn only_natively(line: &str) -> bool {
    let starts = ["a program", "a socket", "changed, a program", "changed:"];
    starts.iter().any(|start| line.starts_with(start))
}

/// What is expected of a guest: as natively, but for those.
fn expected(natively: &str) -> String {
    let mut text = String::new();
    let mut left_out = false;
    for line in natively.lines() {
        if !line.starts_with(' ') {
            left_out = only_natively(line);
        }
        let is_kept = line.starts_with("changed, still root") && !line.contains("a name");
        if left_out && line.starts_with(' ') {
            continue;
        }
        let line = if left_out || is_kept {
            line.replace("core 1", "core 0")
        } else {
            line.to_owned()
        };
        text += &line;
        text.push('\n');
    }
    text
}

#[test]
fn a_core_file_is_the_guests_or_none() {
    let dir = TempDir::new().unwrap();
    let mut root = Root::new();
    root.program("engine", Path::new(env!("CARGO_BIN_EXE_armistice-aarch64")));
    root.program("init", &native(&dir, "machine.c"));
    let natively = native(&dir, "dumped.c");
    root.program("helper", &natively);
    root.program("program", &natively);
    root.program("guest/program", &guest(&dir, "dumped.c", "-O2"));
    root.text("steps", "native /program\nrun /guest/program\n");
    let said = machine::run("max", root);
    let (_, said) = said.split_once("== native /program\n").expect("a step");
    let (natively, said) = said
        .split_once("== run /guest/program\n")
        .expect("two steps");
    // The kernel does what the test is about.
    for line in [
        "a path, not root: signal 6, core 1",
        "  /cores/for all/core: of this machine, of 65534, mode 600",
        "a program, limit 0, sent: signal 3, core 1",
        "  /tmp/helped: of this machine, of 0, mode 644",
    ] {
        assert!(natively.contains(line), "{line}\n{natively}");
    }
    let said = said.strip_suffix("== end\n").expect("an end");
    // Where it lies is in a file's name.
    let said = said.replace("!guest!program", "!program");
    let expected = expected(natively);
    assert_eq!(said, expected, "natively:\n{natively}");
}
