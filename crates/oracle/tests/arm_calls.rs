//! Calls of the surroundings, as the vDSO of 32-bit Arm makes them: interpreter and translator
//! agree on what is changed, on what is kept, and on where it goes on; with the host's vDSO and
//! without one. On another page they are NOPs.

use std::sync::{Mutex, PoisonError};

use a32::call;
use armistice_oracle::arm::{Batch, Program, State};
use armistice_oracle::everywhere;
use armistice_oracle::random::Rng;
use engine::host::clock::{self, RESOLUTION, TIME};

const NOP: u32 = 0xe320_f000;
/// MONOTONIC, whose resolution is a nanosecond where there are timers.
const CLOCK: u32 = 1;

/// The call, what comes behind it else, and what comes behind it when it is done.
fn words(function: u8) -> [u32; 4] {
    [
        call::word(function),
        0xea00_0001, // b to the last
        0xe3a0_706f, // mov r7, #0x6f
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

/// A state of random registers.
#[expect(clippy::cast_possible_truncation, reason = "random bits")]
fn random(rng: &mut Rng, clock: u32) -> State {
    let mut state = State::default();
    state.r.fill_with(|| rng.bits() as u32);
    state.d.fill_with(|| rng.bits());
    state.r[0] = clock;
    // N, Z, C and V, in user mode.
    state.cpsr = rng.bits() as u32 & 0xf000_0000 | 0x10;
    state
}

/// What a call may change is made equal, and what it lost of vectors: all but D8 to D15.
fn kept(state: &State) -> State {
    let mut kept = *state;
    for changed in [2, 3, 12] {
        kept.r[changed] = 0;
    }
    kept.cpsr &= !0xf000_0000;
    kept.d[..8].fill(0);
    kept.d[16..].fill(0);
    kept
}

#[track_caller]
fn everywhere(function: u8, clock: u32, check: impl Fn(&State, &State)) {
    let mut rng = Rng::new(114);
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
        expected.r[7] = 0x6f;
        assert_eq!(kept(after), kept(&expected));
        assert_eq!([after.r[2], after.r[3], after.r[12]], [0, 0, 1]);
        assert_eq!(after.cpsr >> 28, 0);
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
        let seconds = u64::from(after.r[3]) << 32 | u64::from(after.r[2]);
        let time = [seconds, after.r[12].into()];
        assert!(start <= time && time <= clock::time(1).unwrap(), "{time:?}");
        assert!(time[1] < 1_000_000_000 && after.r[7] == 0x6f);
    });
}

/// The programs of the second page, and those of a batch without calls.
#[test]
fn elsewhere_they_are_nops() {
    let mut rng = Rng::new(115);
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
            let mut expected = batch.states[0].1;
            expected.pc = states[0].pc;
            assert_eq!(states[0], expected);
        }
    }
}
