//! Lanes copied, extracted and looked up.

use super::{SIZES, d, half, m, n, zr};
use crate::decode::Op as A;
use crate::insn::Insn;
use ir::vector::VOp;
use ir::{Size, Width};

/// The size of a lane and its index: the lowest bit set of `imm5` says the
/// size, those above are the index.
#[allow(clippy::cast_possible_truncation, reason = "a field of five bits")]
fn lane(insn: Insn) -> (Size, u8) {
    let imm5 = insn.imm5();
    let log2 = imm5.trailing_zeros().min(3);
    (SIZES[log2 as usize], (imm5 >> (log2 + 1)) as u8)
}

pub(super) fn copy(insn: Insn) -> Option<VOp> {
    let (e, lane) = lane(insn);
    let half = half(insn);
    Some(match insn.op {
        A::DUP_element => VOp::Dup {
            e,
            half,
            d: d(insn),
            a: n(insn),
            lane,
        },
        A::DUP_element_scalar => VOp::Lane {
            e,
            d: d(insn),
            a: n(insn),
            lane,
        },
        A::DUP_general => VOp::DupInt {
            e,
            half,
            d: d(insn),
            a: zr(insn.rn()),
        },
        A::SMOV | A::UMOV => VOp::GetLane {
            e,
            signed: insn.op == A::SMOV,
            w: if insn.q() == 1 {
                Width::W64
            } else {
                Width::W32
            },
            d: zr(insn.rd()),
            a: n(insn),
            lane,
        },
        A::INS_general => VOp::InsertInt {
            e,
            d: d(insn),
            lane,
            a: zr(insn.rn()),
        },
        A::INS_element => VOp::InsertLane {
            e,
            d: d(insn),
            to: lane,
            a: n(insn),
            #[allow(clippy::cast_possible_truncation, reason = "a field of four bits")]
            from: (insn.imm4() >> e.log2()) as u8,
        },
        _ => return None,
    })
}

pub(super) fn extract(insn: Insn) -> VOp {
    VOp::Extract {
        half: half(insn),
        d: d(insn),
        a: n(insn),
        b: m(insn),
        #[allow(clippy::cast_possible_truncation, reason = "a field of four bits")]
        by: insn.imm4() as u8,
    }
}

pub(super) fn table(insn: Insn) -> VOp {
    VOp::Table {
        half: half(insn),
        keep: insn.op == A::TBX,
        #[allow(clippy::cast_possible_truncation, reason = "a field of two bits")]
        count: insn.len() as u8 + 1,
        d: d(insn),
        table: n(insn),
        a: m(insn),
    }
}
