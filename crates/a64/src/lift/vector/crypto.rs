//! Cryptography: AES, SHA-1, SHA-256, SHA-512 and what SHA-3 has of plain logic.
//! The interpreter does SM3 and SM4.

use super::{d, m, n, v};
use crate::decode::Op as A;
use crate::insn::Insn;
use ir::vector::{Crypto, Ternary, VOp};

pub(super) fn lift(insn: Insn) -> Option<VOp> {
    Some(match insn.op {
        A::EOR3 => ternary(insn, Ternary::Xor3),
        A::BCAX => ternary(insn, Ternary::ClearXor),
        A::RAX1 => VOp::RotateXor {
            d: d(insn),
            a: n(insn),
            b: m(insn),
        },
        A::XAR => VOp::XorRotate {
            d: d(insn),
            a: n(insn),
            b: m(insn),
            by: super::super::six(insn.imm6()),
        },
        op => {
            let (op, two) = rounds(op)?;
            VOp::Crypto {
                op,
                d: d(insn),
                a: n(insn),
                b: if two { m(insn) } else { n(insn) },
            }
        }
    })
}

fn ternary(insn: Insn, op: Ternary) -> VOp {
    VOp::Ternary {
        op,
        d: d(insn),
        a: n(insn),
        b: m(insn),
        c: v(insn.ra()),
    }
}

/// The work, and whether there is a second source.
const fn rounds(op: A) -> Option<(Crypto, bool)> {
    Some(match op {
        A::AESE => (Crypto::AesEncrypt, false),
        A::AESD => (Crypto::AesDecrypt, false),
        A::AESMC => (Crypto::AesMix, false),
        A::AESIMC => (Crypto::AesUnmix, false),
        A::SHA1C => (Crypto::Sha1Choose, true),
        A::SHA1M => (Crypto::Sha1Majority, true),
        A::SHA1P => (Crypto::Sha1Parity, true),
        A::SHA1H => (Crypto::Sha1Rotate, false),
        A::SHA1SU0 => (Crypto::Sha1Schedule0, true),
        A::SHA1SU1 => (Crypto::Sha1Schedule1, false),
        A::SHA256H => (Crypto::Sha256First, true),
        A::SHA256H2 => (Crypto::Sha256Second, true),
        A::SHA256SU0 => (Crypto::Sha256Schedule0, false),
        A::SHA256SU1 => (Crypto::Sha256Schedule1, true),
        A::SHA512H => (Crypto::Sha512First, true),
        A::SHA512H2 => (Crypto::Sha512Second, true),
        A::SHA512SU0 => (Crypto::Sha512Schedule0, false),
        A::SHA512SU1 => (Crypto::Sha512Schedule1, true),
        _ => return None,
    })
}
