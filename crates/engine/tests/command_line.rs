//! Promise: the command line is what `--help` says, and wrong options exit
//! with 2 and one line.

mod common;

use common::{engine, run};

#[test]
fn help_and_version() {
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(text.contains("Usage: armistice-aarch64 [OPTIONS] PROGRAM [ARGUMENT]...\n"));
    assert!(text.lines().all(|line| line.len() <= 80));
    assert!(help.stderr.is_empty());

    let version = run(&["--version"]);
    assert_eq!(version.status.code(), Some(0));
    let text = concat!("armistice-aarch64 ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(String::from_utf8(version.stdout).unwrap(), text);
}

#[test]
fn wrong_options() {
    for (arguments, text) in [
        (&[][..], "no program to run"),
        (&["--nonsense"], "unknown option '--nonsense'"),
        (
            &["--interpret=1", "x"],
            "a value for an option that takes none: '--interpret=1'",
        ),
        (&["-0"], "a value is missing for '-0'"),
    ] {
        let output = run(arguments);
        let expected = format!("armistice-aarch64: {text}; see armistice-aarch64 --help\n");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn standard_output_that_is_full() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = engine().arg("--help").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "armistice-aarch64: standard output cannot be written: no space left on device\n"
    );
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    for ignored in ["", "trap '' PIPE; "] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let script = format!("{ignored} exec \"$0\" --help");
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .arg(env!("CARGO_BIN_EXE_armistice-aarch64"))
            .stdout(writer)
            .output()
            .unwrap();
        assert!(output.stderr.is_empty(), "{output:?}");
        assert_eq!(output.status.success(), !ignored.is_empty());
    }
    let output = std::process::Command::new("sh")
        .args(["-c", "exec \"$0\" --version >&-"])
        .arg(env!("CARGO_BIN_EXE_armistice-aarch64"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("standard output cannot be written"), "{text}");
}
