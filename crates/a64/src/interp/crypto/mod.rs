//! The cryptographic instructions: AES, SHA-1, SHA-2, SHA-3, SM3 and SM4, as
//! the manual's pseudocode has them. Each file has one standard; those of `lanes` are AArch32's too.
#![allow(
    clippy::cast_possible_truncation,
    reason = "words are cut from registers"
)]

mod aes;
mod sha1;
mod sha256;
mod sha3;
mod sha512;
mod sm3;
mod sm4;

use crate::cpu::Cpu;
use crate::decode::Class;
use crate::insn::Insn;

/// The operands of one instruction: the registers' old values.
#[derive(Clone, Copy)]
struct Operands {
    d: u128,
    n: u128,
    m: u128,
    a: u128,
}

/// Executes a cryptographic instruction; false if it is none.
pub(super) fn execute(cpu: &mut Cpu, insn: Insn) -> bool {
    let v = |n: u32| cpu.v[n as usize & 31];
    let x = Operands {
        d: v(insn.rd()),
        n: v(insn.rn()),
        m: v(insn.rm()),
        a: v(insn.ra()),
    };
    let result = match insn.op.class() {
        Class::crypto_aes => aes::execute(insn.op, x),
        Class::crypto_sha_3reg | Class::crypto_sha_2reg => {
            sha1::execute(insn.op, x).or_else(|| sha256::execute(insn.op, x))
        }
        Class::crypto_sha512_3reg
        | Class::crypto_sha512_2reg
        | Class::crypto_4reg
        | Class::crypto_xar
        | Class::crypto_3reg_imm2 => sha512::execute(insn.op, x)
            .or_else(|| sha3::execute(insn, x))
            .or_else(|| sm3::execute(insn, x))
            .or_else(|| sm4::execute(insn.op, x)),
        _ => None,
    };
    if let Some(result) = result {
        cpu.v[insn.rd() as usize & 31] = result;
    }
    result.is_some()
}

/// The two doublewords of a register, the lower first.
const fn doubles(x: u128) -> [u64; 2] {
    [x as u64, (x >> 64) as u64]
}

/// A register of two doublewords.
fn of_doubles([low, high]: [u64; 2]) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}
