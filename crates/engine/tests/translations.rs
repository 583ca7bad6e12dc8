//! Promise: what one process translated is there for the next one, which behaves as if it
//! had translated all by itself; and a file that does not fit is as none.
//!
//! Needs Debian's cross compiler, which `cargo xtask test` installs.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::compiled::{Target, compile, guest, native, said, usual};
use common::engine;
use tempfile::TempDir;

/// A file of translations, the notes that it is made of, and who uses it.
struct Kept {
    engine: fn() -> Command,
    dir: TempDir,
    path: PathBuf,
    notes: PathBuf,
}

impl Kept {
    fn new() -> Self {
        Self::of(engine)
    }

    fn of(engine: fn() -> Command) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("translations");
        let notes = dir.path().join("notes");
        Self {
            engine,
            dir,
            path,
            notes,
        }
    }

    /// A program run with the file, to which what it ran is added afterwards (`--learn`)
    /// or not (`--kept`).
    fn run(&self, option: &str, program: &Path, arguments: &[&str]) -> String {
        let mut command = (self.engine)();
        command.arg("--kept").arg(&self.path);
        if option == "--learn" {
            command.arg(option).arg(&self.notes);
        }
        let said = said(&command.arg(program).args(arguments).output().unwrap());
        if option == "--learn" && self.notes.exists() {
            self.translate();
        }
        said
    }

    /// What was noted is translated, and is no news any more.
    fn translate(&self) {
        let mut command = (self.engine)();
        command.arg("--translate").arg(&self.notes).arg(&self.path);
        let told = said_of(&mut command);
        assert_eq!(told, "exit status: 0\n");
        fs::remove_file(&self.notes).unwrap();
    }

    fn size(&self) -> u64 {
        fs::metadata(&self.path).unwrap().len()
    }
}

fn said_of(command: &mut Command) -> String {
    said(&command.output().unwrap())
}

/// A small program that has been learned, and what it prints.
fn learned() -> (Kept, PathBuf, String) {
    let kept = Kept::new();
    let program = guest(&kept.dir, "translated.c", "-O2");
    let expected = said(
        &Command::new(native(&kept.dir, "translated.c"))
            .output()
            .unwrap(),
    );
    assert!(expected.ends_with("8\nexit status: 0\n") || expected.ends_with("7\nexit status: 0\n"));
    assert_eq!(kept.run("--learn", &program, &[]), expected);
    (kept, program, expected)
}

