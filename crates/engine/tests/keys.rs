//! Promise: where the processor has memory protection keys, a guest cannot
//! write translated code, whatever it tries; and programs run as they do
//! without. Both guests.
//!
//! Hardly any machine that tests run on has keys, so they run in one that QEMU
//! makes ([`common::machine`]). Its first process finds where the engine writes
//! code, tells the guest (`programs/keys.c`), and looks after each way that the
//! guest tries at what is there. Without keys the same guest writes there.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::Path;
use std::process::Stdio;

use common::compiled::{native, said};
use common::guests::{BOTH, Guest};
use common::long;
use common::machine::{self, Root};
use tempfile::TempDir;

/// A way of writing, what comes of it with keys, and without.
type Way = (&'static str, &'static str, &'static str);

const STORE: &str = "SIGSEGV, unchanged";
const CALL: &str = "EFAULT, unchanged";
const OPEN: &str = "EACCES, unchanged";
const DONE: &str = "done, changed";

const WAYS: [Way; 32] = [
    ("store", STORE, DONE),
    ("pair", STORE, DONE),
    ("vector", STORE, DONE),
    ("exchange", STORE, DONE),
    ("dc zva", STORE, DONE),
    ("set", STORE, DONE),
    // The kernel writes.
    ("read", CALL, DONE),
    ("getrandom", CALL, DONE),
    // The engine writes.
    ("fstat", CALL, DONE),
    ("process_vm_writev", CALL, CALL),
    ("a second part", "one, unchanged", "one, unchanged"),
    ("process_vm_readv", CALL, CALL),
    ("/proc/self/mem", OPEN, DONE),
    ("/proc/thread-self/mem", OPEN, DONE),
    ("/proc/PID/mem", OPEN, DONE),
    ("task/TID/mem", OPEN, DONE),
    ("mem in a directory", OPEN, DONE),
    ("openat2", OPEN, DONE),
    ("a link", OPEN, DONE),
    ("opened again", OPEN, DONE),
    ("a path opened", OPEN, DONE),
    // What is still allowed.
    ("own memory", "read, unchanged", "read, unchanged"),
    ("another file", "done, unchanged", "done, unchanged"),
    ("at a thread's exit", "done, unchanged", DONE),
    ("thread", STORE, DONE),
    ("handler", STORE, DONE),
    // It has code memory of its own.
    ("fork", STORE, "done, unchanged"),
    ("vfork", STORE, DONE),
    ("a child's writev", CALL, DONE),
    ("a vfork child's writev", CALL, CALL),
    ("a child's mem", OPEN, DONE),
    // From handlers and from two threads, while there is much to translate.
    ("all the time", "never, unchanged", DONE),
];

/// Where addresses have 32 bits, none leads to code memory: only these do.
const NARROW: [&str; 13] = [
    "/proc/self/mem",
    "/proc/thread-self/mem",
    "/proc/PID/mem",
    "task/TID/mem",
    "mem in a directory",
    "openat2",
    "a link",
    "opened again",
    "a path opened",
    "own memory",
    "another file",
    "a child's mem",
    "all the time",
];

/// How the engine runs the guest.
const MODES: [&str; 2] = ["keys --eager", "keys"];

/// A machine's files: the engine, its first process, and the guest.
fn root(of: &Guest, dir: &TempDir) -> Root {
    let mut root = Root::new();
    root.program("engine", Path::new(of.engine));
    root.program("init", &native(dir, "machine.c"));
    root.program("keys", &of.guest(dir, "keys.c", "-O1"));
    root
}

/// What a machine's first process says of the guest.
fn tried(of: &Guest, keys: bool) -> String {
    let has = if keys { "has keys" } else { "has no keys" };
    let mut text = format!("== machine\n{has}\n");
    for mode in MODES {
        text += &format!("== {mode}\n");
        let ways = WAYS
            .iter()
            .filter(|(way, ..)| of.is_wide() || NARROW.contains(way));
        for (way, with, without) in ways {
            text += &format!("{way}: {}\n", if keys { with } else { without });
        }
        text += "exit status: 0\n";
    }
    text
}

/// Compares line by line, for messages that can be read.
#[track_caller]
fn same(said: &str, expected: &str) {
    for (said, expected) in said.lines().zip(expected.lines()) {
        assert_eq!(said, expected);
    }
    assert_eq!(said, expected);
}

/// Programs with deep stacks, which change code, and whose code is mapped more
/// than once; and those that take minutes in such a machine.
const PROGRAMS: [&str; 3] = ["frames", "rewritten", "aliased"];
const LONG: [&str; 2] = ["threads", "patched"];

#[test]
fn with_keys_translated_code_cannot_be_written() {
    BOTH.iter().for_each(with_keys);
}

fn with_keys(of: &Guest) {
    let dir = TempDir::new().unwrap();
    let mut root = root(of, &dir);
    let mut steps = MODES.join("\n") + "\n";
    let mut expected = tried(of, true);
    let more: &[&str] = if long() { &LONG } else { &[] };
    for name in PROGRAMS.iter().chain(more) {
        let program = of.guest(&dir, &format!("{name}.c"), "-O2");
        root.program(name, &program);
        let step = format!("run --eager /{name}");
        steps += &format!("{step}\n");
        let mut command = of.engine();
        command.arg("--eager").arg(program);
        let here = command.stdin(Stdio::null()).output().unwrap();
        expected += &format!("== {step}\n{}", said(&here));
    }
    root.program("storm", &of.guest(&dir, "storm.c", "-O2"));
    root.text("steps", &(steps + "run /storm 1\n"));
    let said = machine::run("max", root);
    let (said, storm) = said.split_once("== run /storm 1\n").expect("a storm");
    same(said, &expected);
    let lines: Vec<_> = storm.lines().collect();
    let [count, "weathered", "exit status: 0", "== end"] = lines[..] else {
        panic!("{storm}")
    };
    assert!(count.ends_with(" signals"), "{count}");
}

/// So the guest does write where it means to.
#[test]
fn without_keys_it_can() {
    BOTH.iter().for_each(without_keys);
}

fn without_keys(of: &Guest) {
    let dir = TempDir::new().unwrap();
    let mut root = root(of, &dir);
    root.text("steps", &(MODES.join("\n") + "\n"));
    same(
        &machine::run("max,-pku", root),
        &(tried(of, false) + "== end\n"),
    );
}
