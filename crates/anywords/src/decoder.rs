//! What a decoder promises of any word: it has a length, and a row of the tables that fits it, or
//! none.

use ir::Mode;

use crate::Words;

/// Decodes a word.
///
/// # Panics
/// When the promise is not kept.
pub fn decode<G: Words>(mode: Mode, word: u32) {
    let Some(insn) = G::decode(mode, word) else {
        return;
    };
    assert!(G::row(insn) < G::ROWS);
    assert!(!G::row_name(G::row(insn)).is_empty());
    assert!(matches!(G::length(mode, word), 2 | 4));
    G::check_decoded(mode, word, insn);
}
