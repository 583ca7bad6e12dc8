//! Calls of the surroundings, as the engine's vDSO makes them: interpreter and
//! translator agree on what is changed, on what is kept, and on where it goes
//! on; with the host's vDSO and without one. On another page they are NOPs.

use std::sync::{Mutex, PoisonError};

use armistice_oracle::arm64::{Batch, Program, State};
use armistice_oracle::everywhere;
use armistice_oracle::random::Rng;
use engine::host::clock::{self, RESOLUTION, TIME};

const NOP: u32 = 0xd503_201f;
/// MONOTONIC, whose resolution is a nanosecond where there are timers.
const CLOCK: u64 = 1;

/// The call, what comes behind it else, and what comes behind it when it is done.
fn words(function: u8) -> [u32; 4] {
    [
        a64::call::word(function),
        0x1400_0002, // b to the last
        0x5280_0de7, // mov w7, #0x6f
        NOP,
    ]
}

/// Final states by the interpreter, and by the translator for each host.
fn run(batch: &Batch) -> Vec<Vec<State>> {
    let (interpreted, by_hosts) = everywhere::results(batch);
    let all = [interpreted].into_iter().chain(by_hosts);
    all.map(|results| results.states).collect()
}

/// With the host's vDSO, and without one.
fn with_and_without_vdso(check: impl Fn()) {
    /// Which it is, is the process's.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: the kernel says where it is.
    unsafe { clock::find(libc::getauxval(libc::AT_SYSINFO_EHDR)) };
    check();
    // SAFETY: there is none.
    unsafe { clock::find(0) };
    check();
}

/// A state of random registers, SP aligned.
fn random(rng: &mut Rng, clock: u64) -> State {
    let mut state = State::default();
    state.x.fill_with(|| rng.bits());
    state
        .v
        .fill_with(|| u128::from(rng.bits()) << 64 | u128::from(rng.bits()));
    state.x[31] &= !15;
    // The upper half means nothing.
    state.x[0] = rng.bits() << 32 | clock;
    state.nzcv = rng.bits() & 0xf000_0000;
    state
}

/// What a call may change is made equal, and what it lost of vectors: all but the
/// low halves of V8 to V15.
fn kept(state: &State) -> State {
    let mut kept = *state;
    kept.x[2..5].fill(0);
    kept.nzcv = 0;
    for (n, v) in kept.v.iter_mut().enumerate() {
        *v = if (8..16).contains(&n) {
            *v & u128::from(u64::MAX)
        } else {
            0
        };
    }
    kept
}

#[track_caller]
fn everywhere(function: u8, clock: u64, check: impl Fn(&State, &State)) {
    let mut rng = Rng::new(112);
    let mut batch = Batch {
        calls: true,
        ..Batch::default()
    };
    let program = batch.add(Program::new(batch.next_address(), words(function).to_vec()));
    for _ in 0..100 {
        batch.states.push((program, random(&mut rng, clock)));
    }
    with_and_without_vdso(|| {
        for states in run(&batch) {
            for (after, (_, before)) in states.iter().zip(&batch.states) {
                check(before, after);
            }
        }
    });
}

#[test]
fn what_is_done_skips_the_next_instruction() {
    everywhere(RESOLUTION, CLOCK, |before, after| {
        let mut expected = *before;
        expected.x[7] = 0x6f;
        assert_eq!(kept(after), kept(&expected));
        assert_eq!((&after.x[2..5], after.nzcv), (&[0, 1, 0][..], 0));
    });
}

#[test]
fn what_is_not_done_goes_on_at_the_next_instruction() {
    everywhere(TIME, 99, |before, after| {
        assert_eq!(kept(after), kept(before));
    });
}

#[test]
fn the_time() {
    let start = clock::time(1).unwrap();
    everywhere(TIME, CLOCK, |_, after| {
        let time = [after.x[2], after.x[3]];
        assert!(start <= time && time <= clock::time(1).unwrap(), "{time:?}");
        assert!(time[1] < 1_000_000_000 && after.x[7] == 0x6f);
    });
}

/// The programs of the second page, and those of a batch without calls.
#[test]
fn elsewhere_they_are_nops() {
    let mut rng = Rng::new(113);
    for calls in [true, false] {
        let mut batch = Batch {
            calls,
            ..Batch::default()
        };
        if calls {
            let filler = |batch: &mut Batch| Program::new(batch.next_address(), vec![NOP; 250]);
            for _ in 0..5 {
                let program = filler(&mut batch);
                batch.add(program);
            }
        }
        let program = batch.add(Program::new(batch.next_address(), words(TIME).to_vec()));
        batch.states.push((program, random(&mut rng, CLOCK)));
        for states in run(&batch) {
            assert_eq!(
                states[0],
                State {
                    pc: states[0].pc,
                    ..batch.states[0].1
                }
            );
        }
    }
}
