//! Every instruction of A32 and T32 on random operands and states, three ways.
//!
//! Short by default; `ARMISTICE_LONG=1` takes 10,000 states an instruction,
//! `ARMISTICE_STATES` another number, `ARMISTICE_SEED` another seed, `ARMISTICE_OP` only rows
//! whose name starts so (`A32.ADD`).

use armistice_oracle::arm::STATES;
use armistice_oracle::arm::generate::{Row, batch};
use armistice_oracle::comparison::Comparison;

#[test]
fn every_instruction_is_the_same_three_ways() {
    let counts = [64, 10_000];
    let temporary = env!("CARGO_TARGET_TMPDIR");
    let mut comparison = Comparison::start("arm_instructions", temporary, counts, "states each");
    let each = STATES[usize::from(comparison.is_long())];
    let rows = Row::all().map(|row| (row.name(), row));
    comparison.each_instruction(rows, |rng, row, states| batch(rng, row, states, each));
    comparison.finish();
}
