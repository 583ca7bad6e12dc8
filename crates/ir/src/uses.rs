//! What operations read and do, beside what they write.
//!
//! Of plain integer operations these are the slots that they read: lowering looks ahead to
//! find out how long a value is needed. Of all operations these are the flags that they
//! read, and whether they may be left in their middle.

use crate::inst::Op;
use crate::operand::Reg;

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

    /// Which of the flags it reads: N, Z, C and V in bits 3 to 0. What
    /// [`Op::KeepFlags`] reads depends on who looks behind its [`Op::MergeFlags`].
    #[must_use]
    pub const fn reads_flags(&self) -> u8 {
        match self {
            Self::Carry { .. } => 0b0010,
            Self::Select { cond, .. } | Self::CondCompare { cond, .. } | Self::If { cond } => {
                cond.flags()
            }
            Self::ReadFlags { .. }
            | Self::InvertCarry
            | Self::BulkRun { .. }
            | Self::Interpret { .. } => 0b1111,
            Self::Vector(v) => v.reads_flags(),
            _ => 0,
        }
    }

    /// Whether it sets all of N, Z, C and V.
    #[must_use]
    pub const fn sets_flags(&self) -> bool {
        match self {
            Self::Bin { set, .. } | Self::Carry { set, .. } => *set,
            Self::CondCompare { .. }
            | Self::ShiftFlags { .. }
            | Self::WriteFlags { .. }
            | Self::InvertCarry
            | Self::BulkStart { .. }
            | Self::Call { .. } => true,
            Self::Vector(v) => v.sets_flags(),
            _ => false,
        }
    }

    /// Whether it may be left in its middle: by a fault, which shows the state
    /// before it, or for another mode. The flags must be told then.
    #[must_use]
    pub const fn may_fault(&self) -> bool {
        match self {
            Self::Load { .. }
            | Self::Store { .. }
            | Self::LoadPair { .. }
            | Self::StorePair { .. }
            | Self::LoadAcquire { .. }
            | Self::StoreRelease { .. }
            | Self::Rmw { .. }
            | Self::CompareSwap { .. }
            | Self::LoadExclusive { .. }
            | Self::StoreExclusive { .. }
            | Self::ZeroLine { .. }
            | Self::BulkRun { .. }
            | Self::CheckAligned { .. }
            | Self::CheckStack { .. }
            | Self::Interpret { .. } => true,
            Self::Vector(v) => v.may_fault(),
            _ => false,
        }
    }
}
