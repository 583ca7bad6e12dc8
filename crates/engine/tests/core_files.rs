//! Promise: a program that a signal ends leaves the guest's core file, as a
//! kernel of its architecture would, wherever `core_pattern` is the name of a file; and its
//! parent is told as natively.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::compiled::{self, Target, guest, native, said};
use tempfile::TempDir;

/// The same with the default for all signals: who runs the tests in a shell's background
/// has them ignore SIGINT and SIGQUIT.
fn by_default(command: &Command) -> Command {
    let mut env = Command::new("env");
    env.arg("--default-signal")
        .arg(command.get_program())
        .args(command.get_args());
    env
}

/// Runs it in an empty directory of its own.
fn ran(command: &Command) -> String {
    let place = TempDir::new().unwrap();
    let mut command = by_default(command);
    said(&command.current_dir(place.path()).output().unwrap())
}

/// What is expected of a guest: as natively, but where the machine's core files go to
/// a program or a socket.
fn natively(dir: &TempDir) -> String {
    let natively = ran(&Command::new(native(dir, "crashes.c")));
    if !pattern().starts_with(['|', '@']) {
        return natively;
    }
    let mut text = natively.replace("core 1", "core 0");
    for signal in 1..32 {
        let flagged = format!(": {:#x}\n", signal | 0x80);
        text = text.replace(&flagged, &format!(": {signal:#x}\n"));
    }
    text
}

fn pattern() -> String {
    std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap()
}

#[test]
fn core_files_are_there_as_natively() {
    let dir = TempDir::new().unwrap();
    let expected = natively(&dir);
    assert!(expected.ends_with("exit status: 0\n"), "{expected}");
    for level in ["-O0", "-O2"] {
        let mut command = common::engine();
        let found = ran(command.arg(guest(&dir, "crashes.c", level)));
        assert_eq!(found, expected, "{level}");
    }
}

/// Whether core files come to the working directory, as `core`. What is
/// machine-wide the test leaves as it is.
fn are_plain() -> bool {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap();
    read("core_pattern").trim() == "core" && read("core_uses_pid").trim() == "0"
}

/// What a command says of the core file in a directory.
fn of_core(place: &Path, command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command)
        .args(arguments)
        .current_dir(place)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    said(&output)
}

/// A guest, and how its core files name it.
#[derive(Clone, Copy)]
enum Of {
    Arm64,
    Arm,
}

impl Of {
    fn engine(self) -> Command {
        match self {
            Of::Arm64 => common::engine(),
            Of::Arm => Command::new(env!("CARGO_BIN_EXE_armistice-arm")),
        }
    }

    fn program(self, dir: &TempDir) -> PathBuf {
        match self {
            Of::Arm64 => guest(dir, "crashed.c", "-g"),
            Of::Arm => {
                let flags = ["-g", "-std=gnu17", "-pthread", "-static", "-funwind-tables"];
                let place = tempfile::tempdir_in(dir.path()).unwrap().keep();
                compiled::compile(Target::Hard, "crashed.c", &flags, place.join("program"))
            }
        }
    }

    fn headers(self) -> [&'static str; 2] {
        match self {
            Of::Arm64 => ["ELF64", "AArch64"],
            Of::Arm => ["ELF32", "Machine:                           ARM"],
        }
    }
}

/// Lets `crashed.c` crash, and a debugger read what is left. Returns what it says.
fn crash(of: Of, dir: &TempDir, how: &str, expected: i32, commands: &[&str]) -> String {
    const SIGQUIT: &str = "-QUIT";
    let program = of.program(dir);
    let place = TempDir::new().unwrap();
    let mut child = by_default(of.engine().arg(&program).arg(how))
        .current_dir(place.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    if how == "quit" {
        let mut ready = [0; 6];
        child.stdout.take().unwrap().read_exact(&mut ready).unwrap();
        let number = child.id().to_string();
        let sent = Command::new("kill").args([SIGQUIT, &number]).status();
        assert!(sent.unwrap().success());
    }
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(expected), "{how}: {status}");
    if !are_plain() {
        // Elsewhere it is not here, if there is one (`core_paths.rs`).
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
        return String::new();
    }
    assert!(status.core_dumped(), "{how}: {status}");
    let readelf = of_core(place.path(), "readelf", &["-W", "-h", "-l", "-n", "core"]);
    assert!(readelf.contains("CORE (Core file)"), "{readelf}");
    for word in of.headers() {
        assert!(readelf.contains(word), "no {word} in:\n{readelf}");
    }
    assert!(
        !readelf.contains("rror") && !readelf.contains("arning"),
        "{readelf}"
    );
    let program = program.to_str().unwrap();
    let mut arguments = vec!["-nx", "-batch"];
    for command in commands {
        arguments.extend(["-ex", command]);
    }
    arguments.extend([program, "core"]);
    of_core(place.path(), "gdb-multiarch", &arguments)
}

