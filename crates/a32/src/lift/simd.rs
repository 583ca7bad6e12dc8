//! Advanced SIMD on integers: what neither saturates nor accesses memory. All else is the
//! interpreter's: saturation tells FPSCR of it, and floating point has modes of its own here.
//!
//! So is what a host may have no code for (VSHL by a register, VCLZ, polynomial products): the host calls the
//! interpreter for the whole instruction then, which wants IT as it is, and no other operation behind it.
//!
//! Q registers are vector slots. A D register is the half of one: as an operand the upper half is
//! moved down to scratch, as a result it is computed in scratch and put in its place.

use super::Of;
use crate::decode::simd::{Class, Insn, Op as S};
use ir::form::Sink;
use ir::vector::{Accumulate, Arg, Lanes, Narrow, ShiftLanes, Unary, VOp, Wide};
use ir::{Op, Size, VReg};

/// Where operands and results are computed.
const D: VReg = VReg(20);
const N: VReg = VReg(21);
const M: VReg = VReg(22);

/// A D register, or the Q register that it begins.
#[derive(Clone, Copy, Debug)]
struct Vector {
    number: u32,
    quad: bool,
}

#[allow(clippy::cast_possible_truncation, reason = "less than 32")]
impl Vector {
    const fn new(number: u32, quad: bool) -> Self {
        Self {
            number: number & 31,
            quad,
        }
    }

    /// The slot that it is in, or a part of.
    const fn whole(self) -> VReg {
        VReg((self.number / 2) as u8)
    }

    /// Its half of the slot.
    const fn half(self) -> u8 {
        (self.number % 2) as u8
    }

    /// The slot that has it as an operand, in the low half if it is a D register.
    const fn source(self, scratch: VReg) -> VReg {
        if self.quad || self.half() == 0 {
            self.whole()
        } else {
            scratch
        }
    }

    /// The slot that it is computed in.
    const fn target(self) -> VReg {
        if self.quad { self.whole() } else { D }
    }
}

/// The operation of an instruction, and its registers.
#[derive(Clone, Copy, Debug)]
struct Plan {
    op: VOp,
    d: Vector,
    /// Whether what it had counts.
    reads_d: bool,
    n: Option<Vector>,
    m: Option<Vector>,
}

impl Of {
    /// Whether it is left to the interpreter.
    pub(super) fn leaves_simd(i: Insn) -> bool {
        plan(i).is_none() && exchange(i).is_none()
    }

    pub(super) fn simd(i: Insn, out: &mut Sink<'_>) {
        if let Some([first, second]) = exchange(i) {
            out.push(Op::Vector(first));
            out.push(Op::Vector(second));
            out.push(Op::Vector(VOp::Mov {
                half: false,
                d: Vector::new(number(i.d(), i.vd()), true).whole(),
                a: D,
            }));
            return;
        }
        let Some(plan) = plan(i) else { return };
        let mut down = |from: Vector, d: VReg| {
            out.push(Op::Vector(VOp::Lane {
                e: Size::B8,
                d,
                a: from.whole(),
                lane: from.half(),
            }));
        };
        for (operand, scratch) in [(plan.n, N), (plan.m, M)] {
            if let Some(operand) = operand
                && operand.source(scratch) == scratch
            {
                down(operand, scratch);
            }
        }
        if plan.reads_d && !plan.d.quad {
            down(plan.d, D);
        }
        out.push(Op::Vector(plan.op));
        if !plan.d.quad {
            out.push(Op::Vector(VOp::InsertLane {
                e: Size::B8,
                d: plan.d.whole(),
                to: plan.d.half(),
                a: D,
                from: 0,
            }));
        }
    }
}

const fn number(one: u32, four: u32) -> u32 {
    one << 4 | four
}

/// The size of lanes by its logarithm.
const fn size(log2: u32) -> Size {
    match log2 {
        0 => Size::B1,
        1 => Size::B2,
        2 => Size::B4,
        _ => Size::B8,
    }
}

