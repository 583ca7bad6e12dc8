//! Runs of floating-point instructions, whose results the translator looks at together
//! (`crates/x64/src/lower/vector/joined.rs`): random ones, with loads, integer work and
//! faults between, on numbers that make it look twice. Interpreter and translator must
//! have the same, the latter with AVX-512 (where this processor has it) and without; with
//! denormals flushed, too (`flushed.rs`).

#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

use armistice_oracle::arm64::{Batch, DATA, DATA_SIZE, Program, State};
use armistice_oracle::everywhere;
use armistice_oracle::random::Rng;

/// Three sources of vector slots, or two, or one: Rd, Rn and Rm are filled in.
const ARITHMETIC: &[u32] = &[
    0x4e20_d400, // fadd v.4s
    0x4e60_d400, // fadd v.2d
    0x0e20_d400, // fadd v.2s
    0x4ea0_d400, // fsub v.4s
    0x4ee0_d400, // fsub v.2d
    0x6e20_dc00, // fmul v.4s
    0x6e60_dc00, // fmul v.2d
    0x2e20_dc00, // fmul v.2s
    0x6e20_fc00, // fdiv v.4s
    0x2e20_fc00, // fdiv v.2s
    0x6e60_fc00, // fdiv v.2d
    0x4e20_cc00, // fmla v.4s
    0x4e60_cc00, // fmla v.2d
    0x0e20_cc00, // fmla v.2s
    0x4ea0_cc00, // fmls v.4s
    0x4ee0_cc00, // fmls v.2d
    0x6ea0_d400, // fabd v.4s
    0x4f80_1000, // fmla v.4s, v.s[0]
    0x4fa0_1800, // fmla v.4s, v.s[3]
    0x4f80_9000, // fmul v.4s, v.s[0]
    0x4fc0_9800, // fmul v.2d, v.d[1]
    0x1e20_2800, // fadd s
    0x1e60_0800, // fmul d
];

const UNARY: &[u32] = &[
    0x6ea1_f800, // fsqrt v.4s
    0x6ee1_f800, // fsqrt v.2d
];

/// What only moves bits.
const MOVES: &[u32] = &[
    0x6ea0_f800, // fneg v.4s
    0x4ee0_f800, // fabs v.2d
    0x4e04_0400, // dup v.4s, v.s[0]
    0x5e0c_0400, // mov s, v.s[1]
    0x5e18_0400, // mov d, v.d[1]
];

/// Integer work on X0 to X5.
const PLAIN: &[u32] = &[
    0x9100_2021, // add x1, x1, #8
    0xeb01_001f, // cmp x0, x1
    0xab03_0042, // adds x2, x2, x3
    0xca04_0063, // eor x3, x3, x4
    0xd37c_ec84, // lsl x4, x4, #4
    0xba05_0084, // adcs x4, x4, x5
    0x9a81_0000, // csel x0, x0, x1, eq
    0xd280_0020, // mov x0, #1
];

const LOAD: u32 = 0x3dc0_0280; // ldr q0, [x20]
const LOAD_POST: u32 = 0x3cc1_0680; // ldr q0, [x20], #16
const LOAD_PAIR: u32 = 0xad40_0280; // ldp q0, q0, [x20]
const STORE: u32 = 0x3d80_0280; // str q0, [x20]
/// X21 is where nothing is mapped.
const BAD_LOAD: u32 = 0x3dc0_02a0; // ldr q0, [x21]

