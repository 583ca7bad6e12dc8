//! Calls of the surroundings: what the guest's vDSO reads clocks by.
//!
//! They are hints that the architecture has not allocated. In the one page that
//! is the surroundings' own each calls a function with the low half of
//! [`ARGUMENT`]. When that gives what it was asked for, the instruction skips the
//! next one: [`VALUES`] are two values, and [`ZERO`] is zero. Else, and in every
//! other page always, it is the NOP that the architecture says; those three may
//! be lost then. So the next instruction leads to another way of doing it.
//!
//! The flags are lost. Of the vector registers those are kept that a function of
//! the guest keeps: a call is where such a function could be.

use guest::surroundings::FUNCTIONS;

/// The register of the argument.
pub const ARGUMENT: u8 = 0;
/// The registers of the values.
pub const VALUES: [u8; 2] = [2, 3];
/// A register that is overwritten.
pub const ZERO: u8 = 4;

/// The first hint, HINT #112, and the bits that are a function's number.
const FIRST: u32 = 0xd503_2e1f;
const NUMBER: u32 = 1 << 5;
const _: () = assert!(FUNCTIONS - 1 == NUMBER as usize >> 5);

/// The instruction that calls a function.
#[must_use]
pub const fn word(function: u8) -> u32 {
    FIRST | (function as u32) << 5 & NUMBER
}

/// The function that an instruction calls.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "a few bits")]
pub const fn function(word: u32) -> Option<u8> {
    if word & !NUMBER == FIRST {
        Some(((word & NUMBER) >> 5) as u8)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Op, decode};

    #[test]
    fn they_are_hints_without_a_name() {
        for number in 0..2 {
            let word = word(number);
            assert_eq!(decode(word).map(|insn| insn.op), Some(Op::HINT));
            assert_eq!(function(word), Some(number));
        }
        for other in [
            0xd503_201f,
            0xd503_2dff,
            0xd503_2e5f,
            0xd503_2f1f,
            0xd503_2e1e,
        ] {
            assert_eq!(function(other), None, "{other:08x}");
        }
    }
}
