//! Random sequences of 1 to 60 instructions with branches, loops, calls, flags
//! and memory, three ways. What differs is made as short as it gets.
//!
//! Short by default; `ARMISTICE_LONG=1` takes 200,000 sequences,
//! `ARMISTICE_STATES` another number, `ARMISTICE_SEED` another seed.

#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

use armistice_oracle::case::{Batch, DATA_SIZE};
use armistice_oracle::drive::{Executors, Report, SEQUENCES, Settings};
use armistice_oracle::generate::sequence::sequence;
use armistice_oracle::generate::state::{pattern, state};
use armistice_oracle::random::Rng;
use armistice_oracle::shrink::shrink;

/// How many states each sequence runs on.
const STATES: usize = 4;
/// How many differences are made short and shown.
const SHOWN: usize = 12;
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
    let settings = Settings::read(env!("CARGO_TARGET_TMPDIR"));
    let count = settings
        .states
        .unwrap_or(if settings.long { LONG } else { SHORT });
    let mut executors = Executors::start(&settings).expect("all executors");
    let version = executors.qemu.version.clone();
    eprintln!("{version}, seed {}, {count} sequences", settings.seed);
    let mut rng = Rng::named(settings.seed, "sequences");
    let mut report = Report::default();
    let (mut left, mut shown) = (count, 0);
    while left > 0 {
        let sequences = left.min(100);
        let batch = batch(&mut rng, sequences);
        let three = executors.run(&batch).expect("QEMU");
        let differing = report.take(SEQUENCES, &batch, &three, &version);
        // The first few are enough to start with.
        for (n, with) in differing {
            if shown < SHOWN {
                let shorter = shrink(&mut executors, &batch, n, with).expect("QEMU");
                eprintln!("Shortened:\n{shorter}");
                shown += 1;
            }
        }
        left -= sequences;
    }
    executors.finish("sequences", &settings, &report);
}
