//! Promise: threads, processes and signals are what they are on Linux.
//!
//! The programs assert what they can by themselves, and print the rest. Each
//! is compiled for this machine too, and both print the same and end the same
//! way.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::process::{Command, Stdio};

use common::compiled::{guest, native, said};
use common::{engine, long};
use tempfile::TempDir;

const LEVELS: [&str; 2] = ["-O0", "-O2"];

/// At each level: what is printed is what the same prints natively. With
/// `place`, argument 1 is an empty directory.
#[track_caller]
fn as_native(source: &str, place: bool, rounds: usize) -> String {
    let dir = TempDir::new().unwrap();
    let run = |mut command: Command| {
        let place_dir = TempDir::new().unwrap();
        if place {
            command.arg(place_dir.path());
        }
        said(&command.output().unwrap())
    };
    let expected = run(Command::new(native(&dir, source)));
    for level in LEVELS {
        let program = guest(&dir, source, level);
        for round in 0..rounds {
            for mode in [&["--eager"][..], &[]] {
                let mut command = engine();
                command.args(mode).arg(&program);
                let what = format!("{source} {level} {mode:?}, round {round}");
                assert_eq!(run(command), expected, "{what}");
            }
        }
    }
    expected
}

#[test]
fn signals() {
    let text = as_native("signals.c", false, 2);
    assert!(text.ends_with("to threads\nexit status: 0\n"), "{text}");
    assert!(text.contains("death 0: 6\ndeath 1: b\n"), "{text}");
}

/// Calls that wait with a set of signals of their own.
#[test]
fn masks_while_waiting() {
    let text = as_native("masked.c", false, 1);
    assert!(text.ends_with("exit status: 0\n"), "{text}");
}

#[test]
fn signals_interpreted() {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, "signals.c")).output().unwrap());
    let mut command = engine();
    command
        .arg("--interpret")
        .arg(guest(&dir, "signals.c", "-O2"));
    assert_eq!(said(&command.output().unwrap()), expected);
}

#[test]
fn threads() {
    let text = as_native("threads.c", false, 1);
    assert!(text.contains("mutexes: 720000 160040 5\n"), "{text}");
    assert!(
        text.ends_with("the last thread\nexit status: 17\n"),
        "{text}"
    );
}

#[test]
fn processes() {
    let text = as_native("processes.c", true, 1);
    assert!(text.contains("no exec: 100 1\n"), "{text}");
    assert!(text.ends_with("many: 200\nexit status: 0\n"), "{text}");
}

/// A child that shares the memory stops all threads, and reads their
/// registers, as leak sanitizers do with `ptrace`.
#[test]
fn threads_that_are_held() {
    let text = as_native("held.c", false, 1);
    assert!(text.contains("leave: 500\nkill: 9\nlook: 300\n"), "{text}");
    assert!(
        text.ends_with("slept: 0, handled: 11\nexit status: 0\n"),
        "{text}"
    );
}

/// Which calls go on after a signal, and how; that none is lost before one
/// waits; handlers that never return.
#[test]
fn calls_that_are_interrupted() {
    let text = as_native("interrupted.c", true, 1);
    assert!(text.contains("read, restart: 1 done, 1\n"), "{text}");
    assert!(text.contains("none is lost: 3000 3000\n"), "{text}");
    assert!(text.ends_with("timers: 0\nexit status: 0\n"), "{text}");
}

/// Futexes of all kinds, timers, all signals, stops, cores, and the newer
/// system calls.
#[test]
fn the_kernels_less_common_calls() {
    let text = as_native("kernel.c", true, 1);
    assert!(text.contains("one: 1, rest: 3\n"), "{text}");
    assert!(
        text.ends_with("no call: Function not implemented\nexit status: 0\n"),
        "{text}"
    );
}

/// Filters of system calls: forms, actions, precedence, what inherits them.
#[test]
fn filters() {
    let text = as_native("seccomp.c", false, 1);
    assert!(text.contains("here: -13, elsewhere: 1\n"), "{text}");
    assert!(
        text.ends_with("the next program: 23 0\nlongest: 500\nexit status: 0\n"),
        "{text}"
    );
}

