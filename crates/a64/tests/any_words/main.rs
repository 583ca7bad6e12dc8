//! Promise: the interpreter takes any instruction on any state, and after an
//! exception the state and memory are those before the instruction.
//!
//! `ARMISTICE_LONG=1` does a hundred times more.
#![allow(
    clippy::cast_possible_truncation,
    reason = "parts of random numbers are what is wanted"
)]

mod check;

use isa::random::Random;

#[test]
fn any_instruction_on_any_state() {
    let mut random = Random::new(0x57a7e);
    let rounds = if cfg!(armistice_long) { 30_000 } else { 300 };
    for _ in 0..rounds {
        for row in 0..armistice_a64::decode::Op::COUNT {
            let word = check::word(row as u16, random.word());
            check::execute(word, random.bits());
        }
    }
}
