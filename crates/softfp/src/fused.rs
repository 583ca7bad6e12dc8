//! Fused operations: multiply-add, its half-to-single form, the Newton steps and the
//! elements of FCADD and FCMLA; and the Newton steps of AArch32, which are not fused.

use super::Fp;
use super::arith::{add, mul, neg, sum};
use super::convert::convert_nan;
use super::format::{Float, Format};
use super::real::Real;
use super::unpack::{Kind, Unpacked};

/// The exact product of two operands that are no NaNs; `None` is zero times
/// infinity.
fn exact_product(x: Unpacked, y: Unpacked) -> Option<Unpacked> {
    let sign = x.sign != y.sign;
    let kind = match (x.kind, y.kind) {
        (Kind::Zero, Kind::Infinity) | (Kind::Infinity, Kind::Zero) => return None,
        (Kind::Infinity, _) | (_, Kind::Infinity) => Kind::Infinity,
        (Kind::Zero, _) | (_, Kind::Zero) => Kind::Zero,
        _ => Kind::Nonzero,
    };
    Some(Unpacked {
        kind,
        sign,
        value: x.value.mul(y.value),
    })
}

/// `FPMulAdd`: `addend + op1·op2`, rounded once.
#[inline(never)]
pub fn mul_add<F: Float>(fp: &mut Fp, addend: F, op1: F, op2: F) -> F {
    let (addend, op1, op2) = (addend.to_u64(), op1.to_u64(), op2.to_u64());
    let a = fp.unpack(F::FORMAT, addend);
    let (x, y) = (fp.unpack(F::FORMAT, op1), fp.unpack(F::FORMAT, op2));
    let nan = fp.process_nans(F::FORMAT, &[(a, addend), (x, op1), (y, op2)]);
    F::from_u64(mul_add_unpacked(fp, F::FORMAT, (a, x, y), nan))
}

/// `FPMulAddH`: `addend + op1·op2` with half-precision factors, rounded once
/// to single precision.
pub fn mul_add_h(fp: &mut Fp, addend: u32, op1: u16, op2: u16) -> u32 {
    let (addend, op1, op2) = (u64::from(addend), u64::from(op1), u64::from(op2));
    let a = fp.unpack(Format::SINGLE, addend);
    let (x, y) = (fp.unpack(Format::HALF, op1), fp.unpack(Format::HALF, op2));
    let nan = process_nans_3h(fp, (a, addend), (x, op1), (y, op2));
    mul_add_unpacked(fp, Format::SINGLE, (a, x, y), nan) as u32
}

/// `FPProcessNaNs3H`: the order of `FPProcessNaNs3`, the factors' NaNs
/// widened.
fn process_nans_3h(
    fp: &mut Fp,
    addend: (Unpacked, u64),
    op1: (Unpacked, u64),
    op2: (Unpacked, u64),
) -> Option<u64> {
    for kind in [Kind::SNaN, Kind::QNaN] {
        if addend.0.kind == kind {
            return Some(fp.process_nan(Format::SINGLE, kind, addend.1));
        }
        for (factor, bits) in [op1, op2] {
            if factor.kind == kind {
                let nan = fp.process_nan(Format::HALF, kind, bits);
                return Some(convert_nan(Format::HALF, Format::SINGLE, nan));
            }
        }
    }
    None
}

/// The common part of `FPMulAdd` and `FPMulAddH`; `nan` is what the operands'
/// NaNs give.
#[inline(never)]
fn mul_add_unpacked(
    fp: &mut Fp,
    format: Format,
    (a, x, y): (Unpacked, Unpacked, Unpacked),
    nan: Option<u64>,
) -> u64 {
    match (nan, exact_product(x, y)) {
        // A quiet addend doesn't hide an invalid product.
        (Some(_), None) if a.kind == Kind::QNaN => fp.invalid(format),
        (Some(nan), _) => nan,
        (None, None) => fp.invalid(format),
        (None, Some(product)) => sum(fp, format, a, product),
    }
}

/// `FPRecipStepFused`: `2 - op1·op2`.
pub fn recip_step<F: Float>(fp: &mut Fp, op1: F, op2: F) -> F {
    step(
        fp,
        op1,
        op2,
        Real::new(false, 2, 0),
        0,
        F::FORMAT.two(false),
    )
}

