//! One operand: two-register miscellaneous. Pairs are `across`'s.

use super::across::long_pairs;
use super::shape::Shape;
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;
use lanes::element::{Element, Saturation, collect, truth};

/// The destination register.
pub(super) fn execute(cpu: &Cpu, sat: &mut Saturation, insn: Insn) -> Option<u128> {
    let shape = Shape::of(insn);
    let [d, n] = [insn.rd(), insn.rn()].map(|register| cpu.v[register as usize]);
    reversed(insn, shape, n)
        .or_else(|| narrow(insn, sat, shape, d, n))
        .or_else(|| long(insn, shape, n))
        .or_else(|| long_pairs(cpu, insn))
        .or_else(|| same(insn, sat, shape, d, n))
}

/// Elements in the reverse order within containers; RBIT's elements are bits
/// and its containers bytes.
fn reversed(insn: Insn, shape: Shape, n: u128) -> Option<u128> {
    let container = match insn.op {
        Op::REV64 => 64,
        Op::REV32_vector => 32,
        Op::REV16_vector => 16,
        Op::RBIT_vector => {
            // Its size isn't that of its elements.
            return collect(8, 8 << insn.q(), |index| {
                let byte = Element::get(n, index, 8).raw() as u8;
                Some(byte.reverse_bits().into())
            });
        }
        _ => return None,
    };
    let in_container = container / shape.bits;
    collect(shape.bits, shape.count, |index| {
        let first = index / in_container * in_container;
        let mirrored = first + in_container - 1 - index % in_container;
        Some(Element::get(n, mirrored, shape.bits).uint())
    })
}

/// Results half as large, extracted or saturated.
fn narrow(insn: Insn, sat: &mut Saturation, shape: Shape, d: u128, n: u128) -> Option<u128> {
    use Op::*;
    if !matches!(
        insn.op,
        XTN | SQXTN | SQXTN_scalar | UQXTN | UQXTN_scalar | SQXTUN | SQXTUN_scalar
    ) {
        return None;
    }
    let half = collect(shape.bits, shape.wide_count(), |index| {
        let x = shape.wide(n, index);
        Some(match insn.op {
            XTN => x.uint(),
            SQXTN | SQXTN_scalar => sat.signed(x.sint(), shape.bits),
            UQXTN | UQXTN_scalar => sat.unsigned(x.uint(), shape.bits),
            _ => sat.unsigned(x.sint(), shape.bits),
        })
    })?;
    Some(shape.half_written(d, half))
}

/// SHLL: results twice as large, shifted by the size of an operand.
fn long(insn: Insn, shape: Shape, n: u128) -> Option<u128> {
    if insn.op != Op::SHLL {
        return None;
    }
    collect(2 * shape.bits, shape.wide_count(), |index| {
        Some(shape.narrow(n, index).uint() << shape.bits)
    })
}

/// Results as large as the operands.
fn same(insn: Insn, sat: &mut Saturation, shape: Shape, d: u128, n: u128) -> Option<u128> {
    let bits = shape.bits;
    collect(bits, shape.count, |index| {
        let (d, x) = (Element::get(d, index, bits), Element::get(n, index, bits));
        count(insn.op, x)
            .or_else(|| with_zero(insn.op, x))
            .or_else(|| signs(insn.op, sat, d, x))
    })
}

/// The counts of bits, and NOT.
fn count(op: Op, x: Element) -> Option<i128> {
    let count = match op {
        Op::CNT => x.raw().count_ones(),
        Op::CLZ_vector => x.leading_zeros(),
        Op::CLS_vector => x.leading_signs(),
        Op::NOT => return Some(!x.uint()),
        _ => return None,
    };
    Some(count.into())
}

/// The comparisons with zero.
fn with_zero(op: Op, x: Element) -> Option<i128> {
    use Op::*;
    Some(truth(match op {
        CMGT_zero | CMGT_zero_scalar => x.sint() > 0,
        CMGE_zero | CMGE_zero_scalar => x.sint() >= 0,
        CMEQ_zero | CMEQ_zero_scalar => x.sint() == 0,
        CMLE_zero | CMLE_zero_scalar => x.sint() <= 0,
        CMLT_zero | CMLT_zero_scalar => x.sint() < 0,
        _ => return None,
    }))
}

/// Absolute values, negation, and the sums of a signed and an unsigned element.
fn signs(op: Op, sat: &mut Saturation, d: Element, x: Element) -> Option<i128> {
    use Op::*;
    Some(match op {
        ABS | ABS_scalar => x.sint().abs(),
        NEG_vector | NEG_vector_scalar => -x.sint(),
        SQABS | SQABS_scalar => sat.signed(x.sint().abs(), x.bits()),
        SQNEG | SQNEG_scalar => sat.signed(-x.sint(), x.bits()),
        SUQADD | SUQADD_scalar => sat.signed(d.sint() + x.uint(), x.bits()),
        USQADD | USQADD_scalar => sat.unsigned(d.uint() + x.sint(), x.bits()),
        _ => return None,
    })
}
