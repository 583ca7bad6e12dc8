//! Floating point: scalars, which are lanes of vector slots.
//!
//! S and D registers are taken out of their vectors into scratch, computed with, and put back into
//! their lanes. Where a NaN or a tiny result comes out, the interpreter does the whole instruction.
//! Where FPSCR says so ([`super::FLUSHES`]), denormals are flushed. The interpreter does half
//! precision.

use super::memory::{apart, together};
use super::{FLUSHES, Of, SCRATCH, W, slot};
use crate::cpu;
use crate::decode::fp::{Class, Insn, Op as F};
use ir::form::Sink;
use ir::vector::{Arg, FloatBin, FloatUnary, Fp, Rounding, Shape, VOp};
use ir::{Addr, BinOp, Cond, Op, Operand, Reg, Size, VReg, Width};

/// The slot of FPSCR's flags.
const FLAGS: Reg = slot(cpu::FP_FLAGS);
const N: VReg = VReg(16);
const M: VReg = VReg(17);
const RESULT: VReg = VReg(18);
/// What is computed on the way.
const BETWEEN: VReg = VReg(19);
const INT: Reg = SCRATCH[0];

/// A register: a lane of a slot.
#[derive(Clone, Copy)]
struct Lane {
    e: Size,
    v: VReg,
    lane: u8,
}

#[allow(clippy::cast_possible_truncation, reason = "less than 32")]
const fn single(four: u32, one: u32) -> Lane {
    let n = four << 1 | one;
    Lane {
        e: Size::B4,
        v: VReg((n / 4) as u8),
        lane: (n % 4) as u8,
    }
}

#[allow(clippy::cast_possible_truncation, reason = "less than 32")]
const fn double(four: u32, one: u32) -> Lane {
    let n = one << 4 | four;
    Lane {
        e: Size::B8,
        v: VReg((n / 2) as u8),
        lane: (n % 2) as u8,
    }
}

const fn sized(f: Fp, four: u32, one: u32) -> Lane {
    match f {
        Fp::S => single(four, one),
        Fp::D => double(four, one),
    }
}

const fn precision(double: bool) -> Fp {
    if double { Fp::D } else { Fp::S }
}

/// What a register holds, in the lowest lane of a slot: its own, or scratch.
fn taken(from: Lane, scratch: VReg, out: &mut Sink<'_>) -> VReg {
    if from.lane == 0 {
        return from.v;
    }
    out.push(Op::Vector(VOp::Lane {
        e: from.e,
        d: scratch,
        a: from.v,
        lane: from.lane,
    }));
    scratch
}

fn put(to: Lane, a: VReg, out: &mut Sink<'_>) {
    out.push(Op::Vector(VOp::InsertLane {
        e: to.e,
        d: to.v,
        to: to.lane,
        a,
        from: 0,
    }));
}

/// d = an integer lane.
fn to_int(d: Reg, from: Lane, out: &mut Sink<'_>) {
    out.push(Op::Vector(VOp::GetLane {
        e: from.e,
        signed: false,
        w: if from.e == Size::B8 { Width::W64 } else { W },
        d,
        a: from.v,
        lane: from.lane,
    }));
}

fn from_int(to: Lane, a: Reg, out: &mut Sink<'_>) {
    out.push(Op::Vector(VOp::InsertInt {
        e: to.e,
        d: to.v,
        lane: to.lane,
        a,
    }));
}

fn float(op: FloatBin, f: Fp, d: VReg, a: VReg, b: VReg, out: &mut Sink<'_>) {
    out.push(Op::Vector(VOp::Float {
        op,
        f,
        shape: Shape::Scalar,
        d,
        a,
        b: Arg::Each(b),
    }));
}

fn unary(op: FloatUnary, f: Fp, d: VReg, a: VReg, out: &mut Sink<'_>) {
    out.push(Op::Vector(VOp::FloatUnary {
        op,
        f,
        shape: Shape::Scalar,
        d,
        a,
    }));
}

impl Of {
    /// Whether the interpreter does an instruction of floating point.
    pub(super) fn leaves_float(&self, i: Insn) -> bool {
        let half = i.vsize() == 1;
        match i.op.class() {
            Class::load_store | Class::load_store_multiple => {
                i.op.class() == Class::load_store && half
                    || self.mode.has(super::BIG_ENDIAN)
                    || i.rn() == 15 && i.op != F::VLDR
            }
            Class::move_single => i.op == F::VMOV_half || i.rt() == 15,
            Class::move_scalar | Class::duplicate => i.rt() == 15,
            Class::move_pair => i.rt() == 15 || i.rt2() == 15 || i.rt() == i.rt2(),
            Class::status => !reads_flags(i),
            Class::immediate | Class::select => half,
            Class::two if matches!(i.op, F::VMOV_register | F::VABS | F::VNEG) => half,
            Class::three | Class::two | Class::compare | Class::from_integer => half,
            Class::to_integer => half || i.op == F::VCVTR,
            Class::convert => false,
            _ => true,
        }
    }

