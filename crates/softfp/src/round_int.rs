//! Rounding to an integer, in a floating-point format (FRINT*) or as the
//! first half of a conversion.

use super::format::Float;
use super::real::{Real, Rest};
use super::{FPSR_IOC, FPSR_IXC, Fp, Rounding};

/// A value rounded to an integer, and whether that was inexact. Magnitudes
/// from 2^120 are cut to it ([`Real::floor`]).
pub(super) fn round_to_integer(value: Real, rounding: Rounding) -> (i128, bool) {
    let (int_result, rest) = value.floor();
    let inexact = rest != Rest::None;
    let round_up = match rounding {
        Rounding::TieEven => rest == Rest::AboveHalf || rest == Rest::Half && int_result & 1 == 1,
        Rounding::PlusInf => inexact,
        Rounding::MinusInf => false,
        Rounding::Zero => inexact && int_result < 0,
        Rounding::TieAway => rest == Rest::AboveHalf || rest == Rest::Half && int_result >= 0,
        Rounding::Odd => inexact && int_result & 1 == 0,
    };
    (int_result + i128::from(round_up), inexact)
}

/// `FPRoundInt`: to an integral value; `exact` has an inexact one raise IXC.
pub fn round_int<F: Float>(fp: &mut Fp, op: F, rounding: Rounding, exact: bool) -> F {
    let x = fp.unpack(F::FORMAT, op.to_u64());
    if x.is_nan() {
        return F::from_u64(fp.process_nan(F::FORMAT, x.kind, op.to_u64()));
    }
    if x.is_infinity() {
        return F::from_u64(F::FORMAT.infinity(x.sign));
    }
    if x.is_zero() {
        return F::from_u64(F::FORMAT.zero(x.sign));
    }
    if x.value.exp >= 0 {
        return op; // Integral, and too large for round_to_integer.
    }
    let (int_result, inexact) = round_to_integer(x.value, rounding);
    if exact && inexact {
        fp.raise(FPSR_IXC);
    }
    integral(fp, int_result, x.sign)
}

/// `FPRoundIntN`: to an integral value that a signed integer of `int_size`
/// bits (32 or 64) can hold; for others, and NaNs, its minimum, and IOC.
pub fn round_int_n<F: Float>(fp: &mut Fp, op: F, rounding: Rounding, int_size: u32) -> F {
    let x = fp.unpack(F::FORMAT, op.to_u64());
    let limit = 1_i128 << (int_size - 1);
    let (int_result, inexact) = round_to_integer(x.value, rounding);
    if x.is_nan() || x.is_infinity() || int_result < -limit || int_result >= limit {
        fp.raise(FPSR_IOC);
        return integral(fp, -limit, true);
    }
    if inexact {
        fp.raise(FPSR_IXC);
    }
    integral(fp, int_result, x.sign)
}

/// An integer that the format holds exactly; a zero takes `sign`.
fn integral<F: Float>(fp: &mut Fp, value: i128, sign: bool) -> F {
    F::from_u64(if value == 0 {
        F::FORMAT.zero(sign)
    } else {
        let real = Real::new(value < 0, value.unsigned_abs(), 0);
        fp.round(F::FORMAT, real, Rounding::Zero)
    })
}
