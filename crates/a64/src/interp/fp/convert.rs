//! Conversions from and to integers and fixed point: which rounding and
//! signedness each instruction has, and their vector form. The form with
//! general registers is `general`'s.

use super::shape::Element;
use crate::decode::{Class, Op};
use crate::insn::Insn;
use softfp::{self as fp, Fp, Rounding};

/// How a floating-point value becomes an integer: the rounding, and whether
/// the integer is unsigned.
pub(super) fn to_integer(op: Op) -> Option<(Rounding, bool)> {
    use Op::*;
    Some(match op {
        FCVTNS_scalar
        | FCVTNS_vector
        | FCVTNS_vector_half
        | FCVTNS_vector_scalar
        | FCVTNS_vector_scalar_half => (Rounding::TieEven, false),
        FCVTNU_scalar
        | FCVTNU_vector
        | FCVTNU_vector_half
        | FCVTNU_vector_scalar
        | FCVTNU_vector_scalar_half => (Rounding::TieEven, true),
        FCVTAS_scalar
        | FCVTAS_vector
        | FCVTAS_vector_half
        | FCVTAS_vector_scalar
        | FCVTAS_vector_scalar_half => (Rounding::TieAway, false),
        FCVTAU_scalar
        | FCVTAU_vector
        | FCVTAU_vector_half
        | FCVTAU_vector_scalar
        | FCVTAU_vector_scalar_half => (Rounding::TieAway, true),
        FCVTPS_scalar
        | FCVTPS_vector
        | FCVTPS_vector_half
        | FCVTPS_vector_scalar
        | FCVTPS_vector_scalar_half => (Rounding::PlusInf, false),
        FCVTPU_scalar
        | FCVTPU_vector
        | FCVTPU_vector_half
        | FCVTPU_vector_scalar
        | FCVTPU_vector_scalar_half => (Rounding::PlusInf, true),
        FCVTMS_scalar
        | FCVTMS_vector
        | FCVTMS_vector_half
        | FCVTMS_vector_scalar
        | FCVTMS_vector_scalar_half => (Rounding::MinusInf, false),
        FCVTMU_scalar
        | FCVTMU_vector
        | FCVTMU_vector_half
        | FCVTMU_vector_scalar
        | FCVTMU_vector_scalar_half => (Rounding::MinusInf, true),
        FCVTZS_scalar_integer
        | FCVTZS_scalar_fixed_point
        | FCVTZS_vector_integer
        | FCVTZS_vector_integer_half
        | FCVTZS_vector_integer_scalar
        | FCVTZS_vector_integer_scalar_half
        | FCVTZS_vector_fixed_point
        | FCVTZS_vector_fixed_point_scalar => (Rounding::Zero, false),
        FCVTZU_scalar_integer
        | FCVTZU_scalar_fixed_point
        | FCVTZU_vector_integer
        | FCVTZU_vector_integer_half
        | FCVTZU_vector_integer_scalar
        | FCVTZU_vector_integer_scalar_half
        | FCVTZU_vector_fixed_point
        | FCVTZU_vector_fixed_point_scalar => (Rounding::Zero, true),
        _ => return None,
    })
}

/// Whether the integer that becomes a floating-point value is unsigned. The
/// rounding is FPCR's.
pub(super) fn from_integer(op: Op) -> Option<bool> {
    use Op::*;
    Some(match op {
        SCVTF_scalar_integer
        | SCVTF_scalar_fixed_point
        | SCVTF_vector_integer
        | SCVTF_vector_integer_half
        | SCVTF_vector_integer_scalar
        | SCVTF_vector_integer_scalar_half
        | SCVTF_vector_fixed_point
        | SCVTF_vector_fixed_point_scalar => false,
        UCVTF_scalar_integer
        | UCVTF_scalar_fixed_point
        | UCVTF_vector_integer
        | UCVTF_vector_integer_half
        | UCVTF_vector_integer_scalar
        | UCVTF_vector_integer_scalar_half
        | UCVTF_vector_fixed_point
        | UCVTF_vector_fixed_point_scalar => true,
        _ => return None,
    })
}

/// The vector form: integer and floating-point value are equally wide.
pub(super) fn lane<F: Element>(insn: Insn, fp: &mut Fp, x: F) -> Option<F> {
    let fraction_bits = match insn.op.class() {
        Class::simd_shift_imm | Class::scalar_shift_imm => 2 * F::BITS - insn.immhb(),
        _ => 0,
    };
    if let Some((rounding, unsigned)) = to_integer(insn.op) {
        let integer = fp::to_fixed(fp, x, fraction_bits, unsigned, rounding, F::BITS);
        return Some(F::of_bits(integer));
    }
    let unsigned = from_integer(insn.op)?;
    let rounding = fp.rounding();
    Some(fp::from_fixed(
        fp,
        x.bits(),
        fraction_bits,
        unsigned,
        F::BITS,
        rounding,
    ))
}
