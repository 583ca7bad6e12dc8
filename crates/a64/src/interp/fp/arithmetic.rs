//! What the arithmetic instructions do to an element, of one, two and three
//! operands, whatever the form: scalar, vector or by element.

use super::shape::Element;
use crate::decode::Op;
use softfp::{self as fp, Fp, Rounding};

/// Of one operand. Moves and signs touch no exception.
pub(super) fn one<F: Element>(op: Op, fp: &mut Fp, x: F) -> Option<F> {
    use Op::*;
    let current = fp.rounding();
    Some(match op {
        FMOV_register => x,
        FABS_scalar | FABS_vector | FABS_vector_half => fp::abs(x),
        FNEG_scalar | FNEG_vector | FNEG_vector_half => fp::neg(x),
        FSQRT_scalar | FSQRT_vector | FSQRT_vector_half => fp::sqrt(fp, x),
        FRINTN_scalar | FRINTN_vector | FRINTN_vector_half => {
            fp::round_int(fp, x, Rounding::TieEven, false)
        }
        FRINTP_scalar | FRINTP_vector | FRINTP_vector_half => {
            fp::round_int(fp, x, Rounding::PlusInf, false)
        }
        FRINTM_scalar | FRINTM_vector | FRINTM_vector_half => {
            fp::round_int(fp, x, Rounding::MinusInf, false)
        }
        FRINTZ_scalar | FRINTZ_vector | FRINTZ_vector_half => {
            fp::round_int(fp, x, Rounding::Zero, false)
        }
        FRINTA_scalar | FRINTA_vector | FRINTA_vector_half => {
            fp::round_int(fp, x, Rounding::TieAway, false)
        }
        FRINTX_scalar | FRINTX_vector | FRINTX_vector_half => fp::round_int(fp, x, current, true),
        FRINTI_scalar | FRINTI_vector | FRINTI_vector_half => fp::round_int(fp, x, current, false),
        FRINT32Z_scalar | FRINT32Z_vector => fp::round_int_n(fp, x, Rounding::Zero, 32),
        FRINT32X_scalar | FRINT32X_vector => fp::round_int_n(fp, x, current, 32),
        FRINT64Z_scalar | FRINT64Z_vector => fp::round_int_n(fp, x, Rounding::Zero, 64),
        FRINT64X_scalar | FRINT64X_vector => fp::round_int_n(fp, x, current, 64),
        FRECPE | FRECPE_half | FRECPE_scalar | FRECPE_scalar_half => fp::recip_estimate(fp, x),
        FRSQRTE | FRSQRTE_half | FRSQRTE_scalar | FRSQRTE_scalar_half => fp::rsqrt_estimate(fp, x),
        FRECPX | FRECPX_half => fp::recpx(fp, x),
        URECPE => F::of_bits(fp::unsigned_recip_estimate(x.bits() as u32).into()),
        URSQRTE => F::of_bits(fp::unsigned_rsqrt_estimate(x.bits() as u32).into()),
        _ => return None,
    })
}

/// Of two operands.
pub(super) fn two<F: Element>(op: Op, fp: &mut Fp, x: F, y: F) -> Option<F> {
    use Op::*;
    Some(match op {
        FADD_scalar | FADD_vector | FADD_vector_half => fp::add(fp, x, y),
        FSUB_scalar | FSUB_vector | FSUB_vector_half => fp::sub(fp, x, y),
        FABD | FABD_half | FABD_scalar | FABD_scalar_half => fp::abs(fp::sub(fp, x, y)),
        FMUL_scalar
        | FMUL_vector
        | FMUL_vector_half
        | FMUL_by_element
        | FMUL_by_element_half
        | FMUL_by_element_scalar
        | FMUL_by_element_scalar_half => fp::mul(fp, x, y),
        FNMUL_scalar => fp::neg(fp::mul(fp, x, y)),
        FMULX
        | FMULX_half
        | FMULX_scalar
        | FMULX_scalar_half
        | FMULX_by_element
        | FMULX_by_element_half
        | FMULX_by_element_scalar
        | FMULX_by_element_scalar_half => fp::mulx(fp, x, y),
        FDIV_scalar | FDIV_vector | FDIV_vector_half => fp::div(fp, x, y),
        FMAX_scalar | FMAX_vector | FMAX_vector_half => fp::max(fp, x, y),
        FMIN_scalar | FMIN_vector | FMIN_vector_half => fp::min(fp, x, y),
        FMAXNM_scalar | FMAXNM_vector | FMAXNM_vector_half => fp::max_num(fp, x, y),
        FMINNM_scalar | FMINNM_vector | FMINNM_vector_half => fp::min_num(fp, x, y),
        FRECPS | FRECPS_half | FRECPS_scalar | FRECPS_scalar_half => fp::recip_step(fp, x, y),
        FRSQRTS | FRSQRTS_half | FRSQRTS_scalar | FRSQRTS_scalar_half => fp::rsqrt_step(fp, x, y),
        _ => return None,
    })
}

/// Of an addend and two factors. What is subtracted is negated before, so a
/// NaN that is handed on is negated too.
pub(super) fn three<F: Element>(op: Op, fp: &mut Fp, addend: F, x: F, y: F) -> Option<F> {
    use Op::*;
    Some(match op {
        FMADD
        | FMLA_vector
        | FMLA_vector_half
        | FMLA_by_element
        | FMLA_by_element_half
        | FMLA_by_element_scalar
        | FMLA_by_element_scalar_half => fp::mul_add(fp, addend, x, y),
        FMSUB
        | FMLS_vector
        | FMLS_vector_half
        | FMLS_by_element
        | FMLS_by_element_half
        | FMLS_by_element_scalar
        | FMLS_by_element_scalar_half => fp::mul_add(fp, addend, fp::neg(x), y),
        FNMADD => fp::mul_add(fp, fp::neg(addend), fp::neg(x), y),
        FNMSUB => fp::mul_add(fp, fp::neg(addend), x, y),
        _ => return None,
    })
}
