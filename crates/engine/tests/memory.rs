//! Promise: the calls that manage memory refuse what the kernel refuses, with
//! its errors, wherever the range lies and however it is written; what may not
//! be executed is not.
//!
//! The programs are compiled for this machine too, and both print the same;
//! what arm64 has alone, a program asserts by itself.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::Path;
use std::process::Command;

use common::compiled::{Target, compile, guest, native, said};
use common::engine;
use tempfile::TempDir;

/// A command in a namespace of its own for mounts, where its user is root.
fn apart(program: &Path) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount"])
        .arg(program);
    command
}

/// Each call on a range, with odd addresses, lengths and flags.
#[test]
fn ranges_are_refused_as_by_the_kernel() {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, "ranges.c")).output().unwrap());
    assert!(expected.ends_with("ranges\nexit status: 0\n"), "{expected}");
    let program = guest(&dir, "ranges.c", "-O1");
    let found = said(&engine().arg(&program).output().unwrap());
    // A line each, lest all of them are shown.
    for (expected, found) in expected.lines().zip(found.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

/// What is arm64's own.
#[track_caller]
fn ranges_on_arm64(part: &str) {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "ranges.c", "-O1");
    let found = said(&engine().arg(&program).arg(part).output().unwrap());
    assert_eq!(found, "ranges\nexit status: 0\n");
}

#[test]
fn the_engines_pages_are_as_unmapped_ones() {
    ranges_on_arm64("own");
}

#[test]
fn addresses_end_where_arm64_has_them_end() {
    ranges_on_arm64("ends");
}

/// The tagged address ABI has these for who does not ask for it too.
#[test]
fn memory_is_managed_by_addresses_with_tags() {
    ranges_on_arm64("tags");
}

/// `memmove` of what overlaps, which moves pages at once: a fault half-way has done what is
/// before it, and what is behind is done afterwards.
#[test]
fn long_copies_of_what_overlaps() {
    let dir = TempDir::new().unwrap();
    let program = guest(&dir, "bulk.c", "-O1");
    for options in [&[][..], &["--eager"], &["--interpret"]] {
        let output = engine().args(options).arg(&program).output().unwrap();
        assert_eq!(said(&output), "bulk\nexit status: 0\n", "{options:?}");
    }
}

#[test]
fn the_heap_has_the_kernels_limits() {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, "heap.c")).output().unwrap());
    assert!(expected.ends_with("heap\nexit status: 0\n"), "{expected}");
    for level in ["-O0", "-O2"] {
        let program = guest(&dir, "heap.c", level);
        assert_eq!(
            said(&engine().arg(&program).output().unwrap()),
            expected,
            "{level}"
        );
    }
}

/// A kernel that moves ranges with holes leaves what a hole would come to as it
/// is.
#[test]
fn nothing_comes_to_where_a_hole_moves() {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, "moved.c")).output().unwrap());
    assert!(expected.ends_with("exit status: 0\n"), "{expected}");
    let program = guest(&dir, "moved.c", "-O1");
    assert_eq!(said(&engine().arg(&program).output().unwrap()), expected);
}

/// Mappings of files on a mount with `noexec`, through all that may happen to
/// them.
#[test]
fn what_a_mount_forbids_to_execute() {
    let dir = TempDir::new().unwrap();
    let run = |mut command: Command| {
        let place = TempDir::new().unwrap();
        said(&command.arg(place.path()).output().unwrap())
    };
    let expected = run(apart(&native(&dir, "noexec.c")));
    assert!(expected.ends_with("noexec\nexit status: 0\n"), "{expected}");
    let program = guest(&dir, "noexec.c", "-O1");
    let mut command = apart(Path::new(env!("CARGO_BIN_EXE_armistice-aarch64")));
    command.arg(&program);
    assert_eq!(run(command), expected);
}

/// A library, a dynamic loader and a program there, as `ld.so` and `execve` say
/// it natively.
#[test]
fn libraries_and_loaders_on_a_mount_without_execution() {
    const LIBRARIES: &str = "/usr/aarch64-linux-gnu/lib";
    let dir = TempDir::new().unwrap();
    let place = dir.path().join("place");
    std::fs::create_dir(&place).unwrap();
    let made = |name: &str, text: &str, arguments: &[&str]| {
        let source = dir.path().join("source.c");
        std::fs::write(&source, text).unwrap();
        let library = format!("-L{}", dir.path().display());
        let flags = [arguments, &[&*library]].concat();
        compile(Target::Guest, source, &flags, dir.path().join(name));
    };
    let answer = "int answer(void) { return 42; }";
    made("libanswer.so", answer, &["-shared", "-fPIC"]);
    let main = "int answer(void); int main(void) { return answer(); }";
    let loader = format!("{LIBRARIES}/ld-linux-aarch64.so.1");
    let there = place.join("loader");
    for (name, loader) in [("here", &*loader), ("there", there.to_str().unwrap())] {
        let option = format!("-Wl,--dynamic-linker={loader}");
        made(name, main, &["-lanswer", &option]);
    }
    let run = |options: &str, program: &str| {
        let script = format!(
            "mount -t tmpfs -o {options} none place
             cp libanswer.so here place
             cp {loader} place/loader
             LD_LIBRARY_PATH=place:{LIBRARIES} exec \"$0\" {program}"
        );
        let output = Command::new("unshare")
            .current_dir(dir.path())
            .args(["--user", "--map-root-user", "--mount", "sh", "-ec"])
            .args([&script, env!("CARGO_BIN_EXE_armistice-aarch64")])
            .output();
        said(&output.unwrap())
    };
    for program in ["./here", "./there", "place/here"] {
        assert_eq!(run("exec", program), "exit status: 42\n");
    }
    let library = run("noexec", "./here");
    assert!(
        library.ends_with(
            "libanswer.so: failed to map segment from shared object\nexit status: 127\n"
        ),
        "{library}"
    );
    let loader = run("noexec", "./there");
    assert!(
        loader.ends_with("cannot be opened: permission denied\nexit status: 126\n"),
        "{loader}"
    );
    let program = run("noexec", "place/here");
    assert!(program.ends_with("exit status: 126\n"), "{program}");
}

/// What the engine maps for threads and code that come is not put where the
/// guest has just unmapped something.
#[test]
fn a_place_can_be_mapped_again() {
    let dir = TempDir::new().unwrap();
    let expected = said(&Command::new(native(&dir, "holes.c")).output().unwrap());
    assert!(expected.starts_with("taken: 0 0\n"), "{expected}");
    let output = engine().arg(guest(&dir, "holes.c", "-O1")).output();
    assert_eq!(said(&output.unwrap()), expected);
}
