//! Promise: no words at all make translating crash, and what comes out is
//! host code whose every access to guest memory can be told from where it
//! faulted. The words are of the table's rows, and some of none.
//!
//! `ARMISTICE_LONG=1` does a thousand times more.
#![allow(clippy::print_stdout, reason = "it tells what failed")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod check;
#[path = "../common/mod.rs"]
mod common;

use std::collections::BTreeMap;

use common::long;
use ir::Mode;
use x64::features::HostFeatures;

/// xorshift64*: the same words every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

#[test]
#[allow(clippy::cast_possible_truncation, reason = "parts of random numbers")]
fn any_words_are_translated() {
    let mut random = Random(0xc0de);
    let rounds: u32 = if long() { 3_000_000 } else { 3_000 };
    // What goes wrong, and the shortest words for it.
    let mut failures = BTreeMap::<String, Vec<u32>>::new();
    for round in 0..rounds {
        let count = 1 + random.next() as usize % 60;
        let words: Vec<u32> = (0..count)
            .map(|_| {
                let next = random.next();
                check::word((next >> 32) as u16, next as u32)
            })
            .collect();
        let head = random.next() as usize % count;
        let host = if round % 2 == 0 {
            HostFeatures::ALL
        } else {
            HostFeatures::ALL.without_avx512()
        };
        // Each mode on both hosts, most often that of most code.
        let mode = Mode::from_number((round / 2 % 8).saturating_sub(4));
        let translate = || check::translate(&words, head, mode, host);
        let Err(panic) = std::panic::catch_unwind(translate) else {
            continue;
        };
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        let shortest = failures
            .entry(text.unwrap_or_default())
            .or_insert(words.clone());
        if words.len() < shortest.len() {
            *shortest = words;
        }
    }
    for (text, words) in &failures {
        println!("{text}: {words:08x?}");
    }
    assert!(failures.is_empty(), "{} kinds of failures", failures.len());
}
