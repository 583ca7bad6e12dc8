//! Promise: a program's executable (`/proc/self/exe`) is the file itself,
//! whatever has become of its name, by every path that leads there, for every
//! call that takes a path, and for other processes; and what the engine keeps
//! for that is not seen.
//!
//! The program is compiled for this machine too, and both print the same. They
//! run as root of a user namespace of their own, with mounts and processes of
//! their own.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::Path;
use std::process::Command;

use common::compiled::{guest, native, said};
use common::copy_engine;
use common::guests::{BOTH, TABLE};
use tempfile::TempDir;

const ENGINE: &str = env!("CARGO_BIN_EXE_armistice-aarch64");

/// Runs a script as root of a namespace, by which the kernel knows no other programs than this
/// machine's.
fn apart(script: &str, arguments: &[&Path]) -> String {
    let script = format!("mount -t binfmt_misc none {TABLE}\n{script}");
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "--pid", "--fork"])
        .args(["--mount-proc", "sh", "-ec", &script])
        .args(arguments)
        .output();
    said(&output.unwrap())
}

/// Runs the program with a folder of its own, by the words that come before it.
fn in_a_place(script: &str, program: &Path) -> String {
    let place = TempDir::new().unwrap();
    apart(script, &[Path::new(ENGINE), program, place.path()])
}

#[track_caller]
fn is_whole(text: &str) {
    for part in [
        "a linked folder        itself",
        "removed: itself 0 /removed-file (deleted) 7\n",
        "in memory: itself 0 /memfd:a copy (deleted) 7\n",
        "replaced: /grown (deleted) itself 1 0 7\n",
        "after vfork: wrong 0 0 0 0 0 0 0, listed 1 0 0\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(text.ends_with("exit status: 0\n"), "{text}");
}

#[test]
fn an_executable_is_a_file_and_no_name() {
    let dir = TempDir::new().unwrap();
    let expected = in_a_place("exec \"$1\" \"$2\"", &native(&dir, "itself.c"));
    is_whole(&expected);
    let program = guest(&dir, "itself.c", "-O1");
    for mode in ["", "--eager"] {
        let script = format!("exec \"$0\" {mode} \"$1\" \"$2\"");
        assert_eq!(in_a_place(&script, &program), expected, "{mode:?}");
    }
}

/// Where nothing can be opened to look for it; and it is not made shorter.
#[test]
fn an_executable_without_descriptors() {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, "spent.c")).output().unwrap());
    let part = "with none: leads here, done 1, done ENOTDIR, EMFILE EMFILE\n";
    assert!(expected.contains(part), "{expected}");
    let program = guest(&dir, "spent.c", "-O1");
    let found = said(&Command::new(ENGINE).arg(program).output().unwrap());
    assert_eq!(found, expected);
}

/// Each new descriptor has the lowest number that is free, and there are as many as the limit
/// says: the engine's own one is not in the way, though it has a number, too.
#[test]
fn descriptors_have_the_lowest_numbers() {
    let dir = TempDir::new().unwrap();
    let limits = ["64", "65", "236", "240", "700"];
    let within = |engine: &str, program: &Path| {
        let each = limits.map(|limit| {
            let script = format!("ulimit -n {limit}; exec {engine} \"$0\"");
            let mut command = Command::new("sh");
            said(&command.args(["-c", &script]).arg(program).output().unwrap())
        });
        each.concat()
    };
    let expected = within("", &native(&dir, "lowest.c"));
    let part = "dup: 697 of 700, EMFILE, none wrong";
    assert!(expected.contains(part), "{expected}");
    assert_eq!(within(ENGINE, &guest(&dir, "lowest.c", "-O1")), expected);
}

/// Of a process that becomes another program in the same moment.
#[test]
fn an_executable_of_who_becomes_another() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "becoming.c", "-O1");
    let names = ["one", "other"].map(|name| dir.path().join(name));
    for name in &names {
        std::fs::copy(&program, name).unwrap();
    }
    let output = BOTH[0].alone().arg(&names[0]).args(&names).output();
    assert_eq!(
        said(&output.unwrap()),
        "failed 0, wrong links 0, wrong files 0, asked 1\nexit status: 0\n"
    );
}

/// Where the kernel starts the engine, with the file already open or without.
#[test]
fn an_executable_that_the_kernel_hands_over() {
    const MAGIC: &str = concat!(
        r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:",
        r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff",
    );
    let dir = TempDir::new().unwrap();
    // Without the file, the kernel has only a path that nobody can open.
    let but_closed = |text: &str, flags: &str| -> String {
        let of_closed =
            |line: &str| line.contains("/proc/self/fd/") || line.contains("descriptor's link: ");
        let lines = text.split_inclusive('\n');
        lines
            .filter(|line| flags.contains('O') || !of_closed(line))
            .collect()
    };
    let expected = in_a_place("exec \"$1\" \"$2\"", &native(&dir, "itself.c"));
    let program = guest(&dir, "itself.c", "-O1");
    for flags in ["POCF", "PO", "PF"] {
        let script = format!(
            "printf '%s' ':armistice:M::{MAGIC}:'\"$0\":{flags} >{TABLE}/register
             exec \"$1\" \"$2\""
        );
        let text = in_a_place(&script, &program);
        assert_eq!(
            but_closed(&text, flags),
            but_closed(&expected, flags),
            "{flags}"
        );
    }
}

/// With as few descriptors as it starts with.
#[test]
fn with_few_descriptors() {
    let dir = TempDir::new().unwrap();
    let run = |program: &Path, words: &str, limit: u32| {
        let file = dir.path().join("copied");
        std::fs::copy(program, &file).unwrap();
        let script = format!(
            "exec 3>&- 4>&- 10>&- 251>&-; ulimit -n {limit}; exec {words} \"$1\" little \"$1\""
        );
        let mut command = Command::new("bash");
        command.args(["-c", &script, ENGINE]).arg(file);
        said(&command.output().unwrap())
    };
    let (native, guest) = (native(&dir, "itself.c"), guest(&dir, "itself.c", "-O1"));
    let expected = run(&native, "", 5);
    assert!(expected.starts_with("itself 7\n"), "{expected}");
    for limit in [5, 6, 10, 237] {
        assert_eq!(run(&guest, "\"$0\"", limit), expected, "{limit}");
    }
    // With one the engine can't hold the file, so that it goes with its name.
    let without = run(&guest, "\"$0\"", 4);
    assert!(without.starts_with("ENOENT 102\n"), "{without}");
}

#[test]
fn without_proc_at_the_start() {
    let dir = TempDir::new().unwrap();
    let run = |program: &Path, words: &str| {
        let root = TempDir::new().unwrap();
        copy_engine(&root.path().join("engine"));
        std::fs::copy(program, root.path().join("itself")).unwrap();
        let script = format!("exec chroot \"$0\" {words} /itself late");
        apart(&script, &[root.path()])
    };
    let expected = run(&native(&dir, "itself.c"), "");
    assert!(
        expected.contains("with /proc: itself 0 /itself (deleted) 7\n"),
        "{expected}"
    );
    assert_eq!(run(&guest(&dir, "itself.c", "-O1"), "/engine"), expected);
}
