//! Any bytes as an ELF file: a plan that can be carried out, or an error of
//! one line. What is asserted is shared with crates/engine/tests/mutations.
#![no_main]

#[path = "../../crates/engine/tests/mutations/check.rs"]
mod check;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| check::parse(bytes));
