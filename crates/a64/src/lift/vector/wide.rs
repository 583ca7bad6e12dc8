//! Operations whose result is wider than their sources, and sums over lanes.

use super::{d, half, m, n, size};
use crate::decode::Op as A;
use crate::insn::Insn;
use ir::Size;
use ir::vector::{Across, Arg, VOp, Wide};

pub(super) fn three_different(insn: Insn) -> Option<VOp> {
    let op = match insn.op {
        A::SADDL => Wide::Saddl,
        A::UADDL => Wide::Uaddl,
        A::SSUBL => Wide::Ssubl,
        A::USUBL => Wide::Usubl,
        A::SADDW => Wide::Saddw,
        A::UADDW => Wide::Uaddw,
        A::SSUBW => Wide::Ssubw,
        A::USUBW => Wide::Usubw,
        A::SABDL => Wide::Sabdl,
        A::UABDL => Wide::Uabdl,
        A::SABAL => Wide::Sabal,
        A::UABAL => Wide::Uabal,
        A::SMULL_vector => Wide::Smull,
        A::UMULL_vector => Wide::Umull,
        A::SMLAL_vector => Wide::Smlal,
        A::UMLAL_vector => Wide::Umlal,
        A::SMLSL_vector => Wide::Smlsl,
        A::UMLSL_vector => Wide::Umlsl,
        A::ADDHN => return Some(narrow_sum(insn, false, false)),
        A::RADDHN => return Some(narrow_sum(insn, false, true)),
        A::SUBHN => return Some(narrow_sum(insn, true, false)),
        A::RSUBHN => return Some(narrow_sum(insn, true, true)),
        A::PMULL_64 => return Some(wide(insn, Wide::Pmull, Size::B8, Arg::Each(m(insn)))),
        _ => return None,
    };
    Some(wide(insn, op, size(insn), Arg::Each(m(insn))))
}

fn narrow_sum(insn: Insn, sub: bool, round: bool) -> VOp {
    VOp::NarrowSum {
        sub,
        round,
        e: size(insn),
        high: insn.q() == 1,
        d: d(insn),
        a: n(insn),
        b: m(insn),
    }
}

pub(super) fn by_element(insn: Insn, b: Arg) -> Option<VOp> {
    let op = match insn.op {
        A::SMULL_by_element => Wide::Smull,
        A::UMULL_by_element => Wide::Umull,
        A::SMLAL_by_element => Wide::Smlal,
        A::UMLAL_by_element => Wide::Umlal,
        A::SMLSL_by_element => Wide::Smlsl,
        A::UMLSL_by_element => Wide::Umlsl,
        _ => return None,
    };
    Some(wide(insn, op, size(insn), b))
}

fn wide(insn: Insn, op: Wide, e: Size, b: Arg) -> VOp {
    VOp::Wide {
        op,
        e,
        high: insn.q() == 1,
        d: d(insn),
        a: n(insn),
        b,
    }
}

pub(super) fn across(insn: Insn) -> Option<VOp> {
    let op = match insn.op {
        A::ADDV => Across::Add,
        A::SMAXV => Across::Smax,
        A::SMINV => Across::Smin,
        A::UMAXV => Across::Umax,
        A::UMINV => Across::Umin,
        A::SADDLV => Across::Saddl,
        A::UADDLV => Across::Uaddl,
        _ => return None,
    };
    Some(VOp::Across {
        op,
        e: size(insn),
        half: half(insn),
        d: d(insn),
        a: n(insn),
    })
}
