//! SHA-1 (FIPS 180).

use super::{Operands, of_words, words};
use crate::decode::Op;

pub(super) fn execute(op: Op, x: Operands) -> Option<u128> {
    Some(match op {
        Op::SHA1C => rounds(x, |b, c, d| (b & c) | (!b & d)),
        Op::SHA1P => rounds(x, |b, c, d| b ^ c ^ d),
        Op::SHA1M => rounds(x, |b, c, d| (b & c) | (b & d) | (c & d)),
        Op::SHA1H => u128::from((x.n as u32).rotate_left(30)),
        Op::SHA1SU0 => (x.n << 64 | x.d >> 64) ^ x.d ^ x.m,
        Op::SHA1SU1 => {
            let t = words(x.d ^ x.n >> 32).map(|w| w.rotate_left(1));
            of_words([t[0], t[1], t[2], t[3] ^ t[0].rotate_left(1)])
        }
        _ => return None,
    })
}

/// Four rounds: the state's A to D in Vd, E in Vn, the schedule with its
/// constants in Vm.
fn rounds(x: Operands, f: fn(u32, u32, u32) -> u32) -> u128 {
    let [mut a, mut b, mut c, mut d] = words(x.d);
    let mut e = x.n as u32;
    for w in words(x.m) {
        let next = e
            .wrapping_add(a.rotate_left(5))
            .wrapping_add(f(b, c, d))
            .wrapping_add(w);
        (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
    }
    of_words([a, b, c, d])
}
