//! Real code: every word of it is an instruction, but for what a program
//! tries only after a look at HWCAP, and for constants between functions.

use std::collections::BTreeMap;
use std::path::Path;

use armistice_a64::decode::{Op, decode};

use crate::{differences, elf, llvm, scope};

/// What was found in the code of one file.
#[derive(Default)]
pub(crate) struct Found {
    words: usize,
    rows: BTreeMap<Op, usize>,
    /// Unknown words, by the mnemonic that LLVM has for them when told of
    /// every feature. `-` is no instruction at all.
    unknown: BTreeMap<String, Vec<(u64, u32)>>,
    mapped: bool,
}

/// Decodes all code of an ELF file.
pub(crate) fn examine(file: &[u8]) -> Found {
    let mut found = Found {
        mapped: true,
        ..Found::default()
    };
    let mut unknown = Vec::new();
    for section in elf::code(file) {
        found.mapped &= section.mapped || section.name == ".plt";
        found.words += section.words.len();
        for (address, word) in section.words {
            match decode(word) {
                Some(insn) => *found.rows.entry(insn.op).or_default() += 1,
                None => unknown.push((address, word)),
            }
        }
    }
    let words: Vec<u32> = unknown.iter().map(|&(_, word)| word).collect();
    for (place, text) in unknown.into_iter().zip(llvm::disassemble_all(&words)) {
        let text = text.as_deref().unwrap_or("-");
        let mnemonic = text.split('\t').next().unwrap_or(text).to_owned();
        found.unknown.entry(mnemonic).or_default().push(place);
    }
    found
}

impl Found {
    /// The number of words looked at.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// No unknown word is an instruction to an LLVM that is told of the same
    /// features, but for the known differences. Data that lies between the
    /// code does not matter to this.
    pub(crate) fn has_no_disagreement(&self) {
        let words: Vec<u32> = self
            .unknown
            .values()
            .flatten()
            .map(|&(_, word)| word)
            .collect();
        let found = differences::beside_the_known(&words);
        assert!(found.is_empty(), "{found:x?}");
    }

    /// How many of the table's rows occur.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Op> {
        self.rows.keys().copied()
    }

    /// The unknown words that are no instruction of any feature, and so data.
    pub(crate) fn data(&self) -> usize {
        self.unknown.get("-").map_or(0, Vec::len)
    }

    /// The unknown words that are instructions, by the rule that puts them
    /// out of scope. That each has one is asserted.
    pub(crate) fn out_of_scope(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for (mnemonic, places) in self.unknown.iter().filter(|(m, _)| *m != "-") {
            for &(address, word) in places {
                let rule = scope::out_of_scope(word)
                    .unwrap_or_else(|| panic!("{word:08x} at {address:#x} is {mnemonic}"));
                *counts.entry(rule).or_default() += 1;
            }
        }
        counts
    }

    /// Prints the counts.
    pub(crate) fn print(&self, name: &str) {
        let unknown: usize = self.unknown.values().map(Vec::len).sum();
        println!(
            "{name}: {} words, {} rows, {unknown} unknown, {}",
            self.words,
            self.rows.len(),
            if self.mapped {
                "data left out"
            } else {
                "with data in it"
            }
        );
        for (mnemonic, places) in &self.unknown {
            let few = &places[..places.len().min(4)];
            println!("{:9} {mnemonic}: {few:x?}", places.len());
        }
    }
}

/// The cross compiler's libraries; the folder is Debian's.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu/lib";

fn library(name: &str) -> Vec<u8> {
    let path = Path::new(LIBRARIES).join(name);
    std::fs::read(&path).unwrap_or_else(|e| {
        panic!("{}: {e}. Install it: apt-get install libstdc++6-arm64-cross (`cargo xtask test` does so)", path.display())
    })
}

/// Nanoseconds a word, in the best of several passes over the C library.
#[test]
#[cfg_attr(
    any(not(armistice_long), debug_assertions),
    ignore = "measures: ARMISTICE_LONG=1 and --release"
)]
fn decoding_is_fast() {
    let sections = elf::code(&library("libc.so.6"));
    let words: Vec<u32> = sections
        .iter()
        .flat_map(|s| s.words.iter().map(|w| w.1))
        .collect();
    let mut best = f64::MAX;
    for _ in 0..40 {
        let start = std::time::Instant::now();
        let known = std::hint::black_box(&words)
            .iter()
            .filter(|&&w| decode(w).is_some())
            .count();
        let time = start.elapsed().as_secs_f64();
        assert!(known > words.len() / 2);
        best = best.min(time * 1e9 / f64::from(u32::try_from(words.len()).unwrap()));
    }
    println!("{best:.1} ns a word");
    // Several times what was measured, for a machine that is busy.
    assert!(best < 50.0);
}

#[test]
fn libraries_are_all_instructions() {
    for name in [
        "libc.so.6",
        "libstdc++.so.6",
        "libm.so.6",
        "libgcc_s.so.1",
        "ld-linux-aarch64.so.1",
    ] {
        let file = library(name);
        assert!(elf::is_aarch64(&file), "{name}");
        let found = examine(&file);
        found.print(name);
        found.has_no_disagreement();
        found.out_of_scope();
        for mnemonic in found.unknown.keys() {
            let listed = include_str!("unadvertised")
                .lines()
                .filter(|line| !line.starts_with('#'));
            let mut listed = listed.flat_map(|line| line.split_whitespace().skip(1));
            assert!(listed.any(|m| m == mnemonic), "{name}: {mnemonic}");
        }
    }
}
