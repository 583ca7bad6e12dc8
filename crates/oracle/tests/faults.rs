//! Every instruction that accesses memory, made to fault in the middle of
//! other instructions: all registers and the data area must be those before
//! it, three ways.
//!
//! Short by default; `ARMISTICE_LONG=1` takes 4,000 states an instruction,
//! `ARMISTICE_SEED` another seed, `ARMISTICE_OP` only the instructions whose
//! names start so.

use a64::decode::{Class, Op};
use armistice_oracle::case::{Batch, DATA_SIZE, MAX_STATES};
use armistice_oracle::drive::{Executors, Report, Settings};
use armistice_oracle::generate::memory::accesses;
use armistice_oracle::generate::sequence::faulting;
use armistice_oracle::generate::state::{pattern, state};
use armistice_oracle::random::Rng;

const STATES: usize = 4;
const SHORT: usize = 32;
const LONG: usize = 4_000;

fn batch(rng: &mut Rng, op: Op, states: usize) -> Batch {
    let mut batch = Batch {
        pattern: pattern(rng, DATA_SIZE),
        ..Batch::default()
    };
    while batch.states.len() < states && batch.has_room(16) {
        let made = faulting(rng, op, batch.next_address());
        let number = batch.add(made.program);
        for _ in 0..STATES.min(states - batch.states.len()) {
            batch.states.push((number, state(rng, &made.needs)));
        }
    }
    batch
}

#[test]
fn faults_are_the_same_three_ways() {
    let settings = Settings::read(env!("CARGO_TARGET_TMPDIR"));
    let count = settings
        .states
        .unwrap_or(if settings.long { LONG } else { SHORT });
    let mut executors = Executors::start(&settings).expect("all executors");
    let version = executors.qemu.version.clone();
    eprintln!("{version}, seed {}, {count} states each", settings.seed);
    let mut report = Report::default();
    for &op in Op::ALL.iter().filter(|op| settings.wants(op.name())) {
        let class = op.class();
        // IC IVAU names an address, and reads nothing there.
        if !accesses(class) || class == Class::memory_copy_set || op == Op::IC_IVAU {
            continue;
        }
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
        // A prefetch never does, and a store-exclusive accesses only what its
        // load-exclusive could.
        if !["PRF", "STX", "STLX"]
            .iter()
            .any(|s| op.name().starts_with(s))
        {
            let faults = report.tallies[op.name()].faults;
            assert!(faults > 0, "{} never faults", op.name());
        }
    }
    executors.finish("faults", &settings, &report);
}
