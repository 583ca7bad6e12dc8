//! Advanced SIMD: which words have a meaning that the manual tells, and registers that find mistakes.

use a32::decode::simd::{Class, Insn, Op};

use super::State;
use super::values::{FPSCR, float, integers, lanes, target};
use crate::random::Rng;

/// A word of Advanced SIMD as T32 has it.
pub(super) fn in_thumb(word: u32) -> u32 {
    match word >> 24 {
        0xf2 => word & 0x00ff_ffff | 0xef00_0000,
        0xf3 => word & 0x00ff_ffff | 0xff00_0000,
        0xf4 => word & 0x00ff_ffff | 0xf900_0000,
        _ => word,
    }
}

/// Whether it loads or stores structures.
pub(super) fn accesses_data(i: Insn) -> bool {
    matches!(i.op.class(), Class::structures | Class::single_structure)
}

/// Whether the manual says what the word does.
pub(super) fn is_predictable(i: Insn) -> bool {
    match i.op {
        // UNKNOWN of one register twice.
        Op::VSWP | Op::VTRN | Op::VUZP | Op::VZIP => (i.d(), i.vd()) != (i.m(), i.vm()),
        _ => !accesses_data(i) || i.rn() != 15,
    }
}

/// Whether lanes are floating-point numbers, and of half precision.
fn precision(i: Insn) -> Option<u32> {
    let name = i.op.name();
    let half = match i.op.class() {
        Class::complex | Class::long_product => rng_free_half(i),
        Class::shift_immediate if name.starts_with("VCVT") => i.op == Op::VCVT_fixed_half,
        Class::three_same if name.ends_with("_fp") || is_float(i.op) => i.sz() == 1,
        Class::scalar if name.contains("_fp") => i.size() == 1,
        Class::two_register if name.starts_with("VCVT_half") => true,
        Class::two_register if is_float(i.op) || i.f10() == 1 => i.size18() == 1,
        Class::dot if name.contains("bf16") || i.op == Op::VMMLA => false,
        _ => return None,
    };
    Some(if half { 1 } else { 2 })
}

/// Whether complex numbers and long products are of half precision.
fn rng_free_half(i: Insn) -> bool {
    match i.op {
        Op::VCMLA_element => i.sz23() == 0,
        Op::VCMLA | Op::VCADD => i.sz() == 0,
        Op::VFMA_bf16 | Op::VFMA_bf16_scalar => false,
        _ => true,
    }
}

fn is_float(op: Op) -> bool {
    let starts = [
        "VFM", "VAC", "VREC", "VRSQ", "VMAXNM", "VMINNM", "VRINT", "VCVT",
    ];
    starts.iter().any(|start| op.name().starts_with(start))
}

/// Fills the vectors, sets modes, and lets structures lie in the data area.
pub(super) fn meet(rng: &mut Rng, state: &mut State, i: Insn) {
    let precision = precision(i);
    for d in &mut state.d {
        let kind = match precision {
            Some(precision) if rng.percent(80) => precision,
            Some(_) => rng.below_32(8),
            None => 2 + rng.below_32(6),
        };
        *d = match kind {
            1 => lanes(rng, 16, |rng| float(rng, 1)),
            2 if precision.is_some() => lanes(rng, 32, |rng| float(rng, 2)),
            2 => integers(rng, 64),
            3 => integers(rng, 8),
            4 => integers(rng, 16),
            5 => integers(rng, 32),
            // Indices of tables, and amounts of shifts.
            6 => lanes(rng, 8, |rng| rng.below_32(36).into()),
            _ => rng.bits(),
        };
    }
    // Sums and products of what is alike.
    if rng.percent(20) {
        let (a, b) = (rng.below_32(32) as usize, rng.below_32(32) as usize);
        state.d[a] = state.d[b];
    }
    state.fpscr = match rng.below_32(4) {
        0 | 1 => rng.word() & 0xf000_0000,
        2 => rng.word() & 0xf0c0_0000,
        _ => rng.word() & FPSCR,
    };
    if accesses_data(i) {
        let address = target(rng, 32);
        state.r[i.rn() as usize] = match rng.below_32(10) {
            0..6 => address & !31,
            6..8 => address & !7,
            _ => address,
        };
    }
}
