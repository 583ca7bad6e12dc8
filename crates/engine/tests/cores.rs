//! Promise: whether a program ends with a core file is as natively. The file is
//! the host's and not the guest's; what it holds of the engine is small.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::Path;
use std::process::Command;

use common::compiled::{guest, native, said};
use tempfile::TempDir;

/// What it says, and the length of the longest file that it leaves.
fn ran(command: &mut Command) -> (String, u64) {
    let place = TempDir::new().unwrap();
    let said = said(&command.current_dir(place.path()).output().unwrap());
    let files = std::fs::read_dir(place.path()).unwrap();
    let lengths = files.map(|file| file.unwrap().metadata().unwrap().len());
    (said, lengths.max().unwrap_or(0))
}

#[test]
fn cores() {
    let dir = TempDir::new().unwrap();
    let (expected, _) = ran(&mut Command::new(native(&dir, "cores.c")));
    assert!(expected.ends_with("exit status: 0\n"), "{expected}");
    let program = guest(&dir, "cores.c", "-O2");
    let mut command = common::engine();
    let (found, length) = ran(command.arg(program));
    assert_eq!(found, expected);
    // The guest's first stack is most of it. A pattern that is a path says where
    // cores are looked for; this is about those in the working directory.
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    if Path::new(pattern.trim()).components().count() == 1 && !pattern.starts_with('|') {
        assert!(expected.contains("abort: core 1"), "{expected}");
        assert!((1..24 << 20).contains(&length), "{length}");
    }
}
