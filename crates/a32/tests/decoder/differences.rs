//! Words against LLVM: whether they are instructions, and their mnemonics. Where LLVM is at odds
//! with the manual or with what is advertised, a line of `llvm.differences` says so.

use std::collections::BTreeMap;

use armistice_a32::decode::{Insn, State, decode};
use isa::random::Random;

use crate::{LONG, llvm, mnemonic, words};

/// A line of `llvm.differences`: the words of a set of instructions that match `value` under
/// `mask`, and what the two say of them.
struct Known {
    set: &'static str,
    mask: u32,
    value: u32,
    /// The row that the table has, or `-`.
    ours: &'static str,
    /// The mnemonic that LLVM prints without its condition, or `-`.
    llvm: &'static str,
    line: &'static str,
}

fn known() -> Vec<Known> {
    let hex = |s: &str| u32::from_str_radix(s, 16).unwrap();
    include_str!("llvm.differences")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut columns = line.split_whitespace();
            let mut next = || {
                columns
                    .next()
                    .unwrap_or_else(|| panic!("too short: {line}"))
            };
            let (set, mask, value) = (next(), hex(next()), hex(next()));
            let (ours, llvm) = (next(), next());
            assert!(columns.next().is_some(), "no reason: {line}");
            Known {
                set,
                mask,
                value,
                ours,
                llvm,
                line,
            }
        })
        .collect()
}

/// Whether a pattern of the file stands for a name: itself, any, or by how it starts.
fn stands_for(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start) && name != "-",
        None => pattern == name,
    }
}

/// The words on which LLVM and the table differ, beside the known ones.
fn differences(
    state: State,
    words: &[u32],
    known: &[Known],
    used: &mut [u32],
) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    let words: Vec<u32> = words
        .iter()
        .map(|&word| words::as_it_should_be(state, word))
        .collect();
    for (&word, text) in words.iter().zip(llvm::disassemble(state, &words)) {
        let ours = decode(state, word);
        let agree = match (ours, text.as_deref()) {
            (Some(insn), Some(text)) => mnemonic::is_named(insn, text),
            (ours, text) => ours.is_none() && text.is_none(),
        };
        if agree {
            continue;
        }
        let name = ours.map_or("-", Insn::name);
        let printed = text
            .as_deref()
            .map_or("-", |t| t.split('\t').next().unwrap());
        let set = match (state, word >> 16) {
            (State::Arm, _) => "A32",
            (State::Thumb, 0) => "T16",
            (State::Thumb, _) => "T32",
        };
        let excuse = known.iter().position(|k| {
            k.set == set
                && word & k.mask == k.value
                && stands_for(k.ours, name)
                && stands_for(k.llvm, printed)
        });
        match excuse {
            Some(line) => used[line] += 1,
            None => found.push((word, format!("{name} and {}", text.unwrap_or("-".into())))),
        }
    }
    found
}

/// The words on which LLVM and the table differ, beside the known ones.
pub(crate) fn beside_the_known(state: State, words: &[u32]) -> Vec<(u32, String)> {
    let known = known();
    differences(state, words, &known, &mut vec![0; known.len()])
}

/// Asserts that words are what LLVM says, and that each line of a set's was needed.
fn compare(state: State, set: &str, words: &[u32]) {
    let known = known();
    let mut used = vec![0; known.len()];
    let mut kinds = BTreeMap::<String, Vec<u32>>::new();
    for (word, what) in differences(state, words, &known, &mut used) {
        let ours = what.split('\t').next().unwrap().to_owned();
        kinds.entry(ours).or_default().push(word);
    }
    for (k, uses) in known.iter().zip(&used).filter(|(k, _)| k.set == set) {
        println!("{uses:8} times: {}", k.line);
    }
    for (kind, words) in &kinds {
        println!(
            "{:6} times {kind}: {:08x?}",
            words.len(),
            &words[..words.len().min(6)]
        );
    }
    let idle: Vec<_> = known
        .iter()
        .zip(&used)
        .filter(|(k, uses)| k.set == set && **uses == 0)
        .map(|(k, _)| k.line)
        .collect();
    assert!(idle.is_empty(), "no longer differences: {idle:#?}");
    assert!(
        kinds.is_empty(),
        "{} kinds of differences from LLVM",
        kinds.len()
    );
}

/// Random words of 4 bytes, and for each line of the file some of its own.
fn random_words(state: State, set: &str) -> Vec<u32> {
    let count = if LONG { 8_000_000 } else { 300_000 };
    let mut random = Random::new(50);
    let mut sample = words::sample(state, 1, count);
    for k in known().iter().filter(|k| k.set == set) {
        sample.extend((0..1000).map(|_| k.value | random.word() & !k.mask));
    }
    sample
}

#[test]
fn a32_words_are_what_llvm_says() {
    compare(State::Arm, "A32", &random_words(State::Arm, "A32"));
}

#[test]
fn t32_words_are_what_llvm_says() {
    compare(State::Thumb, "T32", &random_words(State::Thumb, "T32"));
}

#[test]
fn all_t16_words_are_what_llvm_says() {
    let words: Vec<u32> = (0..0xe800).collect();
    compare(State::Thumb, "T16", &words);
}
