//! 32-bit Arm. Any instruction interpreted on any state: no panic, and after an exception
//! nothing has changed. What is asserted, and what the bytes mean, is in crates/anywords.
#![no_main]

use a32::Aarch32;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| anywords::fuzz::interpret::<Aarch32>(bytes));
