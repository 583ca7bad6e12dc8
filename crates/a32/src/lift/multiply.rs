//! Multiplications and divisions.
//!
//! Where a sum may overflow and set Q, it is computed in 64 bits: bit 32 of the sum and of its low
//! half with its sign differ then. Overflows are not rare: compilers use these instructions for sums that wrap.

use super::{Of, Q, SCRATCH, W};
use crate::operation::{Multiply, MultiplyLong, Operation};
use ir::form::Sink;
use ir::{BinOp, Extend, Op, Operand, Reg, Width};

const W64: Width = Width::W64;
/// What is computed.
const SUM: Reg = SCRATCH[0];
const FIRST: Reg = SCRATCH[1];
const SECOND: Reg = SCRATCH[2];
const NO: Reg = Reg::ZERO;

impl Of {
    pub(super) fn multiply(&self, out: &mut Sink<'_>) {
        match self.operation {
            Operation::Multiply {
                op,
                flags,
                d,
                n,
                m,
                a,
            } => {
                let [d, n, m] = [d, n, m].map(Reg);
                short(op, d, n, m, a.map_or(NO, Reg), out);
                if self.sets(flags) {
                    signs(W, d, out);
                }
            }
            Operation::MultiplyLong {
                op,
                flags,
                lo,
                hi,
                n,
                m,
            } => {
                long(op, lo, hi, Reg(n), Reg(m), out);
                out.push(upper(Reg(hi), SUM));
                out.push(Op::Mov {
                    w: W,
                    d: Reg(lo),
                    a: SUM,
                });
                if self.sets(flags) {
                    signs(W64, SUM, out);
                }
            }
            Operation::Divide { signed, d, n, m } => out.push(Op::Div {
                signed,
                w: W,
                d: Reg(d),
                a: Reg(n),
                b: Reg(m),
            }),
            _ => {}
        }
    }
}

/// N and Z of a slot; C and V stay.
fn signs(w: Width, of: Reg, out: &mut Sink<'_>) {
    out.push(Op::KeepFlags { kept: 3 });
    out.push(Op::Bin {
        op: BinOp::And,
        w,
        d: NO,
        a: of,
        b: Operand::Reg(of),
        set: true,
    });
    out.push(Op::MergeFlags { kept: 3 });
}

/// A half with its sign.
const fn half(d: Reg, a: Reg, top: bool) -> Op {
    Op::Extract {
        signed: true,
        w: W,
        d,
        a,
        lsb: if top { 16 } else { 0 },
        width: 16,
    }
}

/// d = c ± a * b
const fn product(signed: bool, sub: bool, a: Reg, b: Reg, c: Reg) -> Op {
    Op::MulLong {
        signed,
        sub,
        d: SUM,
        a,
        b,
        c,
    }
}

/// The upper half.
const fn upper(d: Reg, a: Reg) -> Op {
    Op::Extract {
        signed: false,
        w: W64,
        d,
        a,
        lsb: 32,
        width: 32,
    }
}

const fn wide(op: BinOp, d: Reg, a: Reg, b: Operand) -> Op {
    Op::Bin {
        op,
        w: W64,
        d,
        a,
        b,
        set: false,
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

/// d = the low word of the sum and `added`; Q if that is not all.
fn accumulate(d: Reg, added: Reg, out: &mut Sink<'_>) {
    if !added.is_zero() {
        out.push(wide(BinOp::Add, SUM, SUM, word(added)));
    }
    out.push(wide(BinOp::Xor, FIRST, SUM, word(SUM)));
    out.push(Op::Extract {
        signed: false,
        w: W64,
        d: FIRST,
        a: FIRST,
        lsb: 32,
        width: 1,
    });
    out.push(Op::Bin {
        op: BinOp::Or,
        w: W,
        d: Q,
        a: Q,
        b: Operand::Reg(FIRST),
        set: false,
    });
    out.push(Op::Mov { w: W, d, a: SUM });
}

/// The products of halves: the sum, or difference, of two and `c`.
fn dual(subtract: bool, exchange: bool, n: Reg, m: Reg, c: Reg, out: &mut Sink<'_>) {
    for top in [false, true] {
        out.push(half(FIRST, n, top));
        out.push(half(SECOND, m, top != exchange));
        let c = if top { SUM } else { c };
        out.push(product(true, top && subtract, FIRST, SECOND, c));
    }
}

fn short(op: Multiply, d: Reg, n: Reg, m: Reg, a: Reg, out: &mut Sink<'_>) {
    match op {
        Multiply::Low { subtract } => out.push(Op::MulAdd {
            sub: subtract,
            w: W,
            d,
            a: n,
            b: m,
            c: a,
        }),
        Multiply::Halves { n_top, m_top } => {
            out.push(half(FIRST, n, n_top));
            out.push(half(SUM, m, m_top));
            // It has 31 bits at most.
            out.push(Op::MulAdd {
                sub: false,
                w: W,
                d: if a.is_zero() { d } else { SUM },
                a: SUM,
                b: FIRST,
                c: NO,
            });
            if !a.is_zero() {
                out.push(Op::Extract {
                    signed: true,
                    w: W64,
                    d: SUM,
                    a: SUM,
                    lsb: 0,
                    width: 32,
                });
                accumulate(d, a, out);
            }
        }
        Multiply::Wide { m_top } => {
            out.push(half(SECOND, m, m_top));
            out.push(product(true, false, n, SECOND, NO));
            out.push(Op::Extract {
                signed: true,
                w: W64,
                d: SUM,
                a: SUM,
                lsb: 16,
                width: 48,
            });
            if a.is_zero() {
                return out.push(Op::Mov { w: W, d, a: SUM });
            }
            accumulate(d, a, out);
        }
        Multiply::Dual { subtract, exchange } => {
            dual(subtract, exchange, n, m, NO, out);
            accumulate(d, a, out);
        }
        Multiply::Most { subtract, round } => {
            let c = if a.is_zero() {
                NO
            } else {
                out.push(Op::Deposit {
                    signed: false,
                    w: W64,
                    d: FIRST,
                    a,
                    lsb: 32,
                    width: 32,
                });
                FIRST
            };
            out.push(product(true, subtract, n, m, c));
            if round {
                out.push(wide(BinOp::Add, SUM, SUM, Operand::Imm(0x8000_0000)));
            }
            out.push(upper(d, SUM));
        }
        Multiply::Differences => super::media::differences(d, n, m, a, out),
    }
}

/// The sum in 64 bits.
fn long(op: MultiplyLong, lo: u8, hi: u8, n: Reg, m: Reg, out: &mut Sink<'_>) {
    let accumulated = |out: &mut Sink<'_>| {
        super::memory::together(SUM, lo, hi, out);
        SUM
    };
    match op {
        MultiplyLong::Product { signed } => out.push(product(signed, false, n, m, NO)),
        MultiplyLong::Accumulate { signed } => {
            let c = accumulated(out);
            out.push(product(signed, false, n, m, c));
        }
        MultiplyLong::AccumulateTwo => {
            out.push(product(false, false, n, m, Reg(lo)));
            out.push(wide(BinOp::Add, SUM, SUM, Operand::Reg(Reg(hi))));
        }
        MultiplyLong::Halves { n_top, m_top } => {
            let c = accumulated(out);
            out.push(half(FIRST, n, n_top));
            out.push(half(SECOND, m, m_top));
            out.push(product(true, false, FIRST, SECOND, c));
        }
        MultiplyLong::Dual { subtract, exchange } => {
            let c = accumulated(out);
            dual(subtract, exchange, n, m, c, out);
        }
    }
}
