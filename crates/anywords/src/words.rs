//! [`Words`]: what a guest gives beside what its engine knows of it.

use guest::Guest;
use ir::Mode;
use isa::random::Random;

/// Where the memory of an interpreted instruction begins.
pub const BASE: u64 = 0x1_0000;
/// How many bytes it has.
pub const LENGTH: usize = 0x400;

/// A guest whose words are tried.
pub trait Words: Guest {
    /// What most code is in: one mode for each set of instructions.
    const SETS: &'static [Mode];

    /// The modes that states may have.
    fn modes() -> Vec<Mode>;

    /// How many kinds of words there are in a mode, most of them rows of its tables.
    fn kinds(mode: Mode) -> usize;
    /// A word of a kind, its other bits from `bits`.
    fn word(mode: Mode, kind: usize, bits: u32) -> u32;
    /// The word itself, or a branch that goes nearby if it is one that goes somewhere.
    fn near(mode: Mode, word: u32, bits: u32) -> u32;
    /// Any bits as a word of the length that they tell.
    fn any(mode: Mode, bits: u32) -> u32 {
        let _ = mode;
        bits
    }
    /// Adds the bytes of a word.
    fn put(mode: Mode, word: u32, bytes: &mut Vec<u8>) {
        let _ = mode;
        bytes.extend(word.to_le_bytes());
    }

    /// Panics if the instruction is not what its row and the word say.
    fn check_decoded(mode: Mode, word: u32, insn: Self::Insn);

    /// A state of any registers, in the set of instructions of a mode.
    fn state(set: Mode, random: &mut Random) -> Self::State;
    /// Panics with `what` if there is no such state.
    fn check_state(state: &Self::State, what: &str);
    /// What changes beside the program counter when an instruction is over that has no effect.
    fn pass(state: &mut Self::State) {
        let _ = state;
    }
    /// The address behind an instruction.
    fn behind(pc: u64, length: u64) -> u64 {
        pc.wrapping_add(length)
    }
    /// Whether it may stop amid what it does, and go on from there.
    fn stops_amid(insn: Self::Insn) -> bool {
        let _ = insn;
        false
    }
    /// Whether it stores several times, so that what memory holds is UNKNOWN if one store faults.
    fn stores_several(insn: Self::Insn) -> bool;
}

/// The mode of a number: mostly that of a set of instructions, now and then any.
#[must_use]
pub fn mode<G: Words>(number: u32) -> Mode {
    let modes = G::modes();
    let pick = |of: &[Mode]| of[number as usize / 2 % of.len()];
    pick(if number.is_multiple_of(2) {
        G::SETS
    } else {
        &modes
    })
}

/// A word as code has it: of the kind that `choice` stands for, with branches that go nearby, so
/// that regions have more than one block; `bits` itself where there is no such kind.
#[must_use]
pub fn code<G: Words>(mode: Mode, choice: u16, bits: u32) -> u32 {
    let kinds = G::kinds(mode);
    let kind = usize::from(choice) % (kinds + kinds / 4);
    if kind < kinds {
        G::near(mode, G::word(mode, kind, bits), bits)
    } else {
        G::any(mode, bits)
    }
}
