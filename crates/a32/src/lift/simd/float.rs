//! Floating point of single precision, which flushes denormals and gives the default NaN, whatever
//! FPSCR says.
//!
//! It rounds to the nearest. The interpreter does all of it where FPSCR asks the host for another
//! rounding ([`DIRECTED`]), and always does estimates, half precision, and conversions to fixed point.

use super::{M, N, OTHER, Plan, TABLE, Vector, low, of_one, of_three, registers};
use crate::decode::simd::{Class, Insn, Op as S};
use crate::lift::{DIRECTED, Of};
use ir::VReg;
use ir::vector::{Arg, FloatBin, FloatTest, FloatUnary, Fp, Rounding, Shape, VOp};

/// Where a constant is.
const CONSTANT: VReg = TABLE;

/// What the instruction is lifted to; `None` where the interpreter does it.
pub(super) fn float(of: &Of, i: Insn) -> Option<Plan> {
    if of.mode.has(DIRECTED) {
        return None;
    }
    match i.op.class() {
        Class::three_same => three_same(i),
        Class::two_register => two(i),
        Class::scalar => scalar(i),
        Class::shift_immediate => from_fixed(i),
        _ => None,
    }
}

const fn shape(d: Vector) -> Shape {
    if d.quad { Shape::Full } else { Shape::Half }
}

fn binary(op: FloatBin, shape: Shape, d: VReg, a: VReg, b: Arg) -> VOp {
    VOp::Float {
        op,
        f: Fp::S,
        shape,
        d,
        a,
        b,
    }
}

fn three_same(i: Insn) -> Option<Plan> {
    if i.sz() == 1 {
        return None;
    }
    let [d, n, m] = registers(i, i.q() == 1);
    let (shape, target, a, b) = (shape(d), d.target(), n.source(N), Arg::Each(m.source(M)));
    let fused = |neg_product| VOp::MulAdd {
        neg_product,
        neg_addend: false,
        f: Fp::S,
        shape,
        d: target,
        a,
        b,
        c: target,
    };
    let plan = |op, reads_d| of_three(op, [d, n, m], reads_d);
    if let Some((test, abs)) = comparison(i.op) {
        return Some(plan(mask(test, abs, shape, target, a, b), false));
    }
    Some(match i.op {
        S::VFMA => plan(fused(false), true),
        S::VFMS => plan(fused(true), true),
        S::VMLA_fp | S::VMLS_fp => Plan {
            more: chained(i.op == S::VMLS_fp, d),
            ..plan(product(shape, a, b), true)
        },
        S::VRECPS | S::VRSQRTS => Plan {
            more: step(i.op == S::VRSQRTS, d),
            ..plan(product(shape, a, b), false)
        },
        _ => plan(binary(simple(i.op)?, shape, target, a, b), false),
    })
}

/// What a chain begins with.
fn product(shape: Shape, a: VReg, b: Arg) -> VOp {
    binary(FloatBin::Mul, shape, OTHER, a, b)
}

const fn simple(op: S) -> Option<FloatBin> {
    Some(match op {
        S::VADD_fp => FloatBin::Add,
        S::VSUB_fp => FloatBin::Sub,
        S::VABD_fp => FloatBin::Abd,
        S::VMUL_fp => FloatBin::Mul,
        S::VMAX_fp => FloatBin::Max,
        S::VMIN_fp => FloatBin::Min,
        S::VMAXNM => FloatBin::MaxNum,
        S::VMINNM => FloatBin::MinNum,
        S::VPADD_fp => FloatBin::AddPair,
        S::VPMAX_fp => FloatBin::MaxPair,
        S::VPMIN_fp => FloatBin::MinPair,
        _ => return None,
    })
}

/// VMLA and VMLS behind the product, which is rounded, too.
fn chained(subtracts: bool, d: Vector) -> [Option<VOp>; 3] {
    let op = if subtracts {
        FloatBin::Sub
    } else {
        FloatBin::Add
    };
    let sum = binary(op, shape(d), d.target(), d.target(), Arg::Each(OTHER));
    [Some(sum), None, None]
}

/// VRECPS and VRSQRTS behind the rounded product ab: 2 - ab, and half of 3 - ab. Infinity times
/// zero is a NaN on the host, and then the interpreter does all.
///
/// The operations here may write d's own register, which may hold a or b: the interpreter never
/// does the instruction again for one of these. The product is no NaN and no denormal, so neither
/// is the difference, whose unit in the last place is 2^-24 or more, nor half of it.
fn step(of_root: bool, d: Vector) -> [Option<VOp>; 3] {
    let lanes = |x: f32| u64::from(x.to_bits()) << 32 | u64::from(x.to_bits());
    let from = lanes(if of_root { 3.0 } else { 2.0 });
    let constant = VOp::Imm {
        d: CONSTANT,
        value: u128::from(from) << 64 | u128::from(from),
    };
    let between = if of_root { OTHER } else { d.target() };
    let difference = binary(FloatBin::Sub, shape(d), between, CONSTANT, Arg::Each(OTHER));
    let half = Arg::Const(lanes(0.5));
    let halved = binary(FloatBin::Mul, shape(d), d.target(), OTHER, half);
    [Some(constant), Some(difference), of_root.then_some(halved)]
}

