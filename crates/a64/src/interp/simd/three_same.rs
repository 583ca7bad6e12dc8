//! Two operands, and sometimes the destination, of one element size: the
//! classes three same and their extension, and what is by element of them.

use super::shape::{Shape, second};
use super::shift;
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;
use lanes::element::{Element, Saturation, collect, polynomial_product, truth};

/// The destination register.
pub(super) fn execute(cpu: &Cpu, sat: &mut Saturation, insn: Insn) -> Option<u128> {
    let Shape { bits, count, .. } = Shape::of(insn);
    let [d, n] = [insn.rd(), insn.rn()].map(|register| cpu.v[register as usize]);
    collect(bits, count, |index| {
        let (d, x) = (Element::get(d, index, bits), Element::get(n, index, bits));
        let y = second(cpu, insn, bits, index)?;
        add_or_compare(insn.op, sat, x, y)
            .or_else(|| difference_or_extreme(insn.op, d, x, y))
            .or_else(|| product(insn.op, sat, d, x, y))
            .or_else(|| shift::by_register(insn.op, sat, x, y))
    })
}

/// Sums, differences, their halves, and comparisons.
fn add_or_compare(op: Op, sat: &mut Saturation, x: Element, y: Element) -> Option<i128> {
    use Op::*;
    let bits = x.bits();
    Some(match op {
        ADD_vector | ADD_vector_scalar => x.uint() + y.uint(),
        SUB_vector | SUB_vector_scalar => x.uint() - y.uint(),
        SHADD => (x.sint() + y.sint()) >> 1,
        UHADD => (x.uint() + y.uint()) >> 1,
        SRHADD => (x.sint() + y.sint() + 1) >> 1,
        URHADD => (x.uint() + y.uint() + 1) >> 1,
        SHSUB => (x.sint() - y.sint()) >> 1,
        UHSUB => (x.uint() - y.uint()) >> 1,
        SQADD | SQADD_scalar => sat.signed(x.sint() + y.sint(), bits),
        UQADD | UQADD_scalar => sat.unsigned(x.uint() + y.uint(), bits),
        SQSUB | SQSUB_scalar => sat.signed(x.sint() - y.sint(), bits),
        UQSUB | UQSUB_scalar => sat.unsigned(x.uint() - y.uint(), bits),
        CMGT_register | CMGT_register_scalar => truth(x.sint() > y.sint()),
        CMGE_register | CMGE_register_scalar => truth(x.sint() >= y.sint()),
        CMHI_register | CMHI_register_scalar => truth(x.uint() > y.uint()),
        CMHS_register | CMHS_register_scalar => truth(x.uint() >= y.uint()),
        CMEQ_register | CMEQ_register_scalar => truth(x.uint() == y.uint()),
        CMTST | CMTST_scalar => truth(x.uint() & y.uint() != 0),
        _ => return None,
    })
}

/// Absolute differences, maxima and minima.
fn difference_or_extreme(op: Op, d: Element, x: Element, y: Element) -> Option<i128> {
    use Op::*;
    Some(match op {
        SABD => (x.sint() - y.sint()).abs(),
        UABD => (x.uint() - y.uint()).abs(),
        SABA => d.uint() + (x.sint() - y.sint()).abs(),
        UABA => d.uint() + (x.uint() - y.uint()).abs(),
        SMAX => x.sint().max(y.sint()),
        UMAX => x.uint().max(y.uint()),
        SMIN => x.sint().min(y.sint()),
        UMIN => x.uint().min(y.uint()),
        _ => return None,
    })
}

/// Products, whole or the high half of their doubles.
fn product(op: Op, sat: &mut Saturation, d: Element, x: Element, y: Element) -> Option<i128> {
    use Op::*;
    let bits = x.bits();
    // Not of doublewords, which no product has.
    let doubled = || 2 * x.sint() * y.sint();
    let half = 1 << (bits - 1);
    Some(match op {
        MUL_vector | MUL_by_element => x.uint() * y.uint(),
        MLA_vector | MLA_by_element => d.uint() + x.uint() * y.uint(),
        MLS_vector | MLS_by_element => d.uint() - x.uint() * y.uint(),
        PMUL => polynomial_product(x, y) as i128,
        SQDMULH_vector | SQDMULH_vector_scalar | SQDMULH_by_element | SQDMULH_by_element_scalar => {
            sat.signed(doubled() >> bits, bits)
        }
        SQRDMULH_vector
        | SQRDMULH_vector_scalar
        | SQRDMULH_by_element
        | SQRDMULH_by_element_scalar => sat.signed((doubled() + half) >> bits, bits),
        SQRDMLAH_vector
        | SQRDMLAH_vector_scalar
        | SQRDMLAH_by_element
        | SQRDMLAH_by_element_scalar => {
            let sum = (d.sint() << bits) + doubled();
            sat.signed((sum + half) >> bits, bits)
        }
        SQRDMLSH_vector
        | SQRDMLSH_vector_scalar
        | SQRDMLSH_by_element
        | SQRDMLSH_by_element_scalar => {
            let difference = (d.sint() << bits) - doubled();
            sat.signed((difference + half) >> bits, bits)
        }
        _ => return None,
    })
}
