//! The tables against themselves, against an independent disassembler, and against real
//! programs.
//!
//! `ARMISTICE_LONG=1` adds the long forms: millions of words.

#![allow(clippy::unwrap_used, reason = "a failed helper is a failed test")]
#![allow(clippy::print_stdout, reason = "tests tell what they counted")]

mod differences;
mod llvm;
mod mnemonic;
mod rows;
mod words;

/// Whether the long forms are asked for (see build.rs).
const LONG: bool = cfg!(armistice_long);

/// The path of a program.
///
/// # Panics
/// When it is not installed, naming the Debian package that has it.
fn program(name: &str, package: &str) -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| {
            panic!("{name} is missing. Install it: apt-get install {package} (`cargo xtask test` does so)")
        })
}
