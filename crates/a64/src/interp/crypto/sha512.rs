//! SHA-512 (FIPS 180).

use super::{Operands, doubles, of_doubles};
use crate::decode::Op;

pub(super) fn execute(op: Op, x: Operands) -> Option<u128> {
    let ([d0, d1], [n0, n1], [m0, m1]) = (doubles(x.d), doubles(x.n), doubles(x.m));
    Some(of_doubles(match op {
        Op::SHA512H => {
            let step = |y: u64, first: u64, second: u64, add: u64| {
                let sum = y.rotate_right(14) ^ y.rotate_right(18) ^ y.rotate_right(41);
                ((y & first) ^ (!y & second))
                    .wrapping_add(sum)
                    .wrapping_add(add)
            };
            let high = step(m1, n0, n1, d1);
            let low = step(high.wrapping_add(m0), m1, n0, d0);
            [low, high]
        }
        Op::SHA512H2 => {
            let sum = |y: u64| y.rotate_right(28) ^ y.rotate_right(34) ^ y.rotate_right(39);
            let majority = |a: u64, b: u64, c: u64| (a & b) ^ (a & c) ^ (b & c);
            let high = majority(n0, m1, m0).wrapping_add(sum(m0)).wrapping_add(d1);
            let low = majority(high, m0, m1)
                .wrapping_add(sum(high))
                .wrapping_add(d0);
            [low, high]
        }
        Op::SHA512SU0 => {
            let sigma = |w: u64| w.rotate_right(1) ^ w.rotate_right(8) ^ w >> 7;
            [d0.wrapping_add(sigma(d1)), d1.wrapping_add(sigma(n0))]
        }
        Op::SHA512SU1 => {
            let sigma = |w: u64| w.rotate_right(19) ^ w.rotate_right(61) ^ w >> 6;
            [
                d0.wrapping_add(sigma(n0)).wrapping_add(m0),
                d1.wrapping_add(sigma(n1)).wrapping_add(m1),
            ]
        }
        _ => return None,
    }))
}