/// `FPRSqrtStepFused`: `(3 - op1·op2) / 2`.
pub fn rsqrt_step<F: Float>(fp: &mut Fp, op1: F, op2: F) -> F {
    step(
        fp,
        op1,
        op2,
        Real::new(false, 3, 0),
        -1,
        F::FORMAT.one_point_five(false),
    )
}

/// `(constant - op1·op2)·2^scale`, `undefined` for zero times infinity.
#[inline(never)]
fn step<F: Float>(fp: &mut Fp, op1: F, op2: F, constant: Real, scale: i32, undefined: u64) -> F {
    // The manual negates before it looks for NaNs: op1's comes out negated.
    let (op1, op2) = (neg(op1).to_u64(), op2.to_u64());
    let (x, y) = (fp.unpack(F::FORMAT, op1), fp.unpack(F::FORMAT, op2));
    if let Some(nan) = fp.process_nans(F::FORMAT, &[(x, op1), (y, op2)]) {
        return F::from_u64(nan);
    }
    F::from_u64(match exact_product(x, y) {
        None => undefined,
        Some(product) if product.is_infinity() => F::FORMAT.infinity(product.sign),
        Some(product) => {
            let value = constant.add(product.value).scaled(scale);
            fp.round_or_cancel(F::FORMAT, value)
        }
    })
}

/// `FPRecipStep`: `2 - op1·op2`, of which the product is rounded too, as AArch32's VRECPS has it.
pub fn recip_step_chained<F: Float>(fp: &mut Fp, op1: F, op2: F) -> F {
    chained_step(fp, op1, op2, Real::new(false, 2, 0), 0)
}

/// `FPRSqrtStep`: `(3 - op1·op2) / 2`, of which the product is rounded too, as AArch32's VRSQRTS has it.
pub fn rsqrt_step_chained<F: Float>(fp: &mut Fp, op1: F, op2: F) -> F {
    chained_step(fp, op1, op2, Real::new(false, 3, 0), -1)
}

/// `(constant - op1·op2)·2^scale`; zero times infinity is zero.
fn chained_step<F: Float>(fp: &mut Fp, op1: F, op2: F, constant: Real, scale: i32) -> F {
    let x = fp.unpack(F::FORMAT, op1.to_u64());
    let y = fp.unpack(F::FORMAT, op2.to_u64());
    let operands = [(x, op1.to_u64()), (y, op2.to_u64())];
    if let Some(nan) = fp.process_nans(F::FORMAT, &operands) {
        return F::from_u64(nan);
    }
    let product = match exact_product(x, y) {
        None => F::from_u64(0),
        Some(_) => mul(fp, op1, op2),
    };
    let negated = fp.unpack(F::FORMAT, neg(product).to_u64());
    F::from_u64(if negated.is_infinity() {
        F::FORMAT.infinity(negated.sign)
    } else {
        let value = constant.add(negated.value).scaled(scale);
        fp.round_or_cancel(F::FORMAT, value)
    })
}

/// One complex element, real part first.
pub type Complex<F> = (F, F);

/// FCADD on one complex element: `op1 + i·op2`, or `op1 - i·op2` when
/// `rotate_270`.
pub fn complex_add<F: Float>(
    fp: &mut Fp,
    op1: Complex<F>,
    op2: Complex<F>,
    rotate_270: bool,
) -> Complex<F> {
    let (re, im) = if rotate_270 {
        (op2.1, neg(op2.0))
    } else {
        (neg(op2.1), op2.0)
    };
    (add(fp, op1.0, re), add(fp, op1.1, im))
}

/// FCMLA on one complex element; `rot` is the rotation in quarter turns, as
/// encoded.
#[inline(never)]
pub fn complex_mul_add<F: Float>(
    fp: &mut Fp,
    addend: Complex<F>,
    op1: Complex<F>,
    op2: Complex<F>,
    rot: u32,
) -> Complex<F> {
    let (factor, re, im) = match rot & 3 {
        0 => (op1.0, op2.0, op2.1),
        1 => (op1.1, neg(op2.1), op2.0),
        2 => (op1.0, neg(op2.0), neg(op2.1)),
        _ => (op1.1, op2.1, neg(op2.0)),
    };
    (
        mul_add(fp, addend.0, factor, re),
        mul_add(fp, addend.1, factor, im),
    )
}
