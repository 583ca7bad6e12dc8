//! The mnemonic that a disassembler should print.

use armistice_a32::decode::{Insn, State};

const CONDITIONS: [&str; 15] = [
    "eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "",
];

/// The condition that a word has by itself.
fn condition(insn: Insn) -> &'static str {
    let cond = match insn {
        Insn::A32(insn) => insn.cond(),
        Insn::Fp(_, cond) => cond.map_or(14, u32::from),
        Insn::T32(insn) if insn.op.name() == "B_T3" => insn.cond(),
        Insn::T16(insn) if insn.op.name() == "B_T1" => insn.cond(),
        _ => 14,
    };
    CONDITIONS.get(cond as usize).copied().unwrap_or_default()
}

/// The mnemonics that LLVM prints beside the row's own, by `llvm.aliases`.
fn aliases(name: &str) -> impl Iterator<Item = &'static str> {
    let lines = include_str!("llvm.aliases").lines();
    let mut words = lines
        .filter(|line| !line.starts_with('#'))
        .map(str::split_whitespace);
    words
        .find_map(|mut words| (words.next() == Some(name)).then_some(words))
        .into_iter()
        .flatten()
}

/// Whether a line of a disassembler tells of this instruction: its mnemonic, whether it sets
/// flags, and its condition.
pub(crate) fn is_named(insn: Insn, text: &str) -> bool {
    let printed = text.split(['\t', ' ']).next().unwrap();
    let (printed, _) = printed.split_once('.').unwrap_or((printed, ""));
    let name = insn.name();
    let mnemonic = name.split('_').next().unwrap().to_lowercase();
    let condition = condition(insn);
    let names = std::iter::once(mnemonic).chain(aliases(name).map(str::to_owned));
    let sets: &[&str] = match (sets_flags(insn), state(insn)) {
        (Some(true), _) => &["s"],
        // Outside of an IT block those of 2 bytes set flags, and say so.
        (None, State::Thumb) => &["", "s"],
        _ => &[""],
    };
    names
        .flat_map(|name| sets.iter().map(move |s| format!("{name}{s}")))
        .any(|name| printed == format!("{name}{condition}"))
}

const fn state(insn: Insn) -> State {
    match insn {
        Insn::A32(_) | Insn::Fp(..) | Insn::Simd(_) => State::Arm,
        _ => State::Thumb,
    }
}

/// Whether the instruction sets flags by a bit of it.
fn sets_flags(insn: Insn) -> Option<bool> {
    match insn {
        Insn::A32(insn) => {
            let s = insn.op.info().fields.iter().any(|f| f.name == "S");
            s.then_some(insn.s() == 1)
        }
        Insn::T32(insn) => {
            let s = insn.op.info().fields.iter().any(|f| f.name == "S");
            Some(s && insn.s() == 1)
        }
        Insn::T16(_) | Insn::Fp(..) | Insn::Simd(_) => None,
    }
}
