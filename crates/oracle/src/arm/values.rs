//! What registers and lanes hold: numbers that find mistakes, and addresses in the data area.

use super::{DATA, DATA_SIZE};
use crate::random::Rng;
use crate::values;

/// AHP, DN, FZ, `RMode`, FZ16; QC and the exceptions; the flags.
pub(super) const FPSCR: u32 = 0x07c8_0000 | 0x0800_009f | 0xf000_0000;

/// An address in the data area: of any alignment, across its pages, and now and then over its ends.
pub(super) fn target(rng: &mut Rng, size: u32) -> u32 {
    let end = DATA + DATA_SIZE;
    let address = match rng.below_32(100) {
        0..50 => DATA + rng.below_32(DATA_SIZE - 64),
        50..65 => DATA + DATA_SIZE / 2 - rng.below_32(size + 1),
        65..85 => end - size - rng.below_32(40),
        85..93 => DATA + rng.below_32(40),
        93..97 => end - rng.below_32(size + 8),
        _ => DATA - 1 - rng.below_32(size + 2),
    };
    let granule = size.next_power_of_two().min(8);
    if rng.percent(75) {
        address & !(granule - 1)
    } else {
        address
    }
}

/// A floating-point number of a precision: half, single and double are 1, 2 and 3.
pub(super) fn float(rng: &mut Rng, precision: usize) -> u64 {
    values::float(rng, values::FORMATS[precision - 1])
}

/// A doubleword of lanes.
pub(super) fn lanes(rng: &mut Rng, bits: u32, mut lane: impl FnMut(&mut Rng) -> u64) -> u64 {
    (0..64 / bits).fold(0, |all, n| {
        all | (lane(rng) & u64::MAX >> (64 - bits)) << (bits * n)
    })
}

/// Integers about the ends of their ranges, and small ones.
pub(super) fn integers(rng: &mut Rng, bits: u32) -> u64 {
    lanes(rng, bits, |rng| {
        let least = 1u64 << (bits - 1);
        match rng.below_32(8) {
            0 => 0,
            1 => least.wrapping_add(rng.below_32(3).into()).wrapping_sub(1),
            2 => u64::MAX - u64::from(rng.below_32(3)),
            3 => rng.below_32(70).into(),
            4 => u64::from(rng.below_32(70)).wrapping_neg(),
            5 => 1 << rng.below_32(bits),
            6 => least >> 1,
            _ => rng.bits(),
        }
    })
}