#[track_caller]
fn has(said: &str, all: &[&str]) {
    if said.is_empty() {
        assert!(!are_plain());
        return;
    }
    for part in all {
        assert!(said.contains(part), "no {part:?} in:\n{said}");
    }
}

/// What a debugger is asked of a crash.
const QUESTIONS: &[&str] = &[
    "bt",
    "info locals",
    "p $d9",
    "p $_siginfo.si_code",
    "p $_siginfo._sifields._sigfault.si_addr",
    "x/s constant",
    "x/s variable",
    "x/s on_heap",
    "x/s on_stack",
    "x/s reserved",
    "x/s shared",
    "x/s hidden",
    "info threads",
    "thread apply all bt",
    "info proc mappings",
    "info auxv",
    "info proc",
    "x/s secret",
];

/// And what it says.
const ANSWERS: &[&str] = &[
    "terminated with signal SIGSEGV",
    "#0  0x",
    "innermost (depth=2, place=0x10)",
    "middle (depth=1, place=0x10)",
    "main (argc=2,",
    "local = 207",
    "$2 = 1\n",
    "(void *) 0x10",
    "\"constant text\"",
    "\"variable text\"",
    "\"text on the heap\"",
    "\"words in a frame\"",
    "\"text in much memory\"",
    "\"shared text\"",
    "\"text that may not be read\"",
    "waits_here (argument=0x0)",
    "runs_here (argument=0x0)",
    "/program",
    "AT_EXECFN",
    "AT_PLATFORM",
];

#[test]
fn a_debugger_reads_a_crash() {
    let dir = TempDir::new().unwrap();
    let commands = [QUESTIONS, &["info registers x0 sp pc cpsr"]].concat();
    let said = crash(Of::Arm64, &dir, "segv", 11, &commands);
    has(&said, ANSWERS);
    has(&said, &["f = 1.5", "\"aarch64\""]);
    for of_the_engine in ["armistice-aarch64", "\"secret\""] {
        assert!(!said.contains(of_the_engine), "{of_the_engine} in:\n{said}");
    }
}

#[test]
fn a_debugger_reads_a_crash_of_32_bits() {
    let dir = TempDir::new().unwrap();
    let commands = [QUESTIONS, &["info registers r0 sp pc cpsr"]].concat();
    let said = crash(Of::Arm, &dir, "segv", 11, &commands);
    has(&said, ANSWERS);
    has(&said, &["$1 = 1.5", "\"v7l\"", "cpsr "]);
    for of_the_engine in ["armistice-arm", "\"secret\""] {
        assert!(!said.contains(of_the_engine), "{of_the_engine} in:\n{said}");
    }
    let threads = ["bt -5", "info threads", "thread apply all bt 9"];
    let said = crash(Of::Arm, &dir, "abort", 6, &threads);
    has(&said, &["signal SIGABRT", " in raise ", " in abort "]);
    has(&said, &["waits_here", "runs_here"]);
}

#[test]
fn a_debugger_reads_other_ends() {
    let dir = TempDir::new().unwrap();
    let threads = ["bt -5", "info threads", "thread apply all bt 9"];
    let both = ["waits_here", "runs_here"];
    let said = crash(Of::Arm64, &dir, "abort", 6, &threads);
    has(
        &said,
        &["signal SIGABRT", " in raise ", " in abort ", "main (argc=2"],
    );
    has(&said, &both);
    let said = crash(Of::Arm64, &dir, "brk", 5, &threads);
    has(&said, &["signal SIGTRAP", "main (argc=2", "brk #7"]);
    has(&said, &both);
    let said = crash(Of::Arm64, &dir, "quit", 3, &threads);
    has(&said, &["signal SIGQUIT", "main (argc=2", "* 1 "]);
    has(&said, &both);
    let said = crash(Of::Arm64, &dir, "overflow", 11, &threads);
    has(
        &said,
        &["signal SIGSEGV", "overflows (n=0)", "main (argc=2"],
    );
}
