//! Promise: a program that writes code and says so (IC IVAU, mprotect) runs
//! what it wrote last.
//!
//! Needs Debian's cross compiler, which `cargo xtask test` installs.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use common::compiled::{Target, compile};
use common::engine;
use tempfile::TempDir;

/// Compiles a program and runs it each way: it prints this and no more.
#[track_caller]
fn prints(source: &str, stdout: &str) {
    let dir = TempDir::new().unwrap();
    let flags = ["-static", "-O2", "-Wall", "-pthread"];
    let program = compile(Target::Guest, source, &flags, dir.path().join("program"));
    for mode in [&["--interpret"][..], &["--eager"], &[]] {
        let output = engine().args(mode).arg(&program).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, error) = (text(&output.stdout), text(&output.stderr));
        assert_eq!((&*out, &*error), (stdout, ""), "{mode:?}");
        assert_eq!(output.status.code(), Some(0), "{mode:?}");
    }
}

#[test]
fn the_newest_code_runs() {
    prints("rewritten.c", "");
}

/// Also what other threads run meanwhile, what comes back as it was, and what
/// other translations took for granted.
#[test]
fn pieces_of_code_are_changed() {
    prints(
        "patched.c",
        "again\nflags\nbehind\nprotected\nthreads\nloops\nmapped\n",
    );
}

/// What parents and children have in common, each changes for itself.
#[test]
fn parents_and_children_write_code_of_their_own() {
    prints("forked.c", "generations\nthreads\nlinked\n");
}

/// A child that has the table of descriptors of its parent: the engine opens none in it.
#[test]
fn a_table_of_descriptors_in_common_stays_the_programs() {
    prints("one_table.c", "done\n");
}

/// Threads that map memory and enter code while what a fork made common is copied.
#[test]
fn code_is_there_while_it_is_copied_under_threads() {
    prints("copied.c", "done\n");
}

/// Where there is no memory to copy code to, nor for a child's own.
#[test]
fn a_lowered_limit_of_addresses_ends_no_program() {
    prints("lowered.c", "parent\nchildren\nagain\n");
}
