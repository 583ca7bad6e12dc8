//! Promise: no words at all make translating crash, and what comes out is
//! host code whose every access to guest memory can be told from where it
//! faulted. The words are of the tables' rows, and some of none.
//!
//! `ARMISTICE_LONG=1` does a thousand times more.
#![allow(clippy::print_stdout, reason = "it tells what failed")]

use std::collections::BTreeMap;

use a32::Aarch32;
use a64::Aarch64;
use armistice_anywords::words::{Words, code, mode};
use armistice_anywords::{long, translator};
use ir::Mode;
use isa::random::Random;
use x64::features::HostFeatures;

/// The first line without its numbers, which are different in each case.
fn kind(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.split(|c: char| !c.is_alphabetic())
        .filter(|word| word.len() > 3)
        .collect()
}

#[allow(clippy::cast_possible_truncation, reason = "parts of random numbers")]
fn words_are_translated<G: Words>() {
    let mut random = Random::new(0xc0de);
    let rounds: u32 = if long() { 3_000_000 } else { 3_000 };
    // What goes wrong, and the shortest words for it.
    let mut failures = BTreeMap::new();
    for round in 0..rounds {
        let mode = mode::<G>(round / 2);
        let words: Vec<u32> = (0..=random.below(60))
            .map(|_| code::<G>(mode, random.bits() as u16, random.word()))
            .collect();
        let head = random.below(words.len() as u32) as usize;
        // Each mode on both hosts.
        let host = if round % 2 == 0 {
            HostFeatures::ALL
        } else {
            HostFeatures::ALL.without_avx512()
        };
        let translate = || translator::translate::<G>(&words, head, mode, host);
        let Err(panic) = std::panic::catch_unwind(translate) else {
            continue;
        };
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        let case = (text.unwrap_or_default(), mode, head, words);
        let kind = kind(&case.0);
        let shortest = failures.entry(kind).or_insert_with(|| case.clone());
        if case.3.len() < shortest.3.len() {
            *shortest = case;
        }
    }
    for (text, mode, head, words) in failures.values() {
        println!("{mode:?}, from {head} on of {words:08x?}: {text}");
    }
    assert!(failures.is_empty(), "{} kinds of failures", failures.len());
}

#[test]
fn any_words_of_arm64_are_translated() {
    words_are_translated::<Aarch64>();
}

#[test]
fn any_words_of_arm_are_translated() {
    words_are_translated::<Aarch32>();
}

/// `sub r0, pc, #0x80000000` and its like lead around the end of what 32 bits reach, or not,
/// from place to place.
#[test]
fn sums_with_the_program_counter_are_the_same_elsewhere() {
    for host in [HostFeatures::ALL, HostFeatures::ALL.without_avx512()] {
        for word in [0x324f_d2e4, 0xe24f_0102, 0xe28f_0102, 0xe28f_04ff] {
            translator::translate::<Aarch32>(&[word], 0, Mode::PLAIN, host);
        }
    }
}
