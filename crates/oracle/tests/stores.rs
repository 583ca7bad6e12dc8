//! Promise: a store to programs faults, three ways, and leaves them as they are. Else it would change
//! those that run later, of which the first words are QEMU's alone.

use a32::Aarch32;
use a64::Aarch64;
use armistice_oracle::case::{Batch, Program};
use armistice_oracle::compare::differences;
use armistice_oracle::drive::{Executors, Settings};
use armistice_oracle::tested::{State as _, Tested};

/// A store, and behind it a program whose first word the store is to. `at` makes a state with an address in the
/// store's base.
fn a_store_to_programs_faults<G: Tested>(words: [u32; 2], at: impl Fn(u64) -> G::Registers) {
    let settings = Settings::read(env!("CARGO_TARGET_TMPDIR"));
    let mut executors = Executors::<G>::start(&settings).expect("all executors");
    let mut batch = Batch::<G>::default();
    for word in words {
        batch.add(Program::new(batch.next_address(), vec![word]));
    }
    let head = batch.programs[0].end::<G>() + 4;
    batch.states = vec![(0, at(head)), (1, at(0))];
    let three = executors.run(&batch).expect("QEMU runs it");
    for results in [&three.interpreter, &three.translator, &three.qemu] {
        let signals = [0, 1].map(|n| results.states[n].end().signal);
        assert_eq!(signals, [11, 0]);
        for n in [0, 1] {
            assert_eq!(differences(&three.interpreter, results, n), []);
        }
    }
}

#[test]
fn a_store_to_programs_faults_on_arm64() {
    // STR X0, [X1]; ADD X2, X2, #1.
    a_store_to_programs_faults::<Aarch64>([0xf900_0020, 0x9100_0442], |address| {
        let mut state = armistice_oracle::arm64::State::default();
        state.x[1] = address;
        state
    });
}

#[test]
fn a_store_to_programs_faults_on_arm() {
    // STR R0, [R1]; ADD R2, R2, #1.
    a_store_to_programs_faults::<Aarch32>([0xe581_0000, 0xe282_2001], |address| {
        let mut state = armistice_oracle::arm::State::default();
        state.r[1] = u32::try_from(address).expect("an address of 32 bits");
        state
    });
}
