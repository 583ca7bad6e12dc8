//! The stack pointer's alignment.
//!
//! A load or store whose base is SP faults when SP is no multiple of 16. Nearly
//! all code keeps it one, so it is a mode ([`ANY_STACK`]) instead of a question
//! at each access. In code without it, what may make SP another is followed by
//! the question, and the answer may lead to the other mode. In code with it,
//! nothing is asked until SP is a base: a compiler of scripts that keeps a stack
//! pointer of its own, and moves SP after it without ever using it, never pays.
//! There, such an access ends the region: when SP is aligned after all, the access
//! is done in the mode that takes it for so, and all that follows; else the
//! interpreter does the access, and finds the fault.

use super::{ANY_STACK, SP};
use crate::decode::{Class, decode};
use crate::insn::Insn;
use ir::{BinOp, Key, Mode, Op, Operand, Term};

/// Whether a word is an access whose base is SP.
pub(super) fn is_base_of(word: u32) -> bool {
    // Rn is there in all loads and stores, and most words are none.
    word >> 5 & 31 == 31 && decode(word).is_some_and(is_base)
}

/// Whether it is an access whose base is SP. A prefetch is none: it does not ask
/// for alignment.
pub(super) fn is_base(insn: Insn) -> bool {
    let accesses = matches!(
        insn.op.class(),
        Class::ldst_exclusive
            | Class::ldst_ordered
            | Class::ldst_rcpc
            | Class::ldst_rcpc_unscaled
            | Class::compare_and_swap
            | Class::atomic
            | Class::ldst_pair_nontemporal
            | Class::ldst_pair_post
            | Class::ldst_pair_offset
            | Class::ldst_pair_pre
            | Class::ldst_unscaled
            | Class::ldst_imm_post
            | Class::ldst_imm_pre
            | Class::ldst_unprivileged
            | Class::ldst_register
            | Class::ldst_unsigned
            | Class::ldst_multiple
            | Class::ldst_multiple_post
            | Class::ldst_single
            | Class::ldst_single_post
    );
    accesses && insn.rn() == 31 && !insn.op.name().starts_with("PRF")
}

/// The end of a block at such an access, where SP may be anything.
pub(super) const fn if_aligned(mode: Mode, pc: u64, word: u32) -> Term {
    let mode = mode.with(ANY_STACK, false);
    let to = Key { pc, mode };
    Term::IfAligned { reg: SP, word, to }
}

/// The question after what may have unaligned SP, to go on at `pc` if it has.
pub(super) const fn check(mode: Mode, pc: u64) -> Op {
    let mode = mode.with(ANY_STACK, true);
    let to = Key { pc, mode };
    Op::CheckStack { a: SP, to }
}

/// Whether SP may be no multiple of 16 after an operation, having been one
/// before.
pub(super) fn unaligns(op: &Op) -> bool {
    match *op {
        Op::Bin {
            op: BinOp::Add | BinOp::Sub,
            d: SP,
            a: SP,
            b: Operand::Imm(by),
            ..
        } => !by.is_multiple_of(16),
        Op::Bin {
            op: BinOp::And,
            d: SP,
            b: Operand::Imm(mask),
            ..
        } => mask & 15 != 0,
        Op::Imm { d: SP, value } => !value.is_multiple_of(16),
        Op::Mov { d: SP, .. } | Op::Bin { d: SP, .. } => true,
        _ => false,
    }
}
