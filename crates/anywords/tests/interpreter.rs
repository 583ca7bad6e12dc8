//! Promise: the interpreter takes any instruction on any state, and after an exception the state
//! and memory are those before the instruction.
//!
//! `ARMISTICE_LONG=1` does a hundred times more.

use a32::Aarch32;
use a64::Aarch64;
use armistice_anywords::words::Words;
use armistice_anywords::{interpreter, long};
use isa::random::Random;

fn instructions_are_interpreted<G: Words>() {
    let mut random = Random::new(0x57a7e);
    let rounds = if long() { 30_000 } else { 300 };
    for _ in 0..rounds {
        for &set in G::SETS {
            for kind in 0..G::kinds(set) {
                let word = G::word(set, kind, random.word());
                interpreter::execute::<G>(set, word, random.bits());
            }
        }
    }
}

#[test]
fn any_instruction_of_arm64_on_any_state() {
    instructions_are_interpreted::<Aarch64>();
}

#[test]
fn any_instruction_of_arm_on_any_state() {
    instructions_are_interpreted::<Aarch32>();
}
