//! Constants that are made in several instructions, which the translator makes in
//! one: random runs of MOVZ, MOVN, MOVK, ADRP, ADR and ADD on few registers, both
//! widths, by interpreter and translator.

#![allow(clippy::cast_possible_truncation, reason = "halves of random numbers")]

use armistice_oracle::arm64::{Batch, Program, State};
use armistice_oracle::everywhere;
use armistice_oracle::random::Rng;

/// One of the instructions, the destination among X0, X1 and X6.
fn word(rng: &mut Rng) -> u32 {
    let bits = rng.bits() as u32;
    let wide = bits & 1 << 31;
    let [d, n] = [bits, bits >> 8].map(|bits| [0, 1, 6][(bits % 3) as usize]);
    let half = bits >> 16 & if wide == 0 { 1 } else { 3 };
    let imm = rng.bits() as u32;
    let moved = half << 21 | (imm & 0xffff) << 5 | d;
    match rng.bits() % 8 {
        0 => 0x5280_0000 | wide | moved,
        1 => 0x1280_0000 | wide | moved,
        2..5 => 0x7280_0000 | wide | moved,
        5 => 0x1000_0000 | wide | (imm & 3) << 29 | (imm & 0x7_ffff) << 5 | d,
        // With a shift, and with flags.
        _ => 0x1100_0000 | wide | (imm & 1) << 29 | (imm >> 1 & 0x1fff) << 10 | n << 5 | d,
    }
}

#[test]
fn constants_in_several_instructions() {
    let mut rng = Rng::new(1);
    let mut batch = Batch::default();
    while batch.has_room(12) && batch.states.len() < 400 {
        let program = batch.add(Program::new(
            batch.next_address(),
            (0..12).map(|_| word(&mut rng)).collect(),
        ));
        let mut state = State::default();
        state.x.fill_with(|| rng.bits());
        state.x[31] &= !15;
        batch.states.push((program, state));
    }
    assert!(batch.states.len() > 300);
    let ends = everywhere::same(&batch, "constants").states;
    assert!(ends.iter().all(|state| state.signal == 0));
}
