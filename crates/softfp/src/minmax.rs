//! Maximum and minimum. A NaN is propagated or, in the `_num` forms, gives way to a number.

use core::cmp::Ordering;

use super::format::Float;
use super::unpack::{Kind, unpack_plain};
use super::{FPSR_IOC, Fp, NumberForms};

/// `FPMax`.
pub fn max<F: Float>(fp: &mut Fp, op1: F, op2: F) -> F {
    choose(fp, op1, op2, Ordering::Greater)
}

/// `FPMin`.
pub fn min<F: Float>(fp: &mut Fp, op1: F, op2: F) -> F {
    choose(fp, op1, op2, Ordering::Less)
}

/// `FPMaxNum`: a quiet NaN beside a number counts as minus infinity.
pub fn max_num<F: Float>(fp: &mut Fp, op1: F, op2: F) -> F {
    let (op1, op2) = lost_to(fp, op1, op2, F::FORMAT.infinity(true));
    max(fp, op1, op2)
}

/// `FPMinNum`: a quiet NaN beside a number counts as plus infinity.
pub fn min_num<F: Float>(fp: &mut Fp, op1: F, op2: F) -> F {
    let (op1, op2) = lost_to(fp, op1, op2, F::FORMAT.infinity(false));
    min(fp, op1, op2)
}

/// The operands, a NaN beside a number replaced: a quiet one, and by the rules of
/// 2019 a signalling one.
fn lost_to<F: Float>(fp: &mut Fp, op1: F, op2: F, replacement: u64) -> (F, F) {
    let kinds = [op1, op2].map(|op| unpack_plain(F::FORMAT, op.to_u64()).kind);
    let any = fp.rules.number_forms == NumberForms::Standard2019;
    let lost = |kind| kind == Kind::QNaN || any && kind == Kind::SNaN;
    if any && kinds.contains(&Kind::SNaN) {
        fp.raise(FPSR_IOC);
    }
    match kinds.map(lost).into() {
        (true, false) => (F::from_u64(replacement), op2),
        (false, true) => (op1, F::from_u64(replacement)),
        _ => (op1, op2),
    }
}

/// The operand that compares `wanted` with the other. Of zeros, plus zero is
/// the greater.
#[inline(never)]
fn choose<F: Float>(fp: &mut Fp, op1: F, op2: F, wanted: Ordering) -> F {
    let (x, y) = (
        fp.unpack(F::FORMAT, op1.to_u64()),
        fp.unpack(F::FORMAT, op2.to_u64()),
    );
    if let Some(nan) = fp.process_nans(F::FORMAT, &[(x, op1.to_u64()), (y, op2.to_u64())]) {
        return F::from_u64(nan);
    }
    let chosen = if x.value.compare(y.value) == wanted {
        x
    } else {
        y
    };
    F::from_u64(match chosen.kind {
        Kind::Infinity => F::FORMAT.infinity(chosen.sign),
        Kind::Zero if wanted == Ordering::Greater => F::FORMAT.zero(x.sign && y.sign),
        Kind::Zero => F::FORMAT.zero(x.sign || y.sign),
        _ => fp.round(F::FORMAT, chosen.value, fp.rounding()),
    })
}
