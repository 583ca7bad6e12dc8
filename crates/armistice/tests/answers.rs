//! Promise: an answer that could not be written is a failure, told in one line;
//! a reader that went away is none.

use std::fs::OpenOptions;
use std::io::Read;
use std::process::{Command, Output, Stdio};

/// Every kind of answer that needs neither rights nor a table.
const ANSWERS: [&[&str]; 12] = [
    &["--help"],
    &["--version"],
    &["help", "register"],
    &["register", "--help"],
    &["status"],
    &["status", "-o", "json"],
    &["explain", "/bin/sh"],
    &["explain", "/bin/sh", "-o", "json"],
    &["explain", "/bin/sh", "-o", "name"],
    &["generate", "man"],
    &["generate", "completions", "bash"],
    &["entrypoint", "--version"],
];

fn armistice(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_armistice"));
    command.args(args).stdin(Stdio::null());
    command
}

/// The lines of an error on stderr; there may be notes besides.
fn complaints(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter(|line| line.contains("standard output"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn an_answer_to_a_full_device_is_a_failure_in_one_line() {
    for args in ANSWERS {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = armistice(args).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
        let complaints = complaints(&output);
        assert_eq!(complaints.len(), 1, "{args:?}: {output:?}");
        assert!(
            complaints[0].contains("No space left on device"),
            "{complaints:?}"
        );
    }
}

#[test]
fn a_standard_output_that_is_not_open_is_a_failure_too() {
    for args in ANSWERS {
        let output = Command::new("sh")
            .args(["-c", "exec \"$@\" >&-", "sh"])
            .arg(env!("CARGO_BIN_EXE_armistice"))
            .args(args)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
        let complaints = complaints(&output);
        assert_eq!(complaints.len(), 1, "{args:?}: {output:?}");
        assert!(
            complaints[0].contains("Bad file descriptor"),
            "{complaints:?}"
        );
    }
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    for args in ANSWERS {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = armistice(args).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        assert!(complaints(&output).is_empty(), "{args:?}: {output:?}");
    }
}

#[test]
fn without_open_descriptors_nothing_is_written_to_what_was_opened_later() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    std::fs::write(&program, b"#!/bin/sh\n").unwrap();
    let status = Command::new("sh")
        .args(["-c", "exec \"$@\" <&- >&- 2>&-", "sh"])
        .arg(env!("CARGO_BIN_EXE_armistice"))
        .arg("explain")
        .arg(&program)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    let mut text = String::new();
    let mut file = std::fs::File::open(&program).unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "#!/bin/sh\n");
}
