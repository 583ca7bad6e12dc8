//! Constants: the modified immediates of Advanced SIMD (`AdvSIMDExpandImm`) and
//! those of FMOV (`VFPExpandImm`).

use super::{d, v};
use crate::decode::Op as A;
use crate::insn::Insn;
use ir::Size;
use ir::vector::{Arg, Lanes, VOp};

pub(super) fn lift(insn: Insn) -> Option<VOp> {
    let value = match insn.op {
        A::FMOV_scalar_immediate => {
            let bits = match insn.ftype() {
                0 => 32,
                1 => 64,
                _ => 16,
            };
            return Some(VOp::Imm {
                d: v(insn.rd()),
                value: float(insn.imm8(), bits).into(),
            });
        }
        A::MOVI => expand(insn),
        A::MVNI => !expand(insn),
        A::FMOV_vector_immediate => repeat(float(insn.abcdefgh(), 32), 32),
        A::FMOV_vector_immediate_double => float(insn.abcdefgh(), 64),
        A::FMOV_vector_immediate_half => repeat(float(insn.abcdefgh(), 16), 16),
        A::BIC_vector_immediate => return Some(change(insn, Lanes::And, !expand(insn))),
        A::ORR_vector_immediate => return Some(change(insn, Lanes::Or, expand(insn))),
        _ => return None,
    };
    let upper = if insn.q() == 1 { value } else { 0 };
    Some(VOp::Imm {
        d: d(insn),
        value: u128::from(upper) << 64 | u128::from(value),
    })
}

/// What changes the bits that are there.
const fn change(insn: Insn, op: Lanes, value: u64) -> VOp {
    VOp::Lanes {
        op,
        e: Size::B8,
        half: insn.q() == 0,
        d: d(insn),
        a: d(insn),
        b: Arg::Const(value),
    }
}

/// A sign, three bits of exponent and four of fraction as a number of `bits`.
fn float(imm8: u32, bits: u32) -> u64 {
    let exponent = match bits {
        16 => 5,
        32 => 8,
        _ => 11,
    };
    let imm8 = u64::from(imm8);
    let (sign, top, low) = (imm8 >> 7, imm8 >> 6 & 1, imm8 & 0x3f);
    // NOT(b), then b as often as there is room, then cd.
    let middle = if top == 1 {
        (1 << (exponent - 3)) - 1
    } else {
        0
    };
    let high = (top ^ 1) << (exponent - 3) | middle;
    let fraction = bits - 1 - exponent;
    sign << (bits - 1) | (high << 6 | low) << (fraction - 4)
}

/// The low `bits` again and again.
fn repeat(value: u64, bits: u32) -> u64 {
    match bits {
        8 => value * 0x0101_0101_0101_0101,
        16 => value * 0x0001_0001_0001_0001,
        _ => value << 32 | value,
    }
}

fn expand(insn: Insn) -> u64 {
    let imm8 = u64::from(insn.abcdefgh());
    let cmode = insn.cmode();
    match cmode >> 1 {
        low @ 0..=3 => repeat(imm8 << (8 * low), 32),
        low @ 4..=5 => repeat(imm8 << (8 * (low - 4)), 16),
        6 if cmode & 1 == 0 => repeat(imm8 << 8 | 0xff, 32),
        6 => repeat(imm8 << 16 | 0xffff, 32),
        _ if insn.mi_op() == 0 => repeat(imm8, 8),
        _ => (0..8)
            .filter(|bit| imm8 >> bit & 1 == 1)
            .fold(0, |all, bit| all | 0xff << (8 * bit)),
    }
}
