//! AArch64. Any words: decoded to a row that fits, or to none. What is asserted, and what the
//! bytes mean, is in crates/anywords.
#![no_main]

use a64::Aarch64;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| anywords::fuzz::decode::<Aarch64>(bytes));
