//! Promise: compiled C and C++ programs, static, run: they see their
//! arguments, allocate, use files, and end with their code or signal.
//!
//! Needs Debian's cross compilers, which `cargo xtask test` installs.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use common::compiled::{self, Target};
use common::engine;
use tempfile::TempDir;

/// How the engine may run a program.
const MODES: [&[&str]; 3] = [&["--interpret"], &["--eager"], &[]];

/// The keys of the auxiliary vector as the kernel orders them: arm64's
/// `ARCH_DLINFO` (`AT_SYSINFO_EHDR`, `AT_MINSIGSTKSZ`), then those of
/// `create_elf_tables` (fs/binfmt_elf.c).
const AUXILIARY: [u64; 20] = [
    33, 51, 16, 6, 17, 3, 4, 5, 7, 8, 9, 11, 12, 13, 14, 23, 25, 26, 31, 15,
];

/// Compiles one of `programs/`.
fn compile(dir: &TempDir, source: &str, flags: &[&str]) -> PathBuf {
    let flags = [flags, &["-Wall", "-Wno-volatile-register-var"]].concat();
    let program = dir.path().join(source).with_extension("");
    compiled::compile(Target::Guest, source, &flags, program)
}

fn run(mode: &[&str], program: &Path, arguments: &[&str]) -> Output {
    engine()
        .args(mode)
        .arg(program)
        .args(arguments)
        .env("COLOUR", "red")
        .output()
        .unwrap()
}

#[track_caller]
fn expect(output: &Output, code: i32, stdout: &str) {
    assert_eq!(
        (
            str::from_utf8(&output.stderr).unwrap(),
            str::from_utf8(&output.stdout).unwrap()
        ),
        ("", stdout)
    );
    assert_eq!(output.status.code(), Some(code), "{:?}", output.status);
}

#[test]
fn a_program_sees_its_start() {
    let dir = TempDir::new().unwrap();
    for flags in [
        &["-static", "-O0"][..],
        &["-static", "-O2"],
        &["-static-pie", "-O2"],
    ] {
        let program = compile(&dir, "start.c", flags);
        for mode in MODES {
            let output = run(mode, &program, &["two words", ""]);
            let expected = format!(
                "3 arguments: <{}> <two words> <>\n\
                 COLOUR=red\n\
                 page 4096, ticks 100, platform aarch64\n\
                 headers found, of 56 bytes\n\
                 random yes\n\
                 user same\n\
                 file /start\n\
                 entry same\n\
                 has fp 1, asimd 1\n\
                 vector{}\n",
                program.display(),
                AUXILIARY.map(|key| format!(" {key}")).concat()
            );
            assert_eq!(
                String::from_utf8_lossy(&output.stdout),
                expected,
                "{mode:?} {flags:?}"
            );
            assert_eq!(output.stderr, b"to standard error\n");
            assert_eq!(output.status.code(), Some(43));
        }
    }
}

#[test]
fn memory() {
    let dir = TempDir::new().unwrap();
    for flags in [["-static", "-O0"], ["-static-pie", "-O2"]] {
        let program = compile(&dir, "memory.c", &flags);
        for mode in MODES {
            expect(&run(mode, &program, &[]), 0, "memory\n");
        }
    }
}

#[test]
fn files() {
    let dir = TempDir::new().unwrap();
    let program = compile(&dir, "files.c", &["-static", "-O2"]);
    for mode in MODES {
        let place = TempDir::new().unwrap();
        let place = place.path().canonicalize().unwrap();
        expect(
            &run(mode, &program, &[place.to_str().unwrap()]),
            0,
            "files\n",
        );
    }
}

#[test]
fn cpp() {
    let dir = TempDir::new().unwrap();
    for level in ["-O0", "-O2"] {
        let program = compile(&dir, "objects.cc", &["-static", "-std=c++17", level]);
        for mode in MODES {
            let expected = "sum 76615\n\
                 one 2\nthree 1\ntwo 3\n\
                 ~depth 0\n~depth 1\n~depth 2\ncaught bottom\n\
                 6 0.333333 ff\n\
                 ~shared\n~static\n";
            expect(&run(mode, &program, &[]), 0, expected);
        }
    }
}

#[test]
fn deaths_are_the_parents_to_see() {
    const ILL: i32 = 4;
    const TRAP: i32 = 5;
    const ABRT: i32 = 6;
    const BUS: i32 = 7;
    const SEGV: i32 = 11;
    const TERM: i32 = 15;
    let dir = TempDir::new().unwrap();
    let program = compile(&dir, "death.c", &["-static", "-O1"]);
    for mode in MODES {
        for (way, signal) in [
            ("abort", ABRT),
            ("read", SEGV),
            ("write", SEGV),
            ("jump", SEGV),
            ("data", SEGV),
            ("odd", BUS),
            ("undefined", ILL),
            ("breakpoint", TRAP),
            ("truncated", BUS),
            ("kill", TERM),
            ("segv-sent", SEGV),
        ] {
            let output = run(mode, &program, &[way]);
            assert_eq!(output.status.signal(), Some(signal), "{way} {mode:?}");
            assert_eq!(
                (&output.stdout[..], &output.stderr[..]),
                (&b"before\n"[..], &b""[..])
            );
        }
        for (way, code) in [
            ("ignored", 7),
            ("blocked", 8),
            ("code", 300 & 0xff),
            ("none", 0),
        ] {
            expect(&run(mode, &program, &[way]), code, "before\n");
        }
    }
}
