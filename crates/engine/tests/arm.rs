//! Promise: programs of 32-bit Arm run: what they see of the kernel is what the same program
//! for i386 sees natively, whichever of the two instruction sets, floating point and width of
//! times they are compiled for, and what no other architecture has is as Arm's kernels have it.
//! Files that are no such programs are refused with one line and the shell's code.
//!
//! The sources are in `programs/`. Needs Debian's cross compilers, which `cargo xtask test`
//! installs.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::compiled::{self, Target, said};
use common::program;
use tempfile::TempDir;

fn engine() -> Command {
    Command::new(env!("CARGO_BIN_EXE_armistice-arm"))
}

fn compile(dir: &TempDir, target: Target, source: &str, flags: &[&str]) -> PathBuf {
    // Armv5 has no atomic operation on 64 bits of its own.
    let usual = ["-O1", "-std=gnu17", "-pthread", "-w", "-latomic"];
    // Named alike, since programs print their names.
    let place = tempfile::tempdir_in(dir.path()).unwrap().keep();
    let flags = [&usual, flags].concat();
    compiled::compile(target, source, &flags, place.join("program"))
}

fn run(program: &Path) -> Output {
    engine().arg(program).output().unwrap()
}

/// The programs of each kind of code print what i386's prints.
#[track_caller]
fn as_on_i386(source: &str, flags: &[&str]) {
    let dir = TempDir::new().unwrap();
    let native = compile(&dir, Target::I386, source, &[flags, &["-static"]].concat());
    let native = Command::new(native).output().unwrap();
    assert!(native.status.signal().is_none(), "{}", said(&native));
    for (target, kind) in [
        (Target::Hard, "-marm"),
        (Target::Hard, "-mthumb"),
        (Target::Soft, "-marm"),
    ] {
        let program = compile(&dir, target, source, &[flags, &["-static", kind]].concat());
        similar_asserts(&said(&run(&program)), &said(&native), kind);
    }
}

/// Both in the order of lines, of which the first that differs is told.
#[track_caller]
fn similar_asserts(guest: &str, native: &str, kind: &str) {
    for (guest, native) in guest.lines().zip(native.lines()) {
        assert_eq!(guest, native, "{kind}");
    }
    assert_eq!(
        guest.lines().count(),
        native.lines().count(),
        "{kind}\n{guest}"
    );
}

#[test]
fn words_of_32_bits() {
    as_on_i386("narrow.c", &["-D_FILE_OFFSET_BITS=64"]);
}

#[test]
fn times_of_64_bits() {
    as_on_i386("narrow.c", &["-D_FILE_OFFSET_BITS=64", "-D_TIME_BITS=64"]);
}

/// Numbers and addresses at the end of what 32 bits say, strict mode's own numbers, and the
/// descriptor that a chosen signal tells of.
#[test]
fn edges_of_32_bits() {
    as_on_i386("narrow_edges.c", &[]);
}

#[test]
fn programs_that_the_other_guest_has_too() {
    for source in ["heap.c", "memory.c", "limits.c", "kept_calls.c"] {
        as_on_i386(source, &[]);
    }
}

/// The functions of the vDSO: clocks of all kinds, with times of 32 and 64 bits, bad pointers, filters.
#[test]
fn clocks() {
    as_on_i386("clocks.c", &[]);
}

/// What they keep of the registers, that nothing else calls what they call, and that no signal is
/// lost while a program does nothing but read clocks.
#[test]
fn clocks_keep_registers_and_signals() {
    let dir = TempDir::new().unwrap();
    for (target, kind) in [
        (Target::Hard, "-marm"),
        (Target::Hard, "-mthumb"),
        (Target::Soft, "-marm"),
    ] {
        let program = compile(&dir, target, "clocks.c", &["-static", kind]);
        for mode in [&["--interpret"][..], &["--eager"], &[]] {
            for part in ["kept", "moved"] {
                let output = engine().args(mode).arg(&program).arg(part).output();
                let expected = format!("{part}\nexit status: 0\n");
                assert_eq!(said(&output.unwrap()), expected, "{kind} {mode:?}");
            }
        }
        let output = engine().arg(program).args(["storm", "1"]).output().unwrap();
        assert_eq!(output.stdout, b"weathered\n", "{}", said(&output));
    }
}

