//! Random sequences of A32 and T32 instructions, with IT blocks, SETEND and exclusive accesses, three
//! ways. What differs is made as short as it gets.
//!
//! Short by default; `ARMISTICE_LONG=1` takes 800,000 states, `ARMISTICE_STATES` another
//! number, `ARMISTICE_SEED` another seed.

use a32::Aarch32;
use armistice_oracle::arm::sequences::batch;
use armistice_oracle::arm::{Batch, DATA, DATA_SIZE, MAX_STATES, Program, STATES, State};
use armistice_oracle::comparison::Comparison;
use guest::Guest as _;
use ir::Mode;

#[test]
fn sequences_are_the_same_three_ways() {
    let counts = [4000, 800_000];
    let temporary = env!("CARGO_TARGET_TMPDIR");
    let mut comparison = Comparison::start("arm_sequences", temporary, counts, "states");
    let each = STATES[usize::from(comparison.is_long())];
    let mut rng = comparison.random("sequences");
    let mut left = comparison.count;
    while left > 0 {
        let batch = batch(&mut rng, left.min(MAX_STATES), each);
        left -= batch.states.len();
        comparison.sequences(&batch);
    }
    comparison.finish();
}

/// QEMU does not check the alignment of one lane's structure, and goes on to another fault.
#[test]
fn a_fault_behind_the_alignment_that_qemu_does_not_check_is_known() {
    let temporary = env!("CARGO_TARGET_TMPDIR");
    let mut comparison = Comparison::start("lane", temporary, [1; 2], "state");
    let mut batch = Batch {
        pattern: vec![0; DATA_SIZE as usize],
        ..Batch::default()
    };
    let number = batch.add(Program {
        mode: Mode::PLAIN.with(Aarch32::BY_TARGET, true),
        address: batch.next_address(),
        // VLD4.16 {D7[1], D8[1], D9[1], D10[1]}, [R6:64], R3; LDAEX R1, [R6].
        words: vec![0xf9a6_7753, 0xe8d6_1fef],
    });
    let mut state = State::default();
    state.r[6] = DATA + 4;
    state.r[3] = 1;
    batch.states.push((number, state));
    comparison.sequences(&batch);
    let sum = comparison.report.sum();
    assert_eq!(
        (sum.faults, sum.known, sum.qemu, sum.translator),
        (1, 1, 0, 0)
    );
}
