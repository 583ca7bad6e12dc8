//! Every instruction of the table on random operands and states, three ways.
//!
//! Short by default; `ARMISTICE_LONG=1` takes 10,000 states an instruction,
//! `ARMISTICE_SEED` another seed, `ARMISTICE_OP` only the instructions whose
//! names start so.

use a64::decode::Op;
use armistice_oracle::arm64::generate::program::program;
use armistice_oracle::arm64::generate::state::{pattern, state};
use armistice_oracle::arm64::{Batch, DATA_SIZE};
use armistice_oracle::comparison::Comparison;
use armistice_oracle::random::Rng;

/// How many states each program runs on.
const STATES: usize = 8;
const SHORT: usize = 64;
const LONG: usize = 10_000;

/// A batch of at most `states` about one instruction.
fn batch(rng: &mut Rng, op: Op, states: usize) -> Batch {
    let mut batch = Batch::default();
    while batch.states.len() < states && batch.has_room(8) {
        let made = program(rng, op, batch.next_address());
        if made.memory && batch.pattern.is_empty() {
            batch.pattern = pattern(rng, DATA_SIZE);
        }
        let number = batch.add(made.program);
        for _ in 0..STATES.min(states - batch.states.len()) {
            batch.states.push((number, state(rng, &made.needs)));
        }
    }
    batch
}

#[test]
fn every_instruction_is_the_same_three_ways() {
    let counts = [SHORT, LONG];
    let temporary = env!("CARGO_TARGET_TMPDIR");
    let mut comparison = Comparison::start("instructions", temporary, counts, "states each");
    let ops = Op::ALL.iter().map(|&op| (op.name().into(), op));
    comparison.each_instruction(ops, batch);
    comparison.finish();
}
