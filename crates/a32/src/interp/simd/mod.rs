//! Advanced SIMD, cryptography included.
//!
//! What is done to a lane is `lanes`' for integers and `softfp`'s for floating point, whose modes are
//! here those of `StandardFPSCRValue`: NaNs are the default NaN, denormals are flushed,
//! rounding is to the nearest; of FPSCR's own only AHP and FZ16 count. A file for each way that operands
//! are combined reads fields, as the manual's decode pseudocode does. Each function answers `None`, and
//! has changed nothing, when the row isn't one of its.
#![allow(
    clippy::cast_possible_truncation,
    reason = "elements are cut from registers"
)]

mod crypto;
mod different;
mod float;
mod immediate;
mod mixed;
mod permute;
mod registers;
mod same;
mod scalar;
mod shift;
mod structure;
#[cfg(test)]
mod tests;
mod two;

use guest::Exception;
use guest::memory::Memory;
pub(crate) use immediate::constant;
use lanes::element::Saturation;
use softfp::{FPCR_AHP, FPCR_DN, FPCR_FZ, FPCR_FZ16, Fp};

use super::target::{Done, Target};
use crate::cpu::Cpu;
use crate::decode::simd::{Class, Insn};
use registers::Vector;

/// FPSCR.QC: something has saturated.
const QC: u32 = 1 << 27;

/// `StandardFPSCRValue`, with the status so far.
fn standard(cpu: &Cpu) -> Fp {
    let control = FPCR_DN | FPCR_FZ | cpu.fpcr & (FPCR_AHP | FPCR_FZ16);
    Fp {
        fpsr: cpu.fpsr,
        ..Fp::new(control)
    }
}

/// What instructions find beside the registers, and leave.
struct Status {
    fp: Fp,
    saturation: Saturation,
}

/// Executes one.
pub(super) fn execute<M: Memory>(cpu: &mut Cpu, memory: &mut M, i: Insn) -> Done {
    match i.op.class() {
        Class::structures => structure::multiple(cpu, memory, i)?,
        Class::single_structure => structure::single(cpu, memory, i)?,
        _ => {
            let mut status = Status {
                fp: standard(cpu),
                saturation: Saturation::default(),
            };
            if permute::two_results(cpu, i).is_none() {
                let (to, value) = result(cpu, &mut status, i).ok_or(Exception::Undefined)?;
                to.write(cpu, value);
            }
            cpu.fpsr = status.fp.fpsr;
            if status.saturation.occurred {
                cpu.fpsr |= QC;
            }
        }
    }
    Ok(Target::Next)
}

/// The register that an instruction writes, and what.
fn result(cpu: &Cpu, status: &mut Status, i: Insn) -> Option<(Vector, u128)> {
    match i.op.class() {
        Class::three_same => same::bitwise(cpu, i)
            .or_else(|| same::pairs(cpu, i))
            .or_else(|| crypto::three(cpu, i))
            .or_else(|| same::integer(cpu, &mut status.saturation, i))
            .or_else(|| float::three_same(cpu, &mut status.fp, i)),
        Class::modified_immediate => Some(immediate::execute(cpu, i)),
        Class::shift_immediate => shift::execute(cpu, &mut status.saturation, i)
            .or_else(|| float::fixed(cpu, &mut status.fp, i)),
        Class::three_different => different::execute(cpu, &mut status.saturation, i),
        Class::scalar => scalar::execute(cpu, status, i),
        Class::extract => permute::extract(cpu, i),
        Class::table => permute::table(cpu, i),
        Class::duplicate => permute::duplicate(cpu, i),
        Class::two_register => crypto::two(cpu, i)
            .or_else(|| permute::reversed(cpu, i))
            .or_else(|| two::execute(cpu, &mut status.saturation, i))
            .or_else(|| float::two_register(cpu, &mut status.fp, i)),
        Class::dot => mixed::dot(cpu, i),
        Class::complex => mixed::complex(cpu, &mut status.fp, i),
        Class::long_product => mixed::long_product(cpu, &mut status.fp, i),
        _ => None,
    }
}