    pub(super) fn float(&self, i: Insn, out: &mut Sink<'_>) {
        let f = precision(i.vsize() == 3);
        let d = sized(f, i.vd(), i.d());
        let computes = matches!(
            i.op.class(),
            Class::three | Class::two | Class::compare | Class::to_integer | Class::convert
        );
        if computes && self.mode.has(FLUSHES) {
            out.flush();
        }
        match i.op.class() {
            Class::three => three(i, f, d, out),
            Class::select => select(i, f, d, out),
            Class::two => {
                let m = sized(f, i.vm(), i.m());
                let a = taken(m, M, out);
                match operation(i.op) {
                    Some(op) => {
                        unary(op, f, RESULT, a, out);
                        put(d, RESULT, out);
                    }
                    None => put(d, a, out),
                }
            }
            Class::immediate => {
                let imm8 = i.imm4h() << 4 | i.imm4l();
                let value = crate::interp::float_constant(imm8, i.vsize());
                out.push(Op::Vector(VOp::Imm {
                    d: RESULT,
                    value: value.into(),
                }));
                put(d, RESULT, out);
            }
            Class::compare => compare(i, f, d, out),
            Class::convert => {
                let from = precision(i.sz() == 1);
                let to = precision(i.sz() == 0);
                let a = taken(sized(from, i.vm(), i.m()), M, out);
                out.push(Op::Vector(VOp::FloatConvert { to, d: RESULT, a }));
                put(sized(to, i.vd(), i.d()), RESULT, out);
            }
            Class::from_integer => {
                to_int(INT, single(i.vm(), i.m()), out);
                out.push(Op::Vector(VOp::IntToFloat {
                    signed: i.op7() == 1,
                    fraction: 0,
                    f,
                    w: W,
                    d: RESULT,
                    a: INT,
                }));
                put(d, RESULT, out);
            }
            Class::to_integer => to_integer(i, f, out),
            Class::load_store => self.load_store(i, d, out),
            Class::load_store_multiple => several(i, out),
            Class::status if self.mode.has(FLUSHES) => out.push(Op::WriteFlags { a: FLAGS }),
            _ => transfer(i, out),
        }
    }

    fn load_store(&self, i: Insn, d: Lane, out: &mut Sink<'_>) {
        let distance = i64::from(i.imm8() << 2);
        let distance = if i.u23() == 1 { distance } else { -distance };
        let addr = if i.rn() == 15 {
            let base = self.ahead() & !3;
            Addr::guest(base.wrapping_add_signed(distance) & 0xffff_ffff)
        } else {
            let base = general(i.rn());
            out.push(Op::CheckAligned {
                size: Size::B4,
                a: base,
            });
            Addr::disp(base, distance)
        };
        access(i.op == F::VLDR, d, addr, out);
    }
}

#[allow(clippy::cast_possible_truncation, reason = "four bits")]
const fn general(n: u32) -> Reg {
    Reg(n as u8)
}

fn access(loads: bool, Lane { e, v, lane }: Lane, addr: Addr, out: &mut Sink<'_>) {
    out.push(Op::Vector(if loads {
        VOp::LoadLane {
            e,
            lane,
            d: v,
            addr,
        }
    } else {
        VOp::StoreLane {
            e,
            lane,
            a: v,
            addr,
        }
    }));
}

/// VLDM and VSTM.
fn several(i: Insn, out: &mut Sink<'_>) {
    let (base, bytes) = (general(i.rn()), i.imm8() << 2);
    let down = matches!(i.op, F::VLDMDB | F::VSTMDB);
    let loads = matches!(i.op, F::VLDM | F::VLDMDB);
    out.push(Op::CheckAligned {
        size: Size::B4,
        a: base,
    });
    // In words, of which there are 64.
    let doubles = i.vsize() == 3;
    let (word, count) = if doubles {
        (2 * (i.d() << 4 | i.vd()), i.imm8() & !1)
    } else {
        (i.vd() << 1 | i.d(), i.imm8())
    };
    let at = if down { -i64::from(bytes) } else { 0 };
    run(loads, word, count, base, at, out);
    if down || i.w() == 1 {
        out.push(Op::Bin {
            op: if down { BinOp::Sub } else { BinOp::Add },
            w: W,
            d: base,
            a: base,
            b: Operand::Imm(bytes.into()),
            set: false,
        });
    }
}

