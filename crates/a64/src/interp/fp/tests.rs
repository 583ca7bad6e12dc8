//! What the forms do beside the arithmetic: which elements they read, what
//! they clear, and the rounding each instruction has.
//!
//! Words are the assembler's; each test says the instruction.

use super::execute;
use crate::cpu::{Cpu, Flags};
use crate::decode::decode;
use crate::fp::{FPCR_FZ, FPSR_IDC, FPSR_IOC, FPSR_IXC};

/// A state whose vector registers are full of ones, so that clearing shows.
fn full() -> Cpu {
    Cpu {
        v: [u128::MAX; 32],
        x: [u64::MAX; 32],
        ..Cpu::default()
    }
}

/// Executes a word that must be ours.
fn run(cpu: &mut Cpu, word: u32) {
    let insn = decode(word).expect("allocated");
    assert!(execute(cpu, insn), "{insn:?} is floating point");
}

/// A register of elements, the first lowest.
fn singles(elements: [f32; 4]) -> u128 {
    elements
        .iter()
        .rev()
        .fold(0, |register, x| register << 32 | u128::from(x.to_bits()))
}

fn single(x: f32) -> u128 {
    x.to_bits().into()
}

fn double(x: f64) -> u128 {
    x.to_bits().into()
}
