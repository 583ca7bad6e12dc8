//! FMLAL, FMLSL and their second forms: half-precision factors, a
//! single-precision sum, rounded once.

use super::lanes::collect;
use super::shape::{Element, Size, element_operand};
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;
use softfp::{self as fp, Fp};

/// The destination register.
pub(super) fn execute(cpu: &Cpu, fp: &mut Fp, insn: Insn) -> Option<u128> {
    use Op::*;
    // The second forms take the upper half of the factors' elements.
    let (upper, negated, by_element) = match insn.op {
        FMLAL_vector => (false, false, false),
        FMLSL_vector => (false, true, false),
        FMLAL2_vector => (true, false, false),
        FMLSL2_vector => (true, true, false),
        FMLAL_by_element => (false, false, true),
        FMLSL_by_element => (false, true, true),
        FMLAL2_by_element => (true, false, true),
        FMLSL2_by_element => (true, true, true),
        _ => return None,
    };
    let count = 2 << insn.q();
    let first = if upper { count } else { 0 };
    let (d, n) = (cpu.v[insn.rd() as usize], cpu.v[insn.rn() as usize]);
    collect(count, |index| {
        let (register, element) = if by_element {
            element_operand(insn, Size::Half)
        } else {
            (insn.rm() as usize, first + index)
        };
        let x = u16::get(n, first + index);
        let x = if negated { fp::neg(x) } else { x };
        let y = u16::get(cpu.v[register], element);
        Some(fp::mul_add_h(fp, u32::get(d, index), x, y))
    })
}
