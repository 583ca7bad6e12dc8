//! Promise: whatever is given as a program, the engine says in one line what
//! is wrong and why, exits with 127 when it was not found and 126 otherwise,
//! and never crashes.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, Output};

use common::elf::{BASE, CODE, DATA, Elf, INTERP, LOAD, R, Segment, W, X};
use common::{copy_engine, program, run};
use tempfile::TempDir;

/// Runs the file and expects one line about it.
#[track_caller]
fn expect(path: &Path, code: i32, text: &str) {
    expect_of(&run(&[path]), path, code, text);
}

#[track_caller]
fn expect_of(output: &Output, path: &Path, code: i32, text: &str) {
    let stderr = str::from_utf8(&output.stderr).unwrap();
    assert_eq!(output.status.signal(), None, "{stderr}");
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    let expected = format!("armistice-aarch64: {}: {text}\n", path.display());
    assert_eq!(stderr, expected);
    assert!(output.stdout.is_empty());
}

/// What is wrong with files made by [`Elf`].
fn damaged() -> Vec<(&'static str, Elf, &'static str)> {
    let segment =
        |index: usize, change: fn(&mut Segment)| Elf::with(|elf| change(&mut elf.segments[index]));
    vec![
        (
            "32-bit",
            Elf::with(|elf| elf.class = 1),
            "a 32-bit program for AArch64: only 64-bit ones run here",
        ),
        (
            "class",
            Elf::with(|elf| elf.class = 9),
            "neither a 32-bit nor a 64-bit ELF file: class 9",
        ),
        (
            "big-endian",
            Elf::with(|elf| elf.encoding = 2),
            "a big-endian program: only little-endian AArch64 ones run here",
        ),
        (
            "encoding",
            Elf::with(|elf| elf.encoding = 0),
            "neither little-endian nor big-endian: data encoding 0",
        ),
        (
            "x86-64",
            Elf::with(|elf| elf.machine = 62),
            "a program for x86-64, not for AArch64",
        ),
        (
            "machine",
            Elf::with(|elf| elf.machine = 9999),
            "a program for ELF machine 9999, not for AArch64 (183)",
        ),
        (
            "object",
            Elf::with(|elf| elf.kind = 1),
            "an object file, not a program: link it first",
        ),
        (
            "core",
            Elf::with(|elf| elf.kind = 4),
            "a core dump, not a program",
        ),
        (
            "type",
            Elf::with(|elf| elf.kind = 77),
            "not a program: ELF type 77",
        ),
        (
            "header-cut",
            Elf::with(|elf| elf.length = 63),
            "cut short: an ELF header has 64 bytes, the file 63",
        ),
        (
            "magic-only",
            Elf::with(|elf| elf.length = 4),
            "cut short: an ELF header has 64 bytes, the file 4",
        ),
        (
            "magic-cut",
            Elf::with(|elf| elf.length = 3),
            "not an ELF program",
        ),
        (
            "table-cut",
            Elf::with(|elf| elf.length = 64 + 3 * 56 - 1),
            "cut short: the program headers end at byte 232, the file at 231",
        ),
        (
            "table-far",
            Elf::with(|elf| elf.table = u64::MAX - 8),
            "cut short: the program headers end at byte 18446744073709551615, the file at 8208",
        ),
        (
            "no-table",
            Elf::with(|elf| elf.count = 0),
            "not a program: it has no program headers",
        ),
        (
            "table-long",
            Elf::with(|elf| elf.count = 0xffff),
            "damaged: 65535 program headers; Linux takes at most 1170",
        ),
        (
            "table-entry",
            Elf::with(|elf| elf.entry_size = 32),
            "damaged: program headers of 32 bytes instead of 56",
        ),
        (
            "segment-cut",
            Elf::with(|elf| elf.length = 0x200f),
            "cut short: segment 2 ends at byte 8208, the file at 8207",
        ),
        (
            "segment-offset",
            segment(1, |s| s.offset = u64::MAX - 0xfff),
            "cut short: segment 1 ends at byte 18446744073709547776, the file at 8208",
        ),
        (
            "segment-file",
            segment(1, |s| s.memory_size = 0xff),
            "damaged: segment 1 is larger in the file than in memory",
        ),
        (
            "segment-overflow",
            segment(2, |s| s.memory_size = u64::MAX),
            "damaged: segment 2, 0xffffffffffffffff bytes at 0x402000, is outside the address space",
        ),
        (
            "segment-huge",
            segment(2, |s| s.memory_size = 1 << 47),
            "damaged: segment 2, 0x800000000000 bytes at 0x402000, is outside the address space",
        ),
        (
            "segment-high",
            segment(2, |s| s.address = 0xffff_0000_0000_2000),
            "damaged: segment 2, 0x5000 bytes at 0xffff000000002000, is outside the address space",
        ),
        (
            "segment-misaligned",
            segment(1, |s| s.address += 0x10),
            "damaged: segment 1 lies at another place of a page in the file than in memory",
        ),
        (
            "segments-overlap",
            segment(2, |s| s.address = BASE),
            "damaged: segments 0 and 2 overlap",
        ),
        (
            "segments-overlap-by-a-byte",
            segment(1, |s| s.memory_size = 0x1001),
            "damaged: segments 1 and 2 overlap",
        ),
        (
            "segments-none",
            Elf::with(|elf| elf.segments.iter_mut().for_each(|s| s.kind = 6)),
            "not a program: it has no segment to load",
        ),
        (
            "segments-empty",
            Elf::with(|elf| {
                for segment in &mut elf.segments {
                    (segment.file_size, segment.memory_size) = (0, 0);
                }
            }),
            "not a program: it has no segment to load",
        ),
        (
            "entry-nowhere",
            Elf::with(|elf| elf.entry = 0x1234_5678),
            "not a program: the entry point 0x12345678 is in no segment",
        ),
        (
            "entry-zero",
            Elf::with(|elf| elf.entry = 0),
            "not a program: the entry point 0x0 is in no segment",
        ),
        (
            "entry-behind",
            Elf::with(|elf| elf.entry = BASE + CODE + 0x100),
            "not a program: the entry point 0x401100 is in no segment",
        ),
        (
            "entry-data",
            Elf::with(|elf| elf.entry = BASE + DATA),
            "damaged: the entry point 0x402000 is in a segment that is not executable",
        ),
        (
            "entry-odd",
            Elf::with(|elf| elf.entry = BASE + CODE + 2),
            "damaged: the entry point 0x401002 is no multiple of 4",
        ),
        (
            "loader-missing",
            interpreter(b"/nonexistent/ld.so\0"),
            "its dynamic loader /nonexistent/ld.so is not there: run it inside an arm64 root, name one (-L DIR, or ARMISTICE_LD_PREFIX), or install a libc for it (Debian: apt-get install libc6-arm64-cross)",
        ),
        (
            "loader-directory",
            interpreter(b"/proc\0"),
            "its dynamic loader /proc cannot be read: is a directory",
        ),
        (
            "loader-foreign",
            interpreter(b"/proc/self/exe\0"),
            "its dynamic loader /proc/self/exe does not run here: a program for x86-64, not for AArch64",
        ),
        (
            "loader-endless",
            interpreter(b"/lib/ld.so"),
            "damaged: the dynamic loader's path does not end",
        ),
        (
            "loader-empty",
            interpreter(b"\0"),
            "damaged: the dynamic loader's path has 1 bytes",
        ),
        (
            "loader-control",
            interpreter(b"/a\nb\0"),
            "its dynamic loader /a\\x0ab is not there: run it inside an arm64 root, name one (-L DIR, or ARMISTICE_LD_PREFIX), or install a libc for it (Debian: apt-get install libc6-arm64-cross)",
        ),
    ]
}

