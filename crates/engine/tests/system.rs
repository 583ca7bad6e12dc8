//! Promise: programs find arm64's Linux: its system calls with their
//! structures and flags, a machine and a process of their own in `/proc`, a
//! vDSO, memory that the engine keeps out of, the dynamic loader of their
//! root; and `--strace` shows what they call.
//!
//! Needs Debian's cross compilers, which `cargo xtask test` installs.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::compiled::{self, Target};
use common::{copy_engine, engine};
use tempfile::TempDir;

/// How the engine may run a program.
const MODES: [&[&str]; 3] = [&["--interpret"], &["--eager"], &[]];

/// Compiles one of `programs/`.
fn compile(dir: &TempDir, target: Target, source: &str, flags: &[&str]) -> PathBuf {
    let flags = [flags, &["-O1", "-Wall"]].concat();
    let program = dir.path().join(source).with_extension("");
    compiled::compile(target, source, &flags, program)
}

fn guest(dir: &TempDir, source: &str, flags: &[&str]) -> PathBuf {
    compile(dir, Target::Guest, source, flags)
}

#[track_caller]
fn expect(output: &Output, stdout: &str) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(
        (text(&output.stderr), text(&output.stdout)),
        (String::new(), stdout.to_owned())
    );
    assert_eq!(output.status.code(), Some(0), "{:?}", output.status);
}

#[test]
fn system_calls_with_what_differs() {
    let dir = TempDir::new().unwrap();
    let native = compile(&dir, Target::Host, "calls.c", &[]);
    let place = TempDir::new().unwrap();
    // The test itself, on the host's kernel.
    expect(
        &Command::new(native).arg(place.path()).output().unwrap(),
        "x86_64\ncalls\n",
    );
    let program = guest(&dir, "calls.c", &["-static"]);
    for mode in MODES {
        let place = TempDir::new().unwrap();
        let output = engine().args(mode).arg(&program).arg(place.path()).output();
        expect(&output.unwrap(), "aarch64\ncalls\n");
    }
}

#[test]
fn a_program_sees_an_arm_machine() {
    let dir = TempDir::new().unwrap();
    for flags in [["-static"], ["-static-pie"]] {
        let program = guest(&dir, "sees.c", &flags);
        for mode in MODES {
            let mut command = engine();
            command.env_clear().env("A", "b");
            let output = command.args(mode).arg(&program).arg("one").output();
            expect(&output.unwrap(), "sees\n");
        }
    }
}

#[test]
fn memory_that_is_not_the_guests() {
    let dir = TempDir::new().unwrap();
    for flags in [["-static"], ["-static-pie"]] {
        let program = guest(&dir, "edges.c", &flags);
        expect(&engine().arg(&program).output().unwrap(), "edges\n");
    }
}

#[test]
fn addresses_with_tags() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "tagged.c", &["-static"]);
    for mode in MODES {
        let output = engine().args(mode).arg(&program).output();
        expect(&output.unwrap(), "tagged\n");
    }
}

/// A program that was linked for a place is there, as low as programs may lie,
/// and as high.
#[test]
fn programs_linked_for_low_and_high_addresses() {
    let dir = TempDir::new().unwrap();
    for place in ["0x10000", "0x200000000", "0x550000000000", "0x7f0000000000"] {
        let link = format!("-Wl,-Ttext-segment={place}");
        let program = guest(&dir, "memory.c", &["-static", &link]);
        for mode in MODES {
            let output = engine().args(mode).arg(&program).output().unwrap();
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{place}: {text}");
        }
    }
}

#[test]
fn code_behind_aliases() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "aliased.c", &["-static"]);
    for mode in MODES {
        expect(
            &engine().args(mode).arg(&program).output().unwrap(),
            "aliased\n",
        );
    }
}

/// A root with the C and C++ libraries of Debian's cross compilers, and the
/// engine.
fn root() -> TempDir {
    const LIBRARIES: &str = "/usr/aarch64-linux-gnu/lib";
    let root = TempDir::new().unwrap();
    let lib = root.path().join("lib");
    std::fs::create_dir(&lib).unwrap();
    for name in [
        "ld-linux-aarch64.so.1",
        "libc.so.6",
        "libm.so.6",
        "libgcc_s.so.1",
        "libstdc++.so.6",
    ] {
        std::fs::copy(Path::new(LIBRARIES).join(name), lib.join(name)).unwrap();
    }
    copy_engine(&root.path().join("engine"));
    root
}

