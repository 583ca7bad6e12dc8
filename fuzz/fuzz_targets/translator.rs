//! AArch64. Any words translated: no panic, and host code that keeps its promises. What is
//! asserted, and what the bytes mean, is in crates/anywords.
#![no_main]

use a64::Aarch64;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| anywords::fuzz::translate::<Aarch64>(bytes));