/// A program that names a dynamic loader.
fn interpreter(path: &[u8]) -> Elf {
    Elf::with(|elf| {
        // In words of code, behind the code proper.
        elf.code.resize(16, 0);
        for chunk in path.chunks(4) {
            let mut word = [0xff; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            elf.code.push(u32::from_le_bytes(word));
        }
        let size = path.len() as u64;
        elf.segments.push(Segment {
            kind: INTERP,
            flags: R,
            offset: CODE + 64,
            address: BASE + CODE + 64,
            file_size: size,
            memory_size: size,
            alignment: 1,
        });
        elf.count += 1;
    })
}

#[test]
fn damaged_files() {
    let dir = TempDir::new().unwrap();
    for (name, elf, text) in damaged() {
        let path = program(&dir, name, &elf.bytes());
        let code = if text.contains("is not there") {
            127
        } else {
            126
        };
        expect(&path, code, text);
    }
}

#[test]
fn a_good_file_runs() {
    let dir = TempDir::new().unwrap();
    let path = program(&dir, "good", &Elf::default().bytes());
    let output = run(&[&path]);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(42));
}

#[test]
fn files_that_are_no_programs() {
    let dir = TempDir::new().unwrap();
    for (name, bytes, text) in [
        ("empty", &b""[..], "the file is empty"),
        ("one-byte", b"\x7f", "not an ELF program"),
        ("text", b"Hello, world\n", "not an ELF program"),
        (
            "script",
            b"#!/bin/sh\necho no\n",
            "a script, not an ELF program: run the interpreter that its first line names",
        ),
    ] {
        expect(&program(&dir, name, bytes), 126, text);
    }
}

