//! Calls of the surroundings: what the guest's vDSO reads clocks by.
//!
//! They are hints of A32 that the architecture has not allocated. In the one page that is the
//! surroundings' own each calls a function with [`ARGUMENT`]. When that gives what it was asked
//! for, the instruction skips the next one: [`FIRST`] are the halves of its first value, and
//! [`SECOND`] is the low half of the other. Else, and in every other page always, it is the NOP that the architecture
//! says, and the next instruction leads to another way of doing it.
//!
//! The flags are lost. Of the vector registers those are kept that a function of the guest
//! keeps: a call is where such a function could be.

use guest::surroundings::FUNCTIONS;

use crate::operation::Reg;

/// The register of the argument.
pub const ARGUMENT: Reg = 0;
/// The registers of the first value, the low half first.
pub const FIRST: [Reg; 2] = [2, 3];
/// That of the other.
pub const SECOND: Reg = 12;

/// The first hint, number 0x70, which is always done, and the bits that are a function's number.
const HINT: u32 = 0xe320_f070;
const NUMBER: u32 = 1;
const _: () = assert!(FUNCTIONS - 1 == NUMBER as usize);

/// The instruction that calls a function.
#[must_use]
pub const fn word(function: u8) -> u32 {
    HINT | function as u32 & NUMBER
}

/// The function that an instruction calls.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "a bit")]
pub const fn function(word: u32) -> Option<u8> {
    if word & !NUMBER == HINT {
        Some((word & NUMBER) as u8)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::a32::{Op, decode};

    #[test]
    fn they_are_hints_without_a_name() {
        for number in 0..2 {
            let word = word(number);
            assert_eq!(decode(word).map(|insn| insn.op), Some(Op::HINT));
            assert_eq!(function(word), Some(number));
        }
        for other in [
            0xe320_f000,
            0xe320_f060,
            0xe320_f072,
            0xe320_f0f0,
            0x0320_f070,
        ] {
            assert_eq!(function(other), None, "{other:08x}");
        }
    }
}
