//! Between formats, and between floating point and integers.

use super::{d, ftype, n, shaped};
use crate::decode::{Class, Op as A};
use crate::insn::Insn;
use crate::lift::{A64, sf, zr};
use ir::Size;
use ir::vector::{Fp, VOp};

pub(super) fn lift(guest: A64, insn: Insn, class: Class) -> Option<VOp> {
    if insn.op == A::FMOV_general {
        return Some(fmov(insn));
    }
    if guest.soft_float {
        return None;
    }
    match class {
        Class::fp_int => general(insn),
        Class::fp_1src if insn.op == A::FCVT => match (ftype(insn)?, insn.fcvt_opc()) {
            (Fp::S, 1) => Some(VOp::FloatConvert {
                to: Fp::D,
                d: d(insn),
                a: n(insn),
            }),
            (Fp::D, 0) => Some(VOp::FloatConvert {
                to: Fp::S,
                d: d(insn),
                a: n(insn),
            }),
            _ => None,
        },
        Class::simd_two_misc | Class::scalar_two_misc => lanes(insn),
        _ => None,
    }
}

/// FMOV (general): `rmode` 1 is the upper doubleword.
fn fmov(insn: Insn) -> VOp {
    let size = match insn.ftype() {
        0 => Size::B4,
        3 => Size::B2,
        _ => Size::B8,
    };
    match (insn.rmode(), insn.to_fp()) {
        (0, 0) => VOp::ToInt {
            size,
            d: zr(insn.rd()),
            a: n(insn),
        },
        (0, _) => VOp::FromInt {
            size,
            d: d(insn),
            a: zr(insn.rn()),
        },
        (_, 0) => VOp::GetLane {
            e: Size::B8,
            signed: false,
            w: ir::Width::W64,
            d: zr(insn.rd()),
            a: n(insn),
            lane: 1,
        },
        _ => VOp::InsertInt {
            e: Size::B8,
            d: d(insn),
            lane: 1,
            a: zr(insn.rn()),
        },
    }
}

fn general(insn: Insn) -> Option<VOp> {
    let (f, w) = (ftype(insn)?, sf(insn));
    match insn.op {
        A::FCVTZS_scalar_integer | A::FCVTZU_scalar_integer => Some(VOp::FloatToInt {
            signed: insn.op == A::FCVTZS_scalar_integer,
            f,
            w,
            d: zr(insn.rd()),
            a: n(insn),
        }),
        A::SCVTF_scalar_integer | A::UCVTF_scalar_integer => Some(VOp::IntToFloat {
            signed: insn.op == A::SCVTF_scalar_integer,
            f,
            w,
            d: d(insn),
            a: zr(insn.rn()),
        }),
        _ => None,
    }
}

fn lanes(insn: Insn) -> Option<VOp> {
    let (f, shape) = shaped(insn);
    let (d, a) = (d(insn), n(insn));
    let high = insn.q() == 1;
    Some(match insn.op {
        A::FCVTZS_vector_integer | A::FCVTZS_vector_integer_scalar => VOp::FloatToLanes {
            signed: true,
            f,
            shape,
            d,
            a,
        },
        A::FCVTZU_vector_integer | A::FCVTZU_vector_integer_scalar => VOp::FloatToLanes {
            signed: false,
            f,
            shape,
            d,
            a,
        },
        A::SCVTF_vector_integer | A::SCVTF_vector_integer_scalar => VOp::LanesToFloat {
            signed: true,
            f,
            shape,
            d,
            a,
        },
        A::UCVTF_vector_integer | A::UCVTF_vector_integer_scalar => VOp::LanesToFloat {
            signed: false,
            f,
            shape,
            d,
            a,
        },
        A::FCVTL if f == Fp::D => VOp::FloatLong { high, d, a },
        A::FCVTN if f == Fp::D => VOp::FloatNarrow { high, d, a },
        _ => return None,
    })
}
