//! What the plain integer operations read: for lowering, which looks ahead to
//! find out how long a value is needed.

use crate::inst::{Addr, Offset, Op, Operand, Reg};

impl Operand {
    /// The slot it reads; [`Reg::ZERO`] if none.
    #[must_use]
    pub const fn slot(self) -> Reg {
        match self {
            Self::Imm(_) => Reg::ZERO,
            Self::Reg(reg) | Self::Ext { reg, .. } => reg,
        }
    }
}

impl Addr {
    /// The slots it reads; [`Reg::ZERO`] where none.
    #[must_use]
    pub const fn slots(self) -> [Reg; 2] {
        match self.offset {
            Offset::Imm(_) => [self.base, Reg::ZERO],
            Offset::Reg { reg, .. } => [self.base, reg],
        }
    }

    /// Whether it is a constant of 16 bits beside a slot.
    #[must_use]
    pub fn is_near(self) -> bool {
        matches!(self.offset, Offset::Imm(imm) if i16::try_from(imm).is_ok())
    }
}

impl Op {
    /// The slots that a plain integer operation reads, [`Reg::ZERO`] where there
    /// is none. Nothing for all others: what they read, or write beside
    /// [`Op::written`], is not said here.
    #[must_use]
    pub fn plain_reads(&self) -> Option<[Reg; 4]> {
        const NONE: Reg = Reg::ZERO;
        Some(match *self {
            Self::Imm { .. } | Self::Address { .. } | Self::ReadThread { .. } => [NONE; 4],
            Self::Mov { a, .. }
            | Self::Extract { a, .. }
            | Self::Deposit { a, .. }
            | Self::Bits { a, .. } => [a, NONE, NONE, NONE],
            Self::MovKeep { d, .. } => [d, NONE, NONE, NONE],
            Self::Insert { d, a, .. } => [d, a, NONE, NONE],
            Self::Bin { a, b, .. } => [a, b.slot(), NONE, NONE],
            Self::Carry { a, b, .. }
            | Self::Shift { a, b, .. }
            | Self::ExtractPair { a, b, .. }
            | Self::MulHigh { a, b, .. }
            | Self::Select { a, b, .. } => [a, b, NONE, NONE],
            Self::MulAdd { a, b, c, .. } | Self::MulLong { a, b, c, .. } => [a, b, c, NONE],
            Self::Load { addr, .. } | Self::LoadPair { addr, .. } => {
                let [base, index] = addr.slots();
                [base, index, NONE, NONE]
            }
            Self::Store { a, addr, .. } => {
                let [base, index] = addr.slots();
                [a, base, index, NONE]
            }
            Self::StorePair { a, b, addr, .. } => {
                let [base, index] = addr.slots();
                [a, b, base, index]
            }
            _ => return None,
        })
    }

    /// Whether it writes this integer slot.
    #[must_use]
    pub fn writes(&self, reg: Reg) -> bool {
        self.written().contains(&Some(reg))
    }
}
