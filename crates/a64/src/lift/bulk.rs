//! Memory copy and memory set (FEAT_MOPS), in the form that the interpreter
//! says (`interp/memory/copy_set.rs`).

use super::{sp, zr};
use crate::decode::Op as A;
use crate::insn::Insn;
use ir::Op;
use ir::inst::Bulk;

/// Whether the registers of such a word are what they must be: different ones,
/// and none of them 31, but for the byte that is set.
pub(super) const fn may_run(word: u32) -> bool {
    let (d, s, n) = (word & 31, word >> 16 & 31, word >> 5 & 31);
    // SETP, SETM and SETE have 11 where the others have the stage.
    let sets = word >> 22 & 3 == 3;
    d != s && d != n && s != n && d != 31 && n != 31 && (sets || s != 31)
}

/// What it does. Main part and epilogue do the same: all that is left.
pub(super) fn lift(insn: Insn) -> Op {
    let (kind, start) = match insn.op {
        A::CPYP => (Bulk::Copy, true),
        A::CPYM | A::CPYE => (Bulk::Copy, false),
        A::CPYFP => (Bulk::CopyUp, true),
        A::CPYFM | A::CPYFE => (Bulk::CopyUp, false),
        A::SETP => (Bulk::Set, true),
        _ => (Bulk::Set, false),
    };
    let (d, s, n) = (sp(insn.rd()), zr(insn.rs()), sp(insn.rn()));
    if start {
        Op::BulkStart { kind, d, s, n }
    } else {
        Op::BulkRun { kind, d, s, n }
    }
}
