//! Every instruction that accesses memory, made to fault in the middle of
//! other instructions: all registers and the data area must be those before
//! it, three ways.
//!
//! Short by default; `ARMISTICE_LONG=1` takes 4,000 states an instruction,
//! `ARMISTICE_SEED` another seed, `ARMISTICE_OP` only the instructions whose
//! names start so.

use a64::decode::{Class, Op};
use armistice_oracle::arm64::generate::memory::accesses;
use armistice_oracle::arm64::generate::sequence::faulting;
use armistice_oracle::arm64::generate::state::{pattern, state};
use armistice_oracle::arm64::{Batch, DATA_SIZE};
use armistice_oracle::comparison::Comparison;
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
    let counts = [SHORT, LONG];
    let temporary = env!("CARGO_TARGET_TMPDIR");
    let mut comparison = Comparison::start("faults", temporary, counts, "states each");
    let can_fault = |op: Op| {
        // IC IVAU names an address, and reads nothing there.
        let class = op.class();
        accesses(class) && class != Class::memory_copy_set && op != Op::IC_IVAU
    };
    let ops = Op::ALL.iter().copied().filter(|&op| can_fault(op));
    comparison.each_instruction(ops.map(|op| (op.name().into(), op)), batch);
    for (name, tally) in &comparison.report.tallies {
        // A prefetch never does, and a store-exclusive accesses only what its
        // load-exclusive could.
        if !["PRF", "STX", "STLX"].iter().any(|s| name.starts_with(s)) {
            assert!(tally.faults > 0, "{name} never faults");
        }
    }
    comparison.finish();
}
