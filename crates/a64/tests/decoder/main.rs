//! The table against itself, against an independent disassembler, against
//! real programs, and against what is advertised.
//!
//! `ARMISTICE_LONG=1` adds the long forms: millions of words, and Debian's
//! arm64 programs (`cargo xtask decode-real`).

#![allow(clippy::unwrap_used, reason = "a failed helper is a failed test")]
#![allow(clippy::print_stdout, reason = "tests tell what they counted")]

mod debian;
mod differences;
mod elf;
mod features;
mod llvm;
mod mnemonic;
mod programs;
mod rows;
mod scope;
mod words;

/// Whether the long forms are asked for (see build.rs).
const LONG: bool = cfg!(armistice_long);
