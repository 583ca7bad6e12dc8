//! Versions and digests: of real emulators, of programs that misbehave, and of
//! what the kernel really holds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use armistice_arch::Arch;
use armistice_emulators::{Emulator, Error, identify_all, identify_pinned};
use common::{compile, run};

fn qemu(name: &str) -> Emulator {
    Emulator::open(Path::new(&format!("/usr/bin/qemu-{name}-static"))).unwrap()
}

#[test]
fn digest_and_version_of_real_emulators_in_their_order() {
    let names = ["aarch64", "arm", "riscv64", "s390x"];
    let emulators: Vec<Emulator> = names.iter().map(|n| qemu(n)).collect();
    for ((name, emulator), identity) in names.iter().zip(&emulators).zip(identify_all(&emulators)) {
        let identity = identity.unwrap();
        let sum = run(Command::new("sha256sum").arg(emulator.path()));
        assert_eq!(Some(identity.sha256.to_string().as_str()), sum.get(..64));
        let version = identity.version.unwrap();
        assert_eq!(version.program, format!("qemu-{name}"));
        assert!(version.numbers() >= (7, 0, 0), "{version}");
        assert_eq!(emulator.version().unwrap(), version);
    }
    assert!(identify_all::<Emulator>(&[]).is_empty());
}

#[test]
fn the_file_that_was_checked_is_the_one_that_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let source = |n: u32| {
        format!(
            "#include <stdio.h>\nint main() {{ puts(\"qemu-x version {n}.0\"); fflush(stdout); return 0; }}"
        )
    };
    let path = compile(dir.path(), "first", &source(1));
    let emulator = Emulator::open(&path).unwrap();
    let second = compile(dir.path(), "second", &source(2));
    std::fs::rename(&second, &path).unwrap();
    assert_eq!(emulator.version().unwrap().number, "1.0");
    assert_eq!(
        Emulator::open(&path).unwrap().version().unwrap().number,
        "2.0"
    );
}

#[test]
fn nothing_of_the_environment_reaches_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = compile(
        dir.path(),
        "env",
        r#"#include <stdio.h>
           #include <unistd.h>
           extern char **environ;
           int main(int c, char **v) {
               if (environ[0] || c != 2 || getchar() != EOF) { puts("bad"); return 3; }
               printf("%s version 1 (ok)\n", "seen"); return 0; }"#,
    );
    let version = Emulator::open(&path).unwrap().version().unwrap();
    assert_eq!(version.build.as_deref(), Some("ok"));
}

#[test]
fn answers_that_are_none() {
    let dir = tempfile::tempdir().unwrap();
    let ask = |name: &str, body: &str| {
        let source = format!(
            "#include <stdio.h>\n#include <unistd.h>\n#include <stdlib.h>\nint main() {{ {body} }}"
        );
        let path = compile(dir.path(), name, &source);
        Emulator::open(&path).unwrap().version().unwrap_err()
    };
    let error = ask("fails", r#"fputs("no\n", stderr); return 7;"#);
    assert!(
        matches!(&error, Error::VersionFailed { status, output, .. } if status.code() == Some(7) && output == "no"),
        "{error}"
    );
    let error = ask("crashes", "abort();");
    assert!(matches!(error, Error::VersionFailed { .. }), "{error}");
    let error = ask("babbles", r#"puts("I am \033[2J box"); return 0;"#);
    assert!(
        matches!(&error, Error::VersionUnknown { output, .. } if output == r"I am \u{1b}[2J box"),
        "{error}"
    );
    let start = Instant::now();
    let error = ask(
        "floods",
        r#"for (;;) puts("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");"#,
    );
    assert!(matches!(error, Error::VersionUnknown { .. }), "{error}");
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "a flood is not waited for"
    );
}

#[test]
fn one_that_hangs_is_killed_with_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let path = compile(
        dir.path(),
        "hangs",
        "#include <unistd.h>\nint main() { fork(); for (;;) pause(); }",
    );
    let emulator = Emulator::open(&path).unwrap();
    let error = emulator.version().unwrap_err();
    assert!(matches!(error, Error::VersionTimeout { .. }), "{error}");
    let id = emulator.id();
    let left = || {
        std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            std::fs::metadata(entry.path().join("exe"))
                .is_ok_and(|m| armistice_emulators::FileId::of(&m) == id)
        })
    };
    // Killed is not yet gone: its child is another's to wait for.
    let deadline = Instant::now() + Duration::from_secs(5);
    while left() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!left(), "a process of it is left");
}

#[test]
fn what_the_kernel_holds_is_identified_after_its_file_was_replaced() {
    common::in_private_namespaces(
        "what_the_kernel_holds_is_identified_after_its_file_was_replaced",
        pinned_after_a_replacement,
    );
}

/// A child that is killed and waited for however the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An aarch64 program that does nothing for ever.
fn sleeper(dir: &Path) -> PathBuf {
    let (source, object, program) = (dir.join("s.s"), dir.join("s.o"), dir.join("sleeper"));
    // ppoll(NULL, 0, NULL, NULL)
    let text = ".globl _start\n_start: mov x0,#0\nmov x1,#0\nmov x2,#0\nmov x3,#0\nmov x8,#73\nsvc #0\nb _start\n";
    std::fs::write(&source, text).unwrap();
    run(Command::new("aarch64-linux-gnu-as")
        .arg("-o")
        .args([&object, &source]));
    run(Command::new("aarch64-linux-gnu-ld")
        .arg("-o")
        .args([&program, &object]));
    program
}

fn pinned_after_a_replacement() {
    let dir = tempfile::tempdir().unwrap();
    let table = Path::new("/proc/sys/fs/binfmt_misc");
    run(Command::new("mount")
        .args(["-t", "binfmt_misc", "none"])
        .arg(table));

    let path = dir.path().join("qemu-aarch64-static");
    std::fs::copy("/usr/bin/qemu-aarch64-static", &path).unwrap();
    let emulator = Emulator::open(&path).unwrap();
    let pattern = Arch::by_name("aarch64").unwrap().pattern();
    let escaped =
        |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("\\x{b:02x}")).collect() };
    let line = format!(
        ":qemu-aarch64:M::{}:{}:{}:F",
        escaped(&pattern.magic),
        escaped(&pattern.mask),
        path.display()
    );
    std::fs::write(table.join("register"), line).unwrap();

    let other = dir.path().join("other");
    std::fs::copy("/usr/bin/qemu-arm-static", &other).unwrap();
    std::fs::rename(&other, &path).unwrap();

    let child = Running(
        Command::new(sleeper(dir.path()))
            .arg0("sleeper")
            .spawn()
            .unwrap(),
    );
    let pinned = identify_pinned(child.0.id()).unwrap();
    assert_eq!(pinned.id, emulator.id());
    assert!(pinned.path.to_string_lossy().ends_with(" (deleted)"));
    assert_eq!(pinned.identity.version.unwrap().program, "qemu-aarch64");
    assert_eq!(pinned.identity.sha256, emulator.sha256().unwrap());
}

#[test]
fn a_process_that_is_gone_can_not_be_looked_at() {
    let error = identify_pinned(u32::MAX).unwrap_err();
    assert!(matches!(error, Error::Pinned { .. }), "{error}");
}
