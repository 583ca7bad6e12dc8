//! Random sequences of 1 to 60 instructions, with a fault injected at each
//! access to memory in turn: the state that is recovered is that before the
//! access, three ways, in whatever loop, call or state of the flags it is.
//!
//! Short by default; `ARMISTICE_LONG=1` takes 20,000 sequences,
//! `ARMISTICE_STATES` another number, `ARMISTICE_SEED` another seed.

#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

use armistice_oracle::case::{Batch, DATA_SIZE, MAX_STATES, MAX_WORDS};
use armistice_oracle::drive::{Executors, Report, SEQUENCES, Settings};
use armistice_oracle::generate::sequence::injected;
use armistice_oracle::generate::state::{pattern, state};
use armistice_oracle::random::Rng;

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
    let settings = Settings::read(env!("CARGO_TARGET_TMPDIR"));
    let count = settings
        .states
        .unwrap_or(if settings.long { LONG } else { SHORT });
    let mut executors = Executors::start(&settings).expect("all executors");
    let version = executors.qemu.version.clone();
    eprintln!("{version}, seed {}, {count} sequences", settings.seed);
    let mut rng = Rng::named(settings.seed, "injected");
    let mut report = Report::default();
    let mut compare = |batch: &mut Batch, rng: &mut Rng| {
        let fresh = Batch {
            pattern: pattern(rng, DATA_SIZE),
            ..Batch::default()
        };
        let full = std::mem::replace(batch, fresh);
        if !full.states.is_empty() {
            let three = executors.run(&full).expect("QEMU");
            report.take(SEQUENCES, &full, &three, &version);
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
    let sum = report.sum();
    assert!(2 * sum.faults > sum.states, "most of them fault: {sum:?}");
    executors.finish("injected", &settings, &report);
}
