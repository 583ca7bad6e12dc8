//! Lifting of Advanced SIMD: a [`Plan`] for each instruction, made by a file for each kind of
//! instruction, and one way from a plan to operations.
//!
//! Where a host has no code for an operation, as for additions of words that saturate, the interpreter does the
//! whole instruction. It wants IT as it is ([`Of::is_plain_simd`]).
//!
//! Q registers are vector slots. A D register is the half of one: as an operand the upper half is
//! moved down to scratch, as a result it is computed in scratch and put in its place.

mod float;
mod permute;
mod same;
mod shift;
pub(super) mod structures;
mod two;
mod wide;

use core::iter;

use super::Of;
use crate::decode::simd::{Class, Insn};
use ir::form::Sink;
use ir::vector::{Lanes, Narrow, Unary, VOp, Wide};
use ir::{Op, Size, VReg};
use permute::{exchange, exchanges, table, table_plan};

/// Where operands and results are computed.
const D: VReg = VReg(20);
const N: VReg = VReg(21);
const M: VReg = VReg(22);
const OTHER: VReg = VReg(23);
/// Where a table is put together: this slot, and the one behind it.
const TABLE: VReg = VReg(16);

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
    /// What comes behind it.
    more: [Option<VOp>; 3],
    d: Vector,
    /// Whether what it had counts.
    reads_d: bool,
    n: Option<Vector>,
    m: Option<Vector>,
}

impl Of {
    /// Whether it is left to the interpreter.
    pub(super) fn leaves_simd(&self, i: Insn) -> bool {
        self.plan(i).is_none() && !exchanges(i)
    }

    fn plan(&self, i: Insn) -> Option<Plan> {
        plan(i).or_else(|| float::float(self, i))
    }

    /// Whether the interpreter never does it in the middle of translated code.
    pub(super) fn is_plain_simd(&self, i: Insn) -> bool {
        let left = self.plan(i).is_some_and(|plan| match plan.op {
            op if op.meets_denormals() => true,
            VOp::LanesToFloat { .. } => true,
            VOp::Lanes { op, .. } => matches!(
                op,
                Lanes::Sqadd
                    | Lanes::Uqadd
                    | Lanes::Sqsub
                    | Lanes::Uqsub
                    | Lanes::Sqdmulh
                    | Lanes::Sqrdmulh
                    | Lanes::Sshl
                    | Lanes::Ushl
            ),
            VOp::Narrow { op, .. } => !matches!(op, Narrow::Truncate | Narrow::Round),
            VOp::Unary { op, .. } => op == Unary::Clz,
            VOp::Wide { op, .. } => op == Wide::Pmull,
            VOp::Crypto { .. } => true,
            _ => false,
        });
        !left
    }

    pub(super) fn simd(&self, i: Insn, out: &mut Sink<'_>) {
        if exchanges(i) {
            return exchange(i, out);
        }
        let Some(plan) = self.plan(i) else { return };
        if plan.op.meets_denormals() {
            out.flush();
        }
        for (operand, scratch) in [(plan.n, N), (plan.m, M)] {
            if let Some(operand) = operand {
                taken(operand, scratch, out);
            }
        }
        if plan.reads_d && !plan.d.quad {
            down(plan.d, D, out);
        }
        if i.op.class() == Class::table {
            table(i, out);
        }
        for op in iter::once(plan.op).chain(plan.more.into_iter().flatten()) {
            out.push(Op::Vector(op));
        }
        if !plan.d.quad {
            put(plan.d, D, out);
        }
    }
}

/// d = a D register, zero above.
fn down(from: Vector, d: VReg, out: &mut Sink<'_>) {
    out.push(Op::Vector(VOp::Lane {
        e: Size::B8,
        d,
        a: from.whole(),
        lane: from.half(),
    }));
}

/// The slot that has a register as an operand, into which it is brought.
fn taken(from: Vector, scratch: VReg, out: &mut Sink<'_>) -> VReg {
    let slot = from.source(scratch);
    if slot == scratch {
        down(from, scratch, out);
    }
    slot
}

/// A D register = the low half of a slot.
fn put(to: Vector, a: VReg, out: &mut Sink<'_>) {
    out.push(Op::Vector(VOp::InsertLane {
        e: Size::B8,
        d: to.whole(),
        to: to.half(),
        a,
        from: 0,
    }));
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
        Class::three_same => same::three_same(i),
        Class::modified_immediate => Some(shift::immediate(i)),
        Class::shift_immediate => shift::shift(i),
        Class::three_different => wide::different(i),
        Class::scalar => wide::scalar(i),
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
        Class::duplicate => Some(two::duplicate(i)),
        Class::two_register => two::two(i),
        Class::table => table_plan(i),
        Class::dot => same::dot(i),
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
        more: [None; 3],
        d,
        reads_d,
        n: Some(n),
        m: Some(m),
    }
}

const fn of_one(op: VOp, d: Vector, m: Vector) -> Plan {
    Plan {
        op,
        more: [None; 3],
        d,
        reads_d: false,
        n: None,
        m: Some(m),
    }
}