/// A C library finds the functions, by its loader or by itself: no clock is a system call. Where
/// the functions are not there, each is one, as `--strace` shows.
#[test]
fn c_libraries_find_the_vdso() {
    let dir = TempDir::new().unwrap();
    for (target, link) in [
        (Target::Hard, &["-static"][..]),
        (
            Target::Hard,
            &["-Wl,--dynamic-linker=/usr/arm-linux-gnueabihf/lib/ld-linux-armhf.so.3"],
        ),
        (Target::Soft, &["-static"]),
    ] {
        for times in [&[][..], &["-D_FILE_OFFSET_BITS=64", "-D_TIME_BITS=64"]] {
            let program = compile(&dir, target, "reads_clocks.c", &[link, times].concat());
            let run = |argument: &[&str]| {
                let libraries = "LD_LIBRARY_PATH=/usr/arm-linux-gnueabihf/lib";
                let mut command = engine();
                command.args(["--strace", "-E", libraries]);
                let output = command.arg(&program).args(argument).output().unwrap();
                assert!(output.status.success(), "{}", said(&output));
                let trace = String::from_utf8(output.stderr).unwrap();
                let is_clock =
                    |line: &&str| line.contains("clock_get") || line.contains("gettimeofday");
                trace.lines().filter(is_clock).count()
            };
            assert_eq!(run(&[]), 0, "{target:?} {link:?} {times:?}");
            assert_eq!(run(&["kernel"]), 3, "{target:?} {link:?} {times:?}");
        }
    }
}

/// Calls that wait with a set of signals of their own.
#[test]
fn masks_while_waiting() {
    as_on_i386("masked.c", &[]);
    as_on_i386("masked.c", &["-D_FILE_OFFSET_BITS=64", "-D_TIME_BITS=64"]);
}

/// What stands for a file of `/proc` is changed no more than that, by whatever call.
#[test]
fn a_text_looks_like_its_file() {
    let dir = TempDir::new().unwrap();
    let says = |words: &[&str], program: PathBuf| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "--pid", "--fork"]);
        command.arg("--mount-proc").args(words).arg(program);
        said(&command.args(["files", "/"]).output().unwrap())
    };
    let expected = says(&[], compile(&dir, Target::I386, "views.c", &["-static"]));
    assert!(expected.ends_with("exit status: 0\n"), "{expected}");
    let engine = env!("CARGO_BIN_EXE_armistice-arm");
    for kind in ["-marm", "-mthumb"] {
        let program = compile(&dir, Target::Hard, "views.c", &["-static", kind]);
        similar_asserts(&says(&[engine], program), &expected, kind);
    }
}

/// Where the kernel chooses a place, under limits and without, and near the first stack.
#[test]
fn places_and_limits_of_memory() {
    as_on_i386("limited.c", &[]);
}

/// Filters of who started the program: those that refuse i386's calls or end who makes one, and
/// others, by which a child could not be had.
#[test]
fn filters_and_the_entry_for_i386() {
    let dir = TempDir::new().unwrap();
    let source = "only_native.c";
    let filter = compile(&dir, Target::Host, source, &[]);
    let program = compile(
        &dir,
        Target::Hard,
        source,
        &["-static", "-D_FILE_OFFSET_BITS=64"],
    );
    for (what, filters) in [
        (
            "usual",
            ["refuse", "trap", "kill-thread", "kill"].as_slice(),
        ),
        ("usual", &["let", "new-namespace"]),
        ("semaphores", &["let", "new-namespace", "no-children"]),
    ] {
        let says = |command: &mut Command| said(&command.arg(what).output().unwrap());
        let expected = says(engine().arg(&program));
        assert!(expected.ends_with("exit status: 0\n"), "{expected}");
        for how in filters {
            let mut command = Command::new(&filter);
            command.args([how, env!("CARGO_BIN_EXE_armistice-arm")]);
            similar_asserts(&says(command.arg(&program)), &expected, how);
        }
    }
}

