//! Any words translated: no panic, and host code that keeps its promises.
//! What is asserted is shared with crates/engine/tests/any_code.
//!
//! The first byte chooses the host and where to begin; then each six bytes are
//! a row of the table and the word's other bits.
#![no_main]

#[path = "../../crates/engine/tests/any_code/check.rs"]
mod check;

use ir::Mode;
use libfuzzer_sys::fuzz_target;
use x64::features::HostFeatures;

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, rest)) = bytes.split_first() else {
        return;
    };
    let words: Vec<u32> = rest
        .chunks_exact(6)
        .map(|six| {
            let choice = u16::from_le_bytes([six[0], six[1]]);
            check::word(choice, u32::from_le_bytes([six[2], six[3], six[4], six[5]]))
        })
        .collect();
    if words.is_empty() {
        return;
    }
    let host = if how & 1 == 0 {
        HostFeatures::ALL
    } else {
        HostFeatures::ALL.without_avx512()
    };
    let mode = Mode::from_number(u32::from(how >> 1));
    let head = usize::from(how >> 3) % words.len();
    check::translate(&words, head, mode, host);
});
