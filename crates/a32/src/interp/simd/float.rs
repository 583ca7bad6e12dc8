//! Floating point: half and single precision, lane by lane.

use lanes::float::{Lane, collect};
use softfp::{Fp, Rounding};

use super::registers::{Vector, d, is_quad, m, n};
use crate::cpu::Cpu;
use crate::decode::simd::{Insn, Op};

/// Three vectors.
pub(super) fn three_same(cpu: &Cpu, fp: &mut Fp, i: Insn) -> Option<(Vector, u128)> {
    fn sized<F: Lane>(cpu: &Cpu, fp: &mut Fp, i: Insn) -> Option<(Vector, u128)> {
        let to = Vector::of(d(i), is_quad(i));
        let old = to.read(cpu);
        let [x, y] = [n(i), m(i)].map(|r| Vector::of(r, is_quad(i)).read(cpu));
        let pairs = matches!(i.op, Op::VPADD_fp | Op::VPMAX_fp | Op::VPMIN_fp);
        let both = y << 64 | x;
        let result = collect(to.count(F::BITS), |index| {
            let (x, y) = if pairs {
                (F::get(both, 2 * index), F::get(both, 2 * index + 1))
            } else {
                (F::get(x, index), F::get(y, index))
            };
            arithmetic(i.op, fp, F::get(old, index), x, y).or_else(|| compare(i.op, fp, x, y))
        })?;
        Some((to, result))
    }
    if i.sz() == 1 {
        sized::<u16>(cpu, fp, i)
    } else {
        sized::<u32>(cpu, fp, i)
    }
}

/// Arithmetic of two operands and the destination, also with a scalar.
pub(super) fn arithmetic<F: Lane>(op: Op, fp: &mut Fp, d: F, x: F, y: F) -> Option<F> {
    use softfp::{
        abs, add, max, max_num, min, min_num, mul, mul_add, neg, recip_step_chained,
        rsqrt_step_chained, sub,
    };
    Some(match op {
        Op::VADD_fp | Op::VPADD_fp => add(fp, x, y),
        Op::VSUB_fp => sub(fp, x, y),
        Op::VABD_fp => abs(sub(fp, x, y)),
        Op::VMUL_fp | Op::VMUL_fp_scalar => mul(fp, x, y),
        Op::VMLA_fp | Op::VMLA_fp_scalar => {
            let product = mul(fp, x, y);
            add(fp, d, product)
        }
        Op::VMLS_fp | Op::VMLS_fp_scalar => {
            let product = mul(fp, x, y);
            add(fp, d, neg(product))
        }
        Op::VFMA => mul_add(fp, d, x, y),
        Op::VFMS => mul_add(fp, d, neg(x), y),
        Op::VMAX_fp | Op::VPMAX_fp => max(fp, x, y),
        Op::VMIN_fp | Op::VPMIN_fp => min(fp, x, y),
        Op::VMAXNM => max_num(fp, x, y),
        Op::VMINNM => min_num(fp, x, y),
        Op::VRECPS => recip_step_chained(fp, x, y),
        Op::VRSQRTS => rsqrt_step_chained(fp, x, y),
        _ => return None,
    })
}

fn compare<F: Lane>(op: Op, fp: &mut Fp, x: F, y: F) -> Option<F> {
    use softfp::{abs, compare_eq, compare_ge, compare_gt};
    Some(F::of_truth(match op {
        Op::VCEQ_fp => compare_eq(fp, x, y),
        Op::VCGE_fp => compare_ge(fp, x, y),
        Op::VCGT_fp => compare_gt(fp, x, y),
        Op::VACGE => compare_ge(fp, abs(x), abs(y)),
        Op::VACGT => compare_gt(fp, abs(x), abs(y)),
        _ => return None,
    }))
}

/// One vector.
pub(super) fn two_register(cpu: &Cpu, fp: &mut Fp, i: Insn) -> Option<(Vector, u128)> {
    fn sized<F: Lane>(cpu: &Cpu, fp: &mut Fp, i: Insn) -> Option<(Vector, u128)> {
        let to = Vector::of(d(i), is_quad(i));
        let x = Vector::of(m(i), is_quad(i)).read(cpu);
        let result = collect(to.count(F::BITS), |index| {
            let x = F::get(x, index);
            one(i, fp, x)
                .or_else(|| with_zero(i.op, fp, x))
                .or_else(|| integer(i, fp, x))
        })?;
        Some((to, result))
    }
    match i.op {
        Op::VCVT_single_to_half => {
            let rounding = fp.rounding();
            narrow(cpu, i, |x| softfp::convert(fp, x, rounding))
        }
        Op::VCVT_single_to_bf16 => narrow(cpu, i, |x| softfp::convert_bf(fp, x)),
        Op::VCVT_half_to_single => {
            let (x, rounding) = (Vector::double(m(i)).read(cpu), fp.rounding());
            let result = collect::<u32>(4, |index| {
                Some(softfp::convert(fp, u16::get(x, index), rounding))
            })?;
            Some((Vector::quad(d(i)), result))
        }
        _ if i.size18() == 1 => sized::<u16>(cpu, fp, i),
        _ => sized::<u32>(cpu, fp, i),
    }
}

