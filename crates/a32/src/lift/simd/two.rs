//! Instructions of Advanced SIMD with one source vector and a destination: the class that the manual
//! calls two registers, AES and SHA included, and VDUP of a lane.

use super::{M, Plan, Vector, low, of_one, registers, size};
use crate::decode::simd::{Insn, Op as S};
use ir::vector::{Arg, Crypto, Lanes, Narrow, Unary, VOp};

pub(super) fn duplicate(i: Insn) -> Plan {
    let log2 = i.imm4d().trailing_zeros().min(2);
    let [d, _, m] = registers(i, i.q() == 1);
    let lane = low(u32::from(m.half()) * (8 >> log2) + (i.imm4d() >> (log2 + 1)));
    let op = VOp::Dup {
        e: size(log2),
        half: !d.quad,
        d: d.target(),
        a: m.whole(),
        lane,
    };
    Plan {
        op,
        more: [None; 3],
        d,
        reads_d: false,
        n: None,
        m: None,
    }
}

pub(super) fn two(i: Insn) -> Option<Plan> {
    let e = size(i.size18());
    let [d, _, m] = registers(i, i.q() == 1);
    let (half, target, a) = (!d.quad, d.target(), m.source(M));
    if let Some(op) = rounds_of_two(i.op) {
        let [d, _, m] = registers(i, true);
        let op = VOp::Crypto {
            op,
            d: d.whole(),
            a: m.whole(),
            b: m.whole(),
        };
        return Some(of_one(op, d, m));
    }
    if i.op == S::VSHLL_maximum {
        let (d, m) = (Vector::new(d.number, true), Vector::new(m.number, false));
        let op = VOp::Long {
            signed: false,
            e,
            high: false,
            d: d.whole(),
            a: m.source(M),
            by: 8 * e.bytes(),
        };
        return Some(of_one(op, d, m));
    }
    if let Some(narrow) = narrowed(i) {
        let (d, m) = (Vector::new(d.number, false), Vector::new(m.number, true));
        let op = VOp::Narrow {
            op: narrow,
            e,
            high: false,
            d: d.target(),
            a: m.whole(),
            by: 0,
        };
        return Some(of_one(op, d, m));
    }
    let op = if let Some(op) = unary(i) {
        VOp::Unary {
            op,
            e,
            half,
            d: target,
            a,
        }
    } else {
        VOp::Lanes {
            op: with_zero(i)?,
            e,
            half,
            d: target,
            a,
            b: Arg::Zero,
        }
    };
    Some(Plan {
        op,
        more: [None; 3],
        d,
        reads_d: i.op == S::VPADAL,
        n: None,
        m: Some(m),
    })
}

/// AES, SHA-1 and SHA-256 with two.
const fn rounds_of_two(op: S) -> Option<Crypto> {
    Some(match op {
        S::AESE => Crypto::AesEncrypt,
        S::AESD => Crypto::AesDecrypt,
        S::AESMC => Crypto::AesMix,
        S::AESIMC => Crypto::AesUnmix,
        S::SHA1H => Crypto::Sha1Rotate,
        S::SHA1SU1 => Crypto::Sha1Schedule1,
        S::SHA256SU0 => Crypto::Sha256Schedule0,
        _ => return None,
    })
}

const fn narrowed(i: Insn) -> Option<Narrow> {
    Some(match (i.op, i.op6()) {
        (S::VMOVN, _) => Narrow::Truncate,
        (S::VQMOVUN, _) => Narrow::SignedToUnsigned,
        (S::VQMOVN, 0) => Narrow::Signed,
        (S::VQMOVN, _) => Narrow::Unsigned,
        _ => return None,
    })
}

const fn unary(i: Insn) -> Option<Unary> {
    Some(match (i.op, i.op7()) {
        (S::VCLZ, _) => Unary::Clz,
        (S::VREV16, _) => Unary::Rev16,
        (S::VREV32, _) => Unary::Rev32,
        (S::VREV64, _) => Unary::Rev64,
        (S::VCNT, _) => Unary::Cnt,
        (S::VMVN_register, _) => Unary::Not,
        (S::VPADDL, 0) => Unary::Saddlp,
        (S::VPADDL, _) => Unary::Uaddlp,
        (S::VPADAL, 0) => Unary::Sadalp,
        (S::VPADAL, _) => Unary::Uadalp,
        (S::VABS, _) if i.f10() == 0 => Unary::Abs,
        (S::VNEG, _) if i.f10() == 0 => Unary::Neg,
        _ => return None,
    })
}

const fn with_zero(i: Insn) -> Option<Lanes> {
    if i.f10() == 1 {
        return None;
    }
    Some(match i.op {
        S::VCGT_zero => Lanes::Gt,
        S::VCGE_zero => Lanes::Ge,
        S::VCEQ_zero => Lanes::Eq,
        S::VCLE_zero => Lanes::Le,
        S::VCLT_zero => Lanes::Lt,
        _ => return None,
    })
}
