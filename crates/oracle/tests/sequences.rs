//! Random sequences of 1 to 60 instructions with branches, loops, calls, flags
//! and memory, three ways. What differs is made as short as it gets.
//!
//! Short by default; `ARMISTICE_LONG=1` takes 200,000 sequences,
//! `ARMISTICE_STATES` another number, `ARMISTICE_SEED` another seed.

#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

use armistice_oracle::arm64::generate::sequence::sequence;
use armistice_oracle::arm64::generate::state::{pattern, state};
use armistice_oracle::arm64::{Batch, DATA_SIZE};
use armistice_oracle::comparison::Comparison;
use armistice_oracle::random::Rng;

/// How many states each sequence runs on.
const STATES: usize = 4;
const SHORT: usize = 500;
const LONG: usize = 200_000;

fn batch(rng: &mut Rng, sequences: usize) -> Batch {
    let mut batch = Batch {
        pattern: pattern(rng, DATA_SIZE),
        ..Batch::default()
    };
    for _ in 0..sequences {
        let length = 1 + rng.below(60) as usize;
        let made = sequence(rng, batch.next_address(), length);
        let number = batch.add(made.program);
        for _ in 0..STATES {
            batch.states.push((number, state(rng, &made.needs)));
        }
    }
    batch
}

#[test]
fn sequences_are_the_same_three_ways() {
    let counts = [SHORT, LONG];
    let temporary = env!("CARGO_TARGET_TMPDIR");
    let mut comparison = Comparison::start("sequences", temporary, counts, "sequences");
    let mut rng = comparison.random("sequences");
    let mut left = comparison.count;
    while left > 0 {
        let sequences = left.min(100);
        comparison.sequences(&batch(&mut rng, sequences));
        left -= sequences;
    }
    comparison.finish();
}
