//! Promise: programs of AArch64 and of 32-bit Arm execute each other, whether they are registered
//! with the kernel or not, as on an arm64 kernel that runs both.
//!
//! The same programs are compiled for x86-64 and i386, and print the same. They run in namespaces
//! of their own, with an empty table of `binfmt_misc`. Needs no root; nothing outside changes.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::fs;
use std::process::{Command, Output};

use common::compiled::{Target, compile, said, usual};
use common::guests::{BOTH, Guest, TABLE};
use tempfile::TempDir;

/// A folder that each run finds as the last one found it, at the same path.
struct Place(TempDir);

impl Place {
    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("place")
    }

    /// Runs a script there as root of a namespace, by which the kernel knows no other programs
    /// than this machine's.
    fn run(&self, script: &str, words: &[&str]) -> Output {
        let script = format!("mount -t binfmt_misc none {TABLE}\n{script}");
        Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-ec"])
            .args([&script, "sh"])
            .args(words)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap()
    }

    /// The programs in it: one for the first target, two for the other.
    fn fill(&self, source: &str, [one, other]: [Target; 2]) {
        let _ = fs::remove_dir_all(self.path());
        fs::create_dir(self.path()).unwrap();
        for (name, target) in [("one", one), ("two", other)] {
            let program = usual(target, &self.0, source, "-O2");
            fs::copy(program, self.path().join(name)).unwrap();
        }
        let flags = ["-Wl,--dynamic-linker=/nowhere/loader"];
        compile(other, source, &flags, self.path().join("loaderless"));
    }
}

/// Starts `both.c` by an engine, or by the kernel.
fn start(by: &str) -> String {
    format!("here=$(pwd); exec {by} \"$here/one\" first \"$here/two\" \"$here/loaderless\"")
}

/// All ways to become a program of the other width, there and back.
#[test]
fn as_on_a_kernel_that_runs_both() {
    for [first, other] in [[0, 1], [1, 0]].map(|order| order.map(|n: usize| &BOTH[n])) {
        let place = Place(TempDir::new().unwrap());
        place.fill("both.c", [first.native, other.native]);
        let expected = said(&place.run(&start(""), &[]));
        assert!(expected.ends_with("\nend\nexit status: 0\n"), "{expected}");
        let engines = BOTH.each_ref().map(|of| of.engine);
        let registered = format!("{}{}", line(first, first.engine), line(other, other.engine));
        for script in [
            // Whichever engine it is, and whichever of the two it runs first.
            start(engines[0]),
            start(engines[1]),
            // The one is registered, the other not; then both are.
            format!("{}{}", line(first, first.engine), start("")),
            format!("{}{}", line(other, other.engine), start(first.engine)),
            format!("{registered}{}", start("")),
        ] {
            // The kernel starts whatever is registered, and it is too late then for an error.
            let starts = script.contains(&line(other, other.engine));
            let told = |text: &str| {
                if starts {
                    without_errors(text)
                } else {
                    text.to_owned()
                }
            };
            place.fill("both.c", [first.target, other.target]);
            let found = told(&said(&place.run(&script, &[])));
            let expected = told(&expected);
            let lines = expected.lines().zip(found.lines());
            let different: Vec<_> = lines.filter(|(one, other)| one != other).take(5).collect();
            assert!(
                found == expected,
                "{script}: {different:#?}\n{found}\n{expected}"
            );
        }
    }
}

/// Without what becomes of programs that do not start.
fn without_errors(text: &str) -> String {
    let (before, rest) = text.split_once("\na loader that is nowhere\n").unwrap();
    let (_, after) = rest.split_once("\nnot allowed\n").unwrap();
    let is_told = |line: &&str| !line.starts_with("  vforked") && !line.starts_with("armistice-");
    let after: Vec<_> = after.lines().filter(is_told).collect();
    format!("{before}\n{}\n", after.join("\n"))
}

