//! Promise: each word decodes to a row that fits it, or to none.
//!
//! `ARMISTICE_LONG=1` does a thousand times more.

use a32::Aarch32;
use a64::Aarch64;
use armistice_anywords::words::{Words, code};
use armistice_anywords::{decoder, long};
use isa::random::Random;

#[allow(clippy::cast_possible_truncation, reason = "parts of random numbers")]
fn words_are_decoded<G: Words>() {
    let mut random = Random::new(0xdec0de);
    let rounds = if long() { 300_000_000 } else { 300_000 };
    for _ in 0..rounds {
        for &set in G::SETS {
            let word = code::<G>(set, random.bits() as u16, random.word());
            decoder::decode::<G>(set, word);
        }
    }
}

#[test]
fn any_words_of_arm64_are_decoded() {
    words_are_decoded::<Aarch64>();
}

#[test]
fn any_words_of_arm_are_decoded() {
    words_are_decoded::<Aarch32>();
}
