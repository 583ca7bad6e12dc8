//! Branches.

use super::{cond, six, zr};
use crate::decode::Op as A;
use crate::insn::Insn;
use ir::form::{Flow, Sink};
use ir::region::Indirect;
use ir::{Op, Reg, Term, Width};

const LR: Reg = Reg(30);

/// Where a word leads, by the encoding groups of branches and exceptions.
pub(super) fn flow(pc: u64, word: u32) -> Flow {
    let signed = |value: u32, width: u32| {
        let shift = 32 - width;
        i64::from((value << shift).cast_signed() >> shift) * 4
    };
    let to = |offset: i64| pc.wrapping_add_signed(offset);
    // Bits 28:26 are 101 in all of them.
    if word >> 26 & 7 != 5 {
        return if word >> 16 == 0 {
            Flow::End
        } else {
            memory_copy(word)
        };
    }
    match word >> 24 {
        0x14..=0x17 => Flow::Jump(to(signed(word, 26))),
        0x94..=0x97 => Flow::Call,
        0x54 => match word & 0x1f {
            14 | 15 => Flow::Jump(to(signed(word >> 5, 19))),
            _ => Flow::Branch(to(signed(word >> 5, 19))),
        },
        0x34 | 0x35 | 0xb4 | 0xb5 => Flow::Branch(to(signed(word >> 5, 19))),
        0x36 | 0x37 | 0xb6 | 0xb7 => Flow::Branch(to(signed(word >> 5, 14))),
        // BLR comes back; BR and RET do not.
        0xd6 if word >> 21 & 7 == 1 => Flow::Call,
        0xd6 => Flow::End,
        // SVC comes back.
        0xd4 if word & 0xffe0_001f == 0xd400_0001 => Flow::Call,
        0xd4 => Flow::End,
        // What changes FPCR or the interpreter must see alone comes back.
        0xd5 if super::system::alone(word) => Flow::Call,
        _ => Flow::Next,
    }
}

/// Copies and sets of memory that name registers which they must not.
const fn memory_copy(word: u32) -> Flow {
    if word & 0x3f20_0c00 == 0x1900_0400 && !super::bulk::may_run(word) {
        Flow::End
    } else {
        Flow::Next
    }
}

pub(super) fn lift(pc: u64, insn: Insn, out: &mut Sink<'_>) -> Term {
    let fall = pc.wrapping_add(4);
    let to = |offset: i64| pc.wrapping_add_signed(offset);
    let width = |insn: Insn| {
        if insn.sf() == 1 {
            Width::W64
        } else {
            Width::W32
        }
    };
    match insn.op {
        A::B => Term::Jump {
            target: to(insn.imm26_offset()),
        },
        A::BL => {
            out.push(Op::Address { d: LR, value: fall });
            Term::Call {
                target: to(insn.imm26_offset()),
                ret: fall,
            }
        }
        A::B_cond => {
            let (cond, taken) = (cond(insn.bcond()), to(insn.imm19_offset()));
            if cond.always() {
                Term::Jump { target: taken }
            } else {
                Term::Branch { cond, taken, fall }
            }
        }
        A::CBZ | A::CBNZ => Term::BranchZero {
            w: width(insn),
            reg: zr(insn.rt()),
            nonzero: insn.op == A::CBNZ,
            taken: to(insn.imm19_offset()),
            fall,
        },
        A::TBZ | A::TBNZ => Term::BranchBit {
            reg: zr(insn.rt()),
            bit: six(insn.test_bit()),
            nonzero: insn.op == A::TBNZ,
            taken: to(insn.imm14_offset()),
            fall,
        },
        other => {
            let (kind, link) = match other {
                A::BLR => (Indirect::Call, LR),
                A::RET => (Indirect::Return, Reg::ZERO),
                _ => (Indirect::Jump, Reg::ZERO),
            };
            Term::Indirect {
                reg: zr(insn.rn()),
                kind,
                link,
                ret: fall,
            }
        }
    }
}
