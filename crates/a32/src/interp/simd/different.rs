//! Three vectors of integers of two sizes: long (the result is larger), wide (the result and the
//! first operand are) and narrowing (the result is smaller).

use lanes::element::{Element, Saturation, collect, polynomial_product};

use super::registers::{Vector, d, m, n};
use super::same::value;
use crate::cpu::Cpu;
use crate::decode::simd::{Insn, Op};

/// Executes one.
pub(super) fn execute(cpu: &Cpu, sat: &mut Saturation, i: Insn) -> Option<(Vector, u128)> {
    match i.op {
        Op::VADDHN | Op::VRADDHN | Op::VSUBHN | Op::VRSUBHN => high_narrow(cpu, i),
        Op::VADDW | Op::VSUBW => wide(cpu, i),
        Op::VMULL_polynomial | Op::VMULL_p64 => {
            let bits = if i.op == Op::VMULL_p64 { 64 } else { 8 };
            let [x, y] = [n(i), m(i)].map(|r| Vector::double(r).read(cpu));
            let result = collect(2 * bits, 64 / bits, |index| {
                let [x, y] = [x, y].map(|v| Element::get(v, index, bits));
                Some(polynomial_product(x, y) as i128)
            })?;
            Some((Vector::quad(d(i)), result))
        }
        _ => {
            let y = Vector::double(m(i)).read(cpu);
            long(cpu, sat, i, 8 << i.size(), |index, bits| {
                Element::get(y, index, bits)
            })
        }
    }
}

/// The high halves of sums and differences, rounded or not.
fn high_narrow(cpu: &Cpu, i: Insn) -> Option<(Vector, u128)> {
    let bits = 8 << i.size();
    let [x, y] = [n(i), m(i)].map(|r| Vector::quad(r).read(cpu));
    let rounding = match i.op {
        Op::VADDHN | Op::VSUBHN => 0,
        _ => 1 << (bits - 1),
    };
    let result = collect(bits, 64 / bits, |index| {
        let [x, y] = [x, y].map(|v| Element::get(v, index, 2 * bits).uint());
        let value = match i.op {
            Op::VADDHN | Op::VRADDHN => x + y,
            _ => x - y,
        };
        Some((value + rounding) >> bits)
    })?;
    Some((Vector::double(d(i)), result))
}

/// With a first operand as large as the result.
fn wide(cpu: &Cpu, i: Insn) -> Option<(Vector, u128)> {
    let (bits, unsigned) = (8 << i.size(), i.u() == 1);
    let (x, y) = (Vector::quad(n(i)).read(cpu), Vector::double(m(i)).read(cpu));
    let result = collect(2 * bits, 64 / bits, |index| {
        let x = Element::get(x, index, 2 * bits).uint();
        let y = value(unsigned, Element::get(y, index, bits));
        Some(if i.op == Op::VADDW { x + y } else { x - y })
    })?;
    Some((Vector::quad(d(i)), result))
}

/// With operands half as large as the result and the addend; `second` gives the second for the
/// element of a number and size.
pub(super) fn long(
    cpu: &Cpu,
    sat: &mut Saturation,
    i: Insn,
    bits: u32,
    second: impl Fn(u32, u32) -> Element,
) -> Option<(Vector, u128)> {
    let to = Vector::quad(d(i));
    let (old, x) = (to.read(cpu), Vector::double(n(i)).read(cpu));
    let result = collect(2 * bits, 64 / bits, |index| {
        let d = Element::get(old, index, 2 * bits);
        let (x, y) = (Element::get(x, index, bits), second(index, bits));
        sum_or_product(i, d, x, y).or_else(|| saturated_product(i.op, sat, d, x, y))
    })?;
    Some((to, result))
}

fn sum_or_product(i: Insn, d: Element, x: Element, y: Element) -> Option<i128> {
    let unsigned = i.u() == 1;
    let (x, y) = (value(unsigned, x), value(unsigned, y));
    Some(match i.op {
        Op::VADDL => x + y,
        Op::VSUBL => x - y,
        Op::VABDL => (x - y).abs(),
        Op::VABAL => d.uint() + (x - y).abs(),
        Op::VMULL_integer | Op::VMULL_scalar => x * y,
        Op::VMLAL_integer | Op::VMLAL_scalar => d.uint() + x * y,
        Op::VMLSL_integer | Op::VMLSL_scalar => d.uint() - x * y,
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
    let product = 2 * x.sint() * y.sint();
    let bits = d.bits();
    Some(match op {
        Op::VQDMULL | Op::VQDMULL_scalar => sat.signed(product, bits),
        Op::VQDMLAL | Op::VQDMLAL_scalar => {
            let product = sat.signed(product, bits);
            sat.signed(d.sint() + product, bits)
        }
        Op::VQDMLSL | Op::VQDMLSL_scalar => {
            let product = sat.signed(product, bits);
            sat.signed(d.sint() - product, bits)
        }
        _ => return None,
    })
}
