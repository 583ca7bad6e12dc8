//! Advanced SIMD on integers, vectors and scalars.
//!
//! A scalar instruction is a vector of one element. `lanes` has the manual's
//! integers, `shape` says where an instruction's elements lie; a file for each
//! way that operands are combined has what the instructions do to them.
//!
//! Results are built from zero, so whatever of the register lies above them is
//! zero too. Each function answers `None`, and has changed nothing, when the
//! row isn't one of its: the floating-point rows of the same classes are
//! `fp`'s.
#![allow(
    clippy::cast_possible_truncation,
    reason = "elements are cut from registers"
)]

mod across;
mod copy;
mod dot;
mod immediate;
mod logical;
mod permute;
mod shape;
mod shift;
#[cfg(test)]
mod tests;
mod three_different;
mod three_same;
mod two_register;

use crate::cpu::Cpu;
use crate::decode::Class;
use crate::insn::Insn;
use lanes::element::Saturation;

/// The cumulative saturation bit of FPSR.
const FPSR_QC: u32 = 1 << 27;

/// Executes an integer instruction of Advanced SIMD; false if it is none.
pub(super) fn execute(cpu: &mut Cpu, insn: Insn) -> bool {
    if matches!(insn.op.class(), Class::simd_copy | Class::scalar_copy) {
        return copy::execute(cpu, insn).is_some();
    }
    let mut sat = Saturation::default();
    let Some(result) = vector_result(cpu, &mut sat, insn) else {
        return false;
    };
    cpu.v[insn.rd() as usize] = result;
    if sat.occurred {
        cpu.fpsr |= FPSR_QC;
    }
    true
}

/// The whole register that an instruction with a vector destination writes.
fn vector_result(cpu: &Cpu, sat: &mut Saturation, insn: Insn) -> Option<u128> {
    match insn.op.class() {
        Class::simd_three_same => logical::execute(cpu, insn)
            .or_else(|| across::pairs(cpu, insn))
            .or_else(|| three_same::execute(cpu, sat, insn)),
        Class::scalar_three_same | Class::scalar_three_same_extra => {
            three_same::execute(cpu, sat, insn)
        }
        Class::simd_three_same_extra => {
            dot::execute(cpu, insn).or_else(|| three_same::execute(cpu, sat, insn))
        }
        Class::simd_by_element | Class::scalar_by_element => dot::execute(cpu, insn)
            .or_else(|| three_different::execute(cpu, sat, insn))
            .or_else(|| three_same::execute(cpu, sat, insn)),
        Class::simd_three_different | Class::scalar_three_different => {
            three_different::execute(cpu, sat, insn)
        }
        Class::simd_two_misc | Class::scalar_two_misc => two_register::execute(cpu, sat, insn),
        Class::simd_shift_imm | Class::scalar_shift_imm => shift::by_immediate(cpu, sat, insn),
        Class::simd_across_lanes => across::all(cpu, insn),
        Class::scalar_pairwise => across::pair(cpu, insn),
        Class::simd_permute => permute::permute(cpu, insn),
        Class::simd_extract => permute::extract(cpu, insn),
        Class::simd_table => permute::table(cpu, insn),
        Class::simd_modified_imm => immediate::execute(cpu, insn),
        _ => None,
    }
}