/// Loads or stores registers that lie one after another, in words from one of them on: whole vectors, else
/// lanes.
#[allow(clippy::cast_possible_truncation, reason = "less than 64")]
pub(super) fn run(
    loads: bool,
    mut word: u32,
    count: u32,
    base: Reg,
    mut at: i64,
    out: &mut Sink<'_>,
) {
    let end = word + count;
    while word < end {
        let v = VReg((word / 4) as u8);
        let addr = Addr::disp(base, at);
        let words = if word.is_multiple_of(4) && end - word >= 4 {
            out.push(Op::Vector(if loads {
                VOp::Load {
                    size: Size::B16,
                    d: v,
                    addr,
                }
            } else {
                VOp::Store {
                    size: Size::B16,
                    a: v,
                    addr,
                }
            }));
            4
        } else if word.is_multiple_of(2) && end - word >= 2 {
            let lane = Lane {
                e: Size::B8,
                v,
                lane: (word / 2 % 2) as u8,
            };
            access(loads, lane, addr, out);
            2
        } else {
            let lane = Lane {
                e: Size::B4,
                v,
                lane: (word % 4) as u8,
            };
            access(loads, lane, addr, out);
            1
        };
        word += words;
        at += 4 * i64::from(words);
    }
}

/// Whether it is VMRS to the flags.
pub(super) fn reads_flags(insn: Insn) -> bool {
    insn.op == F::VMRS && insn.rt() == 15
}

/// The operation of one operand; none moves.
const fn operation(op: F) -> Option<FloatUnary> {
    Some(match op {
        F::VABS => FloatUnary::Abs,
        F::VNEG => FloatUnary::Neg,
        F::VSQRT => FloatUnary::Sqrt,
        F::VRINTR => FloatUnary::Round(Rounding::Current),
        F::VRINTX => FloatUnary::Round(Rounding::Exact),
        F::VRINTZ => FloatUnary::Round(Rounding::Zero),
        F::VRINTA => FloatUnary::Round(Rounding::Away),
        F::VRINTN => FloatUnary::Round(Rounding::Nearest),
        F::VRINTP => FloatUnary::Round(Rounding::Up),
        F::VRINTM => FloatUnary::Round(Rounding::Down),
        _ => return None,
    })
}

fn three(i: Insn, f: Fp, d: Lane, out: &mut Sink<'_>) {
    let n = taken(sized(f, i.vn(), i.n()), N, out);
    let m = taken(sized(f, i.vm(), i.m()), M, out);
    let simple = match i.op {
        F::VADD => Some(FloatBin::Add),
        F::VSUB => Some(FloatBin::Sub),
        F::VMUL => Some(FloatBin::Mul),
        F::VNMUL => Some(FloatBin::NegMul),
        F::VDIV => Some(FloatBin::Div),
        F::VMAXNM => Some(FloatBin::MaxNum),
        F::VMINNM => Some(FloatBin::MinNum),
        _ => None,
    };
    if let Some(op) = simple {
        float(op, f, RESULT, n, m, out);
        return put(d, RESULT, out);
    }
    let added = taken(d, BETWEEN, out);
    let fused = match i.op {
        F::VFMA => Some((false, false)),
        F::VFMS => Some((true, false)),
        F::VFNMA => Some((true, true)),
        F::VFNMS => Some((false, true)),
        _ => None,
    };
    if let Some((neg_product, neg_addend)) = fused {
        out.push(Op::Vector(VOp::MulAdd {
            neg_product,
            neg_addend,
            f,
            shape: Shape::Scalar,
            d: RESULT,
            a: n,
            b: Arg::Each(m),
            c: added,
        }));
        return put(d, RESULT, out);
    }
    // Rounded twice.
    float(FloatBin::Mul, f, RESULT, n, m, out);
    match i.op {
        F::VMLA => float(FloatBin::Add, f, RESULT, added, RESULT, out),
        F::VMLS => float(FloatBin::Sub, f, RESULT, added, RESULT, out),
        F::VNMLS => float(FloatBin::Sub, f, RESULT, RESULT, added, out),
        _ => {
            unary(FloatUnary::Neg, f, BETWEEN, added, out);
            float(FloatBin::Sub, f, RESULT, BETWEEN, RESULT, out);
        }
    }
    put(d, RESULT, out);
}

fn select(i: Insn, f: Fp, d: Lane, out: &mut Sink<'_>) {
    let cond = match i.op {
        F::VSELEQ => Cond::Eq,
        F::VSELVS => Cond::Vs,
        F::VSELGE => Cond::Ge,
        _ => Cond::Gt,
    };
    let a = taken(sized(f, i.vn(), i.n()), N, out);
    let b = taken(sized(f, i.vm(), i.m()), M, out);
    out.push(Op::Vector(VOp::Select {
        size: d.e,
        d: RESULT,
        a,
        b,
        cond,
    }));
    put(d, RESULT, out);
}

