//! The comparisons that give a mask for each element.

use super::shape::Element;
use crate::decode::Op;
use softfp::{self as fp, Fp};

/// With another element; FACGE and FACGT compare magnitudes.
pub(super) fn two<F: Element>(op: Op, fp: &mut Fp, x: F, y: F) -> Option<F> {
    use Op::*;
    Some(F::of_truth(match op {
        FCMEQ_register
        | FCMEQ_register_half
        | FCMEQ_register_scalar
        | FCMEQ_register_scalar_half => fp::compare_eq(fp, x, y),
        FCMGE_register
        | FCMGE_register_half
        | FCMGE_register_scalar
        | FCMGE_register_scalar_half => fp::compare_ge(fp, x, y),
        FCMGT_register
        | FCMGT_register_half
        | FCMGT_register_scalar
        | FCMGT_register_scalar_half => fp::compare_gt(fp, x, y),
        FACGE | FACGE_half | FACGE_scalar | FACGE_scalar_half => {
            fp::compare_ge(fp, fp::abs(x), fp::abs(y))
        }
        FACGT | FACGT_half | FACGT_scalar | FACGT_scalar_half => {
            fp::compare_gt(fp, fp::abs(x), fp::abs(y))
        }
        _ => return None,
    }))
}

/// With zero.
pub(super) fn with_zero<F: Element>(op: Op, fp: &mut Fp, x: F) -> Option<F> {
    use Op::*;
    let zero = F::of_bits(0);
    Some(F::of_truth(match op {
        FCMEQ_zero | FCMEQ_zero_half | FCMEQ_zero_scalar | FCMEQ_zero_scalar_half => {
            fp::compare_eq(fp, x, zero)
        }
        FCMGE_zero | FCMGE_zero_half | FCMGE_zero_scalar | FCMGE_zero_scalar_half => {
            fp::compare_ge(fp, x, zero)
        }
        FCMGT_zero | FCMGT_zero_half | FCMGT_zero_scalar | FCMGT_zero_scalar_half => {
            fp::compare_gt(fp, x, zero)
        }
        FCMLE_zero | FCMLE_zero_half | FCMLE_zero_scalar | FCMLE_zero_scalar_half => {
            fp::compare_ge(fp, zero, x)
        }
        FCMLT_zero | FCMLT_zero_half | FCMLT_zero_scalar | FCMLT_zero_scalar_half => {
            fp::compare_gt(fp, zero, x)
        }
        _ => return None,
    }))
}