fn plan(i: Insn) -> Option<Plan> {
    match i.op.class() {
        Class::three_same => three_same(i),
        Class::modified_immediate => Some(immediate(i)),
        Class::shift_immediate => shift(i),
        Class::three_different => different(i),
        Class::scalar => scalar(i),
        Class::extract => {
            let [d, n, m] = registers(i, i.q() == 1);
            let op = VOp::Extract {
                half: !d.quad,
                d: d.target(),
                a: n.source(N),
                b: m.source(M),
                by: low(i.imm4e()),
            };
            Some(of_three(op, [d, n, m], false))
        }
        Class::duplicate => Some(duplicate(i)),
        Class::two_register => two(i),
        _ => None,
    }
}

#[allow(clippy::cast_possible_truncation, reason = "small fields")]
const fn low(field: u32) -> u8 {
    field as u8
}

/// D:Vd, N:Vn and M:Vm.
const fn registers(i: Insn, quad: bool) -> [Vector; 3] {
    [
        Vector::new(number(i.d(), i.vd()), quad),
        Vector::new(number(i.n(), i.vn()), quad),
        Vector::new(number(i.m(), i.vm()), quad),
    ]
}

const fn of_three(op: VOp, [d, n, m]: [Vector; 3], reads_d: bool) -> Plan {
    Plan {
        op,
        d,
        reads_d,
        n: Some(n),
        m: Some(m),
    }
}

fn three_same(i: Insn) -> Option<Plan> {
    let [d, n, m] = registers(i, i.q() == 1);
    let (a, b) = (n.source(N), Arg::Each(m.source(M)));
    let (half, target) = (!d.quad, d.target());
    if let Some((op, e)) = accumulate(i) {
        let op = VOp::Accumulate {
            op,
            e,
            half,
            d: target,
            a,
            b,
        };
        return Some(of_three(op, [d, n, m], true));
    }
    let (op, e) = logic(i.op)
        .map(|op| (op, Size::B8))
        .or_else(|| Some((arithmetic(i)?, size(i.size()))))?;
    let op = VOp::Lanes {
        op,
        e,
        half,
        d: target,
        a,
        b,
    };
    Some(of_three(op, [d, n, m], false))
}

const fn logic(op: S) -> Option<Lanes> {
    Some(match op {
        S::VAND_register => Lanes::And,
        S::VBIC_register => Lanes::AndNot,
        S::VORR_register => Lanes::Or,
        S::VORN_register => Lanes::OrNot,
        S::VEOR => Lanes::Xor,
        _ => return None,
    })
}

const fn accumulate(i: Insn) -> Option<(Accumulate, Size)> {
    let op = match i.op {
        S::VBSL => return Some((Accumulate::Bsl, Size::B8)),
        S::VBIT => return Some((Accumulate::Bit, Size::B8)),
        S::VBIF => return Some((Accumulate::Bif, Size::B8)),
        S::VMLA_integer => Accumulate::Mla,
        S::VMLS_integer => Accumulate::Mls,
        S::VABA if i.u() == 1 => Accumulate::Uaba,
        S::VABA => Accumulate::Saba,
        _ => return None,
    };
    Some((op, size(i.size())))
}

const fn arithmetic(i: Insn) -> Option<Lanes> {
    let unsigned = i.u() == 1;
    Some(match (i.op, unsigned) {
        (S::VADD_integer, _) => Lanes::Add,
        (S::VSUB_integer, _) => Lanes::Sub,
        (S::VMUL_integer, _) => Lanes::Mul,
        (S::VTST, _) => Lanes::Test,
        (S::VCEQ_register, _) => Lanes::Eq,
        (S::VCGT_register, false) => Lanes::Gt,
        (S::VCGT_register, true) => Lanes::Hi,
        (S::VCGE_register, false) => Lanes::Ge,
        (S::VCGE_register, true) => Lanes::Hs,
        (S::VMAX_integer, false) => Lanes::Smax,
        (S::VMAX_integer, true) => Lanes::Umax,
        (S::VMIN_integer, false) => Lanes::Smin,
        (S::VMIN_integer, true) => Lanes::Umin,
        (S::VABD_integer, false) => Lanes::Sabd,
        (S::VABD_integer, true) => Lanes::Uabd,
        (S::VHADD, false) => Lanes::Shadd,
        (S::VHADD, true) => Lanes::Uhadd,
        (S::VRHADD, false) => Lanes::Srhadd,
        (S::VRHADD, true) => Lanes::Urhadd,
        (S::VHSUB, false) => Lanes::Shsub,
        (S::VHSUB, true) => Lanes::Uhsub,
        (S::VPADD_integer, _) => Lanes::Addp,
        (S::VPMAX_integer, false) => Lanes::Smaxp,
        (S::VPMAX_integer, true) => Lanes::Umaxp,
        (S::VPMIN_integer, false) => Lanes::Sminp,
        (S::VPMIN_integer, true) => Lanes::Uminp,
        _ => return None,
    })
}

