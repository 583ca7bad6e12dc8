//! Conversions: between formats, and from and to fixed point and integers.

use super::format::{Float, Format};
use super::real::{Real, Rest};
use super::round_int::round_to_integer;
use super::unpack::Kind;
use super::{FPCR_AHP, FPSR_IOC, FPSR_IXC, Fp, NanToInteger, Rounding};

/// `FPConvertNaN`: a NaN in another format, quiet, its payload kept from the
/// top.
pub(super) fn convert_nan(from: Format, to: Format, bits: u64) -> u64 {
    let (sign, _, frac) = from.fields(bits);
    let aligned = frac << (Format::DOUBLE.frac_bits - from.frac_bits);
    let frac = aligned >> (Format::DOUBLE.frac_bits - to.frac_bits) | to.quiet_bit();
    to.pack(sign, to.exp_ones(), frac)
}

/// `FPConvert`: from one format to another. The rounding is FPCR's but for
/// FCVTXN, which rounds to odd.
pub fn convert<S: Float, D: Float>(fp: &mut Fp, op: S, rounding: Rounding) -> D {
    let (from, to, bits) = (S::FORMAT, D::FORMAT, op.to_u64());
    let x = fp.unpack_cv(from, bits);
    let alternative = to.is_half() && fp.has(FPCR_AHP);
    let result = match x.kind {
        Kind::QNaN | Kind::SNaN => {
            if x.kind == Kind::SNaN || alternative {
                fp.raise(FPSR_IOC);
            }
            if alternative {
                to.zero(x.sign)
            } else if fp.default_nans() {
                to.default_nan()
            } else {
                convert_nan(from, to, bits)
            }
        }
        Kind::Infinity if alternative => {
            fp.raise(FPSR_IOC);
            to.pack(x.sign, to.exp_ones(), to.frac_ones())
        }
        Kind::Infinity => to.infinity(x.sign),
        Kind::Zero => to.zero(x.sign),
        Kind::Nonzero => fp.round_cv(to, x.value, rounding),
    };
    D::from_u64(result)
}

/// `FPToFixed`: to an integer of `int_width` bits (zero-extended in the
/// result) with `fbits` fraction bits. What a NaN gives is a rule, what is out of
/// range saturates, both with IOC.
pub fn to_fixed<F: Float>(
    fp: &mut Fp,
    op: F,
    fbits: u32,
    unsigned: bool,
    rounding: Rounding,
    int_width: u32,
) -> u64 {
    let x = fp.unpack(F::FORMAT, op.to_u64());
    let (low, high) = if unsigned {
        (0, (1_i128 << int_width) - 1)
    } else {
        (
            -(1_i128 << (int_width - 1)),
            (1_i128 << (int_width - 1)) - 1,
        )
    };
    let result = if x.is_nan() {
        fp.raise(FPSR_IOC);
        match fp.rules.nan_to_integer {
            NanToInteger::Zero => 0,
            NanToInteger::Largest => high,
            NanToInteger::Smallest => low,
        }
    } else {
        let scaled = x.value.scaled(fbits.cast_signed());
        let (integer, inexact) = round_to_integer(scaled, rounding);
        let result = integer.clamp(low, high);
        if result != integer {
            fp.raise(FPSR_IOC);
        } else if inexact {
            fp.raise(FPSR_IXC);
        }
        result
    };
    result as u64 & (u64::MAX >> (64 - int_width))
}

/// `FixedToFP`: from the low `int_width` bits of `value`, with `fbits`
/// fraction bits. An integer zero is plus zero.
pub fn from_fixed<F: Float>(
    fp: &mut Fp,
    value: u64,
    fbits: u32,
    unsigned: bool,
    int_width: u32,
    rounding: Rounding,
) -> F {
    let unused = 64 - int_width;
    let operand = if unsigned {
        i128::from(value << unused >> unused)
    } else {
        i128::from((value << unused).cast_signed() >> unused)
    };
    if operand == 0 {
        return F::from_u64(F::FORMAT.zero(false));
    }
    let real = Real::new(operand < 0, operand.unsigned_abs(), -fbits.cast_signed());
    F::from_u64(fp.round(F::FORMAT, real, rounding))
}

/// `FPToFixedJS`: FJCVTZS, JavaScript's conversion to a 32-bit integer,
/// modulo 2^32. The second result is the flag Z: the conversion was exact.
pub fn to_fixed_js(fp: &mut Fp, op: u64) -> (u32, bool) {
    let x = fp.unpack(Format::DOUBLE, op);
    if x.is_nan() || x.is_infinity() {
        fp.raise(FPSR_IOC);
        return (0, false);
    }
    if x.value.exp >= 32 {
        fp.raise(FPSR_IOC);
        return (0, false); // A multiple of 2^32, too large for Real::floor.
    }
    let (floor, rest) = x.value.floor();
    let int_result = floor + i128::from(rest != Rest::None && floor < 0);
    let exact = if i32::try_from(int_result).is_err() {
        fp.raise(FPSR_IOC);
        false
    } else if rest != Rest::None {
        fp.raise(FPSR_IXC);
        false
    } else {
        // Minus zero, and a denormal flushed to zero, aren't exact either.
        !x.is_zero() || op == 0
    };
    (int_result as u32, exact)
}
