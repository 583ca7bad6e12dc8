//! Any instruction interpreted on any state: no panic, and after an exception
//! nothing has changed. What is asserted is shared with
//! crates/a64/tests/any_words.
//!
//! Each fourteen bytes are a row of the table, the word's other bits, and a
//! seed for the state.
#![no_main]

// As the test calls it.
extern crate a64 as armistice_a64;

#[path = "../../crates/a64/tests/any_words/check.rs"]
mod check;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for chunk in bytes.chunks_exact(14) {
        let mut seed = [0; 8];
        seed.copy_from_slice(&chunk[6..]);
        let choice = u16::from_le_bytes([chunk[0], chunk[1]]);
        let bits = u32::from_le_bytes([chunk[2], chunk[3], chunk[4], chunk[5]]);
        check::execute(check::word(choice, bits), u64::from_le_bytes(seed));
    }
});
