//! A fuzzer's bytes as words, states and modes.
//!
//! Each byte has one meaning, so that a fuzzer that changes one learns something.

use ir::Mode;
use x64::features::HostFeatures;

use crate::words::{Words, code};
use crate::{decoder, interpreter, translator};

/// Each four bytes are a word, which is decoded in each set of instructions.
pub fn decode<G: Words>(bytes: &[u8]) {
    for word in bytes.as_chunks().0 {
        for &set in G::SETS {
            let word = G::any(set, u32::from_le_bytes(*word));
            decoder::decode::<G>(set, word);
        }
    }
}

/// Each fourteen bytes are a set of instructions with a kind of words, the word's other bits, and
/// a seed for the state.
pub fn interpret<G: Words>(bytes: &[u8]) {
    for &[a, b, c, d, e, f, ref seed @ ..] in bytes.as_chunks::<14>().0 {
        let choice = usize::from(u16::from_le_bytes([a, b]));
        let set = pick(G::SETS, choice);
        let kind = choice / G::SETS.len() % G::kinds(set);
        let word = G::word(set, kind, u32::from_le_bytes([c, d, e, f]));
        interpreter::execute::<G>(set, word, u64::from_le_bytes(*seed));
    }
}

/// The first byte chooses the host and the mode, the second where to begin; then each six bytes
/// are a kind of words and the word's other bits.
pub fn translate<G: Words>(bytes: &[u8]) {
    let Some((&[how, head], rest)) = bytes.split_first_chunk() else {
        return;
    };
    let host = if how & 1 == 0 {
        HostFeatures::ALL
    } else {
        HostFeatures::ALL.without_avx512()
    };
    let mode = pick(&G::modes(), usize::from(how >> 1));
    let word = |&[a, b, c, d, e, f]: &[u8; 6]| {
        let choice = u16::from_le_bytes([a, b]);
        code::<G>(mode, choice, u32::from_le_bytes([c, d, e, f]))
    };
    let words: Vec<_> = rest.as_chunks().0.iter().map(word).collect();
    if !words.is_empty() {
        let head = usize::from(head) % words.len();
        translator::translate::<G>(&words, head, mode, host);
    }
}

fn pick(modes: &[Mode], number: usize) -> Mode {
    modes[number % modes.len()]
}