/// Random programs as filters: those that the host's kernel takes, and their
/// answers.
#[test]
fn random_filters() {
    let dir = TempDir::new().unwrap();
    let rounds = if long() { "20000" } else { "500" };
    let ran = |mut command: Command| said(&command.arg(rounds).output().unwrap());
    let expected = ran(Command::new(native(&dir, "seccomp.c")));
    assert!(expected.starts_with("random: "), "{expected}");
    let mut command = engine();
    command.arg(guest(&dir, "seccomp.c", "-O2"));
    assert_eq!(ran(command), expected);
}

/// Under filters, the next program is one whose calls they can judge.
#[test]
fn no_native_program_under_filters() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "filtered.c", "-O2");
    let becomes = |arguments: &[&std::ffi::OsStr]| {
        said(&engine().arg(&program).args(arguments).output().unwrap())
    };
    assert_eq!(
        becomes(&[program.as_os_str(), "child".as_ref()]),
        "child: Invalid cross-device link\nexit status: 0\n"
    );
    let engine = engine();
    for native in ["/bin/true".as_ref(), engine.get_program()] {
        assert_eq!(
            becomes(&[native]),
            format!("{}: Exec format error\nexit status: 0\n", native.display())
        );
    }
    // A file that may not be executed, whatever is in it.
    assert_eq!(
        becomes(&["/etc/passwd".as_ref()]),
        "/etc/passwd: Permission denied\nexit status: 0\n"
    );
}

/// Thousands of signals at random places, and every answer is right.
#[test]
fn signal_storm() {
    let dir = TempDir::new().unwrap();
    let seconds = if long() { "60" } else { "2" };
    for level in LEVELS {
        let program = guest(&dir, "storm.c", level);
        let mode = if level == "-O0" {
            &["--eager"][..]
        } else {
            &[]
        };
        let mut command = engine();
        command.args(mode).arg(program).arg(seconds);
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{level}: {error}");
        assert_eq!(output.stdout, b"weathered\n");
        let count = error.strip_suffix(" signals\n").unwrap();
        assert!(count.parse::<u32>().unwrap() > 1000, "{level}: {error}");
    }
}

/// The functions of the vDSO: clocks of all kinds, bad pointers, filters.
#[test]
fn clocks() {
    let text = as_native("clocks.c", false, 1);
    assert!(text.contains("bad 5, 0: at 4096, code 2\n"), "{text}");
    assert!(
        text.ends_with("filtered day: 0\nexit status: 0\n"),
        "{text}"
    );
}

/// What they keep of the registers, and that nothing else calls what they call.
#[test]
fn clocks_keep_registers_and_are_the_vdsos_alone() {
    let dir = TempDir::new().unwrap();
    for level in LEVELS {
        let program = guest(&dir, "clocks.c", level);
        for mode in [&["--interpret"][..], &["--eager"], &[]] {
            for part in ["kept", "moved"] {
                let output = engine().args(mode).arg(&program).arg(part).output();
                let expected = format!("{part}\nexit status: 0\n");
                assert_eq!(said(&output.unwrap()), expected, "{level} {mode:?}");
            }
        }
    }
}

/// Signals while a program does nothing but read clocks.
#[test]
fn signal_storm_of_clocks() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "clocks.c", "-O2");
    let seconds = if long() { "60" } else { "1" };
    let output = engine()
        .arg(program)
        .args(["storm", seconds])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    assert_eq!(output.stdout, b"weathered\n");
    let count = error.strip_suffix(" signals\n").unwrap();
    assert!(count.parse::<u32>().unwrap() > 3000, "{error}");
}

/// What the engine was started with, the program has: signals that are ignored
/// or blocked.
#[test]
fn what_is_inherited() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "processes.c", "-O2");
    let mut shell = Command::new("sh");
    let engine = engine();
    shell
        .arg("-c")
        .arg("trap '' USR1 SEGV; exec \"$0\" \"$1\" child signals")
        .arg(engine.get_program())
        .arg(&program)
        .stdin(Stdio::null());
    let text = said(&shell.output().unwrap());
    assert!(text.contains("mask 0, ignored 1 1\n"), "{text}");
}