/// Runs the engine in the root: as root by chroot, else in a user namespace.
fn in_root(root: &TempDir, arguments: &[&str]) -> Output {
    let id = Command::new("id").arg("-u").output().unwrap();
    let mut command = if id.stdout == b"0\n" {
        Command::new("chroot")
    } else {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "chroot"]);
        command
    };
    command.arg(root.path()).arg("/engine").args(arguments);
    command.env("COLOUR", "red").output().unwrap()
}

#[test]
fn dynamic_programs_in_their_root() {
    let root = root();
    guest(&root, "throws.cc", &["-std=c++17"]);
    let dir = TempDir::new().unwrap();
    let alone = guest(&dir, "throws.cc", &["-std=c++17", "-static"]);
    let stdout = String::from_utf8(engine().arg(alone).output().unwrap().stdout).unwrap();
    assert!(stdout.ends_with("bad cast, 1\n"));
    expect(&in_root(&root, &["/throws"]), &stdout);
    // Started by the dynamic loader by hand.
    expect(
        &in_root(&root, &["/lib/ld-linux-aarch64.so.1", "/throws"]),
        &stdout,
    );
    for flags in [&["-pie", "-fPIE"][..], &["-no-pie"]] {
        guest(&root, "start.c", flags);
        let output = in_root(&root, &["/start", "two words"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.starts_with("2 arguments: </start> <two words>\nCOLOUR=red\n"),
            "{text} {:?}",
            output.stderr
        );
        assert!(text.contains("entry same"), "{text}");
        assert_eq!(output.status.code(), Some(42));
    }
}

#[test]
fn a_dynamic_loader_that_is_not_there() {
    let root = root();
    guest(&root, "start.c", &[]);
    std::fs::remove_file(root.path().join("lib/ld-linux-aarch64.so.1")).unwrap();
    let output = in_root(&root, &["/start"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with(
            "armistice-aarch64: /start: its dynamic loader /lib/ld-linux-aarch64.so.1 is not there"
        ),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(127));
}

#[test]
fn strace_shows_system_calls() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "start.c", &["-static"]);
    for mode in MODES {
        let output = engine()
            .args(mode)
            .arg("--strace")
            .arg(&program)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(" set_tid_address(0x"), "{text}");
        assert!(text.contains(" write(1, \"1 arguments: <"), "{text}");
        assert!(text.contains(" = -1 ENOSYS (not implemented)\n"), "{text}");
        assert!(text.contains(" mprotect(0x"), "{text}");
        assert!(text.ends_with(" exit_group(41) = ?\n"), "{text}");
    }
}

#[test]
fn strace_follows_exec() {
    let dir = TempDir::new().unwrap();
    let first = guest(&dir, "executes.c", &["-static"]);
    let second = guest(&dir, "start.c", &["-static"]);
    let script = dir.path().join("script");
    fs::write(&script, format!("#!{}\n", second.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    for (next, count) in [(&second, 1), (&script, 2)] {
        let output = engine()
            .arg("--strace")
            .args([&first, &first, next])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        let started: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_once(" execve("))
            .map(|(_, call)| call.rsplit_once(", /* ").unwrap().0)
            .collect();
        let (first, next) = (first.display(), next.display());
        let last = match count {
            1 => format!("\"{next}\", [\"{next}\"]"),
            _ => format!("\"{0}\", [\"{0}\", \"{next}\"]", second.display()),
        };
        assert_eq!(
            started,
            [
                format!("\"{first}\", [\"{first}\", \"{first}\", \"{next}\"]"),
                format!("\"{first}\", [\"{first}\", \"{next}\"]"),
                last,
            ]
        );
        let written = format!(" write(1, \"{count} arguments: <");
        assert!(text.contains(&written), "{text}");
        assert_eq!(output.status.code(), Some(40 + count), "{text}");
    }
    // A native program is nobody's to follow.
    let output = engine()
        .arg("--strace")
        .arg(&first)
        .args(["/bin/echo", "native"])
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"native\n");
}
