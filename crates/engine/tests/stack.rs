//! Promise: the first thread's stack is the one that the kernel makes: it grows
//! as it is used, to the limit of the moment, and ends as natively.
//!
//! The programs print what is the same on every machine; each is compiled for
//! this machine too.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::compiled::{Target, compile, guest, native, said};
use common::engine;
use tempfile::TempDir;

const LEVELS: [&str; 2] = ["-O0", "-O2"];
const MODES: [&[&str]; 3] = [&["--interpret"], &["--eager"], &[]];

/// What the program prints natively; each mode prints the same.
#[track_caller]
fn as_native(source: &str) -> String {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, source)).output().unwrap());
    for level in LEVELS {
        let program = guest(&dir, source, level);
        for mode in MODES {
            let output = engine().args(mode).arg(&program).output().unwrap();
            assert_eq!(said(&output), expected, "{source} {level} {mode:?}");
        }
    }
    expected
}

/// The limit is raised and lowered; handlers of overflows; what `maps` shows;
/// mappings below, pages unmapped, protected and moved; `fork`, `vfork`,
/// threads, `execve`; a mapping of the program's that grows.
#[test]
fn grows_as_the_limit_says() {
    let text = as_native("stack.c");
    assert!(text.contains("raised to infinity: exit 0\n"), "{text}");
    assert!(
        text.contains("first: code 1, near 1, between 1, to the limit 1\n"),
        "{text}"
    );
    assert!(
        text.contains("found 1, rw-p, small 1, then 1, free below 1\nlines: 1\n"),
        "{text}"
    );
    assert!(
        text.ends_with("small: 1\nexecuted: exit 0\nexit status: 0\n"),
        "{text}"
    );
}

/// Where a program gets 39 bits of addresses, since it has ThreadSanitizer in it, the
/// stack is the engine's: it grows as natively, though mappings would come close.
#[test]
fn grows_where_addresses_are_few() {
    let dir = TempDir::new().unwrap();
    let expected = said(
        &Command::new(native(&dir, "stack.c"))
            .arg("alone")
            .output()
            .unwrap(),
    );
    assert!(expected.contains("raised: exit 0\n"), "{expected}");
    for level in LEVELS {
        let program = few(&dir, level);
        for mode in MODES {
            let mut command = engine();
            let output = command.args(mode).arg(&program).arg("alone").output();
            assert_eq!(said(&output.unwrap()), expected, "{level} {mode:?}");
        }
    }
    // The stack is where a space of 39 bits ends, and mappings keep their distance.
    let output = engine()
        .arg(few(&dir, "-O2"))
        .arg("place")
        .output()
        .unwrap();
    assert_eq!(said(&output), "bits: 39, distance 1\nexit status: 0\n");
}

/// The program that exports what ThreadSanitizer does.
fn few(dir: &TempDir, level: &str) -> PathBuf {
    let export = "-Wl,--export-dynamic";
    let flags = [level, "-static-pie", export, "-pthread", "-std=gnu17"];
    let program = dir.path().join(format!("few{level}"));
    compile(Target::Guest, "stack.c", &flags, program)
}

/// Where the program wants to execute on the stack, also on what has grown.
#[test]
fn grows_with_the_right_to_execute() {
    let text = as_native("trampolines.c");
    assert!(text.contains("without the right: code 2\n"), "{text}");
    assert!(text.contains("rwxp, 1\ntaken away: exit 0\n"), "{text}");
    assert!(
        text.ends_with("deep: 1\nrwxp, 1\nexit status: 0\n"),
        "{text}"
    );
}

/// The limit that a program is started with says how the kernel lays out all
/// else.
#[test]
fn layouts_by_the_limit_at_the_start() {
    let dir = TempDir::new().unwrap();
    let native_file = native(&dir, "stack.c");
    let guest_file = guest(&dir, "stack.c", "-O2");
    for how in [
        "ulimit -S -s unlimited; exec",
        "ulimit -S -s unlimited; exec setarch -R",
        "exec setarch -R",
        "ulimit -S -s 1048576; exec",
        "ulimit -S -s 300; exec",
        "ulimit -S -s 64; exec",
        "ulimit -S -s 20; exec",
        "ulimit -S -v 1000000; exec",
    ] {
        let run = |words: &[&Path]| {
            let script = format!("{how} \"$@\"");
            let mut command = Command::new("sh");
            command.env_clear().args(["-c", &script, "sh"]);
            said(&command.args(words).arg("limit").output().unwrap())
        };
        let expected = run(&[&native_file]);
        let engine = engine();
        assert_eq!(
            run(&[Path::new(engine.get_program()), &guest_file]),
            expected,
            "{how}"
        );
        assert!(
            expected.ends_with("handled: exit 0\nexit status: 0\n"),
            "{how}: {expected}"
        );
    }
}

/// What the kernel gave to the engine is not left on it: the engine's options
/// and name, and the host's machine.
#[test]
fn nothing_of_the_engines_is_left_on_it() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "stack.c", "-O2");
    // One letter further, lest the program finds its own arguments.
    let hidden = |text: &str| -> String {
        let bytes = text.bytes().map(|byte| char::from(byte + 1));
        bytes.collect()
    };
    let texts = ["A=control", "--counters", "x86_64", "armistice-aarch64"];
    let mut command = engine();
    command.env_clear().env("A", "control");
    // So many that the guest's part is far above where the kernel's began.
    command.args([texts[1]; 500]);
    command.args(["--argv0", "x"]).arg(&program);
    command.arg("remains").args(texts.map(hidden));
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let expected: String = texts
        .iter()
        .map(|&text| format!("{}: {}\n", hidden(text), i32::from(text == "A=control")))
        .collect();
    assert_eq!(text, expected);
}
