//! Shifts by a constant.

use lanes::element::{Element, Saturation, collect};
use lanes::shift::right;

use super::registers::{Vector, d, is_quad, m};
use super::same::{saturated, value};
use crate::cpu::Cpu;
use crate::decode::simd::{Insn, Op};

/// The size of the elements, of two the smaller, by the highest bit of L:imm6; and that number.
fn size(i: Insn) -> (u32, u32) {
    let number = i.l() << 6 | i.imm6();
    (8 << (number.checked_ilog2().unwrap_or(3) - 3), number)
}

/// Executes one, but for the conversions of fixed point.
pub(super) fn execute(cpu: &Cpu, sat: &mut Saturation, i: Insn) -> Option<(Vector, u128)> {
    match i.op {
        Op::VSHLL => Some(long(cpu, i)),
        Op::VSHRN | Op::VRSHRN | Op::VQSHRUN | Op::VQRSHRUN | Op::VQSHRN | Op::VQRSHRN => {
            Some(narrow(cpu, sat, i))
        }
        _ => same(cpu, sat, i),
    }
}

/// Those whose results are as large as their operands.
fn same(cpu: &Cpu, sat: &mut Saturation, i: Insn) -> Option<(Vector, u128)> {
    let (to, (bits, number)) = (Vector::of(d(i), is_quad(i)), size(i));
    let [old, x] = [to, Vector::of(m(i), is_quad(i))].map(|v| v.read(cpu));
    let result = collect(bits, to.count(bits), |index| {
        let [d, x] = [old, x].map(|v| Element::get(v, index, bits));
        to_the_right(i, 2 * bits - number, d, x)
            .or_else(|| to_the_left(i, sat, number - bits, (d, x)))
    })?;
    Some((to, result))
}

fn to_the_right(i: Insn, distance: u32, d: Element, x: Element) -> Option<i128> {
    let sx = value(i.u() == 1, x);
    Some(match i.op {
        Op::VSHR => right(sx, distance, false),
        Op::VRSHR => right(sx, distance, true),
        Op::VSRA => d.uint() + right(sx, distance, false),
        Op::VRSRA => d.uint() + right(sx, distance, true),
        Op::VSRI => {
            let inserted = ((1 << x.bits()) - 1) >> distance;
            d.uint() & !inserted | right(x.uint(), distance, false)
        }
        _ => return None,
    })
}

fn to_the_left(
    i: Insn,
    sat: &mut Saturation,
    distance: u32,
    (d, x): (Element, Element),
) -> Option<i128> {
    let (unsigned, bits) = (i.u() == 1, x.bits());
    Some(match i.op {
        Op::VSHL_immediate => x.uint() << distance,
        Op::VSLI => {
            let kept = (1 << distance) - 1;
            d.uint() & kept | x.uint() << distance
        }
        Op::VQSHL_immediate => saturated(sat, unsigned, value(unsigned, x) << distance, bits),
        Op::VQSHLU_immediate => sat.unsigned(x.sint() << distance, bits),
        _ => return None,
    })
}

/// VSHLL and, by nothing, VMOVL: results twice as large.
fn long(cpu: &Cpu, i: Insn) -> (Vector, u128) {
    let (bits, number) = size(i);
    let x = Vector::double(m(i)).read(cpu);
    let result = collect(2 * bits, 64 / bits, |index| {
        let x = value(i.u() == 1, Element::get(x, index, bits));
        Some(x << (number - bits))
    });
    (Vector::quad(d(i)), result.unwrap_or(0))
}

/// Those whose results are half as large.
fn narrow(cpu: &Cpu, sat: &mut Saturation, i: Insn) -> (Vector, u128) {
    let (bits, number) = size(i);
    let x = Vector::quad(m(i)).read(cpu);
    let rounded = matches!(i.op, Op::VRSHRN | Op::VQRSHRUN | Op::VQRSHRN);
    let unsigned = i.u() == 1;
    let result = collect(bits, 64 / bits, |index| {
        let x = Element::get(x, index, 2 * bits);
        let moved = |x| right(x, 2 * bits - number, rounded);
        Some(match i.op {
            Op::VSHRN | Op::VRSHRN => moved(x.uint()),
            Op::VQSHRUN | Op::VQRSHRUN => sat.unsigned(moved(x.sint()), bits),
            _ => saturated(sat, unsigned, moved(value(unsigned, x)), bits),
        })
    });
    (Vector::double(d(i)), result.unwrap_or(0))
}