/// `READ_IMPLIES_EXEC`, which a file of 32 bits has by saying nothing of the stack, and which
/// programs of 32 bits inherit.
#[test]
fn what_may_be_read_may_be_executed() {
    for [first, other] in [[0, 1], [1, 0]].map(|order| order.map(|n: usize| &BOTH[n])) {
        let place = Place(TempDir::new().unwrap());
        place.fill("implied.c", [first.native, other.native]);
        let start = |by: &str| format!("exec {by} ./one \"$(pwd)/two\"");
        let expected = said(&place.run(&start(""), &[]));
        assert!(expected.ends_with("\nend\nexit status: 0\n"), "{expected}");
        let registered = format!("{}{}", line(first, first.engine), line(other, other.engine));
        for script in [
            start(first.engine),
            start(other.engine),
            format!("{registered}{}", start("")),
        ] {
            place.fill("implied.c", [first.target, other.target]);
            let found = said(&place.run(&script, &[]));
            let mut lines = expected.lines().zip(found.lines()).enumerate();
            let different = lines.find(|(_, (one, other))| one != other);
            assert!(
                found == expected,
                "{script}: {different:#?}\n{found}\n{expected}"
            );
        }
    }
}

/// The line of a script that registers an engine for a guest's programs.
fn line(of: &Guest, engine: &str) -> String {
    let (name, magic) = (of.target, of.magic);
    format!("printf '%s' ':{name:?}:M::{magic}:{engine}:POCF' >{TABLE}/register\n")
}

/// A tracer of 64 bits sees calls, registers and memory of a program of 32.
#[test]
fn a_tracer_of_the_other_width() {
    let place = Place(TempDir::new().unwrap());
    let run = |targets: [Target; 2], engine: &str| {
        place.fill("both.c", targets);
        let tracer = usual(targets[0], &place.0, "traced_other.c", "-O1");
        let words = [tracer.to_str().unwrap()];
        let script = format!("here=$(pwd); exec {engine} \"$1\" \"$here/two\"");
        said(&place.run(&script, &words))
    };
    let [wide, narrow] = &BOTH;
    let expected = run([wide.native, narrow.native], "");
    assert!(expected.ends_with("exit status: 0\n"), "{expected}");
    for of in &BOTH {
        assert_eq!(run([wide.target, narrow.target], of.engine), expected);
    }
}

/// Where the kernel has another engine for the other guest, that one is taken, but by who is
/// under filters, or is followed by an option.
#[test]
fn what_is_registered_is_asked_first() {
    for [first, other] in [[0, 1], [1, 0]].map(|order| order.map(|n: usize| &BOTH[n])) {
        let place = Place(TempDir::new().unwrap());
        place.fill("both.c", [first.target, other.target]);
        let another = compile(
            Target::Host,
            "other_engine.c",
            &["-static"],
            place.path().join("another"),
        );
        let register = line(other, another.to_str().unwrap());
        let executes = usual(first.target, &place.0, "executes.c", "-O1");
        let words = [first.engine, executes.to_str().unwrap()];
        let run = |options: &str, command: &str| {
            let script = format!("{register}exec \"$1\" {options} \"$2\" {command}");
            said(&place.run(&script, &words))
        };
        assert_eq!(
            run("", "./two child plain"),
            "another engine: ./two\nexit status: 3\n"
        );
        let followed = run("--strace", "./two child plain");
        assert!(!followed.contains("another engine"), "{followed}");
        assert!(followed.ends_with("exit status: 7\n"), "{followed}");
        // Both lines of `execve` are printed: that of the call, and that of the program.
        assert!(followed.contains("getppid()"), "{followed}");
        let script = format!("{register}{}", start(first.engine));
        let all = said(&place.run(&script, &[]));
        let filtered: Vec<_> = all
            .split_once("\nfiltered\n")
            .and_then(|(_, rest)| rest.split_once("\na loader"))
            .unwrap()
            .0
            .lines()
            .filter(|line| line.contains("another engine"))
            .collect();
        assert!(filtered.is_empty(), "{all}");
        assert!(all.contains("another engine: "), "{all}");
    }
}
