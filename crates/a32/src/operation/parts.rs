//! What an [`super::Operation`] is made of: registers, operands, addresses, and which of several
//! alike operations it is.
//!
//! Each is data with the manual's meaning. Invariant: an operand or an address says all that the
//! instruction does to it, shifts and the base's change included, so that nobody looks at encodings
//! again.

/// The number of a register.
pub type Reg = u8;

/// The operation of data-processing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the manual's mnemonics")]
pub enum DataOp {
    And,
    Eor,
    Sub,
    Rsb,
    Add,
    Adc,
    Sbc,
    Rsc,
    Tst,
    Teq,
    Cmp,
    Cmn,
    Orr,
    Mov,
    Bic,
    Mvn,
    Orn,
}

impl DataOp {
    /// Whether its result is flags alone.
    #[must_use]
    pub const fn compares(self) -> bool {
        matches!(self, Self::Tst | Self::Teq | Self::Cmp | Self::Cmn)
    }
}

/// Whether flags are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetFlags {
    /// They are not.
    No,
    /// They are.
    Yes,
    /// They are, but in an IT block.
    OutsideIt,
}

impl SetFlags {
    pub(super) const fn from_bit(s: u32) -> Self {
        if s == 1 { Self::Yes } else { Self::No }
    }
}

/// How a register is shifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the manual's mnemonics")]
pub enum Shift {
    Lsl,
    Lsr,
    Asr,
    Ror,
    Rrx,
}

impl Shift {
    /// `DecodeRegShift`.
    pub(super) const fn of_register(stype: u32) -> Self {
        match stype & 3 {
            0 => Self::Lsl,
            1 => Self::Lsr,
            2 => Self::Asr,
            _ => Self::Ror,
        }
    }

    /// `DecodeImmShift`: how, and by how much.
    #[allow(clippy::cast_possible_truncation, reason = "five bits")]
    pub(super) const fn of_immediate(stype: u32, imm5: u32) -> (Self, u8) {
        match (stype & 3, imm5) {
            (1, 0) => (Self::Lsr, 32),
            (2, 0) => (Self::Asr, 32),
            (3, 0) => (Self::Rrx, 1),
            _ => (Self::of_register(stype), imm5 as u8),
        }
    }
}

/// The second operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A constant, and the carry that comes of its rotation, if one does.
    Immediate {
        /// The constant.
        value: u32,
        /// The shifter's carry; none leaves the flag.
        carry: Option<bool>,
    },
    /// A register shifted by a constant.
    Register {
        /// The register.
        m: Reg,
        /// How.
        shift: Shift,
        /// By how much.
        amount: u8,
    },
    /// A register shifted by the low byte of another.
    Shifted {
        /// The register.
        m: Reg,
        /// How.
        shift: Shift,
        /// The register of the amount.
        s: Reg,
    },
}

/// Multiplications with a result of 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiply {
    /// MUL, MLA, MLS.
    Low {
        /// Whether the product is subtracted.
        subtract: bool,
    },
    /// SMLABB and its like, SMULBB: halves, and which.
    Halves {
        /// The upper one of the first.
        n_top: bool,
        /// The upper one of the second.
        m_top: bool,
    },
    /// SMLAWB and its like, SMULWB: a word by a half.
    Wide {
        /// The upper half.
        m_top: bool,
    },
    /// SMLAD, SMUAD, SMLSD, SMUSD.
    Dual {
        /// Whether the second product is subtracted.
        subtract: bool,
        /// Whether the second operand's halves change places.
        exchange: bool,
    },
    /// SMMLA, SMMUL, SMMLS.
    Most {
        /// Whether the product is subtracted.
        subtract: bool,
        /// Whether it is rounded.
        round: bool,
    },
    /// USADA8, USAD8.
    Differences,
}

/// Multiplications with a result of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultiplyLong {
    /// UMULL and SMULL.
    Product {
        /// SMULL.
        signed: bool,
    },
    /// UMLAL and SMLAL.
    Accumulate {
        /// SMLAL.
        signed: bool,
    },
    /// UMAAL.
    AccumulateTwo,
    /// SMLALBB and its like.
    Halves {
        /// The upper half of the first.
        n_top: bool,
        /// The upper half of the second.
        m_top: bool,
    },
    /// SMLALD, SMLSLD.
    Dual {
        /// Whether the second product is subtracted.
        subtract: bool,
        /// Whether the second operand's halves change places.
        exchange: bool,
    },
}

/// What is done to one register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the manual's mnemonics")]
pub enum Unary {
    Clz,
    Rbit,
    Rev,
    Rev16,
    Revsh,
}

/// What is extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The lowest byte.
    Byte,
    /// The lower half.
    Half,
    /// The lowest bytes of both halves.
    Bytes,
}

/// The lanes of a parallel addition or subtraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the manual's mnemonics")]
pub enum Lanes {
    Add16,
    Asx,
    Sax,
    Sub16,
    Add8,
    Sub8,
}

/// What becomes of a lane's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneRule {
    /// It wraps, and sets GE.
    Modulo,
    /// It saturates.
    Saturate,
    /// It is halved.
    Halve,
}

/// Bit fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the manual's mnemonics")]
pub enum BitField {
    Sbfx,
    Ubfx,
    Bfi,
    Bfc,
}

/// How a base register and an offset make an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// Base plus offset.
    Offset,
    /// Base plus offset, which the base becomes.
    Pre,
    /// The base, which becomes base plus offset.
    Post,
}

/// What is added to a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// A constant.
    Immediate(u32),
    /// A shifted register.
    Register {
        /// The register.
        m: Reg,
        /// How it is shifted.
        shift: Shift,
        /// By how much.
        amount: u8,
    },
}

/// An address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The base; the program counter is aligned to words.
    pub n: Reg,
    /// The offset.
    pub offset: Offset,
    /// Whether it is added, else it is subtracted.
    pub add: bool,
    /// What becomes of the base.
    pub index: Index,
}

/// A system register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the manual's names")]
pub enum System {
    Tpidrurw,
    Tpidruro,
    Cntfrq,
}
