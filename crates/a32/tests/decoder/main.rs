//! The tables against themselves, against an independent disassembler, and against real
//! programs.
//!
//! `ARMISTICE_LONG=1` adds the long forms: millions of words, and Debian's object files of armhf and armel
//! (`cargo xtask decode-real`).

#![allow(clippy::unwrap_used, reason = "a failed helper is a failed test")]
#![allow(clippy::print_stdout, reason = "tests tell what they counted")]

mod differences;
mod elf;
mod llvm;
mod mnemonic;
mod programs;
mod rows;
mod words;

/// Whether the long forms are asked for (see build.rs).
const LONG: bool = cfg!(armistice_long);
