//! QADD, QSUB, QDADD and QDSUB; SSAT and USAT.
//!
//! Results are chosen by masks, so that no branch is guessed. Q is a load and a store.

use super::{Of, Q, SCRATCH, W};
use crate::operation::{self, Operation, Shift};
use ir::form::Sink;
use ir::{BinOp, Extend, Op, Operand, Reg, Width};

const W64: Width = Width::W64;
/// What is to be saturated, and becomes it.
const VALUE: Reg = SCRATCH[0];
/// All bits where it saturates, or none.
const MASK: Reg = SCRATCH[1];
/// What it is then.
const EXTREME: Reg = SCRATCH[2];
/// The first operand, doubled.
const DOUBLED: Reg = SCRATCH[3];

const fn binary(op: BinOp, w: Width, d: Reg, a: Reg, b: Operand) -> Op {
    Op::Bin {
        op,
        w,
        d,
        a,
        b,
        set: false,
    }
}

const fn extract(signed: bool, w: Width, d: Reg, a: Reg, lsb: u8, width: u8) -> Op {
    Op::Extract {
        signed,
        w,
        d,
        a,
        lsb,
        width,
    }
}

/// A word with its sign.
const fn word(reg: Reg) -> Operand {
    Operand::Ext {
        reg,
        extend: Extend::Sxtw,
        amount: 0,
    }
}

impl Of {
    pub(super) fn saturate(&self, out: &mut Sink<'_>) {
        match self.operation {
            Operation::Saturating {
                double,
                subtract,
                d,
                n,
                m,
            } => {
                let mut n = Reg(n);
                if double {
                    sum(false, DOUBLED, n, n, out);
                    n = DOUBLED;
                }
                sum(subtract, Reg(d), Reg(m), n, out);
            }
            Operation::Saturate {
                signed,
                bits,
                d,
                n,
                shift,
                amount,
            } => {
                self.shifted_value(n, shift, amount, out);
                to_bits(signed, bits, Reg(d), out);
            }
            _ => {}
        }
    }

    fn shifted_value(&self, m: u8, shift: Shift, amount: u8, out: &mut Sink<'_>) {
        let operand = operation::Operand::Register { m, shift, amount };
        let b = self.operand(operand, EXTREME, out);
        super::data::move_to(VALUE, b, out);
    }
}

/// d = a + b, or a - b, of 32 bits with signs. The sum of 64 bits and its low half with its sign differ in the upper
/// half where that saturates.
fn sum(subtract: bool, d: Reg, a: Reg, b: Reg, out: &mut Sink<'_>) {
    let op = if subtract { BinOp::Sub } else { BinOp::Add };
    out.push(extract(true, W64, VALUE, a, 0, 32));
    out.push(binary(op, W64, VALUE, VALUE, word(b)));
    out.push(binary(BinOp::Xor, W64, MASK, VALUE, word(VALUE)));
    out.push(extract(false, W64, MASK, MASK, 32, 32));
    out.push(extract(false, W64, EXTREME, VALUE, 32, 32));
    out.push(binary(
        BinOp::Xor,
        W,
        EXTREME,
        EXTREME,
        Operand::Imm(0x7fff_ffff),
    ));
    choose(d, out);
}

/// d = [`VALUE`] as a number of so many bits.
#[allow(clippy::cast_possible_truncation, reason = "32 at most")]
fn to_bits(signed: bool, bits: u32, d: Reg, out: &mut Sink<'_>) {
    if signed && bits >= 32 {
        return out.push(Op::Mov { w: W, d, a: VALUE });
    }
    // What the number has beyond its bits, counted from the least one.
    let most = (1_u64 << bits >> u32::from(signed)) - 1;
    let mut from = VALUE;
    if signed {
        out.push(binary(BinOp::Add, W, MASK, VALUE, Operand::Imm(most + 1)));
        from = MASK;
    }
    out.push(extract(false, W, MASK, from, bits as u8, 32 - bits as u8));
    // All bits unless that is zero.
    out.push(binary(BinOp::Sub, W64, MASK, Reg::ZERO, Operand::Reg(MASK)));
    out.push(extract(false, W64, MASK, MASK, 32, 32));
    out.push(extract(true, W, EXTREME, VALUE, 31, 1));
    if signed {
        out.push(binary(BinOp::Xor, W, EXTREME, EXTREME, Operand::Imm(most)));
    } else {
        out.push(binary(
            BinOp::OrNot,
            W,
            EXTREME,
            Reg::ZERO,
            Operand::Reg(EXTREME),
        ));
        out.push(binary(BinOp::And, W, EXTREME, EXTREME, Operand::Imm(most)));
    }
    choose(d, out);
}

/// d = one of both, and Q.
fn choose(d: Reg, out: &mut Sink<'_>) {
    out.push(binary(BinOp::AndNot, W, VALUE, VALUE, Operand::Reg(MASK)));
    out.push(binary(BinOp::And, W, EXTREME, EXTREME, Operand::Reg(MASK)));
    out.push(binary(BinOp::Or, W, d, VALUE, Operand::Reg(EXTREME)));
    let one = Operand::Ext {
        reg: MASK,
        extend: Extend::Lsr,
        amount: 31,
    };
    out.push(binary(BinOp::Or, W, Q, Q, one));
}