fn compare(i: Insn, f: Fp, d: Lane, out: &mut Sink<'_>) {
    let a = taken(d, N, out);
    let b = if matches!(i.op, F::VCMP_zero | F::VCMPE_zero) {
        Arg::Zero
    } else {
        Arg::Each(taken(sized(f, i.vm(), i.m()), M, out))
    };
    out.push(Op::Vector(VOp::FloatCompareTo {
        signal: matches!(i.op, F::VCMPE | F::VCMPE_zero),
        f,
        d: FLAGS,
        a,
        b,
    }));
}

fn to_integer(i: Insn, f: Fp, out: &mut Sink<'_>) {
    let (how, signed) = match i.op {
        F::VCVTA => (Rounding::Away, i.op7() == 1),
        F::VCVTN => (Rounding::Nearest, i.op7() == 1),
        F::VCVTP => (Rounding::Up, i.op7() == 1),
        F::VCVTM => (Rounding::Down, i.op7() == 1),
        _ => (Rounding::Zero, i.op16() == 1),
    };
    let a = taken(sized(f, i.vm(), i.m()), M, out);
    out.push(Op::Vector(VOp::FloatToInt {
        how,
        signed,
        f,
        w: W,
        d: INT,
        a,
    }));
    from_int(single(i.vd(), i.d()), INT, out);
}

/// Between general registers and those of floating point.
#[allow(clippy::cast_possible_truncation, reason = "fields of four bits")]
fn transfer(i: Insn, out: &mut Sink<'_>) {
    let t = general(i.rt());
    match i.op.class() {
        Class::status => flags(out),
        Class::move_single => {
            let lane = single(i.vn(), i.n());
            if i.op20() == 1 {
                to_int(t, lane, out);
            } else {
                from_int(lane, t, out);
            }
        }
        Class::move_scalar => scalar(i, t, out),
        Class::duplicate => duplicate(i, t, out),
        _ => {
            let (t, t2) = (i.rt() as u8, i.rt2() as u8);
            if i.op == F::VMOV_double {
                let lane = double(i.vm(), i.m());
                if i.op20() == 1 {
                    to_int(INT, lane, out);
                    apart(t, t2, out);
                } else {
                    together(INT, t, t2, out);
                    from_int(lane, INT, out);
                }
                return;
            }
            let n = i.vm() << 1 | i.m();
            let lanes = [n, (n + 1) & 31].map(|n| single(n >> 1, n & 1));
            for (lane, t) in lanes.into_iter().zip([t, t2].map(Reg)) {
                if i.op20() == 1 {
                    to_int(t, lane, out);
                } else {
                    from_int(lane, t, out);
                }
            }
        }
    }
}

/// The flags become FPSCR's. Right behind a comparison they are that one's, once more.
fn flags(out: &mut Sink<'_>) {
    let before = out.last_of_block().copied();
    let Some(Op::Vector(VOp::FloatCompareTo {
        signal,
        f,
        d: FLAGS,
        a,
        b,
    })) = before
    else {
        return out.push(Op::WriteFlags { a: FLAGS });
    };
    out.push(Op::Vector(VOp::FloatCompare { signal, f, a, b }));
}

#[allow(clippy::cast_possible_truncation, reason = "less than 16")]
fn scalar(i: Insn, t: Reg, out: &mut Sink<'_>) {
    let (high, opc2) = (i.opc1() & 1, i.opc2());
    let (e, lane) = if i.opc1() & 2 != 0 {
        (Size::B1, high << 2 | opc2)
    } else if opc2 & 1 != 0 {
        (Size::B2, high << 1 | opc2 >> 1)
    } else {
        (Size::B4, high)
    };
    let of = double(i.vn(), i.n());
    let lane = of.lane * (8 / e.bytes()) + lane as u8;
    if i.op == F::VMOV_general_to_scalar {
        return from_int(Lane { e, lane, ..of }, t, out);
    }
    out.push(Op::Vector(VOp::GetLane {
        e,
        signed: i.u23() == 0 && e != Size::B4,
        w: W,
        d: t,
        a: of.v,
        lane,
    }));
}

fn duplicate(i: Insn, a: Reg, out: &mut Sink<'_>) {
    let e = match i.b22() << 1 | i.e5() {
        0 => Size::B4,
        1 => Size::B2,
        _ => Size::B1,
    };
    let to = double(i.vn(), i.n());
    let whole = i.q21() == 1;
    let d = if whole { to.v } else { RESULT };
    out.push(Op::Vector(VOp::DupInt {
        e,
        half: !whole,
        d,
        a,
    }));
    if !whole {
        put(to, RESULT, out);
    }
}
