//! Between formats, and between floating point and integers.

use super::{d, ftype, is_scalar, n, shaped, shift};
use crate::decode::{Class, Op as A};
use crate::insn::Insn;
use crate::lift::{A64, SOFT_FLOAT, sf, zr};
use ir::Size;
use ir::vector::{Fp, Rounding, Shape, VOp};

pub(super) fn lift(guest: A64, insn: Insn, class: Class) -> Option<VOp> {
    if insn.op == A::FMOV_general {
        return Some(fmov(insn));
    }
    if guest.mode.has(SOFT_FLOAT) {
        return None;
    }
    match class {
        Class::fp_int => general(insn),
        Class::fp_1src if insn.op == A::FCVT && insn.ftype() == 3 => Some(VOp::FromHalf {
            to: if insn.fcvt_opc() == 1 { Fp::D } else { Fp::S },
            d: d(insn),
            a: n(insn),
        }),
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
            (Fp::S, 3) => Some(VOp::ToHalf {
                d: d(insn),
                a: n(insn),
            }),
            _ => None,
        },
        Class::fp_fixed => fixed(insn),
        Class::simd_two_misc | Class::scalar_two_misc => lanes(insn),
        Class::simd_shift_imm | Class::scalar_shift_imm => fixed_lanes(insn),
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
    if let Some(signed) = from_int(insn.op) {
        return Some(VOp::IntToFloat {
            signed,
            fraction: 0,
            f,
            w,
            d: d(insn),
            a: zr(insn.rn()),
        });
    }
    let (how, signed) = to_int(insn.op)?;
    Some(VOp::FloatToInt {
        how,
        signed,
        f,
        w,
        d: zr(insn.rd()),
        a: n(insn),
    })
}

/// Fixed point: `scale` is 64 less the bits of the fraction.
fn fixed(insn: Insn) -> Option<VOp> {
    let signed = match insn.op {
        A::SCVTF_scalar_fixed_point => true,
        A::UCVTF_scalar_fixed_point => false,
        _ => return None,
    };
    Some(VOp::IntToFloat {
        signed,
        #[allow(clippy::cast_possible_truncation, reason = "at most 64")]
        fraction: 64 - insn.scale() as u8,
        f: ftype(insn)?,
        w: sf(insn),
        d: d(insn),
        a: zr(insn.rn()),
    })
}

/// Fixed point in lanes.
fn fixed_lanes(insn: Insn) -> Option<VOp> {
    let signed = match insn.op {
        A::SCVTF_vector_fixed_point | A::SCVTF_vector_fixed_point_scalar => true,
        A::UCVTF_vector_fixed_point | A::UCVTF_vector_fixed_point_scalar => false,
        _ => return None,
    };
    let (f, fraction) = match shift::right(insn) {
        (Size::B4, by) => (Fp::S, by),
        (Size::B8, by) => (Fp::D, by),
        _ => return None,
    };
    let shape = match (is_scalar(insn), insn.q()) {
        (true, _) => Shape::Scalar,
        (false, 0) => Shape::Half,
        (false, _) => Shape::Full,
    };
    Some(VOp::LanesToFloat {
        signed,
        fraction,
        f,
        shape,
        d: d(insn),
        a: n(insn),
    })
}

fn lanes(insn: Insn) -> Option<VOp> {
    let (f, shape) = shaped(insn);
    let (d, a) = (d(insn), n(insn));
    let high = insn.q() == 1;
    if let Some(signed) = from_int(insn.op) {
        return Some(VOp::LanesToFloat {
            signed,
            fraction: 0,
            f,
            shape,
            d,
            a,
        });
    }
    Some(match insn.op {
        A::FCVTL if f == Fp::D => VOp::FloatLong { high, d, a },
        A::FCVTL => VOp::HalvesLong { high, d, a },
        A::FCVTN if f == Fp::D => VOp::FloatNarrow { high, d, a },
        A::FCVTN => VOp::HalvesNarrow { high, d, a },
        op => {
            let (how, signed) = to_int(op)?;
            VOp::FloatToLanes {
                how,
                signed,
                f,
                shape,
                d,
                a,
            }
        }
    })
}

/// Whether the integers are signed.
const fn from_int(op: A) -> Option<bool> {
    Some(match op {
        A::SCVTF_scalar_integer | A::SCVTF_vector_integer | A::SCVTF_vector_integer_scalar => true,
        A::UCVTF_scalar_integer | A::UCVTF_vector_integer | A::UCVTF_vector_integer_scalar => false,
        _ => return None,
    })
}

/// How it rounds, and whether the integers are signed.
const fn to_int(op: A) -> Option<(Rounding, bool)> {
    Some(match op {
        A::FCVTZS_scalar_integer | A::FCVTZS_vector_integer | A::FCVTZS_vector_integer_scalar => {
            (Rounding::Zero, true)
        }
        A::FCVTZU_scalar_integer | A::FCVTZU_vector_integer | A::FCVTZU_vector_integer_scalar => {
            (Rounding::Zero, false)
        }
        A::FCVTNS_scalar | A::FCVTNS_vector | A::FCVTNS_vector_scalar => (Rounding::Nearest, true),
        A::FCVTNU_scalar | A::FCVTNU_vector | A::FCVTNU_vector_scalar => (Rounding::Nearest, false),
        A::FCVTAS_scalar | A::FCVTAS_vector | A::FCVTAS_vector_scalar => (Rounding::Away, true),
        A::FCVTAU_scalar | A::FCVTAU_vector | A::FCVTAU_vector_scalar => (Rounding::Away, false),
        A::FCVTPS_scalar | A::FCVTPS_vector | A::FCVTPS_vector_scalar => (Rounding::Up, true),
        A::FCVTPU_scalar | A::FCVTPU_vector | A::FCVTPU_vector_scalar => (Rounding::Up, false),
        A::FCVTMS_scalar | A::FCVTMS_vector | A::FCVTMS_vector_scalar => (Rounding::Down, true),
        A::FCVTMU_scalar | A::FCVTMU_vector | A::FCVTMU_vector_scalar => (Rounding::Down, false),
        _ => return None,
    })
}
