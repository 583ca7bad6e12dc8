//! Sums of products of bytes: dot products, and products of matrices of two
//! rows of eight bytes.

use super::shape::second;
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;
use lanes::element::{Element, Value, collect, matrix_product, products};

/// The destination register.
pub(super) fn execute(cpu: &Cpu, insn: Insn) -> Option<u128> {
    use Op::*;
    let (x, y): (Value, Value) = match insn.op {
        SDOT_vector | SDOT_by_element | SMMLA_vector => (Element::sint, Element::sint),
        UDOT_vector | UDOT_by_element | UMMLA_vector => (Element::uint, Element::uint),
        USDOT_vector | USDOT_by_element | USMMLA_vector => (Element::uint, Element::sint),
        SUDOT_by_element => (Element::sint, Element::uint),
        _ => return None,
    };
    match insn.op {
        SMMLA_vector | UMMLA_vector | USMMLA_vector => {
            let [d, n, m] =
                [insn.rd(), insn.rn(), insn.rm()].map(|register| cpu.v[register as usize]);
            matrix_product(d, n, m, x, y)
        }
        _ => dot(cpu, insn, x, y),
    }
}

fn dot(cpu: &Cpu, insn: Insn, x: Value, y: Value) -> Option<u128> {
    let [d, n] = [insn.rd(), insn.rn()].map(|register| cpu.v[register as usize]);
    collect(32, 2 << insn.q(), |index| {
        let (d, n) = (Element::get(d, index, 32), Element::get(n, index, 32));
        let m = second(cpu, insn, 32, index)?;
        Some(d.uint() + products(n.raw(), m.raw(), 4, x, y))
    })
}