/// Of both widths: zero, infinity, NaNs, denormals, the least normal number and what becomes it
/// when rounded, and plain ones.
const NUMBERS: [u32; 12] = [
    0,
    0x7f80_0000,
    0x7fc0_0000,
    0x7fa0_0001,
    0xffc1_2345,
    0x0080_0000,
    0x3f7f_ffff,
    0x0000_0003,
    0x3f80_0000,
    0xc060_0000,
    0x2000_0001,
    0x1fff_ffff,
];
const WIDE: [u64; 11] = [
    0,
    0x0008_0000_0000_0001,
    0x7ff0_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0x7ff4_0000_0000_0001,
    0xfff8_0000_1234_0000,
    0x0010_0000_0000_0000,
    0x3fef_ffff_ffff_ffff,
    0x3ff0_0000_0000_0000,
    0xc00c_0000_0000_0000,
    0x2000_0000_0000_0001,
];

/// A few slots only, so that results are used again: of those that have host registers
/// on every host, and of those that have none.
fn slot(rng: &mut Rng) -> u32 {
    rng.pick(&[0, 1, 2, 12, 13, 20, 30, 31])
}

fn word(rng: &mut Rng, faults: bool) -> u32 {
    let (d, n, m) = (slot(rng), slot(rng), slot(rng));
    match rng.below(20) {
        0..=10 => {
            let base = rng.pick(ARITHMETIC);
            // Elements of 32 bits are of V0 to V15 here too.
            let m = if base >> 24 == 0x4f { m & 15 } else { m };
            base | m << 16 | n << 5 | d
        }
        11 => rng.pick(UNARY) | n << 5 | d,
        12 => rng.pick(MOVES) | n << 5 | d,
        13 => 0x4ea0_1c00 | n << 16 | n << 5 | d,
        14 => LOAD | d | (rng.below(8) as u32) << 10,
        15 => LOAD_POST | d,
        16 if d != m => LOAD_PAIR | d | m << 10,
        17 if faults => BAD_LOAD | d,
        17 => STORE | d,
        _ => rng.pick(PLAIN),
    }
}

fn state(rng: &mut Rng) -> State {
    let mut state = State::default();
    for x in &mut state.x[..6] {
        *x = rng.bits() >> rng.below(64);
    }
    state.x[20] = DATA + 0x400;
    state.x[21] = DATA + DATA_SIZE + 0x100;
    state.nzcv = rng.below(16) << 28;
    // RMode; half of the states with FZ, DN, or both.
    state.fpcr = rng.below(4) << 22 | rng.pick(&[0, 0, 0, 1, 2, 3]) << 24;
    // Most numbers are harmless, so that more than the first of a run is looked at.
    let harmless = rng.below(4);
    for v in &mut state.v {
        let odd = rng.below(4) < harmless;
        *v = if rng.percent(50) {
            let mut lane = || {
                let any = rng.pick(&NUMBERS);
                u128::from(if odd { any } else { 0x3f80_0000 | any & 0x1234 })
            };
            (0..4).fold(0, |v, _| v << 32 | lane())
        } else {
            let mut lane = || {
                let any = rng.pick(&WIDE);
                u128::from(if odd { any } else { 0x3ff0_0000_0000_0000 })
            };
            (0..2).fold(0, |v, _| v << 64 | lane())
        };
    }
    state
}

fn compare(seed: u64, programs: usize, faults: bool) {
    let mut rng = Rng::named(seed, if faults { "faults" } else { "runs" });
    let mut batch = Batch {
        pattern: (0..DATA_SIZE / 4)
            .flat_map(|_| rng.pick(&NUMBERS).to_le_bytes())
            .collect(),
        ..Batch::default()
    };
    for _ in 0..programs {
        let words = (0..4 + rng.below(24)).map(|_| word(&mut rng, faults));
        let number = batch.add(Program::new(batch.next_address(), words.collect()));
        for _ in 0..12 {
            batch.states.push((number, state(&mut rng)));
        }
    }
    let _ = everywhere::same(&batch, format_args!("seed {seed}"));
}

#[test]
fn runs_are_exact() {
    for seed in 0..12 {
        compare(seed, 80, false);
    }
}

#[test]
fn faults_in_runs_tell_the_state() {
    for seed in 0..12 {
        compare(seed, 80, true);
    }
}