/// What no other architecture has.
#[test]
fn state_of_instruction_sets() {
    let expected = include_str!("programs/arm.out");
    let dir = TempDir::new().unwrap();
    for (target, kind) in [(Target::Hard, "-marm"), (Target::Hard, "-mthumb")] {
        let program = compile(&dir, target, "arm.c", &["-static", kind]);
        let output = run(&program);
        assert!(output.status.success(), "{}", said(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        similar_asserts(&text, expected, kind);
    }
}

/// What translated code leaves to the interpreter under a condition is done where the condition
/// holds.
#[test]
fn conditions_hold_in_the_interpreter() {
    let dir = TempDir::new().unwrap();
    for kind in ["-marm", "-mthumb"] {
        let flags = ["-static", "-mfpu=neon-vfpv4", kind];
        let program = compile(&dir, Target::Hard, "conditional.c", &flags);
        let says = |options: &[&str]| said(&engine().args(options).arg(&program).output().unwrap());
        let expected = says(&["--interpret"]);
        assert!(expected.ends_with("exit status: 0\n"), "{expected}");
        for options in [&[][..], &["--eager"]] {
            similar_asserts(&says(options), &expected, kind);
        }
    }
}

/// A guest traces guests: the stops, and what is told of them.
#[test]
fn a_guest_traces_guests() {
    as_on_i386("traced.c", &[]);
}

/// The requests of arm's tracers, and registers as these know them.
#[test]
fn registers_of_arm() {
    let dir = TempDir::new().unwrap();
    for (target, kind) in [(Target::Hard, "-marm"), (Target::Hard, "-mthumb")] {
        let program = compile(&dir, target, "traced_narrow.c", &["-static", kind]);
        let text = said(&run(&program));
        assert!(text.ends_with("all\nexit status: 0\n"), "{kind}: {text}");
    }
}

/// A dynamic loader is looked for where Debian's cross compilers have it, for both ABIs.
#[test]
fn dynamic_programs() {
    let dir = TempDir::new().unwrap();
    for target in [Target::Hard, Target::Soft] {
        for kind in ["-marm", "-mthumb"] {
            let program = compile(&dir, target, "limits.c", &[kind, "-lm"]);
            let static_program = compile(&dir, target, "limits.c", &[kind, "-static", "-lm"]);
            assert_eq!(
                said(&run(&program)),
                said(&run(&static_program)),
                "{target:?} {kind}"
            );
        }
    }
}

/// An ELF header of 32 bits and one segment, with these flags, entry and address.
fn file(machine: u16, order: u8, flags: u32, address: u32) -> Vec<u8> {
    let mut file = vec![0x7f, b'E', b'L', b'F', 1, order, 1, 0];
    file.resize(16, 0);
    let half = |file: &mut Vec<u8>, value: u16| file.extend_from_slice(&value.to_le_bytes());
    let word = |file: &mut Vec<u8>, value: u32| file.extend_from_slice(&value.to_le_bytes());
    half(&mut file, 2);
    half(&mut file, machine);
    word(&mut file, 1);
    word(&mut file, address + 84);
    word(&mut file, 52);
    word(&mut file, 0);
    word(&mut file, flags);
    for value in [52, 32, 1, 0, 0, 0] {
        half(&mut file, value);
    }
    for value in [1, 0, address, address, 96, 96, 7, 4096] {
        word(&mut file, value);
    }
    // exit(7)
    for value in [0xe3a0_0007, 0xe3a0_7001, 0xef00_0000] {
        word(&mut file, value);
    }
    file
}

#[test]
fn what_is_no_such_program_is_refused() {
    const EABI: u32 = 0x0500_0000;
    let dir = TempDir::new().unwrap();
    // Who may map the lowest pages can run what lies there, so somebody else does.
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    let copy = dir.path().join("engine");
    assert!(
        Command::new("cp")
            .arg(env!("CARGO_BIN_EXE_armistice-arm"))
            .arg(&copy)
            .status()
            .unwrap()
            .success()
    );
    let run_file = |bytes: &[u8]| {
        let file = program(&dir, "file", bytes);
        let mut command = Command::new(&copy);
        command.arg(file).uid(65534).output().unwrap()
    };
    assert_eq!(
        run_file(&file(40, 1, EABI, 0x1_0000)).status.code(),
        Some(7)
    );
    let old = file(40, 1, 0, 0x1_0000);
    let other = file(183, 1, EABI, 0x1_0000);
    let big = file(40, 2, EABI, 0x1_0000);
    let low = file(40, 1, EABI, 0);
    let whole = file(40, 1, EABI, 0x1_0000);
    for (bytes, what) in [
        (&old[..], "before EABI"),
        (&other, "another machine"),
        (&big, "big-endian"),
        (&low, "below mmap_min_addr"),
        (&whole[..40], "cut off"),
        (&whole[..60], "cut off in its table"),
    ] {
        let output = run_file(bytes);
        assert_eq!(output.status.code(), Some(126), "{what}: {}", said(&output));
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(text.lines().count(), 1, "{what}: {text}");
    }
}