/// What ran is found: hardly anything is interpreted for the first time that could be
/// added, and the new file has all that the old one had.
#[test]
fn what_ran_is_there_for_the_next() {
    let (kept, program, expected) = learned();
    let first = kept.size();
    assert!(first > 100_000, "{first}");
    for _ in 0..2 {
        assert_eq!(kept.run("--learn", &program, &[]), expected);
    }
    let last = kept.size();
    assert!(last >= first && last - first < first / 10, "{first} {last}");
    let before = fs::read(&kept.path).unwrap();
    assert_eq!(kept.run("--kept", &program, &[]), expected);
    assert_eq!(fs::read(&kept.path).unwrap(), before, "it is only read");
    let names = fs::read_dir(kept.dir.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = names
        .filter(|name| name.starts_with("translations."))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Programs with signals, faults, threads, children, and code that changes print what they
/// print natively, while they are learned, with what was learned, and with what other
/// programs of the same libc left.
#[test]
fn programs_behave_as_without() {
    let kept = Kept::new();
    for source in [
        "signals.c",
        "frames.c",
        "threads.c",
        "carried.c",
        "swapped.c",
        "any_stack.c",
        "races.c",
    ] {
        for level in ["-O2", "-O0"] {
            let program = guest(&kept.dir, source, level);
            let plain = said(&engine().arg(&program).output().unwrap());
            assert!(plain.contains("exit status: "), "{source} {level}: {plain}");
            for option in ["--learn", "--learn", "--kept"] {
                let ours = kept.run(option, &program, &[]);
                assert_eq!(ours, plain, "{source} {level} {option}");
            }
        }
    }
}

/// 32-bit Arm, whose instructions have 2 and 4 bytes: all that is new in a second run is what the
/// first one had not reached, and programs of both sets print what they print without the file.
#[test]
fn programs_of_32_bits_behave_as_without() {
    fn engine() -> Command {
        Command::new(env!("CARGO_BIN_EXE_armistice-arm"))
    }
    for kind in ["-marm", "-mthumb"] {
        let kept = Kept::of(engine);
        for (source, flags) in [
            ("arm.c", &["-O1"][..]),
            (
                "conditional.c",
                &["-O2", "-mfpu=neon", "-Wa,-mimplicit-it=always"],
            ),
            ("translated.c", &["-O2"]),
            ("threads.c", &["-O2"]),
            ("races.c", &["-O2"]),
            ("masked.c", &["-O2"]),
        ] {
            let usual = [kind, "-static", "-std=gnu17", "-pthread", "-w", "-latomic"];
            let flags = [&usual, flags].concat();
            let program = kept.dir.path().join("program");
            compile(Target::Hard, source, &flags, program.clone());
            let plain = said(&engine().arg(&program).output().unwrap());
            let status = if source == "threads.c" { 17 } else { 0 };
            let end = format!("exit status: {status}\n");
            assert!(plain.ends_with(&end), "{source} {kind}: {plain}");
            let before = fs::metadata(&kept.path).map_or(0, |there| there.len());
            assert_eq!(kept.run("--learn", &program, &[]), plain, "{source} {kind}");
            let first = kept.size();
            assert!(first > before + 10_000, "{source} {kind}: {first}");
            assert_eq!(kept.run("--learn", &program, &[]), plain, "{source} {kind}");
            let more = kept.size() - first;
            assert!(
                more < (first - before) / 4,
                "{source} {kind}: {first} {more}"
            );
            assert_eq!(kept.run("--kept", &program, &[]), plain, "{source} {kind}");
        }
    }
}

/// Signals come at any instruction, also of a cluster that is awake.
#[test]
fn signals_find_a_safe_point() {
    let kept = Kept::new();
    let program = guest(&kept.dir, "storm.c", "-O2");
    for option in ["--learn", "--kept", "--kept"] {
        let said = kept.run(option, &program, &["1"]);
        let ended = said.ends_with("signals\nexit status: 0\n");
        assert!(said.starts_with("weathered\n") && ended, "{option}: {said}");
    }
}

/// What the guest writes to its code counts, also where a cluster is awake: the new code
/// runs, and that which comes back.
#[test]
fn code_that_changes_is_forgotten() {
    let kept = Kept::new();
    let cases = [
        ("rewritten.c", "exit status: 0\n"),
        (
            "patched.c",
            "again\nflags\nbehind\nprotected\nthreads\nloops\nmapped\nexit status: 0\n",
        ),
    ];
    for (source, expected) in cases {
        let program = guest(&kept.dir, source, "-O2");
        for option in ["--learn", "--learn", "--kept", "--kept"] {
            assert_eq!(
                kept.run(option, &program, &[]),
                expected,
                "{source} {option}"
            );
        }
    }
}

/// What is executed has the file too, and a child that is forked.
#[test]
fn children_have_the_file() {
    let kept = Kept::new();
    let shell = guest(&kept.dir, "executes.c", "-O0");
    let once = guest(&kept.dir, "translated.c", "-O2");
    let path = once.to_str().unwrap();
    let expected = said(&engine().args([&shell]).args([path]).output().unwrap());
    assert_eq!(kept.run("--learn", &shell, &[path]), expected);
    assert_eq!(kept.run("--kept", &shell, &[path]), expected);
}

/// What is executed under a filter of system calls has no file: who set the filter does
/// not trust the program with host code.
#[test]
fn none_is_used_under_filters() {
    let kept = Kept::new();
    let sandbox = guest(&kept.dir, "filtered.c", "-O0");
    let inside = guest(&kept.dir, "translated.c", "-O2");
    let path = inside.to_str().unwrap();
    let expected = said(&engine().arg(&inside).output().unwrap());
    assert_eq!(kept.run("--learn", &sandbox, &[path]), expected);
    assert!(!kept.notes.exists(), "it has learned under a filter");
    assert_eq!(kept.run("--learn", &inside, &[]), expected);
    assert!(kept.path.exists());
    assert_eq!(kept.run("--kept", &sandbox, &[path]), expected);
}

/// A file that is no file of translations, was cut anywhere, is of another build, for
/// another processor, or is not there.
#[test]
fn a_file_that_does_not_fit_is_as_none() {
    let (kept, program, expected) = learned();
    let whole = fs::read(&kept.path).unwrap();
    let is_as_none = |what: &str| {
        assert_eq!(kept.run("--kept", &program, &[]), expected, "{what}");
    };
    for length in [0, 1, 100, 4096, whole.len() / 2, whole.len() - 1] {
        fs::write(&kept.path, &whole[..length]).unwrap();
        is_as_none(&format!("cut to {length}"));
    }
    let mut longer = whole.clone();
    longer.push(0);
    fs::write(&kept.path, &longer).unwrap();
    is_as_none("longer");
    // The name, the build-id, the processor, the state; then words of the header that say
    // where sections are.
    for at in (0..152).step_by(4) {
        for change in [1, 0x80, 0xff] {
            let mut other = whole.clone();
            other[at] ^= change;
            other[at + 3] ^= change;
            fs::write(&kept.path, &other).unwrap();
            is_as_none(&format!("byte {at} of the header changed by {change}"));
        }
    }
    fs::remove_file(&kept.path).unwrap();
    is_as_none("no file");
    fs::create_dir(&kept.path).unwrap();
    is_as_none("a folder");
}

/// The program was changed since: no translation of what it had is used.
#[test]
fn a_stale_file_is_as_none() {
    let (kept, program, _) = learned();
    let other = guest(&kept.dir, "carried.c", "-O2");
    assert_eq!(other, program, "it takes its place");
    let expected = said(&engine().arg(&other).output().unwrap());
    assert_eq!(kept.run("--kept", &program, &[]), expected);
}

/// What records say is looked at with bounds: a number that leads out of its section leads
/// to a cluster that is not used, and to no fault of the engine's. (What code does is
/// trusted, as who writes such files is.)
#[test]
fn wrong_numbers_in_records_do_no_harm() {
    let (kept, program, expected) = learned();
    let whole = fs::read(&kept.path).unwrap();
    let word = |at: usize| u32::from_le_bytes(whole[at..at + 4].try_into().unwrap()) as usize;
    // The places of index, clusters, entries, stretches, exits and their numbers in the header.
    for (section, size) in [(0, 8), (1, 68), (2, 16), (3, 8), (5, 12), (6, 4)] {
        let (offset, count) = (word(72 + 8 * section), word(76 + 8 * section));
        for value in [0xffff_ffff_u32, 0x8000_0000] {
            for field in 0..size / 4 {
                fs::write(&kept.path, &whole).unwrap();
                let file = File::options().write(true).open(&kept.path).unwrap();
                for record in 0..count {
                    let at = (offset + record * size + 4 * field) as u64;
                    file.write_all_at(&value.to_le_bytes(), at).unwrap();
                }
                let ours = kept.run("--kept", &program, &[]);
                assert_eq!(
                    ours, expected,
                    "section {section} field {field}: {value:#x}"
                );
            }
        }
    }
}

/// Who looks at regions as they are translated sees all of them.
#[test]
fn who_looks_at_translations_sees_them() {
    let (kept, program, _) = learned();
    for option in ["--print-guest", "--counters", "--eager", "--interpret"] {
        let run = |with: bool| {
            let mut command = engine();
            if with {
                command.arg("--kept").arg(&kept.path);
            }
            let output = command.arg(option).arg(&program).output().unwrap();
            assert!(output.status.success());
            output.stderr.is_empty()
        };
        assert_eq!(run(true), run(false), "{option}");
    }
}

/// The guest does not see the file's mappings.
#[test]
fn the_guests_maps_do_not_show_it() {
    let kept = Kept::new();
    let program = guest(&kept.dir, "translated.c", "-O2");
    let print = ["print", "/proc/self/maps"];
    let _ = kept.run("--learn", &program, &print);
    let maps = kept.run("--kept", &program, &print);
    assert!(maps.contains("[stack]"), "{maps}");
    assert!(!maps.contains("translations"), "{maps}");
}

/// An engine with translations behind it uses them without an option, and is one like the
/// first in all else; so is one that is made of its own memory, which has none.
#[test]
fn an_engine_has_translations_behind_it() {
    let (kept, program, expected) = learned();
    let baked = kept.dir.path().join("engine");
    let bake = |engine: &Path, translations: &Path, to: &Path| {
        let mut command = Command::new(engine);
        command.arg("--bake").arg(translations).arg(to);
        said(&command.output().unwrap())
    };
    let first = Path::new(env!("CARGO_BIN_EXE_armistice-aarch64"));
    assert_eq!(bake(first, &kept.path, &baked), "exit status: 0\n");
    let run = |arguments: &[&Path]| {
        let mut command = Command::new(&baked);
        said(&command.args(arguments).output().unwrap())
    };
    for _ in 0..3 {
        assert_eq!(run(&[&program]), expected);
    }
    // What is behind the engine's own bytes is mapped to be executed.
    let end = fs::metadata(first).unwrap().len();
    let slow = guest(&kept.dir, "text.c", "-O0");
    let mut child = Command::new(&baked)
        .arg(&slow)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let is_mapped = |pid: u32| {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        maps.lines().any(|line| {
            let offset = line.split_whitespace().nth(2).unwrap_or("0");
            let offset = u64::from_str_radix(offset, 16).unwrap_or(0);
            line.contains("r-x") && line.ends_with("/engine") && offset >= end
        })
    };
    let mapped = (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        is_mapped(child.id())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(mapped);
    // It bakes, and what it had goes.
    let again = kept.dir.path().join("again");
    assert_eq!(bake(&baked, &kept.path, &again), "exit status: 0\n");
    assert_eq!(fs::read(&again).unwrap(), fs::read(&baked).unwrap());
    // What does not fit is not taken.
    let not = bake(first, first, &again);
    assert!(
        not.contains("no translations that this engine can use"),
        "{not}"
    );
}

/// A process notes what it ran before it became another program, and both are there.
#[test]
fn what_ran_before_another_program_is_noted() {
    let kept = Kept::new();
    let shell = guest(&kept.dir, "executes.c", "-O0");
    let once = guest(&kept.dir, "translated.c", "-O2");
    let mut command = engine();
    command
        .arg("--learn")
        .arg(&kept.notes)
        .arg(&shell)
        .arg(&once);
    let _ = said_of(&mut command);
    let notes = fs::read_to_string(&kept.notes).unwrap();
    for program in [&shell, &once] {
        let end = format!(" {}", fs::canonicalize(program).unwrap().display());
        let lines = notes.lines().filter(|line| line.ends_with(&end));
        assert!(lines.count() >= 1, "{end} {notes}");
    }
    assert!(notes.lines().all(|line| line.starts_with("ran ")));
}

/// Kept translations are those of the guest that the engine is named after: a program of the other
/// one neither uses nor spoils them, and what is executed next uses them again.
#[test]
fn the_other_guests_programs_use_none() {
    let (kept, program, expected) = learned();
    let other = usual(Target::Hard, &kept.dir, "translated.c", "-O2");
    // As on its own engine.
    let narrow = said_of(Command::new(env!("CARGO_BIN_EXE_armistice-arm")).arg(&other));
    assert!(narrow.ends_with("7\nexit status: 0\n"), "{narrow}");
    let first = Path::new(env!("CARGO_BIN_EXE_armistice-aarch64"));
    let baked = kept.dir.path().join("engine");
    let mut bake = Command::new(first);
    bake.arg("--bake").arg(&kept.path).arg(&baked);
    assert_eq!(said_of(&mut bake), "exit status: 0\n");
    let [one, two] =
        [Target::Guest, Target::Hard].map(|target| usual(target, &kept.dir, "executes.c", "-O0"));
    let before = fs::read(&kept.path).unwrap();
    for options in [&[][..], &["--kept"]] {
        let run = |programs: &[&Path]| {
            let mut command = Command::new(&baked);
            command.args(options);
            if !options.is_empty() {
                command.arg(&kept.path);
            }
            said_of(command.args(programs))
        };
        assert_eq!(run(&[&other]), narrow);
        assert_eq!(run(&[&one, &other]), narrow);
        assert_eq!(run(&[&two, &program]), expected);
        assert_eq!(run(&[&one, &two, &one, &program]), expected);
    }
    // What the other one ran is noted, too, and passed over.
    assert_eq!(kept.run("--learn", &other, &[]), narrow);
    assert_eq!(fs::read(&kept.path).unwrap(), before);
    assert_eq!(kept.run("--kept", &program, &[]), expected);
}

/// Who translates the same notes again gets the same bytes, so that anybody can check what
/// was baked.
#[test]
fn the_same_notes_give_the_same_bytes() {
    let kept = Kept::new();
    let program = guest(&kept.dir, "translated.c", "-O2");
    let mut command = engine();
    command.arg("--learn").arg(&kept.notes).arg(&program);
    let _ = said_of(&mut command);
    let bytes = ["one", "other"].map(|name| {
        let to = kept.dir.path().join(name);
        let mut command = engine();
        command.arg("--translate").arg(&kept.notes).arg(&to);
        assert_eq!(said_of(&mut command), "exit status: 0\n");
        fs::read(to).unwrap()
    });
    assert!(bytes[0].len() > 100_000);
    assert!(bytes[0] == bytes[1], "translations differ");
}

/// Notes are anybody's: whatever they say, a program behaves as without.
#[test]
fn forged_notes_do_no_harm() {
    let kept = Kept::new();
    let program = guest(&kept.dir, "translated.c", "-O2");
    let expected = said_of(engine().arg(&program));
    let path = program.display();
    let everywhere: String = (0..5000)
        .map(|n| format!("{:x}* ", 4 * n + n % 3))
        .collect();
    let far = "ran 0 ffffffffffffffff* 7fffffff0* fffffffffffffffc ";
    let forged = [
        format!("ran 0 {everywhere}{path}\nran 5 {everywhere}{path}\n"),
        format!("{far}{path}\n{far}/dev/zero\n{far}/\n{far}/nothing\n"),
        format!("ran 0 {everywhere}/proc/self/exe\nran 0 10 {path}\nran 0 1"),
    ];
    for notes in forged {
        fs::write(&kept.notes, &notes).unwrap();
        let mut command = engine();
        command.arg("--translate").arg(&kept.notes).arg(&kept.path);
        let told = said_of(&mut command);
        assert!(told.contains("exit status"), "{told}");
        assert_eq!(kept.run("--kept", &program, &[]), expected);
    }
}

/// An option without its file is told so.
#[test]
fn no_path_is_an_error() {
    for option in ["--kept", "--learn", "--translate", "--bake"] {
        let output = engine().arg(option).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{option}");
    }
}
