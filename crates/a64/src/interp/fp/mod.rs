//! Floating point: scalar, and the floating-point rows of Advanced SIMD.
//!
//! What an instruction does to an element (`arithmetic`, `compare`,
//! `convert`) stands apart from where its elements lie (`shape`): a scalar
//! instruction is a vector of one element, and `lanes` joins the two. What
//! mixes lanes or formats has files of its own.
//!
//! All arithmetic is `softfp`'s. Results are built from zero, so whatever
//! of the register lies above them is zero too. Each function answers `None`,
//! and has changed nothing, when the row isn't one of its.
#![allow(
    clippy::cast_possible_truncation,
    reason = "elements are cut from registers"
)]

mod arithmetic;
mod bfloat;
mod compare;
mod complex;
mod convert;
mod fold;
mod formats;
mod general;
mod lanes;
mod long;
mod scalar;
mod shape;
#[cfg(test)]
mod tests;

use crate::cpu::Cpu;
use crate::decode::Class;
use crate::insn::Insn;
pub(super) use scalar::expanded;
use softfp::{Fp, Rules};

/// Executes a floating-point instruction; false if it is none.
pub(super) fn execute(cpu: &mut Cpu, insn: Insn) -> bool {
    let mut fp = Fp {
        fpcr: cpu.fpcr,
        fpsr: cpu.fpsr,
        rules: Rules::ARM,
    };
    let done = dispatch(cpu, &mut fp, insn).is_some();
    if done {
        cpu.fpsr = fp.fpsr;
    }
    done
}

/// Finds the subject of the instruction.
fn dispatch(cpu: &mut Cpu, fp: &mut Fp, insn: Insn) -> Option<()> {
    match insn.op.class() {
        Class::fp_fixed | Class::fp_int => return general::execute(cpu, fp, insn),
        Class::fp_compare | Class::fp_cond_compare => return scalar::compare(cpu, fp, insn),
        _ => {}
    }
    cpu.v[insn.rd() as usize] = vector_result(cpu, fp, insn)?;
    Some(())
}

/// The whole register that an instruction with a vector destination writes.
fn vector_result(cpu: &Cpu, fp: &mut Fp, insn: Insn) -> Option<u128> {
    match insn.op.class() {
        Class::fp_imm => scalar::immediate(insn),
        Class::fp_cond_select => scalar::select(cpu, insn),
        Class::fp_1src | Class::simd_two_misc | Class::scalar_two_misc => {
            formats::execute(cpu, fp, insn).or_else(|| lanes::one(cpu, fp, insn))
        }
        Class::simd_two_misc_half
        | Class::scalar_two_misc_half
        | Class::simd_shift_imm
        | Class::scalar_shift_imm => lanes::one(cpu, fp, insn),
        Class::fp_2src | Class::scalar_three_same | Class::scalar_three_same_half => {
            lanes::two(cpu, fp, insn)
        }
        Class::fp_3src => lanes::three(cpu, fp, insn),
        Class::simd_three_same | Class::simd_three_same_half => fold::pairs(cpu, fp, insn)
            .or_else(|| long::execute(cpu, fp, insn))
            .or_else(|| lanes::two(cpu, fp, insn))
            .or_else(|| lanes::three(cpu, fp, insn)),
        Class::simd_three_same_extra => {
            complex::execute(cpu, fp, insn).or_else(|| bfloat::execute(cpu, fp, insn))
        }
        Class::simd_by_element | Class::scalar_by_element => complex::execute(cpu, fp, insn)
            .or_else(|| bfloat::execute(cpu, fp, insn))
            .or_else(|| long::execute(cpu, fp, insn))
            .or_else(|| lanes::two(cpu, fp, insn))
            .or_else(|| lanes::three(cpu, fp, insn)),
        Class::simd_across_lanes | Class::scalar_pairwise => fold::across(cpu, fp, insn),
        _ => None,
    }
}
