//! Shifts: by an element of a register, and by an immediate.

use super::shape::Shape;
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;
use lanes::element::{Element, Saturation, collect};
use lanes::shift::{right, shifted};

/// By the signed low byte of `y`: to the left, or to the right when it is
/// negative.
pub(super) fn by_register(op: Op, sat: &mut Saturation, x: Element, y: Element) -> Option<i128> {
    use Op::*;
    let (bits, by) = (x.bits(), i32::from(y.raw() as i8));
    Some(match op {
        SSHL | SSHL_scalar => shifted(x.sint(), by, false),
        USHL | USHL_scalar => shifted(x.uint(), by, false),
        SRSHL | SRSHL_scalar => shifted(x.sint(), by, true),
        URSHL | URSHL_scalar => shifted(x.uint(), by, true),
        SQSHL_register | SQSHL_register_scalar => sat.signed(shifted(x.sint(), by, false), bits),
        UQSHL_register | UQSHL_register_scalar => sat.unsigned(shifted(x.uint(), by, false), bits),
        SQRSHL | SQRSHL_scalar => sat.signed(shifted(x.sint(), by, true), bits),
        UQRSHL | UQRSHL_scalar => sat.unsigned(shifted(x.uint(), by, true), bits),
        _ => return None,
    })
}

/// How far to the right `immh:immb` means, for elements of `bits`.
const fn right_distance(insn: Insn, bits: u32) -> u32 {
    2 * bits - insn.immhb()
}

/// How far to the left.
const fn left_distance(insn: Insn, bits: u32) -> u32 {
    insn.immhb() - bits
}

/// Shift by immediate: the destination register.
pub(super) fn by_immediate(cpu: &Cpu, sat: &mut Saturation, insn: Insn) -> Option<u128> {
    let shape = Shape::of(insn);
    let [d, n] = [insn.rd(), insn.rn()].map(|register| cpu.v[register as usize]);
    same(insn, sat, shape, d, n)
        .or_else(|| long(insn, shape, n))
        .or_else(|| narrow(insn, sat, shape, d, n))
}

/// Those whose results are as large as their operands.
fn same(insn: Insn, sat: &mut Saturation, shape: Shape, d: u128, n: u128) -> Option<u128> {
    let bits = shape.bits;
    collect(bits, shape.count, |index| {
        let (d, x) = (Element::get(d, index, bits), Element::get(n, index, bits));
        to_the_right(insn, d, x).or_else(|| to_the_left(insn, sat, d, x))
    })
}

fn to_the_right(insn: Insn, d: Element, x: Element) -> Option<i128> {
    use Op::*;
    let distance = right_distance(insn, x.bits());
    Some(match insn.op {
        SSHR | SSHR_scalar => right(x.sint(), distance, false),
        USHR | USHR_scalar => right(x.uint(), distance, false),
        SRSHR | SRSHR_scalar => right(x.sint(), distance, true),
        URSHR | URSHR_scalar => right(x.uint(), distance, true),
        SSRA | SSRA_scalar => d.uint() + right(x.sint(), distance, false),
        USRA | USRA_scalar => d.uint() + right(x.uint(), distance, false),
        SRSRA | SRSRA_scalar => d.uint() + right(x.sint(), distance, true),
        URSRA | URSRA_scalar => d.uint() + right(x.uint(), distance, true),
        SRI | SRI_scalar => {
            let inserted = ((1 << x.bits()) - 1) >> distance;
            d.uint() & !inserted | right(x.uint(), distance, false)
        }
        _ => return None,
    })
}

fn to_the_left(insn: Insn, sat: &mut Saturation, d: Element, x: Element) -> Option<i128> {
    use Op::*;
    let (bits, distance) = (x.bits(), left_distance(insn, x.bits()));
    Some(match insn.op {
        SHL | SHL_scalar => x.uint() << distance,
        SLI | SLI_scalar => {
            let kept = (1 << distance) - 1;
            d.uint() & kept | x.uint() << distance
        }
        SQSHL_immediate | SQSHL_immediate_scalar => sat.signed(x.sint() << distance, bits),
        UQSHL_immediate | UQSHL_immediate_scalar => sat.unsigned(x.uint() << distance, bits),
        SQSHLU | SQSHLU_scalar => sat.unsigned(x.sint() << distance, bits),
        _ => return None,
    })
}

/// Those whose results are twice as large.
fn long(insn: Insn, shape: Shape, n: u128) -> Option<u128> {
    let (bits, op) = (shape.bits, insn.op);
    if !matches!(op, Op::SSHLL | Op::USHLL) {
        return None;
    }
    collect(2 * bits, shape.wide_count(), |index| {
        let x = shape.narrow(n, index);
        let value = if op == Op::SSHLL { x.sint() } else { x.uint() };
        Some(value << left_distance(insn, bits))
    })
}

/// Those whose results are half as large.
fn narrow(insn: Insn, sat: &mut Saturation, shape: Shape, d: u128, n: u128) -> Option<u128> {
    use Op::*;
    let (bits, rounded) = (shape.bits, rounds(insn.op)?);
    let distance = right_distance(insn, bits);
    let half = collect(bits, shape.wide_count(), |index| {
        let x = shape.wide(n, index);
        Some(match insn.op {
            SHRN | RSHRN => right(x.uint(), distance, rounded),
            SQSHRN | SQSHRN_scalar | SQRSHRN | SQRSHRN_scalar => {
                sat.signed(right(x.sint(), distance, rounded), bits)
            }
            UQSHRN | UQSHRN_scalar | UQRSHRN | UQRSHRN_scalar => {
                sat.unsigned(right(x.uint(), distance, rounded), bits)
            }
            _ => sat.unsigned(right(x.sint(), distance, rounded), bits),
        })
    })?;
    Some(shape.half_written(d, half))
}

/// Whether a narrowing shift rounds; `None` for all other instructions.
fn rounds(op: Op) -> Option<bool> {
    use Op::*;
    Some(match op {
        SHRN | SQSHRN | SQSHRN_scalar | UQSHRN | UQSHRN_scalar | SQSHRUN | SQSHRUN_scalar => false,
        RSHRN | SQRSHRN | SQRSHRN_scalar | UQRSHRN | UQRSHRN_scalar | SQRSHRUN
        | SQRSHRUN_scalar => true,
        _ => return None,
    })
}
