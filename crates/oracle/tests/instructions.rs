//! Every instruction of the table on random operands and states, three ways.
//!
//! Short by default; `ARMISTICE_LONG=1` takes 10,000 states an instruction,
//! `ARMISTICE_SEED` another seed, `ARMISTICE_OP` only the instructions whose
//! names start so.

use a64::decode::Op;
use armistice_oracle::case::{Batch, DATA_SIZE, MAX_STATES};
use armistice_oracle::drive::{Executors, Report, Settings};
use armistice_oracle::generate::program::program;
use armistice_oracle::generate::state::{pattern, state};
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
    let settings = Settings::read(env!("CARGO_TARGET_TMPDIR"));
    let count = settings
        .states
        .unwrap_or(if settings.long { LONG } else { SHORT });
    let mut executors = Executors::start(&settings).expect("all executors");
    let version = executors.qemu.version.clone();
    eprintln!("{version}, seed {}, {count} states each", settings.seed);
    let mut report = Report::default();
    for &op in Op::ALL.iter().filter(|op| settings.wants(op.name())) {
        let mut rng = Rng::named(settings.seed, op.name());
        let mut left = count;
        while left > 0 {
            let batch = batch(&mut rng, op, left.min(MAX_STATES));
            let three = executors
                .run(&batch)
                .unwrap_or_else(|error| panic!("{}: QEMU: {error}", op.name()));
            report.take(op.name(), &batch, &three, &version);
            left -= batch.states.len();
        }
    }
    executors.finish("instructions", &settings, &report);
}
