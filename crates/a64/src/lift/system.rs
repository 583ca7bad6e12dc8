//! Exceptions, barriers, hints that are calls, and system registers.

use super::zr;
use crate::call;
use crate::decode::Op as A;
use crate::features;
use crate::insn::Insn;
use ir::form::Sink;
use ir::inst::Fence;
use ir::{Op, Reg, Term};

/// A register that always reads the same.
fn constant(insn: Insn, value: u64) -> Op {
    let d = zr(insn.rt());
    Op::Imm { d, value }
}

/// Whether a system instruction is run by itself, outside translated code: it
/// changes how what follows is translated, or looks at what only the outside
/// has.
pub(super) fn alone(word: u32) -> bool {
    crate::decode::decode(word).is_some_and(|insn| runs_alone(insn.op))
}

const fn runs_alone(op: A) -> bool {
    matches!(op, A::MSR_FPCR | A::MRS_FPSR | A::MSR_FPSR | A::IC_IVAU)
}

#[allow(clippy::cast_possible_truncation, reason = "fields of sixteen bits")]
pub(super) fn lift(pc: u64, insn: Insn, out: &mut Sink<'_>) -> Option<Term> {
    let word = insn.word;
    match insn.op {
        A::SVC => {
            let next = pc.wrapping_add(4);
            return Some(Term::Supervisor {
                imm: insn.imm16(),
                next,
            });
        }
        A::BRK => {
            return Some(Term::Breakpoint {
                imm: insn.imm16() as u16,
                pc,
            });
        }
        A::UDF => return Some(Term::Undefined { word, pc }),
        op if runs_alone(op) => return Some(Term::Interpret { word, pc }),
        A::DMB | A::DSB => {
            let kind = match insn.crm() & 3 {
                1 => Fence::Loads,
                2 => Fence::Stores,
                _ => Fence::Full,
            };
            out.push(Op::Fence { kind });
        }
        A::ISB | A::SB => {}
        A::DC_ZVA => out.push(Op::ZeroLine { a: zr(insn.rt()) }),
        A::MRS_NZCV => out.push(Op::ReadFlags { d: zr(insn.rt()) }),
        A::MSR_NZCV => out.push(Op::WriteFlags { a: zr(insn.rt()) }),
        A::CFINV => out.push(Op::InvertCarry),
        A::MRS_TPIDR_EL0 => out.push(Op::ReadThread { d: zr(insn.rt()) }),
        A::MRS_FPCR => out.push(Op::ReadFloatControl { d: zr(insn.rt()) }),
        A::MSR_TPIDR_EL0 => out.push(Op::WriteThread { a: zr(insn.rt()) }),
        A::MRS_CTR_EL0 => out.push(constant(insn, features::CTR_EL0)),
        A::MRS_DCZID_EL0 => out.push(constant(insn, features::DCZID_EL0)),
        A::MRS_ID => {
            let value = features::id_register(insn.crm(), insn.op2());
            out.push(constant(insn, value));
        }
        _ => out.push(Op::Interpret { word }),
    }
    None
}

/// Where a call goes on that has been done.
pub(super) const fn behind_call(pc: u64) -> u64 {
    pc.wrapping_add(8)
}

/// A hint that calls a function.
pub(super) fn lift_call(pc: u64, function: u8, out: &mut Sink<'_>) -> Term {
    let [e, f] = call::VALUES.map(Reg);
    out.push(Op::Call {
        function,
        d: Reg(call::ZERO),
        e,
        f,
        a: Reg(call::ARGUMENT),
        otherwise: pc.wrapping_add(4),
    });
    let target = behind_call(pc);
    Term::Jump { target }
}