fn immediate(i: Insn) -> Plan {
    let d = Vector::new(number(i.d(), i.vd()), i.q() == 1);
    let constant = crate::interp::simd_constant(i);
    let change = |op, value| VOp::Lanes {
        op,
        e: Size::B8,
        half: !d.quad,
        d: d.target(),
        a: d.target(),
        b: Arg::Const(value),
    };
    let (op, reads_d) = match i.op {
        S::VORR_imm16 | S::VORR_imm32 => (change(Lanes::Or, constant), true),
        S::VBIC_imm16 | S::VBIC_imm32 => (change(Lanes::And, !constant), true),
        _ => {
            let not = matches!(i.op, S::VMVN_imm16 | S::VMVN_imm32 | S::VMVN_ones);
            let value = u128::from(if not { !constant } else { constant });
            let value = if d.quad { value << 64 | value } else { value };
            let d = d.target();
            (VOp::Imm { d, value }, false)
        }
    };
    Plan {
        op,
        d,
        reads_d,
        n: None,
        m: None,
    }
}

fn shift(i: Insn) -> Option<Plan> {
    let number_of_size = i.l() << 6 | i.imm6();
    let log2 = number_of_size.checked_ilog2()?.checked_sub(3)?;
    let (e, bits) = (size(log2), 8 << log2);
    let (left, right) = (low(number_of_size - bits), low(2 * bits - number_of_size));
    let [d, _, m] = registers(i, i.q() == 1);
    let narrows = |op, m: Vector, d: Vector| VOp::Narrow {
        op,
        e,
        high: false,
        d: d.target(),
        a: m.whole(),
        by: right,
    };
    let (op, d, m) = match i.op {
        S::VSHRN | S::VRSHRN => {
            let (d, m) = (Vector::new(d.number, false), Vector::new(m.number, true));
            let op = match i.op {
                S::VSHRN => Narrow::Truncate,
                _ => Narrow::Round,
            };
            (narrows(op, m, d), d, m)
        }
        S::VSHLL => {
            let (d, m) = (Vector::new(d.number, true), Vector::new(m.number, false));
            let op = VOp::Long {
                signed: i.u() == 0,
                e,
                high: false,
                d: d.whole(),
                a: m.source(M),
                by: left,
            };
            (op, d, m)
        }
        _ => {
            let (op, by) = shift_of(i, left, right)?;
            let op = VOp::Shift {
                op,
                e,
                half: !d.quad,
                d: d.target(),
                a: m.source(M),
                by,
            };
            (op, d, m)
        }
    };
    let reads_d = matches!(i.op, S::VSRA | S::VRSRA | S::VSRI | S::VSLI);
    Some(Plan {
        op,
        d,
        reads_d,
        n: None,
        m: Some(m),
    })
}

const fn shift_of(i: Insn, left: u8, right: u8) -> Option<(ShiftLanes, u8)> {
    use ShiftLanes as L;
    let op = match (i.op, i.u()) {
        (S::VSHL_immediate, _) => return Some((L::Shl, left)),
        (S::VSLI, _) => return Some((L::Sli, left)),
        (S::VSRI, _) => L::Sri,
        (S::VSHR, 0) => L::Sshr,
        (S::VSHR, _) => L::Ushr,
        (S::VRSHR, 0) => L::Srshr,
        (S::VRSHR, _) => L::Urshr,
        (S::VSRA, 0) => L::Ssra,
        (S::VSRA, _) => L::Usra,
        (S::VRSRA, 0) => L::Srsra,
        (S::VRSRA, _) => L::Ursra,
        _ => return None,
    };
    Some((op, right))
}

