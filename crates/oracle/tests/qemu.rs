//! The QEMU executor itself: what it gives back of known programs.

#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

use a64::Aarch64;
use armistice_oracle::arm64::{Batch, DATA, DATA_SIZE, Program, State};
use armistice_oracle::drive::Settings;
use armistice_oracle::qemu::{Qemu, binary};

fn start() -> Qemu<Aarch64> {
    let settings = Settings::read(env!("CARGO_TARGET_TMPDIR"));
    let folder = settings.target.join("tmp");

    Qemu::start(
        &binary::<Aarch64>(&settings.target),
        &folder.join("oracle/alone"),
    )
    .expect("QEMU runs the guest program")
}

fn state() -> State {
    let mut state = State {
        nzcv: 0xa000_0000,
        fpcr: 0x0040_0000,
        fpsr: 0x0800_0001,
        tpidr: 99,
        ..State::default()
    };
    for n in 0..32u64 {
        state.x[n as usize] = 0x0811_0000_0000_0000 * n + n;
        state.v[n as usize] = u128::from(n) << 100 | u128::from(n);
    }
    state
}

#[test]
fn every_register_survives_nop() {
    let mut qemu = start();
    let mut batch = Batch::default();
    let program = batch.add(Program::new(batch.next_address(), vec![0xd503_201f]));
    batch.states = vec![(program, state()); 3];
    let results = qemu.run(&batch).expect("it runs");
    assert_eq!(results.states, [state(); 3]);
}

#[test]
fn results_and_faults_come_back() {
    let mut qemu = start();
    let mut batch = Batch {
        pattern: (0..DATA_SIZE).map(|n| n as u8).collect(),
        ..Batch::default()
    };
    // add x30, x29, #1; str x30, [x3], #8
    let store = batch.add(Program::new(
        batch.next_address(),
        vec![0x9100_07be, 0xf800_847e],
    ));
    // udf #0
    let undefined = batch.add(Program::new(batch.next_address(), vec![0x9100_07be, 0]));
    let mut before = state();
    before.x[3] = DATA + 16;
    let mut beyond = before;
    beyond.x[3] = DATA + DATA_SIZE - 4;
    batch.states = vec![(store, before), (store, beyond), (undefined, before)];
    let results = qemu.run(&batch).expect("it runs");

    let mut after = before;
    after.x[30] = before.x[29] + 1;
    after.x[3] += 8;
    assert_eq!(results.states[0], after);
    let mut data = batch.pattern.clone();
    data[16..24].copy_from_slice(&after.x[30].to_le_bytes());
    assert_eq!(results.data_of(0), data);

    let mut faulted = beyond;
    faulted.x[30] = beyond.x[29] + 1;
    faulted.pc = batch.programs[store].address + 4;
    (faulted.signal, faulted.code, faulted.address) = (11, 1, DATA + DATA_SIZE);
    assert_eq!(results.states[1], faulted);
    assert_eq!(results.data_of(1), batch.pattern);

    let mut undefined_at = before;
    undefined_at.x[30] = before.x[29] + 1;
    undefined_at.pc = batch.programs[undefined].address + 4;
    undefined_at.signal = 4;
    undefined_at.code = results.states[2].code;
    undefined_at.address = results.states[2].address;
    assert_eq!(results.states[2], undefined_at);
}
