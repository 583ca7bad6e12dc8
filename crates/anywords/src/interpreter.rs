//! What an interpreter promises of any instruction and any state: no panic, an instruction that is
//! no branch leads to the next one, and after an exception the state and memory are those before.

use guest::memory::Buffer;
use guest::{Exception, Kind};
use ir::Mode;
use isa::random::Random;

use crate::Words;
use crate::words::{BASE, LENGTH};

/// Executes one word of a set of instructions on a state that comes from `seed`.
///
/// # Panics
/// When the promise is not kept.
pub fn execute<G: Words>(set: Mode, word: u32, seed: u64) {
    let Some(insn) = G::decode(set, word) else {
        return;
    };
    let mut random = Random::new(seed);
    let mut state = G::state(set, &mut random);
    let mut memory = Buffer::new(BASE, LENGTH);
    for part in memory.bytes.chunks_exact_mut(8) {
        part.copy_from_slice(&random.bits().to_le_bytes());
    }
    let mut before = state.clone();
    let bytes = memory.bytes.clone();
    let result = G::step(&mut state, &mut memory, insn);
    let name = G::row_name(G::row(insn));
    let what = format!("{name} {word:#x} of seed {seed:#x}: {result:?}");
    G::check_state(&state, &what);
    if G::stops_amid(insn) {
        return;
    }
    let next = G::behind(G::pc(&before), G::length(set, word));
    let Err(exception) = result else {
        let leads = G::kind(insn) != Kind::Straight;
        assert!(leads || G::pc(&state) == next, "{what}: PC");
        return;
    };
    if matches!(exception, Exception::Supervisor(_)) {
        G::set_pc(&mut before, next);
        G::pass(&mut before);
    }
    assert!(state == before, "{what}: the state changed");
    assert!(
        G::stores_several(insn) || memory.bytes == bytes,
        "{what}: memory changed"
    );
}
