//! Random sequences of 1 to 60 instructions, with a fault injected at each
//! access to memory in turn: the state that is recovered is that before the
//! access, three ways, in whatever loop, call or state of the flags it is.
//!
//! Short by default; `ARMISTICE_LONG=1` takes 20,000 sequences,
//! `ARMISTICE_STATES` another number, `ARMISTICE_SEED` another seed.

#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

use armistice_oracle::arm64::generate::sequence::injected;
use armistice_oracle::arm64::generate::state::{pattern, state};
use armistice_oracle::arm64::{Batch, DATA_SIZE, MAX_STATES, MAX_WORDS};
use armistice_oracle::comparison::Comparison;
use armistice_oracle::random::Rng;
use armistice_oracle::tested::SEQUENCES;

/// How many states each of a sequence's programs runs on.
const STATES: usize = 2;
const SHORT: usize = 60;
const LONG: usize = 20_000;

/// Adds the sequence's programs from access `number` on; the number to go on
/// from when the batch is full.
fn fill(batch: &mut Batch, rng: &Rng, length: usize, mut number: usize) -> Option<usize> {
    loop {
        if batch.states.len() + STATES > MAX_STATES || !batch.has_room(MAX_WORDS) {
            return Some(number);
        }
        let mut rng = rng.clone();
        let made = injected(&mut rng, batch.next_address(), length, number)?;
        let program = batch.add(made.program);
        for _ in 0..STATES {
            batch.states.push((program, state(&mut rng, &made.needs)));
        }
        number += 1;
    }
}

#[test]
fn each_access_faults_the_same_three_ways() {
    let counts = [SHORT, LONG];
    let temporary = env!("CARGO_TARGET_TMPDIR");
    let mut comparison = Comparison::start("injected", temporary, counts, "sequences");
    let mut rng = comparison.random("injected");
    let count = comparison.count;
    let mut compare = |batch: &mut Batch, rng: &mut Rng| {
        let fresh = Batch {
            pattern: pattern(rng, DATA_SIZE),
            ..Batch::default()
        };
        let full = std::mem::replace(batch, fresh);
        if !full.states.is_empty() {
            comparison.take(SEQUENCES, &full);
        }
    };
    let mut batch = Batch::default();
    compare(&mut batch, &mut rng);
    for _ in 0..count {
        let length = 1 + rng.below(60) as usize;
        // Each sequence has random numbers of its own.
        let own = Rng::new(rng.bits());
        let mut next = fill(&mut batch, &own, length, 0);
        while let Some(number) = next {
            compare(&mut batch, &mut rng);
            next = fill(&mut batch, &own, length, number);
        }
    }
    compare(&mut batch, &mut rng);
    let sum = comparison.report.sum();
    assert!(2 * sum.faults > sum.states, "most of them fault: {sum:?}");
    comparison.finish();
}