#[test]
fn what_is_no_file() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name);
    expect(&at("nothing"), 127, "not found");
    expect(dir.path(), 126, "a directory, not a program");
    let good = program(&dir, "good", &Elf::default().bytes());
    expect(
        &good.join("below"),
        127,
        "cannot be opened: not a directory",
    );
    symlink("loop", at("loop")).unwrap();
    expect(
        &at("loop"),
        126,
        "cannot be opened: too many levels of symbolic links",
    );
    expect(
        Path::new("/dev/null"),
        126,
        "not a regular file, so not a program",
    );
    let long = at(&"n".repeat(300));
    expect(&long, 126, "cannot be opened: file name too long");
}

/// Nobody writes it, so opening it must not wait.
#[test]
fn a_pipe() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("pipe");
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    expect(&path, 126, "not a regular file, so not a program");
}

#[test]
fn no_permission() {
    let dir = TempDir::new().unwrap();
    let path = program(&dir, "program", &Elf::default().bytes());
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let no_x = "permission denied: it may not be executed; chmod +x allows it, \
                unless its file system is mounted noexec";
    expect(&path, 126, no_x);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o311)).unwrap();
    expect_of(
        &unprivileged(&dir, &path),
        &path,
        126,
        "cannot be opened: permission denied",
    );
}

#[test]
fn an_address_that_only_root_may_map() {
    let dir = TempDir::new().unwrap();
    let elf = Elf::with(|elf| {
        for segment in &mut elf.segments {
            segment.address -= BASE;
        }
        elf.entry -= BASE;
    });
    let path = program(&dir, "zero", &elf.bytes());
    expect_of(
        &unprivileged(&dir, &path),
        &path,
        126,
        "cannot be mapped at 0x0: operation not permitted; addresses below \
         /proc/sys/vm/mmap_min_addr are not to be had",
    );
}

/// Runs the file as a user without any right, also where the tests are root's.
fn unprivileged(dir: &TempDir, path: &Path) -> Output {
    let engine = dir.path().join("engine");
    copy_engine(&engine);
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Command::new(&engine);
    command.arg(path);
    if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(65534).gid(65534);
    }
    command.output().unwrap()
}

#[test]
fn a_name_with_a_newline_stays_on_one_line() {
    let dir = TempDir::new().unwrap();
    let output = run(&[dir.path().join("a\nb\u{1b}[31m")]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.ends_with("/a\\x0ab\\x1b[31m: not found\n"),
        "{stderr:?}"
    );
    assert_eq!(stderr.lines().count(), 1);
}

