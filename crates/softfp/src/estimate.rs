//! Reciprocal estimates, by the manual's integer formulas, and FRECPX.

use super::format::{Float, Format};
use super::unpack::Kind;
use super::{FPCR_FZ, FPCR_FZ16, FPSR_DZC, FPSR_IXC, FPSR_OFC, FPSR_UFC, Fp, Rounding};

/// `RecipEstimate`: of `a` in 256..512, standing for 0.5 to 1.0, the
/// reciprocal in 256..512, standing for 1.0 to 2.0.
const fn recip(a: u32) -> u32 {
    let a = a * 2 + 1; // Round to nearest.
    let b = (1 << 19) / a;
    b.div_ceil(2)
}

/// `RecipSqrtEstimate`: of `a` in 128..512, standing for 0.25 to 1.0, the
/// reciprocal root in 256..512, standing for 1.0 to 2.0.
const fn recip_sqrt(a: u32) -> u32 {
    let a = if a < 256 {
        a * 2 + 1
    } else {
        ((a >> 1 << 1) + 1) * 2
    };
    let mut b = 512;
    while a * (b + 1) * (b + 1) < 1 << 28 {
        b += 1;
    }
    b.div_ceil(2)
}

/// [`recip_sqrt`] of 128 and up.
const RECIP_SQRT: [u32; 384] = {
    let mut table = [0; 384];
    let mut i = 0;
    while i < table.len() {
        table[i] = recip_sqrt(128 + i as u32);
        i += 1;
    }
    table
};

/// `UnsignedRecipEstimate`: URECPE's element.
#[must_use]
pub fn unsigned_recip_estimate(op: u32) -> u32 {
    if op >> 31 == 0 {
        return u32::MAX; // Below 0.5: out of range.
    }
    recip(op >> 23) << 23
}

/// `UnsignedRSqrtEstimate`: URSQRTE's element.
#[must_use]
pub fn unsigned_rsqrt_estimate(op: u32) -> u32 {
    if op >> 30 == 0 {
        return u32::MAX; // Below 0.25: out of range.
    }
    RECIP_SQRT[(op >> 23) as usize - 128] << 23
}

/// The biased exponent and the fraction, left-aligned to 52 bits; a denormal
/// is normalised (with exponents of zero and below).
fn normalised(format: Format, bits: u64) -> (i32, u64) {
    let (_, exp, frac) = format.fields(bits);
    let (mut exp, mut fraction) = (exp as i32, frac << (52 - format.frac_bits));
    if exp == 0 {
        while fraction >> 51 == 0 {
            fraction <<= 1;
            exp -= 1;
        }
        fraction = (fraction << 1) & ((1 << 52) - 1);
    }
    (exp, fraction)
}

/// `FPRecipEstimate`.
pub fn recip_estimate<F: Float>(fp: &mut Fp, op: F) -> F {
    let (format, bits) = (F::FORMAT, op.to_u64());
    let x = fp.unpack(format, bits);
    let flush = if format.is_half() { FPCR_FZ16 } else { FPCR_FZ };
    F::from_u64(match x.kind {
        Kind::QNaN | Kind::SNaN => fp.process_nan(format, x.kind, bits),
        Kind::Infinity => format.zero(x.sign),
        Kind::Zero => {
            fp.raise(FPSR_DZC);
            format.infinity(x.sign)
        }
        // 2^-16, 2^-128, 2^-1024: the reciprocal overflows.
        Kind::Nonzero if x.value.exponent() < format.minimum_exp() - 2 => {
            fp.raise(FPSR_OFC | FPSR_IXC);
            let overflow_to_inf = match fp.rounding() {
                Rounding::PlusInf => !x.sign,
                Rounding::MinusInf => x.sign,
                Rounding::Zero => false,
                _ => true,
            };
            if overflow_to_inf {
                format.infinity(x.sign)
            } else {
                format.max_normal(x.sign)
            }
        }
        // 2^14, 2^126, 2^1022: the reciprocal is denormal.
        Kind::Nonzero if fp.has(flush) && x.value.exponent() >= -format.minimum_exp() => {
            fp.raise(FPSR_UFC);
            format.zero(x.sign)
        }
        Kind::Nonzero => recip_of_number(format, x.sign, bits),
    })
}

/// The estimate for a number whose reciprocal the format can hold.
fn recip_of_number(format: Format, sign: bool, bits: u64) -> u64 {
    let (exp, fraction) = normalised(format, bits);
    let scaled = 1 << 8 | (fraction >> 44) as u32;
    // 29, 253, 2045.
    let result_exp = 2 * (1 << (format.exp_bits - 1)) - 3 - exp;
    let estimate = u64::from(recip(scaled) & 0xFF) << 44;
    let (result_exp, fraction) = match result_exp {
        0 => (0, 1 << 51 | estimate >> 1),
        -1 => (0, 1 << 50 | estimate >> 2),
        exp => (exp as u64, estimate),
    };
    format.pack(sign, result_exp, fraction >> (52 - format.frac_bits))
}

/// `FPRSqrtEstimate`.
pub fn rsqrt_estimate<F: Float>(fp: &mut Fp, op: F) -> F {
    let (format, bits) = (F::FORMAT, op.to_u64());
    let x = fp.unpack(format, bits);
    F::from_u64(match x.kind {
        Kind::QNaN | Kind::SNaN => fp.process_nan(format, x.kind, bits),
        Kind::Zero => {
            fp.raise(FPSR_DZC);
            format.infinity(x.sign)
        }
        _ if x.sign => fp.invalid(format),
        Kind::Infinity => format.zero(false),
        Kind::Nonzero => {
            let (exp, fraction) = normalised(format, bits);
            let significand = 1 << 8 | (fraction >> 44) as u32;
            let scaled = if exp & 1 == 0 {
                significand
            } else {
                significand >> 1
            };
            let estimate = RECIP_SQRT[scaled as usize - 128] & 0xFF;
            // 44, 380, 3068.
            let result_exp = (3 * (1 << (format.exp_bits - 1)) - 4 - exp) >> 1;
            format.pack(
                false,
                result_exp as u64,
                u64::from(estimate) << (format.frac_bits - 8),
            )
        }
    })
}

/// `FPRecpX`: the exponent's reciprocal, by inversion of its bits.
pub fn recpx<F: Float>(fp: &mut Fp, op: F) -> F {
    let (format, bits) = (F::FORMAT, op.to_u64());
    let x = fp.unpack(format, bits);
    if x.is_nan() {
        return F::from_u64(fp.process_nan(format, x.kind, bits));
    }
    let (sign, exp, _) = format.fields(bits);
    let inverted = if exp == 0 {
        format.exp_ones() - 1
    } else {
        format.exp_ones() - exp
    };
    F::from_u64(format.pack(sign, inverted, 0))
}
