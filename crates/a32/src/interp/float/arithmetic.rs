//! Arithmetic, comparison, selection, rounding to integers in floating point.

use softfp::{Fp, Rounding};

use super::registers::Register;
use crate::cpu::{Cpu, Flags};
use crate::decode::fp::{Class, Insn, Op};

/// Executes one.
pub(super) fn execute(cpu: &mut Cpu, fp: &mut Fp, i: Insn) {
    match i.vsize() {
        1 => sized::<u16>(cpu, fp, i),
        2 => sized::<u32>(cpu, fp, i),
        _ => sized::<u64>(cpu, fp, i),
    }
}

fn sized<F: Register>(cpu: &mut Cpu, fp: &mut Fp, i: Insn) {
    let d = F::number(i.vd(), i.d());
    let n = F::read(cpu, F::number(i.vn(), i.n()));
    let m = F::read(cpu, F::number(i.vm(), i.m()));
    let value = match i.op.class() {
        Class::three => three(fp, i.op, F::read(cpu, d), n, m),
        Class::select => {
            // EQ, VS, GE, GT.
            let cond = match i.op {
                Op::VSELEQ => 0,
                Op::VSELVS => 6,
                Op::VSELGE => 10,
                _ => 12,
            };
            if cpu.holds(cond) { n } else { m }
        }
        Class::immediate => F::from_u64(expanded(i.imm4h() << 4 | i.imm4l(), i.vsize())),
        Class::compare => {
            let zero = matches!(i.op, Op::VCMP_zero | Op::VCMPE_zero);
            let other = if zero { F::from_u64(0) } else { m };
            let signal = matches!(i.op, Op::VCMPE | Op::VCMPE_zero);
            let nzcv = softfp::compare(fp, F::read(cpu, d), other, signal);
            cpu.set_fp_flags(Flags::from_nzcv(nzcv));
            return;
        }
        _ => two(fp, i.op, m),
    };
    F::write(cpu, d, value);
}

fn three<F: Register>(fp: &mut Fp, op: Op, d: F, n: F, m: F) -> F {
    use softfp::{add, div, max_num, min_num, mul, mul_add, neg, sub};
    match op {
        Op::VADD => add(fp, n, m),
        Op::VSUB => sub(fp, n, m),
        Op::VMUL => mul(fp, n, m),
        Op::VNMUL => neg(mul(fp, n, m)),
        Op::VDIV => div(fp, n, m),
        Op::VMLA => {
            let product = mul(fp, n, m);
            add(fp, d, product)
        }
        Op::VMLS => {
            let product = mul(fp, n, m);
            add(fp, d, neg(product))
        }
        Op::VNMLA => {
            let product = mul(fp, n, m);
            add(fp, neg(d), neg(product))
        }
        Op::VNMLS => {
            let product = mul(fp, n, m);
            add(fp, neg(d), product)
        }
        Op::VFMA => mul_add(fp, d, n, m),
        Op::VFMS => mul_add(fp, d, neg(n), m),
        Op::VFNMA => mul_add(fp, neg(d), neg(n), m),
        Op::VFNMS => mul_add(fp, neg(d), n, m),
        Op::VMAXNM => max_num(fp, n, m),
        _ => min_num(fp, n, m),
    }
}

fn two<F: Register>(fp: &mut Fp, op: Op, m: F) -> F {
    let mut round = |rounding, exact| softfp::round_int(fp, m, rounding, exact);
    match op {
        Op::VMOV_register => m,
        Op::VABS => softfp::abs(m),
        Op::VNEG => softfp::neg(m),
        Op::VSQRT => softfp::sqrt(fp, m),
        Op::VRINTR => {
            let rounding = fp.rounding();
            softfp::round_int(fp, m, rounding, false)
        }
        Op::VRINTX => {
            let rounding = fp.rounding();
            softfp::round_int(fp, m, rounding, true)
        }
        Op::VRINTZ => round(Rounding::Zero, false),
        Op::VRINTA => round(Rounding::TieAway, false),
        Op::VRINTN => round(Rounding::TieEven, false),
        Op::VRINTP => round(Rounding::PlusInf, false),
        _ => round(Rounding::MinusInf, false),
    }
}

/// `VFPExpandImm`: half, single and double precision are 1, 2 and 3.
pub(crate) fn expanded(imm8: u32, vsize: u32) -> u64 {
    let (exponent, fraction) = match vsize {
        1 => (5, 10),
        2 => (8, 23),
        _ => (11, 52),
    };
    let imm8 = u64::from(imm8);
    let (sign, high) = (imm8 >> 7, imm8 >> 6 & 1);
    let repeated = if high == 1 {
        (1 << (exponent - 3)) - 1
    } else {
        0
    };
    let exponents = (high ^ 1) << (exponent - 1) | repeated << 2 | imm8 >> 4 & 3;
    sign << (exponent + fraction) | exponents << fraction | (imm8 & 15) << (fraction - 4)
}

#[cfg(test)]
mod tests {
    use super::expanded;

    #[test]
    fn constants_are_the_manuals() {
        for (imm8, single, double) in [
            (0x70, 1.0f32, 1.0f64),
            (0x00, 2.0, 2.0),
            (0x78, 1.5, 1.5),
            (0xf0, -1.0, -1.0),
            (0x3f, 31.0, 31.0),
        ] {
            assert_eq!(expanded(imm8, 3), double.to_bits());
            assert_eq!(expanded(imm8, 2), u64::from(single.to_bits()));
        }
        assert_eq!(expanded(0x70, 1), 0x3c00);
    }
}
