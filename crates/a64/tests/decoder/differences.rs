//! Random words against LLVM: whether they are instructions, their mnemonics
//! and registers. Where LLVM is at odds with the manual, a line of
//! `llvm.differences` says so.

use std::collections::BTreeMap;

use armistice_a64::decode::{Class, decode};
use armistice_a64::insn::Insn;
use isa::random::Random;

use crate::{LONG, llvm, mnemonic, words};

/// A line of `llvm.differences`: the words that match `value` under `mask`,
/// and what the two say of them.
struct Known {
    mask: u32,
    value: u32,
    /// The row that the table has, or `-`.
    ours: &'static str,
    /// The mnemonic that LLVM prints, or `-`.
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
            let (mask, value, ours, llvm) = (hex(next()), hex(next()), next(), next());
            assert!(columns.next().is_some(), "no reason: {line}");
            Known {
                mask,
                value,
                ours,
                llvm,
                line,
            }
        })
        .collect()
}

/// Whether the two agree.
fn agree(ours: Option<Insn>, llvm: Option<&str>) -> bool {
    let (Some(insn), Some(text)) = (ours, llvm) else {
        return ours.is_none() && llvm.is_none();
    };
    let printed = text.split('\t').next().unwrap();
    (printed == mnemonic::expected(insn) || mnemonic::aliases(insn.op.name()).any(|a| a == printed))
        && mnemonic::is_its_operand(insn, text)
        && mnemonic::has_its_form(insn, text)
        && mnemonic::names_registers(insn, text)
}

/// Whether a memory copy or set has registers that are CONSTRAINED
/// UNPREDICTABLE.
fn unpredictable_registers(insn: Insn) -> bool {
    let (d, s, n) = (insn.rd(), insn.rs(), insn.rn());
    let set = insn.op.name().starts_with("SET");
    d == s || d == n || s == n || d == 31 || n == 31 || s == 31 && !set
}

/// The words on which LLVM and the table differ, beside the known ones.
fn differences(words: &[u32], known: &[Known], used: &mut [u32]) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for (&word, text) in words.iter().zip(llvm::disassemble(words)) {
        let ours = decode(word);
        if agree(ours, text.as_deref()) {
            continue;
        }
        let name = ours.map_or("-", |i| i.op.name());
        let printed = text
            .as_deref()
            .map_or("-", |t| t.split('\t').next().unwrap());
        if let Some(insn) = ours.filter(|i| i.op.class() == Class::memory_copy_set) {
            assert!(unpredictable_registers(insn), "{insn:?} is {text:?}");
        }
        let excuse = known.iter().position(|k| {
            word & k.mask == k.value
                && (k.ours == name || k.ours == "*")
                && (k.llvm == printed || k.llvm == "*")
        });
        match excuse {
            Some(line) => used[line] += 1,
            None => found.push((word, format!("{name} and {}", text.unwrap_or("-".into())))),
        }
    }
    found
}

/// The words on which LLVM and the table differ and `llvm.differences` does
/// not say why.
pub(crate) fn beside_the_known(words: &[u32]) -> Vec<(u32, String)> {
    let known = known();
    let mut used = vec![0; known.len()];
    differences(words, &known, &mut used)
}

#[test]
fn random_words_are_what_llvm_says() {
    let known = known();
    let mut used = vec![0; known.len()];
    let rounds = if LONG { 8 } else { 1 };
    let count = if LONG { 1_000_000 } else { 300_000 };
    let mut kinds = BTreeMap::<String, Vec<u32>>::new();
    // So that every line is tried, its own words too.
    let mut random = Random::new(50);
    let near: Vec<u32> = known
        .iter()
        .flat_map(|k| [(k.mask, k.value); 100])
        .map(|(mask, value)| value | random.word() & !mask)
        .collect();
    for seed in 0..rounds {
        let mut sample = words::sample(seed + 1, count);
        sample.extend(&near);
        for (word, what) in differences(&sample, &known, &mut used) {
            let ours = what.split('\t').next().unwrap().to_owned();
            kinds.entry(ours).or_default().push(word);
        }
    }
    for (k, uses) in known.iter().zip(&used) {
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
        .filter(|(_, uses)| **uses == 0)
        .map(|(k, _)| k.line)
        .collect();
    assert!(idle.is_empty(), "no longer differences: {idle:#?}");
    assert!(
        kinds.is_empty(),
        "{} kinds of differences from LLVM",
        kinds.len()
    );
}
