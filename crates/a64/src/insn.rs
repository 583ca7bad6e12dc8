//! A decoded instruction.
//!
//! The accessors of single fields are made from `a64.isa`: `Rn` is
//! [`Insn::rn`], and so on, each at its one place in the word whatever the
//! instruction. Here are those that join fields or extend signs.

use crate::op::Op;

/// An instruction word and what it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Insn {
    /// The row of the table.
    pub op: Op,
    /// The word.
    pub word: u32,
}

include!(concat!(env!("OUT_DIR"), "/a64_fields.rs"));

impl core::fmt::Debug for Insn {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}({:#010x})", self.op.name(), self.word)
    }
}

/// `value`'s low `width` bits, sign-extended.
const fn signed(value: u32, width: u32) -> i64 {
    ((value << (32 - width)) as i32 >> (32 - width)) as i64
}

impl Insn {
    /// The byte distance of B and BL.
    #[must_use]
    pub const fn imm26_offset(self) -> i64 {
        signed(self.imm26(), 26) * 4
    }

    /// The byte distance of B.cond, CBZ, CBNZ and literal loads.
    #[must_use]
    pub const fn imm19_offset(self) -> i64 {
        signed(self.imm19(), 19) * 4
    }

    /// The byte distance of TBZ and TBNZ.
    #[must_use]
    pub const fn imm14_offset(self) -> i64 {
        signed(self.imm14(), 14) * 4
    }

    /// The byte distance of ADR; that of ADRP in pages.
    #[must_use]
    pub const fn adr_offset(self) -> i64 {
        signed(self.immhi() << 2 | self.immlo(), 21)
    }

    /// The bit that TBZ and TBNZ test.
    #[must_use]
    pub const fn test_bit(self) -> u32 {
        self.b5() << 5 | self.b40()
    }

    /// `imm9` sign-extended, in bytes.
    #[must_use]
    pub const fn simm9(self) -> i64 {
        signed(self.imm9(), 9)
    }

    /// `imm7` sign-extended, not yet scaled.
    #[must_use]
    pub const fn simm7(self) -> i64 {
        signed(self.imm7(), 7)
    }

    /// `immh:immb` of shifts by immediate.
    #[must_use]
    pub const fn immhb(self) -> u32 {
        self.immh() << 3 | self.immb()
    }

    /// The eight bits `abcdefgh` of modified immediates.
    #[must_use]
    pub const fn abcdefgh(self) -> u32 {
        self.abc() << 5 | self.defgh()
    }

    /// `H:L:M`, the index of a 16-bit element.
    #[must_use]
    pub const fn hlm(self) -> u32 {
        self.h() << 2 | self.l() << 1 | self.m()
    }

    /// `H:L`, the index of a 32-bit element.
    #[must_use]
    pub const fn hl(self) -> u32 {
        self.h() << 1 | self.l()
    }
}