/// Single precision to what has half its size.
fn narrow(cpu: &Cpu, i: Insn, mut convert: impl FnMut(u32) -> u16) -> Option<(Vector, u128)> {
    let x = Vector::quad(m(i)).read(cpu);
    let result = collect(4, |index| Some(convert(u32::get(x, index))))?;
    Some((Vector::double(d(i)), result))
}

fn one<F: Lane>(i: Insn, fp: &mut Fp, x: F) -> Option<F> {
    let mut rounded = |rounding, exact| softfp::round_int(fp, x, rounding, exact);
    Some(match i.op {
        Op::VABS => softfp::abs(x),
        Op::VNEG => softfp::neg(x),
        Op::VRINTN => rounded(Rounding::TieEven, false),
        Op::VRINTX => rounded(Rounding::TieEven, true),
        Op::VRINTA => rounded(Rounding::TieAway, false),
        Op::VRINTZ => rounded(Rounding::Zero, false),
        Op::VRINTM => rounded(Rounding::MinusInf, false),
        Op::VRINTP => rounded(Rounding::PlusInf, false),
        Op::VRECPE if i.f8() == 1 => softfp::recip_estimate(fp, x),
        Op::VRSQRTE if i.f8() == 1 => softfp::rsqrt_estimate(fp, x),
        Op::VRECPE => F::of_bits(softfp::unsigned_recip_estimate(x.bits() as u32).into()),
        Op::VRSQRTE => F::of_bits(softfp::unsigned_rsqrt_estimate(x.bits() as u32).into()),
        _ => return None,
    })
}

fn with_zero<F: Lane>(op: Op, fp: &mut Fp, x: F) -> Option<F> {
    use softfp::{compare_eq, compare_ge, compare_gt};
    let zero = F::of_bits(0);
    Some(F::of_truth(match op {
        Op::VCGT_zero => compare_gt(fp, x, zero),
        Op::VCGE_zero => compare_ge(fp, x, zero),
        Op::VCEQ_zero => compare_eq(fp, x, zero),
        Op::VCLE_zero => compare_ge(fp, zero, x),
        Op::VCLT_zero => compare_gt(fp, zero, x),
        _ => return None,
    }))
}

/// To and from integers of the same size.
fn integer<F: Lane>(i: Insn, fp: &mut Fp, x: F) -> Option<F> {
    let rounding = match i.op {
        Op::VCVTA => Rounding::TieAway,
        Op::VCVTN => Rounding::TieEven,
        Op::VCVTP => Rounding::PlusInf,
        Op::VCVTM => Rounding::MinusInf,
        Op::VCVT_integer if i.op8() == 1 => Rounding::Zero,
        Op::VCVT_integer => return Some(from_fixed(fp, x, 0, i.op7() == 1)),
        _ => return None,
    };
    Some(to_fixed(fp, x, 0, i.op7() == 1, rounding))
}

fn from_fixed<F: Lane>(fp: &mut Fp, x: F, fraction: u32, unsigned: bool) -> F {
    let rounding = fp.rounding();
    softfp::from_fixed(fp, x.bits(), fraction, unsigned, F::BITS, rounding)
}

fn to_fixed<F: Lane>(fp: &mut Fp, x: F, fraction: u32, unsigned: bool, rounding: Rounding) -> F {
    let integer = softfp::to_fixed(fp, x, fraction, unsigned, rounding, F::BITS);
    F::of_bits(integer)
}

/// VCVT to and from fixed point.
pub(super) fn fixed(cpu: &Cpu, fp: &mut Fp, i: Insn) -> Option<(Vector, u128)> {
    fn sized<F: Lane>(cpu: &Cpu, fp: &mut Fp, i: Insn) -> Option<(Vector, u128)> {
        let to = Vector::of(d(i), is_quad(i));
        let x = Vector::of(m(i), is_quad(i)).read(cpu);
        let (fraction, unsigned) = (64 - i.imm6(), i.u() == 1);
        let result = collect(to.count(F::BITS), |index| {
            let x = F::get(x, index);
            Some(if i.op8() == 1 {
                to_fixed(fp, x, fraction, unsigned, Rounding::Zero)
            } else {
                from_fixed(fp, x, fraction, unsigned)
            })
        })?;
        Some((to, result))
    }
    match i.op {
        Op::VCVT_fixed_half => sized::<u16>(cpu, fp, i),
        Op::VCVT_fixed => sized::<u32>(cpu, fp, i),
        _ => None,
    }
}