/// Larger than the memory and the address space that are left.
#[test]
fn no_room_for_a_segment() {
    let dir = TempDir::new().unwrap();
    let elf = Elf::with(|elf| {
        elf.segments[2].memory_size = (1 << 47) - 0x1000 - BASE - DATA;
        elf.segments[2].flags = R | W;
    });
    let output = run(&[&program(&dir, "large", &elf.bytes())]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(126), "{stderr}");
    assert!(stderr.contains(": cannot be mapped at 0x"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

/// The guest has what the kernel gave the engine: a quarter of the stack's
/// limit, and no less than 128 KiB as far as the limit allows.
#[test]
fn many_arguments_for_the_stack() {
    let dir = TempDir::new().unwrap();
    let path = program(&dir, "good", &Elf::default().bytes());
    let with = |bytes: usize| {
        Command::new("sh")
            .args(["-c", "ulimit -s 256; exec \"$@\"", "sh"])
            .arg(env!("CARGO_BIN_EXE_armistice-aarch64"))
            .arg(&path)
            .args(["x".repeat(bytes / 2), "x".repeat(bytes / 2)])
            .env_clear()
            .output()
            .unwrap()
    };
    for bytes in [60_000, 100_000, 130_000] {
        assert_eq!(with(bytes).status.code(), Some(42), "{bytes}");
    }
    // The shell's own message.
    assert_eq!(with(132_000).status.code(), Some(126));
}

/// Segments that share a page are allowed: the later one has it.
#[test]
fn segments_that_share_a_page() {
    let dir = TempDir::new().unwrap();
    let elf = Elf::with(|elf| {
        elf.segments = vec![
            Segment {
                kind: LOAD,
                flags: R,
                offset: 0,
                address: BASE,
                file_size: CODE - 8,
                memory_size: CODE - 8,
                alignment: 0x1000,
            },
            Segment {
                kind: LOAD,
                flags: R | X,
                offset: CODE - 8,
                address: BASE + CODE - 8,
                file_size: 0x108,
                memory_size: 0x108,
                alignment: 0x1000,
            },
        ];
        elf.count = 2;
    });
    let output = run(&[&program(&dir, "shared", &elf.bytes())]);
    assert_eq!(output.status.code(), Some(42));
    assert!(output.stderr.is_empty());
}

/// Runs the file under a limit of the shell's `ulimit`.
fn limited(path: &Path, limit: &str) -> Output {
    Command::new("sh")
        .args(["-c", &format!("ulimit {limit}; exec \"$@\""), "sh"])
        .arg(env!("CARGO_BIN_EXE_armistice-aarch64"))
        .arg(path)
        .output()
        .unwrap()
}

#[test]
fn too_little_of_what_a_process_may_have() {
    let dir = TempDir::new().unwrap();
    let path = program(&dir, "good", &Elf::default().bytes());
    let output = limited(&path, "-n 3");
    expect_of(&output, &path, 126, "cannot be opened: too many open files");
    // No room for 128 MiB of translated code twice: there is less then.
    for kib in [150_000, 40_000] {
        let output = limited(&path, &format!("-v {kib}"));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        assert_eq!(output.status.code(), Some(42), "{kib}");
    }
    // Nothing is mapped for a stack, whatever its limit: this is enough.
    let output = limited(&path, "-v 9000 -s 1000000");
    assert_eq!(output.status.code(), Some(42));
    // Enough for the kernel to start the engine, and too little for more; where
    // that is depends on how the engine was built.
    let refused = (2000..9000).step_by(250).filter(|kib| {
        let output = limited(&path, &format!("-v {kib}"));
        if output.status.code() != Some(126) {
            return false;
        }
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.ends_with(": out of memory\n"), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        true
    });
    assert!(refused.count() > 0);
}

#[test]
fn a_folder_that_may_not_be_searched() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("locked");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("good");
    common::write_program(&path, &Elf::default().bytes());
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o000)).unwrap();
    let output = unprivileged(&dir, &path);
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
    expect_of(&output, &path, 126, "cannot be opened: permission denied");
}

/// The exit code is all that is left to tell.
#[test]
fn nobody_listens() {
    let dir = TempDir::new().unwrap();
    let path = program(&dir, "empty", b"");
    let output = Command::new("sh")
        .args(["-c", "exec \"$@\" 2>&-", "sh"])
        .arg(env!("CARGO_BIN_EXE_armistice-aarch64"))
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(126));
}
