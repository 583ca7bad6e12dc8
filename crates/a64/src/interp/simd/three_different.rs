//! Operands and results of two element sizes: long (the result is larger),
//! wide (the result and Rn are) and narrowing (the result is smaller), and
//! what is by element of them. Q chooses the half of the register of smaller
//! elements.

use super::shape::{Shape, second};
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;
use lanes::element::{Element, Saturation, collect, polynomial_product};

/// The destination register.
pub(super) fn execute(cpu: &Cpu, sat: &mut Saturation, insn: Insn) -> Option<u128> {
    polynomial(cpu, insn)
        .or_else(|| high_narrow(cpu, insn))
        .or_else(|| wide(cpu, insn))
        .or_else(|| long(cpu, sat, insn))
}

/// PMULL, the product of doublewords too.
fn polynomial(cpu: &Cpu, insn: Insn) -> Option<u128> {
    if !matches!(insn.op, Op::PMULL | Op::PMULL_64) {
        return None;
    }
    let shape = Shape::of(insn);
    let [n, m] = [insn.rn(), insn.rm()].map(|register| cpu.v[register as usize]);
    collect(2 * shape.bits, shape.wide_count(), |index| {
        let (x, y) = (shape.narrow(n, index), shape.narrow(m, index));
        Some(polynomial_product(x, y) as i128)
    })
}

/// The high halves of sums and differences, rounded or not.
fn high_narrow(cpu: &Cpu, insn: Insn) -> Option<u128> {
    use Op::*;
    let shape = Shape::of(insn);
    let [d, n, m] = [insn.rd(), insn.rn(), insn.rm()].map(|register| cpu.v[register as usize]);
    let rounding = match insn.op {
        ADDHN | SUBHN => 0,
        RADDHN | RSUBHN => 1 << (shape.bits - 1),
        _ => return None,
    };
    let half = collect(shape.bits, shape.wide_count(), |index| {
        let (x, y) = (shape.wide(n, index), shape.wide(m, index));
        let value = match insn.op {
            ADDHN | RADDHN => x.uint() + y.uint(),
            _ => x.uint() - y.uint(),
        };
        Some((value + rounding) >> shape.bits)
    })?;
    Some(shape.half_written(d, half))
}

/// With a first operand as large as the result.
fn wide(cpu: &Cpu, insn: Insn) -> Option<u128> {
    use Op::*;
    if !matches!(insn.op, SADDW | SSUBW | UADDW | USUBW) {
        return None;
    }
    let shape = Shape::of(insn);
    let [n, m] = [insn.rn(), insn.rm()].map(|register| cpu.v[register as usize]);
    collect(2 * shape.bits, shape.wide_count(), |index| {
        let (x, y) = (shape.wide(n, index), shape.narrow(m, index));
        Some(match insn.op {
            SADDW => x.sint() + y.sint(),
            SSUBW => x.sint() - y.sint(),
            UADDW => x.uint() + y.uint(),
            _ => x.uint() - y.uint(),
        })
    })
}

/// With operands half as large as the result and the addend.
fn long(cpu: &Cpu, sat: &mut Saturation, insn: Insn) -> Option<u128> {
    let shape = Shape::of(insn);
    if shape.bits == 64 {
        // The floating-point rows by element.
        return None;
    }
    let [d, n] = [insn.rd(), insn.rn()].map(|register| cpu.v[register as usize]);
    collect(2 * shape.bits, shape.wide_count(), |index| {
        let (d, x) = (shape.wide(d, index), shape.narrow(n, index));
        let y = second(cpu, insn, shape.bits, shape.narrow_index(index))?;
        sum(insn.op, d, x, y)
            .or_else(|| product(insn.op, d, x, y))
            .or_else(|| saturated_product(insn.op, sat, d, x, y))
    })
}

fn sum(op: Op, d: Element, x: Element, y: Element) -> Option<i128> {
    use Op::*;
    Some(match op {
        SADDL => x.sint() + y.sint(),
        UADDL => x.uint() + y.uint(),
        SSUBL => x.sint() - y.sint(),
        USUBL => x.uint() - y.uint(),
        SABDL => (x.sint() - y.sint()).abs(),
        UABDL => (x.uint() - y.uint()).abs(),
        SABAL => d.uint() + (x.sint() - y.sint()).abs(),
        UABAL => d.uint() + (x.uint() - y.uint()).abs(),
        _ => return None,
    })
}

fn product(op: Op, d: Element, x: Element, y: Element) -> Option<i128> {
    use Op::*;
    Some(match op {
        SMULL_vector | SMULL_by_element => x.sint() * y.sint(),
        UMULL_vector | UMULL_by_element => x.uint() * y.uint(),
        SMLAL_vector | SMLAL_by_element => d.uint() + x.sint() * y.sint(),
        UMLAL_vector | UMLAL_by_element => d.uint() + x.uint() * y.uint(),
        SMLSL_vector | SMLSL_by_element => d.uint() - x.sint() * y.sint(),
        UMLSL_vector | UMLSL_by_element => d.uint() - x.uint() * y.uint(),
        _ => return None,
    })
}

/// The doubled product, which saturates before it is added, and the sum again.
fn saturated_product(
    op: Op,
    sat: &mut Saturation,
    d: Element,
    x: Element,
    y: Element,
) -> Option<i128> {
    use Op::*;
    let doubled = 2 * x.sint() * y.sint();
    Some(match op {
        SQDMULL_vector | SQDMULL_vector_scalar | SQDMULL_by_element | SQDMULL_by_element_scalar => {
            sat.signed(doubled, d.bits())
        }
        SQDMLAL_vector | SQDMLAL_vector_scalar | SQDMLAL_by_element | SQDMLAL_by_element_scalar => {
            let product = sat.signed(doubled, d.bits());
            sat.signed(d.sint() + product, d.bits())
        }
        SQDMLSL_vector | SQDMLSL_vector_scalar | SQDMLSL_by_element | SQDMLSL_by_element_scalar => {
            let product = sat.signed(doubled, d.bits());
            sat.signed(d.sint() - product, d.bits())
        }
        _ => return None,
    })
}
