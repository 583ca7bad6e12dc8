//! SHA-1 (FIPS 180), as SHA1C, SHA1P, SHA1M, SHA1H, SHA1SU0 and SHA1SU1 have it.

use crate::words::{of_words, words};

/// SHA1C: four rounds that choose.
#[must_use]
pub fn choose(abcd: u128, e: u128, schedule: u128) -> u128 {
    rounds(abcd, e, schedule, |b, c, d| (b & c) | (!b & d))
}

/// SHA1P: four rounds of parity.
#[must_use]
pub fn parity(abcd: u128, e: u128, schedule: u128) -> u128 {
    rounds(abcd, e, schedule, |b, c, d| b ^ c ^ d)
}

/// SHA1M: four rounds of majority.
#[must_use]
pub fn majority(abcd: u128, e: u128, schedule: u128) -> u128 {
    rounds(abcd, e, schedule, |b, c, d| (b & c) | (b & d) | (c & d))
}

/// SHA1H.
#[must_use]
pub fn fixed_rotate(n: u128) -> u128 {
    u128::from((n as u32).rotate_left(30))
}

/// SHA1SU0.
#[must_use]
pub const fn schedule_0(d: u128, n: u128, m: u128) -> u128 {
    (n << 64 | d >> 64) ^ d ^ m
}

/// SHA1SU1.
#[must_use]
pub fn schedule_1(d: u128, n: u128) -> u128 {
    let t = words(d ^ n >> 32).map(|w| w.rotate_left(1));
    of_words([t[0], t[1], t[2], t[3] ^ t[0].rotate_left(1)])
}

/// Four rounds on A to D and E, with the schedule and its constants.
fn rounds(abcd: u128, e: u128, schedule: u128, f: fn(u32, u32, u32) -> u32) -> u128 {
    let [mut a, mut b, mut c, mut d] = words(abcd);
    let mut e = e as u32;
    for w in words(schedule) {
        let next = e
            .wrapping_add(a.rotate_left(5))
            .wrapping_add(f(b, c, d))
            .wrapping_add(w);
        (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
    }
    of_words([a, b, c, d])
}
