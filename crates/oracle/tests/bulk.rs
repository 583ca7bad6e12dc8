//! Promise: memory copied and set by FEAT_MOPS is the same in interpreter and
//! translator, for all short counts, each place about a page's end, and every
//! way that source and target may lie; and so are the registers, also where an
//! access faults on the way.

#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

use armistice_oracle::arm64::{Batch, DATA, DATA_SIZE, Program, State};
use armistice_oracle::everywhere;

/// Prologue, main part and epilogue: X3 is Xd, X1 Xs, X2 Xn.
const COPY: [u32; 3] = [0x1d01_0443, 0x1d41_0443, 0x1d81_0443];
const COPY_FORWARD: [u32; 3] = [0x1901_0443, 0x1941_0443, 0x1981_0443];
const SET: [u32; 3] = [0x19c1_0443, 0x19c1_4443, 0x19c1_8443];
/// The same with XZR.
const SET_ZERO: [u32; 3] = [0x19df_0443, 0x19df_4443, 0x19df_8443];
/// With registers that the host keeps in memory: X29, X28, X27.
const COPY_FAR: [u32; 3] = [0x1d1c_077d, 0x1d5c_077d, 0x1d9c_077d];

const COUNTS: [u64; 28] = [
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    9,
    12,
    15,
    16,
    17,
    24,
    31,
    32,
    33,
    40,
    47,
    48,
    49,
    63,
    64,
    65,
    80,
    128,
    200,
    u64::MAX,
];

/// Where the target begins, from the data area's start: inside, across the end of
/// a page, at the area's end, and outside.
const TARGETS: [u64; 8] = [
    0x200,
    0x203,
    0xfff,
    DATA_SIZE - 64,
    DATA_SIZE - 33,
    DATA_SIZE - 1,
    DATA_SIZE,
    0u64.wrapping_sub(8),
];

/// How far behind the target the source begins.
const DISTANCES: [i64; 14] = [0x100, 0, 1, -1, 3, -3, 8, -8, 16, -16, 31, -31, 60, -0x100];

fn states() -> Vec<State> {
    let mut states = Vec::new();
    for count in COUNTS {
        for target in TARGETS {
            for distance in DISTANCES {
                let target = DATA.wrapping_add(target);
                let mut state = State::default();
                state.x[3] = target;
                state.x[1] = target.wrapping_add_signed(distance);
                state.x[2] = count;
                (state.x[29], state.x[28], state.x[27]) = (state.x[3], state.x[1], count);
                state.x[31] = DATA;
                state.nzcv = 0xf000_0000;
                states.push(state);
            }
        }
    }
    states
}

#[test]
fn short_runs() {
    for words in [COPY, COPY_FORWARD, SET, SET_ZERO, COPY_FAR] {
        let mut batch = Batch {
            pattern: (0..DATA_SIZE)
                .map(|n| ((n * 7 + n / 256) % 251) as u8)
                .collect(),
            ..Batch::default()
        };
        let number = batch.add(Program::new(batch.next_address(), words.to_vec()));
        batch.states = states().into_iter().map(|state| (number, state)).collect();
        let ends = everywhere::same(&batch, "short runs").states;
        assert!(ends.iter().any(|state| state.signal != 0));
    }
}
