//! 32-bit Arm. Any words: decoded to a row that fits, or to none. What is asserted, and what
//! the bytes mean, is in crates/anywords.
#![no_main]

use a32::Aarch32;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| anywords::fuzz::decode::<Aarch32>(bytes));
