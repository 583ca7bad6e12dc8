//! Random states, made to meet a program's needs.

use super::sequence::FAULTING;
use super::{Need, memory};
use crate::arm64::{DATA, DATA_SIZE, State};
use crate::random::Rng;
use crate::values;

/// AHP, DN, FZ, RMode and FZ16.
const FPCR: u64 = 0x07c8_0000;
/// QC, IDC, IXC, UFC, OFC, DZC and IOC.
const FPSR: u64 = 0x0800_009f;

/// A random FPCR: mostly the default, else a rounding mode, with FZ and DN or without, or anything.
fn fpcr(rng: &mut Rng) -> u64 {
    match rng.below(10) {
        0..6 => 0,
        6 => rng.below(4) << 22,
        7 => (1 + rng.below(3)) << 24,
        8 => rng.below(16) << 22,
        _ => rng.bits() & FPCR,
    }
}

/// A state for a program with these needs.
pub fn state(rng: &mut Rng, needs: &[Need]) -> State {
    let mut state = State {
        nzcv: rng.below(16) << 28,
        fpcr: fpcr(rng),
        fpsr: if rng.percent(70) {
            0
        } else {
            rng.bits() & FPSR
        },
        tpidr: rng.bits(),
        ..State::default()
    };
    for x in &mut state.x {
        *x = values::int(rng);
    }
    for v in &mut state.v {
        *v = values::vector(rng);
    }
    // An aligned SP, where nothing is.
    state.x[31] = 0x7000_0000_0000 | (state.x[31] & 0xfff_fff0);
    for need in needs {
        meet(rng, &mut state, *need);
    }
    state
}

fn meet(rng: &mut Rng, state: &mut State, need: Need) {
    match need {
        Need::Address {
            base,
            offset,
            size,
            aligned,
        } => {
            let target = memory::target(rng, size, aligned);
            set_base(rng, state, base, target.wrapping_add_signed(-offset));
        }
        Need::Indexed {
            base,
            index,
            option,
            shift,
            size,
        } => {
            if index < 31 && rng.percent(70) {
                state.x[index as usize] = values::int(rng) % 4096;
                if rng.percent(40) {
                    let x = &mut state.x[index as usize];
                    *x = x.wrapping_neg();
                }
                // What the extension of a word must not look at.
                if option & 1 == 0 && rng.percent(50) {
                    state.x[index as usize] ^= rng.bits() << 32;
                }
            }
            let target = memory::target(rng, size, false);
            if base == index && base != 31 {
                // x + extend(x): the index's half reaches it seldom; rather a
                // base of zero beside it.
                state.x[base as usize] = target;
                return;
            }
            let x = if index == 31 {
                0
            } else {
                state.x[index as usize]
            };
            let extended = match option {
                2 => u64::from(x as u32),
                6 => i64::from(x as u32 as i32) as u64,
                _ => x,
            };
            set_base(rng, state, base, target.wrapping_sub(extended << shift));
        }
        Need::Value { register, value } => state.x[register as usize] = value,
        Need::Count { register, below } => {
            state.x[register as usize] = rng.below(below);
        }
        Need::Control { register } => {
            state.x[register as usize] = rng.bits() & FPCR;
        }
        Need::Status { register } => {
            state.x[register as usize] = rng.bits() & FPSR;
        }
        Need::Near { register } => {
            let distance = rng.below(DATA_SIZE / 2) & rng.pick(&[!63, !15, !7, !0]);
            set_base(rng, state, register, DATA + DATA_SIZE / 4 + distance);
        }
        Need::AnyStack => {
            if rng.percent(50) {
                state.x[31] ^= rng.below(16);
            }
        }
        Need::Faulting { offset, size } => {
            let target = if rng.percent(50) {
                // Across an end of the data area.
                let past = 1 + rng.below(size.max(2) - 1);
                rng.pick(&[DATA + DATA_SIZE - size + past, DATA - past])
            } else {
                let distance = rng.below(2048);
                rng.pick(&[DATA + DATA_SIZE + distance, DATA - size - distance, 0])
            };
            let value = target.wrapping_add_signed(-offset);
            set_base(rng, state, FAULTING, value);
        }
        Need::Related { a, b } => relate(rng, state, a as usize, b as usize),
    }
}

/// Sets a base register, now and then with a tag in its top byte.
fn set_base(rng: &mut Rng, state: &mut State, base: u32, value: u64) {
    let tag = if rng.percent(4) { rng.bits() << 56 } else { 0 };
    state.x[base as usize] = (value & !(0xff << 56)) | tag;
    // SP must be a multiple of 16 where it is a base.
    if base == 31 && !rng.percent(3) {
        state.x[31] &= !15;
    }
}

/// Makes one register the other's value, or one nearly so.
fn relate(rng: &mut Rng, state: &mut State, a: usize, b: usize) {
    if !rng.percent(20) {
        return;
    }
    let (x, v) = (state.x[a], state.v[a]);
    let (dx, dv) = match rng.below(4) {
        0 => (0, 0),
        1 => (1 << 63, 0x8000_0000_8000_0000_8000_0000_8000_0000),
        2 => (1, 1),
        _ => (
            1 << rng.below(64),
            1 << rng.below(128) | 1u128 << rng.below(128),
        ),
    };
    if b != 31 {
        state.x[b] = if a == 31 { 0 } else { x ^ dx };
    }
    state.v[b] = v ^ dv;
}

/// What the data area holds: mostly random, with runs of equal bytes.
pub fn pattern(rng: &mut Rng, size: u64) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..size / 8)
        .flat_map(|_| rng.bits().to_le_bytes())
        .collect();
    for _ in 0..size / 128 {
        let at = rng.below(size - 16) as usize;
        let byte = rng.pick(&[0, 0xff, 0x80, 0x7f]);
        bytes[at..at + 16].fill(byte);
    }
    debug_assert!(DATA.is_multiple_of(4096), "pages");
    bytes
}
