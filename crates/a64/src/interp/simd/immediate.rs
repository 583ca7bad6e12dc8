//! Modified immediate: a byte made a constant of 64 bits, which is moved to a
//! vector or changes it.

use super::element::collect;
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;
use crate::interp::fp::expanded;

/// The destination register.
pub(super) fn execute(cpu: &Cpu, insn: Insn) -> Option<u128> {
    use Op::*;
    let immediate = match insn.op {
        FMOV_vector_immediate_half => repeated(expanded(insn.abcdefgh(), 5, 10) as u64, 16),
        FMOV_vector_immediate => repeated(expanded(insn.abcdefgh(), 8, 23) as u64, 32),
        FMOV_vector_immediate_double => expanded(insn.abcdefgh(), 11, 52) as u64,
        _ => integer(insn),
    };
    let d = cpu.v[insn.rd() as usize];
    collect(64, 1 << insn.q(), |index| {
        let d = (d >> (64 * index)) as u64;
        let value = match insn.op {
            MOVI
            | FMOV_vector_immediate
            | FMOV_vector_immediate_double
            | FMOV_vector_immediate_half => immediate,
            MVNI => !immediate,
            ORR_vector_immediate => d | immediate,
            BIC_vector_immediate => d & !immediate,
            _ => return None,
        };
        Some(value.into())
    })
}

/// `AdvSIMDExpandImm`, but for its floating point.
fn integer(insn: Insn) -> u64 {
    let imm8 = u64::from(insn.abcdefgh());
    match insn.cmode() {
        0 | 1 => repeated(imm8, 32),
        2 | 3 => repeated(imm8 << 8, 32),
        4 | 5 => repeated(imm8 << 16, 32),
        6 | 7 => repeated(imm8 << 24, 32),
        8 | 9 => repeated(imm8, 16),
        10 | 11 => repeated(imm8 << 8, 16),
        // Shifting ones.
        12 => repeated(imm8 << 8 | 0xff, 32),
        13 => repeated(imm8 << 16 | 0xffff, 32),
        _ if insn.mi_op() == 0 => repeated(imm8, 8),
        // Each bit makes a byte.
        _ => (0..8)
            .filter(|bit| imm8 >> bit & 1 == 1)
            .fold(0, |bytes, bit| bytes | 0xff << (8 * bit)),
    }
}

/// An element of `bits`, as often as there is room in 64.
fn repeated(element: u64, bits: usize) -> u64 {
    (0..64)
        .step_by(bits)
        .fold(0, |all, place| all | element << place)
}
