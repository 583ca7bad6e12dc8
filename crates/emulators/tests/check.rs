//! Every check of an emulator file, each against a file that fails it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use armistice_arch::Arch;
use armistice_emulators::{Emulator, Error, FileId};
use common::{put, run, tiny_program};
use proptest::prelude::*;

fn refused(path: &Path) -> Error {
    let error = Emulator::open(path).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    error
}

#[test]
fn a_static_program_passes_and_is_known_by_path_size_and_inode() {
    let dir = tempfile::tempdir().unwrap();
    let path = put(&dir.path().join("qemu-x"), &tiny_program(), 0o755);
    let link = dir.path().join("link");
    symlink(&path, &link).unwrap();
    let emulator = Emulator::open(&link).unwrap();
    assert_eq!(emulator.path(), path.canonicalize().unwrap());
    assert_eq!(emulator.size(), 120);
    assert_eq!(emulator.id(), FileId::of(&path.metadata().unwrap()));
}

#[test]
fn real_emulators_of_the_distribution_pass() {
    for name in ["aarch64", "arm", "s390x"] {
        Emulator::open(Path::new(&format!("/usr/bin/qemu-{name}-static"))).unwrap();
    }
}

#[test]
fn dynamic() {
    let error = refused(&Path::new("/bin/ls").canonicalize().unwrap());
    assert!(
        matches!(&error, Error::Dynamic { interpreter, .. } if interpreter.contains("ld-linux")),
        "{error}"
    );
}

#[test]
fn set_user_id_and_set_group_id() {
    let dir = tempfile::tempdir().unwrap();
    for (mode, wanted) in [(0o4755, "set-user-ID"), (0o2755, "set-group-ID")] {
        let error = refused(&put(&dir.path().join("e"), &tiny_program(), mode));
        assert!(
            matches!(error, Error::SetId { bit, .. } if bit == wanted),
            "{error}"
        );
    }
}

#[test]
fn not_executable() {
    let dir = tempfile::tempdir().unwrap();
    let error = refused(&put(&dir.path().join("e"), &tiny_program(), 0o644));
    assert!(
        matches!(error, Error::NotExecutable { mode: 0o644, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("chmod 755"), "{error}");
}

#[test]
fn truncated() {
    let dir = tempfile::tempdir().unwrap();
    let real = std::fs::read("/usr/bin/qemu-aarch64-static").unwrap();
    for keep in [40, 100, 4096, real.len() / 2] {
        let error = refused(&put(&dir.path().join("e"), &real[..keep], 0o755));
        assert!(
            matches!(error, Error::Truncated { size, needed, .. } if size == keep as u64 && needed > size),
            "{error}"
        );
    }
}

#[test]
fn wrong_architecture() {
    let other = armistice_arch::ARCHES
        .iter()
        .find(|a| !a.is_native_to(Arch::host()))
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let error = refused(&put(
        &dir.path().join("e"),
        &other.sample_header(2, 0),
        0o755,
    ));
    assert!(
        matches!(&error, Error::WrongArch { found, .. } if found == other.name),
        "{error}"
    );
}

#[test]
fn text_file_script_and_empty_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("e");
    assert!(matches!(
        refused(&put(&path, b"hello\n", 0o755)),
        Error::NotElf { .. }
    ));
    assert!(matches!(
        refused(&put(&path, b"", 0o755)),
        Error::NotElf { .. }
    ));
    assert!(matches!(
        refused(&put(&path, b"#!/bin/sh\nexec qemu-x\n", 0o755)),
        Error::Script { .. }
    ));
}

#[test]
fn directory_pipe_and_device() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    run(Command::new("mkfifo").arg(&pipe));
    for (path, wanted) in [
        (dir.path(), "a directory"),
        (&pipe, "a named pipe"),
        (Path::new("/dev/zero"), "a device"),
    ] {
        let error = refused(path);
        assert!(
            matches!(error, Error::NotAFile { kind, .. } if kind == wanted),
            "{error}"
        );
    }
}

#[test]
fn symlink_loop_dangling_link_and_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    symlink(&a, &b).unwrap();
    symlink(&b, &a).unwrap();
    assert!(matches!(refused(&a), Error::SymlinkLoop { .. }));
    let dangling = dir.path().join("dangling");
    symlink("/nonexistent/qemu", &dangling).unwrap();
    let error = refused(&dangling);
    assert!(
        matches!(
            &error,
            Error::Missing {
                target: Some(_),
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("/nonexistent/qemu"), "{error}");
    assert!(matches!(
        refused(&dir.path().join("nothing")),
        Error::Missing { target: None, .. }
    ));
}

#[test]
fn noexec_mount() {
    common::in_private_namespaces("noexec_mount", on_a_noexec_mount);
}

fn on_a_noexec_mount() {
    let dir = tempfile::tempdir().unwrap();
    run(Command::new("mount")
        .args(["-t", "tmpfs", "-o", "noexec", "none"])
        .arg(dir.path()));
    let path = put(&dir.path().join("e"), &tiny_program(), 0o755);
    let error = refused(&path);
    run(Command::new("mount")
        .args(["-o", "remount,bind,exec"])
        .arg(dir.path()));
    Emulator::open(&path).unwrap();
    run(Command::new("umount").arg(dir.path()));
    assert!(matches!(error, Error::NoExecMount { .. }), "{error}");
}

#[test]
fn a_replaced_file_is_noticed_and_the_checked_one_stays_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = put(&dir.path().join("e"), &tiny_program(), 0o755);
    let emulator = Emulator::open(&path).unwrap();
    assert!(emulator.is_still_at_its_path());
    let other = put(&dir.path().join("new"), b"something else", 0o755);
    std::fs::rename(&other, &path).unwrap();
    assert!(!emulator.is_still_at_its_path());
    assert_eq!(
        std::fs::read(emulator.proc_path()).unwrap(),
        tiny_program(),
        "the open file is the checked one"
    );
}

#[test]
fn a_changed_file_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = put(&dir.path().join("e"), &tiny_program(), 0o755);
    let emulator = Emulator::open(&path).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20)); // a tick of the file system's clock
    put(&path, &tiny_program(), 0o4755);
    assert!(!emulator.is_still_at_its_path());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// The whole check, with a real file.
    #[test]
    fn no_file_panics(
        hits in proptest::collection::vec((0usize..120, any::<u8>()), 0..6),
        cut in 0usize..121,
    ) {
        let mut bytes = tiny_program();
        for (at, value) in hits {
            bytes[at] = value;
        }
        bytes.truncate(cut);
        let dir = tempfile::tempdir().unwrap();
        let _ = Emulator::open(&put(&dir.path().join("e"), &bytes, 0o755));
    }
}
