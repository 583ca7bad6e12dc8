//! Promise: a program becomes others as on Linux: with and without `/proc`,
//! through `binfmt_misc` and without it, by scripts of all forms, with as many
//! arguments as there may be, and with the same errors.
//!
//! Each program is compiled for this machine too, and both print the same. They
//! run in namespaces of their own, where they may mount and chroot. Needs no
//! root; nothing outside changes.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::compiled::{guest, native, said};
use tempfile::TempDir;

const MAGIC: &str = concat!(
    r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:",
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff",
);

/// Who starts a program.
#[derive(Clone, Copy, Debug)]
enum By {
    /// The kernel, as it is.
    Itself,
    /// The kernel, through `binfmt_misc` with these flags.
    Kernel(&'static str),
    /// The engine, which the kernel does not know.
    Engine,
}

const ALL: [By; 3] = [By::Engine, By::Kernel("POCF"), By::Kernel("PF")];

/// The command that starts it in namespaces of its own.
fn started(by: By, program: &Path) -> Command {
    const TABLE: &str = "/proc/sys/fs/binfmt_misc";
    let engine = env!("CARGO_BIN_EXE_armistice-aarch64");
    // A table of the namespace's own, which is empty but for the engine.
    let mut script = format!("mount -t binfmt_misc none {TABLE}\n");
    let mut run = "exec \"$1\" \"$2\"";
    match by {
        By::Itself => {}
        By::Kernel(flags) => script.push_str(&format!(
            "printf '%s' \":armistice:M::$0:{engine}:{flags}\" >{TABLE}/register\n"
        )),
        By::Engine => run = "exec \"$3\" \"$1\" \"$2\"",
    }
    script.push_str(&format!("{run} $EXTRA"));
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-ec", &script])
        .arg(MAGIC)
        .arg(program);
    command
}

/// What it says with a directory as its argument 1.
fn says(by: By, program: &Path) -> String {
    let place = TempDir::new().unwrap();
    let mut command = started(by, program);
    command
        .arg(place.path())
        .arg(env!("CARGO_BIN_EXE_armistice-aarch64"));
    said(&command.output().unwrap())
}

/// By whomever it is started, it says the same as natively.
#[track_caller]
fn as_native(source: &str, starters: &[By]) -> String {
    let dir = TempDir::new().unwrap();
    let expected = says(By::Itself, &native(&dir, source));
    let program: PathBuf = guest(&dir, source, "-O2");
    for &by in starters {
        let found = says(by, &program);
        let lines = expected.lines().zip(found.lines());
        let different: Vec<_> = lines.filter(|(one, other)| one != other).take(5).collect();
        assert!(
            found == expected,
            "{source} by {by:?}: {different:#?}\n{found}"
        );
    }
    expected
}

#[test]
fn without_proc() {
    let text = as_native("procless.c", &ALL);
    assert!(text.contains("\nprogram: 700\n"), "{text}");
    assert!(text.contains("\nfiltered: 700\n"), "{text}");
    assert!(text.contains("\nagain: 900\nanother /proc\n"), "{text}");
    assert!(text.ends_with("exit status: 0\n"), "{text}");
}

/// The engine that is made is the engine's file but for what is not mapped, and
/// it makes the same one.
#[test]
fn the_engine_is_made_of_itself() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "procless.c", "-O2");
    let mut files = Vec::new();
    for times in ["wait", "twice"] {
        let place = TempDir::new().unwrap();
        let mut command = started(By::Engine, &program);
        let mut child = command
            .arg(place.path())
            .arg(env!("CARGO_BIN_EXE_armistice-aarch64"))
            .env("EXTRA", times)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
        assert_eq!(line, "waiting\n");
        let exe = format!("/proc/{}/exe", child.id());
        assert_eq!(
            std::fs::read_link(&exe).unwrap().to_str().unwrap(),
            "/memfd:armistice-aarch64 (deleted)"
        );
        files.push(std::fs::read(exe).unwrap());
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
    assert!(files[0] == files[1], "the second differs from the first");
    // Of the original, it has all up to the end of the data but the header's
    // words on sections. Linkers differ in what they leave in relocated words.
    let original = std::fs::read(env!("CARGO_BIN_EXE_armistice-aarch64")).unwrap();
    let made = &files[0];
    let different = (64..made.len()).filter(|&at| original[at] != made[at]);
    assert_eq!(different.count(), 0);
}

#[test]
fn scripts_and_errors() {
    let text = as_native("scripts.c", &ALL);
    assert!(text.contains("\n./s4, s4: './p' 'one'"), "{text}");
    assert!(text.contains("\n./s7: ELOOP\n"), "{text}");
    assert!(text.contains("\nbusy program: ETXTBSY\n"), "{text}");
    assert!(text.ends_with("exit status: 0\n"), "{text}");
}

#[test]
fn limits_of_arguments() {
    let text = as_native("limits.c", &ALL[..2]);
    assert!(
        text.contains("\nscript, 15 of 131071: 130900, then 263; around 8\n"),
        "{text}"
    );
    assert!(text.ends_with("exit status: 0\n"), "{text}");
}

/// The engine opens a file before the kernel does, and that is all.
#[test]
fn what_watchers_are_told() {
    let dir = TempDir::new().unwrap();
    let expected = says(By::Itself, &native(&dir, "watched.c"));
    assert!(
        expected.contains("\nscript: 700: open access close\n"),
        "{expected}"
    );
    let found = says(By::Kernel("POCF"), &guest(&dir, "watched.c", "-O2"));
    assert_eq!(found.replace("open open", "open"), expected);
}