fn different(i: Insn) -> Option<Plan> {
    let [d, n, m] = registers(i, false);
    let e = size(i.size());
    if let S::VADDHN | S::VRADDHN | S::VSUBHN | S::VRSUBHN = i.op {
        let [n, m] = [n, m].map(|v| Vector::new(v.number, true));
        let op = VOp::NarrowSum {
            sub: matches!(i.op, S::VSUBHN | S::VRSUBHN),
            round: matches!(i.op, S::VRADDHN | S::VRSUBHN),
            e,
            high: false,
            d: d.target(),
            a: n.whole(),
            b: m.whole(),
        };
        return Some(of_three(op, [d, n, m], false));
    }
    let op = wide(i)?;
    let d = Vector::new(d.number, true);
    let n = Vector::new(n.number, matches!(i.op, S::VADDW | S::VSUBW));
    let op = VOp::Wide {
        op,
        e,
        high: false,
        d: d.whole(),
        a: n.source(N),
        b: Arg::Each(m.source(M)),
    };
    Some(of_three(op, [d, n, m], true))
}

/// The operations with results twice as large, with a scalar too.
const fn wide(i: Insn) -> Option<Wide> {
    let unsigned = i.u() == 1;
    Some(match (i.op, unsigned) {
        (S::VADDL, false) => Wide::Saddl,
        (S::VADDL, true) => Wide::Uaddl,
        (S::VSUBL, false) => Wide::Ssubl,
        (S::VSUBL, true) => Wide::Usubl,
        (S::VADDW, false) => Wide::Saddw,
        (S::VADDW, true) => Wide::Uaddw,
        (S::VSUBW, false) => Wide::Ssubw,
        (S::VSUBW, true) => Wide::Usubw,
        (S::VABDL, false) => Wide::Sabdl,
        (S::VABDL, true) => Wide::Uabdl,
        (S::VABAL, false) => Wide::Sabal,
        (S::VABAL, true) => Wide::Uabal,
        (S::VMULL_integer | S::VMULL_scalar, false) => Wide::Smull,
        (S::VMULL_integer | S::VMULL_scalar, true) => Wide::Umull,
        (S::VMLAL_integer | S::VMLAL_scalar, false) => Wide::Smlal,
        (S::VMLAL_integer | S::VMLAL_scalar, true) => Wide::Umlal,
        (S::VMLSL_integer | S::VMLSL_scalar, false) => Wide::Smlsl,
        (S::VMLSL_integer | S::VMLSL_scalar, true) => Wide::Umlsl,
        _ => return None,
    })
}

fn scalar(i: Insn) -> Option<Plan> {
    let e = size(i.size());
    // Halfwords are among D0 to D7, words among D0 to D15.
    let (register, index) = if e == Size::B2 {
        (i.vm() & 7, number(i.m(), i.vm()) >> 3)
    } else {
        (i.vm(), i.m())
    };
    let lane = low((register % 2) * (8 >> i.size()) + index);
    let b = Arg::Lane(Vector::new(register, true).whole(), lane);
    let quad = i.q24() == 1;
    let [d, n, _] = registers(i, quad);
    let (half, target, a) = (!d.quad, d.target(), n.source(N));
    let accumulates = |op| VOp::Accumulate {
        op,
        e,
        half,
        d: target,
        a,
        b,
    };
    let (op, d, n) = match i.op {
        S::VMUL_scalar => {
            let op = VOp::Lanes {
                op: Lanes::Mul,
                e,
                half,
                d: target,
                a,
                b,
            };
            (op, d, n)
        }
        S::VMLA_scalar => (accumulates(Accumulate::Mla), d, n),
        S::VMLS_scalar => (accumulates(Accumulate::Mls), d, n),
        _ => {
            let (d, n) = (Vector::new(d.number, true), Vector::new(n.number, false));
            let op = VOp::Wide {
                op: wide(i)?,
                e,
                high: false,
                d: d.whole(),
                a: n.source(N),
                b,
            };
            (op, d, n)
        }
    };
    Some(Plan {
        op,
        d,
        reads_d: true,
        n: Some(n),
        m: None,
    })
}

