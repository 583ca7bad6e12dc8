//! SHA-256 (FIPS 180), as SHA256H, SHA256H2, SHA256SU0 and SHA256SU1 have it.

use crate::words::{of_words, words};

/// SHA256H: A to D after four rounds.
#[must_use]
pub fn hash(abcd: u128, efgh: u128, schedule: u128) -> u128 {
    of_words(rounds(abcd, efgh, schedule).0)
}

/// SHA256H2: E to H after four rounds.
#[must_use]
pub fn hash_2(efgh: u128, abcd: u128, schedule: u128) -> u128 {
    of_words(rounds(abcd, efgh, schedule).1)
}

/// SHA256SU0: the first half of the schedule's next four words.
#[must_use]
pub fn schedule_0(d: u128, n: u128) -> u128 {
    let (d, next) = (words(d), words(n << 96 | d >> 32));
    of_words(core::array::from_fn(|i| {
        let w = next[i];
        let s = w.rotate_right(7) ^ w.rotate_right(18) ^ w >> 3;
        d[i].wrapping_add(s)
    }))
}

/// SHA256SU1: the second half.
#[must_use]
pub fn schedule_1(d: u128, n: u128, m: u128) -> u128 {
    let between = words(m << 96 | n >> 32);
    let (d, m) = (words(d), words(m));
    let mut out = [0; 4];
    for i in 0..4 {
        let w: u32 = if i < 2 { m[i + 2] } else { out[i - 2] };
        let s = w.rotate_right(17) ^ w.rotate_right(19) ^ w >> 10;
        out[i] = d[i].wrapping_add(between[i]).wrapping_add(s);
    }
    of_words(out)
}

/// Four rounds on A to D and E to H.
fn rounds(abcd: u128, efgh: u128, w: u128) -> ([u32; 4], [u32; 4]) {
    let [mut a, mut b, mut c, mut d] = words(abcd);
    let [mut e, mut f, mut g, mut h] = words(efgh);
    for w in words(w) {
        let choice = (e & f) ^ (!e & g);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let t = h.wrapping_add(s1).wrapping_add(choice).wrapping_add(w);
        let next_a = t.wrapping_add(s0).wrapping_add(majority);
        (h, g, f, e) = (g, f, e, d.wrapping_add(t));
        (d, c, b, a) = (c, b, a, next_a);
    }
    ([a, b, c, d], [e, f, g, h])
}
