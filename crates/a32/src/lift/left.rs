//! What is left to the interpreter: what is rare, what the manual calls UNPREDICTABLE, and what
//! changes the mode.

use super::float::reads_flags;
use super::simd::structures::is_access;
use super::{BIG_ENDIAN, How, Of};
use crate::decode::fp;
use crate::operation::{
    Address, Index, LaneRule, Multiple, Offset, Operand, Operation, Reg, System,
};

impl Of {
    /// How the instruction is lifted.
    pub(super) fn how(&self) -> How {
        use Operation as O;
        // A branch amid an IT block that goes on is UNPREDICTABLE.
        let amid = self.it != 0;
        match self.operation {
            O::Breakpoint(_) | O::Supervisor(_) if self.always() && !amid => How::Own,
            O::Breakpoint(_) | O::Supervisor(_) | O::Undefined => How::Alone,
            // What the host has met is taken from it outside, and modes change there.
            O::Float(insn) if insn.op.class() == fp::Class::status && !reads_flags(insn) => {
                How::Alone
            }
            operation if operation.writes_pc() => {
                if self.goes_on() || self.leaves_branch(operation) {
                    How::Alone
                } else {
                    How::Own
                }
            }
            O::Nothing | O::IfThen(_) => How::Plain,
            O::Call(_) => How::Own,
            operation if self.leaves(operation) => How::Left,
            operation if self.is_plain(operation) => How::Plain,
            _ => How::Own,
        }
    }

    /// Whether the instruction, done by the interpreter, never leads to the next one.
    pub(super) const fn ends(&self) -> bool {
        matches!(
            self.operation,
            Operation::Undefined
                | Operation::Branch { link: false, .. }
                | Operation::BranchExchange { link: false, .. }
                | Operation::TableBranch { .. }
        )
    }

    /// Whether no operation of it can fault.
    fn is_plain(&self, operation: Operation) -> bool {
        use Operation as O;
        if let O::Simd(insn) = operation {
            return !is_access(insn) && self.is_plain_simd(insn);
        }
        matches!(
            operation,
            O::Data { .. }
                | O::MoveTop { .. }
                | O::Multiply { .. }
                | O::MultiplyLong { .. }
                | O::Divide { .. }
                | O::Saturating { .. }
                | O::Saturate { .. }
                | O::Unary { .. }
                | O::Extend { .. }
                | O::Parallel { .. }
                | O::Pack { .. }
                | O::Select { .. }
                | O::BitField { .. }
                | O::Crc32 { .. }
                | O::ReadSystem { .. }
                | O::Barrier(_)
        )
    }

    /// Whether the interpreter does an instruction that writes the program counter.
    fn leaves_branch(&self, operation: Operation) -> bool {
        use Operation as O;
        match operation {
            O::Branch { cond, .. } => cond.is_some() && self.it != 0,
            O::CompareBranch { .. } => self.it != 0,
            O::BranchExchange { m, link } => link && m == 15,
            O::TableBranch { m, .. } => m == 15 || self.mode.has(BIG_ENDIAN),
            O::Data { flags, operand, .. } => {
                self.sets(flags) || matches!(operand, Operand::Shifted { .. })
            }
            O::Load { address, .. } => {
                self.mode.has(BIG_ENDIAN) || changes_base(address, &[15]) || address.n == 15
            }
            O::LoadMultiple(multiple) => self.leaves_multiple(multiple),
            _ => true,
        }
    }

    /// Whether the interpreter does an instruction that leaves the program counter alone.
    fn leaves(&self, operation: Operation) -> bool {
        use Operation as O;
        let big = self.mode.has(BIG_ENDIAN);
        match operation {
            O::Data { operand, .. } => {
                matches!(operand, Operand::Shifted { m, s, .. } if any_is_pc(&[m, s]))
            }
            O::MoveTop { d, .. } => d == 15,
            O::Multiply { d, n, m, a, .. } => any_is_pc(&[d, n, m, a.unwrap_or(0)]),
            O::MultiplyLong { lo, hi, n, m, .. } => any_is_pc(&[lo, hi, n, m]),
            O::Unary { d, m, .. } => any_is_pc(&[d, m]),
            O::Extend { d, n, m, .. } => any_is_pc(&[d, n.unwrap_or(0), m]),
            O::Saturate { d, n, .. } => any_is_pc(&[d, n]),
            O::Saturating { d, n, m, .. }
            | O::Divide { d, n, m, .. }
            | O::Pack { d, n, m, .. }
            | O::Select { d, n, m }
            | O::Crc32 { d, n, m, .. } => any_is_pc(&[d, n, m]),
            O::Parallel {
                d,
                n,
                m,
                rule,
                signed,
                ..
            } => rule == LaneRule::Saturate && signed || any_is_pc(&[d, n, m]),
            O::BitField { op, d, n, lsb, msb } => {
                let reads = op != crate::operation::BitField::Bfc;
                d == 15 || reads && n == 15 || msb < lsb || msb > 31
            }
            O::Float(insn) => self.leaves_float(insn),
            O::ReadSystem { t, register } => t == 15 || register != System::Tpidruro,
            O::Simd(insn) if is_access(insn) => self.leaves_structures(insn),
            O::Simd(insn) => self.leaves_simd(insn),
            O::Barrier(_) => false,
            O::Load { t, address, .. } => big || changes_base(address, &[t]),
            O::Store { address, .. } => big || changes_base(address, &[]),
            O::LoadDual { t, t2, address } => {
                big || t == t2 || any_is_pc(&[t, t2]) || changes_base(address, &[t, t2])
            }
            O::StoreDual { t, t2, address } => {
                big || any_is_pc(&[t, t2]) || changes_base(address, &[])
            }
            O::LoadMultiple(multiple) | O::StoreMultiple(multiple) => {
                self.leaves_multiple(multiple)
            }
            O::LoadExclusive { t, t2, n, .. } => big || t == t2 || any_is_pc(&[t, t2, n]),
            O::StoreExclusive { d, t, t2, n, .. } => big || any_is_pc(&[d, t, t2, n]),
            O::LoadAcquire { t, n, .. } | O::StoreRelease { t, n, .. } => big || any_is_pc(&[t, n]),
            O::Swap { t, m, n, .. } => big || any_is_pc(&[t, m, n]),
            _ => true,
        }
    }

    fn leaves_multiple(&self, multiple: Multiple) -> bool {
        self.mode.has(BIG_ENDIAN) || multiple.n == 15 || multiple.registers == 0
    }
}

fn any_is_pc(registers: &[Reg]) -> bool {
    registers.contains(&15)
}

/// Whether an access changes its base, and that is one of these, or the program counter.
fn changes_base(address: Address, others: &[Reg]) -> bool {
    let m = match address.offset {
        Offset::Immediate(_) => 0,
        Offset::Register { m, .. } => m,
    };
    m == 15 || address.index != Index::Offset && (address.n == 15 || others.contains(&address.n))
}
