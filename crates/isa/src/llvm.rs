//! LLVM's disassembler, which the tests of guests' tables compare with: `llvm-mc-19`, a process.
//!
//! Invariant: there is an answer for each line, and nothing else was printed; what LLVM says
//! otherwise is a failed test, never passed over.

use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};

/// LLVM's own word for its version.
///
/// # Panics
/// When LLVM is not installed.
#[must_use]
pub fn version() -> String {
    let output = Command::new("llvm-mc-19").arg("--version").output().expect(
        "llvm-mc-19 is missing. Install it: apt-get install llvm-19 (`cargo xtask test` does so)",
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.contains("version"));
    line.unwrap().trim().to_owned()
}

/// The text of each line of bytes (`0x1f,0x20,0x03,0xd5`), as mnemonic, tab, operands; none where
/// LLVM knows no instruction. The arguments name the architecture and its features.
///
/// # Panics
/// When LLVM is not installed, or prints what can't be told apart.
#[must_use]
pub fn disassemble(arguments: &[&str], lines: String) -> Vec<Option<String>> {
    let mut unknown = vec![false; lines.lines().count()];
    let child = Command::new("llvm-mc-19")
        .arg("--disassemble")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Err(error) if error.kind() == ErrorKind::NotFound => panic!(
            "llvm-mc-19 is missing. Install it: apt-get install llvm-19 (`cargo xtask test` does so)"
        ),
        child => child.unwrap(),
    };
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    for line in err.lines() {
        // "<stdin>:3:1: warning: invalid instruction encoding"
        let Some(rest) = line.strip_prefix("<stdin>:") else {
            continue;
        };
        if rest.contains("invalid instruction encoding") {
            let number: usize = rest.split(':').next().unwrap().parse().unwrap();
            unknown[number - 1] = true;
        } else {
            assert!(rest.contains("potentially undefined"), "{line}");
        }
    }
    let mut texts = out
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && *l != ".text");
    let answers = unknown
        .into_iter()
        .map(|unknown| (!unknown).then(|| texts.next().expect("too few lines").to_owned()))
        .collect();
    assert_eq!(
        texts.next(),
        None,
        "llvm-mc-19 printed more than it was asked"
    );
    answers
}
