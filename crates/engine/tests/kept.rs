//! Promise: `SIGSEGV`, `SIGBUS` and `SIGTRAP` that somebody sends are signals
//! like all others, although the engine needs them for itself; no call ends for a
//! signal that the guest is not told of; and `sigaction` keeps what the kernel keeps.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::process::Command;

use common::compiled::{guest, native, said};
use common::{engine, long};
use tempfile::TempDir;

/// Whose they are, where they wait, who gets them: as natively.
#[test]
fn signals_that_are_kept() {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, "kept.c")).output().unwrap());
    assert!(expected.ends_with("dies 3: signal 11\nexit status: 0\n"));
    assert!(expected.contains("\n 5 5 7 11 -11\n"), "{expected}");
    for (level, mode) in [("-O2", &[][..]), ("-O0", &["--interpret"])] {
        let mut command = engine();
        command.args(mode).arg(guest(&dir, "kept.c", level));
        assert_eq!(said(&command.output().unwrap()), expected, "{level}");
    }
}

/// What they do to system calls, stacks and masks, from where they come, and
/// what children and the next program have of them.
#[test]
fn what_those_that_are_kept_do() {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, "kept_calls.c")).output().unwrap());
    assert!(
        expected.ends_with("from a thread: 5000 7000 -11\nexit status: 0\n"),
        "{expected}"
    );
    let mut command = engine();
    command.arg(guest(&dir, "kept_calls.c", "-O2"));
    assert_eq!(said(&command.output().unwrap()), expected);
}

/// A bug once: a call ended with `EINTR` where the kernel woke its thread for a signal, and then gave
/// that to another thread.
#[test]
fn a_kept_signal_that_another_thread_gets_ends_no_call() {
    let dir = TempDir::new().unwrap();
    let native = Command::new(native(&dir, "kept_elsewhere.c")).output();
    let expected = said(&native.unwrap());
    assert_eq!(
        expected,
        "waited 75, polled 75, taken 150\nexit status: 0\n"
    );
    let mut command = engine();
    command.arg(guest(&dir, "kept_elsewhere.c", "-O2"));
    assert_eq!(said(&command.output().unwrap()), expected);
}

/// A bug once: `SIGCHLD` of a child that ended while its parent was still in `fork` or `vfork` was not dropped,
/// and woke another thread.
#[test]
fn a_signal_that_is_dropped_ends_no_call() {
    let dir = TempDir::new().unwrap();
    let children = if long() { "3000" } else { "100" };
    let run = |mut command: Command| said(&command.arg(children).output().unwrap());
    let expected = run(Command::new(native(&dir, "dropped.c")));
    assert_eq!(expected, "ended early: 0\nexit status: 0\n");
    let mut command = engine();
    command.arg(guest(&dir, "dropped.c", "-O2"));
    assert_eq!(run(command), expected);
}

/// Codes of the kernel's own, and bytes that no code has.
#[test]
fn what_may_be_sent_in_the_kernels_name() {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, "forged.c")).output().unwrap());
    assert!(expected.ends_with("forged\nexit status: 0\n"), "{expected}");
    let mut command = engine();
    command.arg(guest(&dir, "forged.c", "-O2"));
    assert_eq!(said(&command.output().unwrap()), expected);
}

/// Several send at once to threads that wait, read, poll, handle, or change what
/// they block: each signal comes once, and none is lost.
#[test]
fn none_that_is_kept_is_lost() {
    let dir = TempDir::new().unwrap();
    let rounds = if long() { "3000" } else { "60" };
    let run = |mut command: Command| said(&command.arg(rounds).output().unwrap());
    let expected = run(Command::new(native(&dir, "kept_race.c")));
    let races = expected
        .lines()
        .filter(|line| line.ends_with(": 1 1 1, wrong 0, left 0"));
    assert_eq!(races.count(), 44, "{expected}");
    let mut command = engine();
    command.arg(guest(&dir, "kept_race.c", "-O2"));
    assert_eq!(run(command), expected);
}

/// Flags that the kernel does not know are gone, also `SA_UNSUPPORTED`.
#[test]
fn what_sigaction_keeps() {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, "sigactions.c")).output().unwrap());
    assert!(expected.ends_with("unsupported 0, tag bits 1\nexit status: 0\n"));
    let mut command = engine();
    command.arg(guest(&dir, "sigactions.c", "-O2"));
    assert_eq!(said(&command.output().unwrap()), expected);
}
