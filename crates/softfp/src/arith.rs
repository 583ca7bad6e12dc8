//! Negation, addition, multiplication, division and square root.

use super::format::{Float, Format};
use super::unpack::Unpacked;
use super::{FPSR_DZC, Fp};

/// `FPAbs`: clears the sign, of a NaN too.
#[must_use]
pub fn abs<F: Float>(op: F) -> F {
    F::from_u64(op.to_u64() & !F::FORMAT.sign_bit())
}

/// `FPNeg`: turns the sign, of a NaN too.
#[must_use]
pub fn neg<F: Float>(op: F) -> F {
    F::from_u64(op.to_u64() ^ F::FORMAT.sign_bit())
}

/// `FPAdd`.
#[inline(never)]
pub fn add<F: Float>(fp: &mut Fp, op1: F, op2: F) -> F {
    let (x, y) = (
        fp.unpack(F::FORMAT, op1.to_u64()),
        fp.unpack(F::FORMAT, op2.to_u64()),
    );
    let nan = fp.process_nans(F::FORMAT, &[(x, op1.to_u64()), (y, op2.to_u64())]);
    F::from_u64(nan.unwrap_or_else(|| sum(fp, F::FORMAT, x, y)))
}

/// `FPSub`. Unlike the sum with a negated operand, a NaN keeps its sign.
#[inline(never)]
pub fn sub<F: Float>(fp: &mut Fp, op1: F, op2: F) -> F {
    let (x, y) = (
        fp.unpack(F::FORMAT, op1.to_u64()),
        fp.unpack(F::FORMAT, op2.to_u64()),
    );
    let nan = fp.process_nans(F::FORMAT, &[(x, op1.to_u64()), (y, op2.to_u64())]);
    F::from_u64(nan.unwrap_or_else(|| sum(fp, F::FORMAT, x, y.negated())))
}

/// The rounded sum of two operands that are no NaNs; either may stand for an
/// exact product.
#[inline(never)]
pub(super) fn sum(fp: &mut Fp, format: Format, x: Unpacked, y: Unpacked) -> u64 {
    if x.is_infinity() && y.is_infinity() && x.sign != y.sign {
        fp.invalid(format)
    } else if x.is_infinity() {
        format.infinity(x.sign)
    } else if y.is_infinity() {
        format.infinity(y.sign)
    } else if x.is_zero() && y.is_zero() && x.sign == y.sign {
        format.zero(x.sign)
    } else {
        fp.round_or_cancel(format, x.value.add(y.value))
    }
}

/// `FPMul`.
pub fn mul<F: Float>(fp: &mut Fp, op1: F, op2: F) -> F {
    product(fp, op1, op2, |fp, _| fp.invalid(F::FORMAT))
}

/// `FPMulX`: as [`mul`], but zero times infinity is two, and valid.
pub fn mulx<F: Float>(fp: &mut Fp, op1: F, op2: F) -> F {
    product(fp, op1, op2, |_, sign| F::FORMAT.two(sign))
}

/// The product, with the result of zero times infinity given.
#[inline(never)]
fn product<F: Float>(
    fp: &mut Fp,
    op1: F,
    op2: F,
    zero_times_infinity: impl Fn(&mut Fp, bool) -> u64,
) -> F {
    let (x, y) = (
        fp.unpack(F::FORMAT, op1.to_u64()),
        fp.unpack(F::FORMAT, op2.to_u64()),
    );
    let sign = x.sign != y.sign;
    let nan = fp.process_nans(F::FORMAT, &[(x, op1.to_u64()), (y, op2.to_u64())]);
    F::from_u64(if let Some(nan) = nan {
        nan
    } else if x.is_zero() && y.is_infinity() || x.is_infinity() && y.is_zero() {
        zero_times_infinity(fp, sign)
    } else if x.is_infinity() || y.is_infinity() {
        F::FORMAT.infinity(sign)
    } else if x.is_zero() || y.is_zero() {
        F::FORMAT.zero(sign)
    } else {
        fp.round(F::FORMAT, x.value.mul(y.value), fp.rounding())
    })
}

/// `FPDiv`.
#[inline(never)]
pub fn div<F: Float>(fp: &mut Fp, op1: F, op2: F) -> F {
    let (x, y) = (
        fp.unpack(F::FORMAT, op1.to_u64()),
        fp.unpack(F::FORMAT, op2.to_u64()),
    );
    let sign = x.sign != y.sign;
    let nan = fp.process_nans(F::FORMAT, &[(x, op1.to_u64()), (y, op2.to_u64())]);
    F::from_u64(if let Some(nan) = nan {
        nan
    } else if x.is_infinity() && y.is_infinity() || x.is_zero() && y.is_zero() {
        fp.invalid(F::FORMAT)
    } else if x.is_infinity() || y.is_zero() {
        if !x.is_infinity() {
            fp.raise(FPSR_DZC);
        }
        F::FORMAT.infinity(sign)
    } else if x.is_zero() || y.is_infinity() {
        F::FORMAT.zero(sign)
    } else {
        fp.round(F::FORMAT, x.value.div(y.value), fp.rounding())
    })
}

/// `FPSqrt`.
pub fn sqrt<F: Float>(fp: &mut Fp, op: F) -> F {
    let x = fp.unpack(F::FORMAT, op.to_u64());
    F::from_u64(if x.is_nan() {
        fp.process_nan(F::FORMAT, x.kind, op.to_u64())
    } else if x.is_zero() {
        F::FORMAT.zero(x.sign)
    } else if x.sign {
        fp.invalid(F::FORMAT)
    } else if x.is_infinity() {
        F::FORMAT.infinity(false)
    } else {
        fp.round(F::FORMAT, x.value.sqrt(), fp.rounding())
    })
}
