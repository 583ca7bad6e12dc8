//! SM3 (GB/T 32905).

use super::Operands;
use crate::decode::Op;
use crate::insn::Insn;
use lanes::words::{of_words, words};

pub(super) fn execute(insn: Insn, x: Operands) -> Option<u128> {
    Some(match insn.op {
        Op::SM3SS1 => {
            let [n, m, a] = [x.n, x.m, x.a].map(|v| words(v)[3]);
            let sum = n.rotate_left(12).wrapping_add(m).wrapping_add(a);
            of_words([0, 0, 0, sum.rotate_left(7)])
        }
        Op::SM3PARTW1 => part_w1(x),
        Op::SM3PARTW2 => part_w2(x),
        Op::SM3TT1A => first(x, insn.imm2(), |a, b, c| a ^ b ^ c),
        Op::SM3TT1B => first(x, insn.imm2(), |a, b, c| (a & b) | (a & c) | (b & c)),
        Op::SM3TT2A => second(x, insn.imm2(), |a, b, c| a ^ b ^ c),
        Op::SM3TT2B => second(x, insn.imm2(), |a, b, c| (a & b) | (!a & c)),
        _ => return None,
    })
}

const fn p1(x: u32) -> u32 {
    x ^ x.rotate_left(15) ^ x.rotate_left(23)
}

fn part_w1(x: Operands) -> u128 {
    let (d, n, m) = (words(x.d), words(x.n), words(x.m));
    let mut out = [0; 4];
    for i in 0..4 {
        let late = if i < 3 { m[i + 1] } else { out[0] };
        out[i] = p1(d[i] ^ n[i] ^ late.rotate_left(15));
    }
    of_words(out)
}

fn part_w2(x: Operands) -> u128 {
    let (n, m) = (words(x.n), words(x.m));
    let t: [u32; 4] = core::array::from_fn(|i| n[i] ^ m[i].rotate_left(7));
    let d = words(x.d);
    let mut out: [u32; 4] = core::array::from_fn(|i| d[i] ^ t[i]);
    out[3] ^= p1(t[0].rotate_left(15));
    of_words(out)
}

/// A round's TT1, into the state A (word 3) to D (word 0).
fn first(x: Operands, word: u32, f: fn(u32, u32, u32) -> u32) -> u128 {
    let (d, w) = (words(x.d), words(x.m)[word as usize & 3]);
    let ss2 = words(x.n)[3] ^ d[3].rotate_left(12);
    let sum = f(d[1], d[3], d[2])
        .wrapping_add(d[0])
        .wrapping_add(ss2)
        .wrapping_add(w);
    of_words([d[1], d[2].rotate_left(9), d[3], sum])
}

/// A round's TT2, into the state E (word 3) to H (word 0).
fn second(x: Operands, word: u32, f: fn(u32, u32, u32) -> u32) -> u128 {
    let (d, w) = (words(x.d), words(x.m)[word as usize & 3]);
    let sum = f(d[3], d[2], d[1])
        .wrapping_add(d[0])
        .wrapping_add(words(x.n)[3])
        .wrapping_add(w);
    let p0 = sum ^ sum.rotate_left(9) ^ sum.rotate_left(17);
    of_words([d[1], d[2].rotate_left(19), d[3], p0])
}
