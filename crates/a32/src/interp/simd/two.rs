//! One vector of integers: counts, signs, comparisons with zero, pairs, narrowing.

use lanes::element::{Element, Saturation, collect, truth};

use super::registers::{Vector, d, is_quad, m};
use super::same::value;
use crate::cpu::Cpu;
use crate::decode::simd::{Insn, Op};

/// Executes one.
pub(super) fn execute(cpu: &Cpu, sat: &mut Saturation, i: Insn) -> Option<(Vector, u128)> {
    let bits = 8 << i.size18();
    match i.op {
        Op::VPADDL | Op::VPADAL => pairs(cpu, i, bits),
        Op::VMOVN | Op::VQMOVUN | Op::VQMOVN => narrow(cpu, sat, i, bits),
        Op::VSHLL_maximum => {
            let x = Vector::double(m(i)).read(cpu);
            let result = collect(2 * bits, 64 / bits, |index| {
                Some(Element::get(x, index, bits).uint() << bits)
            })?;
            Some((Vector::quad(d(i)), result))
        }
        _ => {
            let to = Vector::of(d(i), is_quad(i));
            let x = Vector::of(m(i), is_quad(i)).read(cpu);
            let result = collect(bits, to.count(bits), |index| {
                let x = Element::get(x, index, bits);
                count(i.op, x)
                    .or_else(|| with_zero(i, x))
                    .or_else(|| signs(i, sat, x))
            })?;
            Some((to, result))
        }
    }
}

/// Sums of neighbours, twice as large, added to the destination or not.
fn pairs(cpu: &Cpu, i: Insn, bits: u32) -> Option<(Vector, u128)> {
    let to = Vector::of(d(i), is_quad(i));
    let x = Vector::of(m(i), is_quad(i)).read(cpu);
    let old = to.read(cpu);
    let result = collect(2 * bits, to.count(2 * bits), |index| {
        let part = |n| value(i.op7() == 1, Element::get(x, n, bits));
        let addend = match i.op {
            Op::VPADAL => Element::get(old, index, 2 * bits).uint(),
            _ => 0,
        };
        Some(addend + part(2 * index) + part(2 * index + 1))
    })?;
    Some((to, result))
}

/// Results half as large, extracted or saturated.
fn narrow(cpu: &Cpu, sat: &mut Saturation, i: Insn, bits: u32) -> Option<(Vector, u128)> {
    let x = Vector::quad(m(i)).read(cpu);
    let result = collect(bits, 64 / bits, |index| {
        let x = Element::get(x, index, 2 * bits);
        Some(match i.op {
            Op::VMOVN => x.uint(),
            Op::VQMOVUN => sat.unsigned(x.sint(), bits),
            _ if i.op6() == 1 => sat.unsigned(x.uint(), bits),
            _ => sat.signed(x.sint(), bits),
        })
    })?;
    Some((Vector::double(d(i)), result))
}

/// The counts of bits, and VMVN.
fn count(op: Op, x: Element) -> Option<i128> {
    let count = match op {
        Op::VCNT => x.raw().count_ones(),
        Op::VCLZ => x.leading_zeros(),
        Op::VCLS => x.leading_signs(),
        Op::VMVN_register => return Some(!x.uint()),
        _ => return None,
    };
    Some(count.into())
}

/// The comparisons with zero; F says floating point.
fn with_zero(i: Insn, x: Element) -> Option<i128> {
    if i.f10() == 1 {
        return None;
    }
    Some(truth(match i.op {
        Op::VCGT_zero => x.sint() > 0,
        Op::VCGE_zero => x.sint() >= 0,
        Op::VCEQ_zero => x.sint() == 0,
        Op::VCLE_zero => x.sint() <= 0,
        Op::VCLT_zero => x.sint() < 0,
        _ => return None,
    }))
}

/// Absolute values and negation.
fn signs(i: Insn, sat: &mut Saturation, x: Element) -> Option<i128> {
    Some(match i.op {
        Op::VABS if i.f10() == 0 => x.sint().abs(),
        Op::VNEG if i.f10() == 0 => -x.sint(),
        Op::VQABS => sat.signed(x.sint().abs(), x.bits()),
        Op::VQNEG => sat.signed(-x.sint(), x.bits()),
        _ => return None,
    })
}