fn duplicate(i: Insn) -> Plan {
    let log2 = i.imm4d().trailing_zeros().min(2);
    let [d, _, m] = registers(i, i.q() == 1);
    let lane = low(u32::from(m.half()) * (8 >> log2) + (i.imm4d() >> (log2 + 1)));
    let op = VOp::Dup {
        e: size(log2),
        half: !d.quad,
        d: d.target(),
        a: m.whole(),
        lane,
    };
    Plan {
        op,
        d,
        reads_d: false,
        n: None,
        m: None,
    }
}

fn two(i: Insn) -> Option<Plan> {
    let e = size(i.size18());
    let [d, _, m] = registers(i, i.q() == 1);
    let (half, target, a) = (!d.quad, d.target(), m.source(M));
    if i.op == S::VMOVN {
        let (d, m) = (Vector::new(d.number, false), Vector::new(m.number, true));
        let op = VOp::Narrow {
            op: Narrow::Truncate,
            e,
            high: false,
            d: d.target(),
            a: m.whole(),
            by: 0,
        };
        return Some(Plan {
            op,
            d,
            reads_d: false,
            n: None,
            m: Some(m),
        });
    }
    let op = if let Some(op) = unary(i) {
        VOp::Unary {
            op,
            e,
            half,
            d: target,
            a,
        }
    } else {
        VOp::Lanes {
            op: with_zero(i)?,
            e,
            half,
            d: target,
            a,
            b: Arg::Zero,
        }
    };
    Some(Plan {
        op,
        d,
        reads_d: i.op == S::VPADAL,
        n: None,
        m: Some(m),
    })
}

const fn unary(i: Insn) -> Option<Unary> {
    Some(match (i.op, i.op7()) {
        (S::VREV16, _) => Unary::Rev16,
        (S::VREV32, _) => Unary::Rev32,
        (S::VREV64, _) => Unary::Rev64,
        (S::VCNT, _) => Unary::Cnt,
        (S::VMVN_register, _) => Unary::Not,
        (S::VPADDL, 0) => Unary::Saddlp,
        (S::VPADDL, _) => Unary::Uaddlp,
        (S::VPADAL, 0) => Unary::Sadalp,
        (S::VPADAL, _) => Unary::Uadalp,
        (S::VABS, _) if i.f10() == 0 => Unary::Abs,
        (S::VNEG, _) if i.f10() == 0 => Unary::Neg,
        _ => return None,
    })
}

const fn with_zero(i: Insn) -> Option<Lanes> {
    if i.f10() == 1 {
        return None;
    }
    Some(match i.op {
        S::VCGT_zero => Lanes::Gt,
        S::VCGE_zero => Lanes::Ge,
        S::VCEQ_zero => Lanes::Eq,
        S::VCLE_zero => Lanes::Le,
        S::VCLT_zero => Lanes::Lt,
        _ => return None,
    })
}

/// VZIP, VUZP, VTRN and VSWP of Q registers: the first's result in scratch, the second's in its place.
fn exchange(i: Insn) -> Option<[VOp; 2]> {
    let [d, _, m] = registers(i, true);
    if i.q() == 0 || d.whole() == m.whole() {
        return None;
    }
    let (first, second) = match i.op {
        S::VZIP => (Lanes::Zip1, Lanes::Zip2),
        S::VUZP => (Lanes::Uzp1, Lanes::Uzp2),
        S::VTRN => (Lanes::Trn1, Lanes::Trn2),
        S::VSWP => {
            let mov = |d, a| VOp::Mov { half: false, d, a };
            return Some([mov(D, m.whole()), mov(m.whole(), d.whole())]);
        }
        _ => return None,
    };
    let lanes = |op, to| VOp::Lanes {
        op,
        e: size(i.size18()),
        half: false,
        d: to,
        a: d.whole(),
        b: Arg::Each(m.whole()),
    };
    Some([lanes(first, D), lanes(second, m.whole())])
}
