//! Floating point: scalars, by FPSCR's modes, in `softfp`, which follows the manual's shared
//! pseudocode.
//!
//! A file for arithmetic, one for conversions, one for what only moves bits, one for memory.

mod arithmetic;
mod convert;
mod memory;
mod registers;
mod transfer;

pub(crate) use arithmetic::expanded;
use guest::Environment;
use guest::memory::Memory;
use softfp::Fp;

use super::target::{Done, Target};
use crate::cpu::Cpu;
use crate::decode::fp::{Class, Insn};

/// Executes one.
pub(super) fn execute<M: Memory + Environment>(cpu: &mut Cpu, memory: &mut M, i: Insn) -> Done {
    match i.op.class() {
        Class::load_store | Class::load_store_multiple => memory::execute(cpu, memory, i)?,
        Class::move_single
        | Class::move_scalar
        | Class::move_pair
        | Class::duplicate
        | Class::upper_half
        | Class::status => transfer::execute(cpu, i),
        class => {
            let mut fp = Fp {
                fpsr: cpu.fpsr,
                ..Fp::new(cpu.fpcr)
            };
            match class {
                Class::half
                | Class::half_bf16
                | Class::convert
                | Class::from_integer
                | Class::to_integer
                | Class::fixed
                | Class::javascript => convert::execute(cpu, &mut fp, i),
                _ => arithmetic::execute(cpu, &mut fp, i),
            }
            cpu.fpsr = fp.fpsr;
        }
    }
    Ok(Target::Next)
}
