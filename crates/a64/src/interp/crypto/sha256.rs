//! SHA-256 (FIPS 180).

use super::{Operands, of_words, words};
use crate::decode::Op;

pub(super) fn execute(op: Op, x: Operands) -> Option<u128> {
    Some(match op {
        Op::SHA256H => of_words(rounds(x.d, x.n, x.m).0),
        Op::SHA256H2 => of_words(rounds(x.n, x.d, x.m).1),
        Op::SHA256SU0 => {
            let (d, next) = (words(x.d), words(x.n << 96 | x.d >> 32));
            of_words(core::array::from_fn(|i| {
                let w = next[i];
                let s = w.rotate_right(7) ^ w.rotate_right(18) ^ w >> 3;
                d[i].wrapping_add(s)
            }))
        }
        Op::SHA256SU1 => schedule(x),
        _ => return None,
    })
}

/// The second half of the schedule's next four words.
fn schedule(x: Operands) -> u128 {
    let (d, m) = (words(x.d), words(x.m));
    let between = words(x.m << 96 | x.n >> 32);
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
