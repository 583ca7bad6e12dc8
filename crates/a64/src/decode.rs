//! The decoder.
//!
//! [`decode`] answers for every word: the instruction, or nothing where the
//! word is unallocated, undefined at EL0, or of a feature that is not
//! advertised (the guest gets SIGILL). What the table says of a word's bits is in
//! [`crate::op`].

use crate::insn::Insn;
use crate::op;

pub use crate::op::{Class, FieldInfo, Fields, Op, OpInfo, allocated};

/// Decodes one instruction word.
#[must_use]
#[inline]
pub fn decode(word: u32) -> Option<Insn> {
    let mut candidates = op::candidates(word).iter();
    let op = *candidates.find(|&&op| allocated(op, word))?;
    Some(Insn { op, word })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words() {
        for (word, op) in [
            (0xd503_201f, Some(Op::NOP)),
            (0x9100_43ff, Some(Op::ADD_immediate)),
            (0xd65f_03c0, Some(Op::RET)),
            (0x4e20_1c20, Some(Op::AND_vector)),
            (0x6f00_e400, Some(Op::MOVI)),
            (0x0f00_0000, None),
            (0xd71f_0800, None),
        ] {
            assert_eq!(decode(word).map(|i| i.op), op, "{word:#010x}");
        }
    }
}