const fn comparison(op: S) -> Option<(FloatTest, bool)> {
    Some(match op {
        S::VCEQ_fp => (FloatTest::Eq, false),
        S::VCGE_fp => (FloatTest::Ge, false),
        S::VCGT_fp => (FloatTest::Gt, false),
        S::VACGE => (FloatTest::Ge, true),
        S::VACGT => (FloatTest::Gt, true),
        _ => return None,
    })
}

const fn with_zero(op: S) -> Option<FloatTest> {
    Some(match op {
        S::VCGT_zero => FloatTest::Gt,
        S::VCGE_zero => FloatTest::Ge,
        S::VCEQ_zero => FloatTest::Eq,
        S::VCLE_zero => FloatTest::Le,
        S::VCLT_zero => FloatTest::Lt,
        _ => return None,
    })
}

const fn mask(test: FloatTest, abs: bool, shape: Shape, d: VReg, a: VReg, b: Arg) -> VOp {
    VOp::FloatMask {
        test,
        abs,
        f: Fp::S,
        shape,
        d,
        a,
        b,
    }
}

fn two(i: Insn) -> Option<Plan> {
    if i.size18() != 2 {
        return None;
    }
    let [d, _, m] = registers(i, i.q() == 1);
    let (shape, target, a) = (shape(d), d.target(), m.source(M));
    let unary = |op| VOp::FloatUnary {
        op,
        f: Fp::S,
        shape,
        d: target,
        a,
    };
    let round = |how| unary(FloatUnary::Round(how));
    let to_integer = |how| VOp::FloatToLanes {
        how,
        signed: i.op7() == 0,
        f: Fp::S,
        shape,
        d: target,
        a,
    };
    let op = match i.op {
        S::VABS if i.f10() == 1 => unary(FloatUnary::Abs),
        S::VNEG if i.f10() == 1 => unary(FloatUnary::Neg),
        S::VRINTN => round(Rounding::Nearest),
        S::VRINTX => round(Rounding::Exact),
        S::VRINTA => round(Rounding::Away),
        S::VRINTZ => round(Rounding::Zero),
        S::VRINTM => round(Rounding::Down),
        S::VRINTP => round(Rounding::Up),
        S::VCVTA => to_integer(Rounding::Away),
        S::VCVTN => to_integer(Rounding::Nearest),
        S::VCVTP => to_integer(Rounding::Up),
        S::VCVTM => to_integer(Rounding::Down),
        S::VCVT_integer if i.op8() == 1 => to_integer(Rounding::Zero),
        S::VCVT_integer => from_integer(i.op7() == 0, 0, d, a),
        op if i.f10() == 1 => mask(with_zero(op)?, false, shape, target, a, Arg::Zero),
        _ => return None,
    };
    Some(of_one(op, d, m))
}

const fn from_integer(signed: bool, fraction: u8, d: Vector, a: VReg) -> VOp {
    VOp::LanesToFloat {
        signed,
        fraction,
        f: Fp::S,
        shape: shape(d),
        d: d.target(),
        a,
    }
}

/// VCVT from fixed point.
fn from_fixed(i: Insn) -> Option<Plan> {
    if i.op != S::VCVT_fixed || i.op8() == 1 {
        return None;
    }
    let [d, _, m] = registers(i, i.q() == 1);
    let op = from_integer(i.u() == 0, low(64 - i.imm6()), d, m.source(M));
    Some(of_one(op, d, m))
}

/// By an element of a vector among D0 to D15.
fn scalar(i: Insn) -> Option<Plan> {
    if i.size() != 2 {
        return None;
    }
    let [d, n, _] = registers(i, i.q24() == 1);
    let element = Vector::new(i.vm(), true);
    let (a, b) = (
        n.source(N),
        Arg::Lane(element.whole(), low(i.vm() % 2 * 2 + i.m())),
    );
    let (op, more) = match i.op {
        S::VMUL_fp_scalar => (binary(FloatBin::Mul, shape(d), d.target(), a, b), [None; 3]),
        S::VMLA_fp_scalar => (product(shape(d), a, b), chained(false, d)),
        S::VMLS_fp_scalar => (product(shape(d), a, b), chained(true, d)),
        _ => return None,
    };
    Some(Plan {
        op,
        more,
        d,
        reads_d: true,
        n: Some(n),
        m: None,
    })
}
