//! Modified immediates: a byte made a constant of 64 bits, which is moved to a vector or changes it.

use lanes::immediate::{expanded, repeated};

use super::registers::{Vector, d, is_quad};
use crate::cpu::Cpu;
use crate::decode::simd::{Insn, Op};
use crate::interp::float::expanded as expanded_float;

/// The constant, before VMVN and VBIC invert it.
pub(crate) fn constant(i: Insn) -> u64 {
    let imm8 = i.i() << 7 | i.imm3() << 4 | i.imm4();
    let (cmode, op) = (i.word >> 8 & 15, i.word >> 5 & 1);
    if cmode == 15 {
        repeated(expanded_float(imm8, 2), 32)
    } else {
        expanded(op, cmode, imm8)
    }
}

/// Executes one.
pub(super) fn execute(cpu: &Cpu, i: Insn) -> (Vector, u128) {
    let constant = constant(i);
    let constant = u128::from(constant) << 64 | u128::from(constant);
    let to = Vector::of(d(i), is_quad(i));
    let old = to.read(cpu);
    let value = match i.op {
        Op::VORR_imm16 | Op::VORR_imm32 => old | constant,
        Op::VBIC_imm16 | Op::VBIC_imm32 => old & !constant,
        Op::VMVN_imm16 | Op::VMVN_imm32 | Op::VMVN_ones => !constant,
        _ => constant,
    };
    (to, value)
}
