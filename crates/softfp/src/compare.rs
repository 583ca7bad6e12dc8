//! Comparison, to NZCV and to truth values.

use core::cmp::Ordering;

use super::format::Float;
use super::unpack::Kind;
use super::{FPSR_IOC, Fp};

/// The order of two operands; `None` when one is a NaN, which raises IOC if
/// it is signalling or `signal_all_nans`.
fn order<F: Float>(fp: &mut Fp, op1: F, op2: F, signal_all_nans: bool) -> Option<Ordering> {
    let (x, y) = (
        fp.unpack(F::FORMAT, op1.to_u64()),
        fp.unpack(F::FORMAT, op2.to_u64()),
    );
    if x.is_nan() || y.is_nan() {
        if x.kind == Kind::SNaN || y.kind == Kind::SNaN || signal_all_nans {
            fp.raise(FPSR_IOC);
        }
        return None;
    }
    Some(x.value.compare(y.value))
}

/// `FPCompare`: NZCV in the low four bits, N highest.
pub fn compare<F: Float>(fp: &mut Fp, op1: F, op2: F, signal_all_nans: bool) -> u8 {
    match order(fp, op1, op2, signal_all_nans) {
        None => 0b0011,
        Some(Ordering::Equal) => 0b0110,
        Some(Ordering::Less) => 0b1000,
        Some(Ordering::Greater) => 0b0010,
    }
}

/// `FPCompareEQ`: quiet NaNs don't signal.
pub fn compare_eq<F: Float>(fp: &mut Fp, op1: F, op2: F) -> bool {
    order(fp, op1, op2, false) == Some(Ordering::Equal)
}

/// `FPCompareGE`: every NaN signals.
pub fn compare_ge<F: Float>(fp: &mut Fp, op1: F, op2: F) -> bool {
    matches!(
        order(fp, op1, op2, true),
        Some(Ordering::Greater | Ordering::Equal)
    )
}

/// `FPCompareGT`: every NaN signals.
pub fn compare_gt<F: Float>(fp: &mut Fp, op1: F, op2: F) -> bool {
    order(fp, op1, op2, true) == Some(Ordering::Greater)
}
