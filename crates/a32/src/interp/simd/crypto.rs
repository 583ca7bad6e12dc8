//! AES, SHA-1 and SHA-256.

use lanes::{aes, sha1, sha256};

use super::registers::{Vector, d, m, n};
use crate::cpu::Cpu;
use crate::decode::simd::{Insn, Op};

/// Of three registers.
pub(super) fn three(cpu: &Cpu, i: Insn) -> Option<(Vector, u128)> {
    let [x, y, z] = [d(i), n(i), m(i)].map(|r| Vector::quad(r).read(cpu));
    let value = match i.op {
        Op::SHA1C => sha1::choose(x, y, z),
        Op::SHA1P => sha1::parity(x, y, z),
        Op::SHA1M => sha1::majority(x, y, z),
        Op::SHA1SU0 => sha1::schedule_0(x, y, z),
        Op::SHA256H => sha256::hash(x, y, z),
        Op::SHA256H2 => sha256::hash_2(x, y, z),
        Op::SHA256SU1 => sha256::schedule_1(x, y, z),
        _ => return None,
    };
    Some((Vector::quad(d(i)), value))
}

/// Of two.
pub(super) fn two(cpu: &Cpu, i: Insn) -> Option<(Vector, u128)> {
    let [x, y] = [d(i), m(i)].map(|r| Vector::quad(r).read(cpu));
    let value = match i.op {
        Op::AESE => aes::encrypt(x, y),
        Op::AESD => aes::decrypt(x, y),
        Op::AESMC => aes::mix_columns(y),
        Op::AESIMC => aes::inverse_mix_columns(y),
        Op::SHA1H => sha1::fixed_rotate(y),
        Op::SHA1SU1 => sha1::schedule_1(x, y),
        Op::SHA256SU0 => sha256::schedule_0(x, y),
        _ => return None,
    };
    Some((Vector::quad(d(i)), value))
}
