//! Promise: what `/proc` and `/sys` show of the machine and of processes is the
//! guest's, whatever way leads to it, and of whatever guest it is.
//!
//! The program is compiled for this machine too, and both print the same.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::Path;
use std::process::Command;

use a64::features::MIDR_EL1;
use common::compiled::{guest, native, said};
use tempfile::TempDir;

/// What the program prints, in namespaces of its own.
fn run(engine: Option<&str>, program: &Path, part: &str) -> String {
    let place = TempDir::new().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "--pid", "--fork"]);
    command.args(["--mount-proc", "--kill-child"]);
    command
        .args(engine)
        .arg(program)
        .arg(part)
        .arg(place.path());
    said(&command.output().unwrap())
}

const ENGINE: &str = env!("CARGO_BIN_EXE_armistice-aarch64");

#[track_caller]
fn as_natively(part: &str) -> String {
    let dir = TempDir::new().unwrap();
    let expected = run(None, &native(&dir, "views.c"), part);
    assert!(expected.ends_with("exit status: 0\n"), "{expected}");
    assert!(!expected.contains("ANOTHER"), "{expected}");
    let shown = run(Some(ENGINE), &guest(&dir, "views.c", "-O1"), part);
    let same = |text: &str| {
        text.replace("cpuinfo: the host's", "cpuinfo: the guest's")
            .replace("x86-64 is seen", "x86-64 is not")
    };
    assert_eq!(shown, same(&expected));
    shown
}

#[test]
fn a_text_is_the_same_by_every_way() {
    let shown = as_natively("texts");
    assert!(shown.contains("cpuinfo: the guest's"), "{shown}");
}

#[test]
fn another_guests_maps_are_its_own() {
    let dir = TempDir::new().unwrap();
    let shown = run(Some(ENGINE), &guest(&dir, "views.c", "-O1"), "others");
    let expected = "\
maps           same
smaps          same
task/%d/maps   same
task/%d/smaps  same
[heap]     yes
[stack]    yes
[vdso]     yes
 r-xp      yes
 rwxp      yes
 --xp      yes
vsyscall   no
armistice  no
/dev/zero  no
rwxs       no
r-xs       no
without rights: memory closed, no engine
by the last descriptor: no engine
exit status: 0
";
    assert_eq!(shown, expected);
}

#[test]
fn a_text_looks_like_its_file() {
    as_natively("files");
}

#[test]
fn registers_by_every_way() {
    let dir = TempDir::new().unwrap();
    let shown = run(Some(ENGINE), &guest(&dir, "views.c", "-O1"), "registers");
    let expected = format!(
        "{MIDR_EL1:#018x}
two slashes              same
by the bus               same
below a folder           same
below the processor      same
relative                 same
symbolic link            same
mode 100444, size 4096
readlink EINVAL
mmap ENODEV
once more                same
link /sys/devices/system/cpu/cpu0/regs/identification/midr_el1
another ENOENT
no processor ENOENT
exit status: 0
"
    );
    assert_eq!(shown, expected);
}

/// `PROCMAP_QUERY` says of each mapping what the text says, and answers all questions as natively.
#[test]
fn one_mapping_is_told_of_as_natively() {
    let dir = TempDir::new().unwrap();
    let run = |command: &mut Command| said(&command.arg(dir.path()).output().unwrap());
    let expected = run(&mut Command::new(native(&dir, "procmap.c")));
    assert!(
        expected.contains("\nlines: 1, differ: 0, stacks: 1\n"),
        "{expected}"
    );
    assert!(
        expected.contains("\nprogram: 0, 5, 1, id 20\n"),
        "{expected}"
    );
    assert!(
        expected.ends_with("gone: ESRCH\nexit status: 0\n"),
        "{expected}"
    );
    let program = guest(&dir, "procmap.c", "-O1");
    assert_eq!(run(Command::new(ENGINE).arg(program)), expected);
}
