//! BFloat16, without `FEAT_EBF16`.
//!
//! BFCVT and BFMLAL round as single precision does, by FPCR. BFDOT and
//! BFMMLA have an arithmetic of their own, which heeds neither FPCR nor FPSR:
//! denormals are zeros, results round to odd, a NaN is the default NaN.

use super::convert::convert_nan;
use super::format::Format;
use super::fused::mul_add;
use super::real::{Real, Rest, shift_right};
use super::unpack::{Kind, Unpacked, unpack_plain};
use super::{FPCR_DN, FPSR_IOC, Fp};

/// `FPConvertBF`: from single precision to BFloat16, by FPCR's rounding.
pub fn convert_bf(fp: &mut Fp, op: u32) -> u16 {
    let (bits, to) = (u64::from(op), Format::BF16);
    let x = fp.unpack(Format::SINGLE, bits);
    let result = match x.kind {
        Kind::QNaN | Kind::SNaN => {
            if x.kind == Kind::SNaN {
                fp.raise(FPSR_IOC);
            }
            if fp.has(FPCR_DN) {
                to.default_nan()
            } else {
                convert_nan(Format::SINGLE, to, bits)
            }
        }
        Kind::Infinity => to.infinity(x.sign),
        Kind::Zero => to.zero(x.sign),
        Kind::Nonzero => fp.round(to, x.value, fp.rounding()),
    };
    result as u16
}

/// `BFMulAddH`: BFMLALB's and BFMLALT's element, a single-precision
/// [`mul_add`] of widened factors.
pub fn bf_mul_add_h(fp: &mut Fp, addend: u32, op1: u16, op2: u16) -> u32 {
    mul_add(fp, addend, widened(op1), widened(op2))
}

/// BFloat16 is the upper half of single precision.
fn widened(op: u16) -> u32 {
    u32::from(op) << 16
}

/// `BFDotAdd`: `addend + (op1_a·op2_a + op1_b·op2_b)`, each of the four
/// operations rounded.
#[must_use]
pub fn bf_dot_add(addend: u32, op1_a: u16, op1_b: u16, op2_a: u16, op2_b: u16) -> u32 {
    let products = bf_add(bf_mul(op1_a, op2_a), bf_mul(op1_b, op2_b));
    bf_add(addend, products)
}

/// `BFMatMulAdd`: the 2x2 matrix `addend`, plus the 2x4 `op1` times the
/// transposed 2x4 `op2`; elements from the least significant.
#[must_use]
pub fn bf_mat_mul_add(addend: [u32; 4], op1: [u16; 8], op2: [u16; 8]) -> [u32; 4] {
    core::array::from_fn(|element| {
        let (i, j) = (4 * (element / 2), 4 * (element % 2));
        let sum = bf_dot_add(addend[element], op1[i], op1[i + 1], op2[j], op2[j + 1]);
        bf_dot_add(sum, op1[i + 2], op1[i + 3], op2[j + 2], op2[j + 3])
    })
}

/// `BFUnpack`.
fn bf_unpack(op: u32) -> Unpacked {
    let x = unpack_plain(Format::SINGLE, u64::from(op));
    let (_, exp, _) = Format::SINGLE.fields(u64::from(op));
    if exp == 0 {
        return Unpacked {
            kind: Kind::Zero,
            value: Real::ZERO,
            ..x
        };
    }
    x
}

/// `BFRound`: to single precision, to odd; overflow gives infinity, and
/// denormals are flushed.
fn bf_round(value: Real) -> u32 {
    let format = Format::SINGLE;
    let (sign, exponent) = (value.negative, value.exponent());
    if exponent < format.minimum_exp() {
        return format.zero(sign) as u32;
    }
    let biased_exp = (exponent - format.minimum_exp() + 1) as u64;
    if biased_exp >= format.exp_ones() {
        return format.infinity(sign) as u32;
    }
    let unit = exponent - format.frac_bits.cast_signed();
    let (int_mant, rest) = if value.exp > unit {
        (value.mant << (value.exp - unit), Rest::None)
    } else {
        shift_right(value.mant, (unit - value.exp).unsigned_abs())
    };
    let odd = int_mant as u64 | u64::from(rest != Rest::None);
    format.pack(sign, biased_exp, odd & format.frac_ones()) as u32
}

/// `BFMul`.
fn bf_mul(op1: u16, op2: u16) -> u32 {
    let format = Format::SINGLE;
    let (x, y) = (bf_unpack(widened(op1)), bf_unpack(widened(op2)));
    let sign = x.sign != y.sign;
    if x.is_nan() || y.is_nan() || x.is_zero() && y.is_infinity() || x.is_infinity() && y.is_zero()
    {
        format.default_nan() as u32
    } else if x.is_infinity() || y.is_infinity() {
        format.infinity(sign) as u32
    } else if x.is_zero() || y.is_zero() {
        format.zero(sign) as u32
    } else {
        bf_round(x.value.mul(y.value))
    }
}

/// `BFAdd`.
fn bf_add(op1: u32, op2: u32) -> u32 {
    let format = Format::SINGLE;
    let (x, y) = (bf_unpack(op1), bf_unpack(op2));
    let opposed = x.is_infinity() && y.is_infinity() && x.sign != y.sign;
    if x.is_nan() || y.is_nan() || opposed {
        format.default_nan() as u32
    } else if x.is_infinity() {
        format.infinity(x.sign) as u32
    } else if y.is_infinity() {
        format.infinity(y.sign) as u32
    } else if x.is_zero() && y.is_zero() && x.sign == y.sign {
        format.zero(x.sign) as u32
    } else {
        let value = x.value.add(y.value);
        if value.is_zero() { 0 } else { bf_round(value) }
    }
}
