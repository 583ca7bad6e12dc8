//! Any words: decoded alike each time, and matched by the row they decode to.
#![no_main]

use a64::decode::{allocated, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for chunk in bytes.chunks_exact(4) {
        let mut word = [0; 4];
        word.copy_from_slice(chunk);
        let word = u32::from_le_bytes(word);
        if let Some(insn) = decode(word) {
            assert_eq!(insn.word, word);
            assert!(allocated(insn.op, word));
            let info = insn.op.info();
            assert_eq!(word & info.mask, info.value);
        }
    }
});
