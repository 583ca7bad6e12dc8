//! Every instruction of the tables on random operands and states, and sequences of them, three ways: the
//! interpreter, the translator, and `qemu-arm`, a process and a black box.
//!
//! Short by default; `ARMISTICE_LONG=1` takes 10,000 states an instruction, `ARMISTICE_SEED`
//! another seed, `ARMISTICE_STATES` another number, `ARMISTICE_RESULTS` a folder for the counts, `ARMISTICE_OP` only rows whose name starts so (`A32.ADD`).

#![allow(clippy::unwrap_used, reason = "a failed helper is a failed test")]
#![allow(clippy::print_stderr, reason = "tests show what they compared")]
#![allow(
    clippy::cast_possible_truncation,
    reason = "operands are cut from random words"
)]

mod case;
mod compare;
mod generate;
mod interpreter;
mod known;
mod qemu;
mod random;
mod sandbox;
mod sequences;
mod tally;
mod translator;
mod vectors;

use armistice_a32::decode::State as Set;
use case::{Batch, DATA_SIZE, MAX_STATES, Program, State};
use generate::Row;
use random::Rng;
use sandbox::Sandbox;
use tally::Tally;

/// How many states each program runs on.
const STATES: usize = if cfg!(armistice_long) { 8 } else { 4 };
/// How many states an instruction.
const COUNT: usize = if cfg!(armistice_long) { 10_000 } else { 64 };
/// How many states of sequences.
const SEQUENCES: usize = if cfg!(armistice_long) { 800_000 } else { 4000 };

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// Programs and states about a row.
fn batch(rng: &mut Rng, sandbox: &mut Sandbox, row: Row, states: usize) -> Batch {
    let mut batch = Batch {
        pattern: generate::pattern(rng),
        ..Batch::default()
    };
    while batch.states.len() < states && batch.has_room() {
        let (program, insn) = generate::program(rng, row, batch.next_address());
        batch.accesses_data |= generate::may_access_data(insn);
        for _ in 0..STATES.min(states - batch.states.len()) {
            let state = generate::state(rng, &program, insn);
            batch.states.push((batch.programs.len(), state));
        }
        batch.programs.push(program);
    }
    if batch.accesses_data {
        interpreter::leave_out_strays(sandbox, &mut batch);
    }
    batch
}

fn seed() -> u64 {
    setting("ARMISTICE_SEED").map_or(1, |text| text.parse().expect("a number"))
}

fn count(usual: usize) -> usize {
    setting("ARMISTICE_STATES").map_or(usual, |text| text.parse().expect("a number"))
}

#[test]
fn every_instruction_is_the_same_on_qemu() {
    let (seed, count) = (seed(), count(COUNT));
    let only = setting("ARMISTICE_OP").unwrap_or_default();
    let mut tally = Tally::start();
    for row in Row::all() {
        let name = row.name();
        if !name.starts_with(&only) || !is_run(&name) {
            continue;
        }
        tally.subjects += 1;
        let (mut rng, mut left) = (Rng::named(seed, &name), count);
        while left > 0 {
            let batch = batch(&mut rng, &mut tally.sandbox, row, left.min(MAX_STATES));
            left -= batch.states.len();
            tally.compare(&batch, &name, |_, _| Some(name.clone()));
        }
    }
    tally.finish("instructions", seed);
}

#[test]
fn sequences_are_the_same_on_qemu() {
    let (seed, mut left) = (seed(), count(SEQUENCES));
    let mut tally = Tally::start();
    let mut rng = Rng::named(seed, "sequences");
    while left > 0 {
        let batch = sequences::batch(&mut rng, &mut tally.sandbox, left.min(MAX_STATES));
        left -= batch.states.len();
        tally.subjects += batch.programs.len();
        // A difference is known by the instruction that has ended the sequence.
        tally.compare(&batch, "sequences", |n, end| {
            sequences::row_at(&batch, n, end.pc)
        });
    }
    tally.finish("sequences", seed);
}

/// A store that hit programs would change those that run later, and the first words of a program
/// are QEMU's alone.
#[test]
fn a_store_to_programs_faults() {
    let mut batch = Batch {
        pattern: vec![0; DATA_SIZE as usize],
        ..Batch::default()
    };
    // STR R0, [R1]; ADD R2, R2, #1.
    for word in [0xe581_0000, 0xe282_2001] {
        batch.programs.push(Program {
            set: Set::Arm,
            address: batch.next_address(),
            words: vec![word],
        });
    }
    let [mut store, after] = [State::default(); 2];
    store.r[1] = batch.programs[1].address - 8;
    batch.states = vec![(0, store), (1, after)];
    let mut tally = Tally::start();
    tally.compare(&batch, "stores", |_, _| None);
    assert_eq!(tally.faults, 1);
    tally.finish("stores", 1);
}

/// Whether a row is run: not what asks the kernel for something, or waits.
fn is_run(name: &str) -> bool {
    !["SVC", "WFE", "WFI"]
        .iter()
        .any(|end| name.ends_with(&format!(".{end}")))
}
