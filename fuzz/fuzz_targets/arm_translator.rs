//! 32-bit Arm. Any words translated: no panic, and host code that keeps its promises. What is
//! asserted, and what the bytes mean, is in crates/anywords.
#![no_main]

use a32::Aarch32;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| anywords::fuzz::translate::<Aarch32>(bytes));
