//! What writes the program counter.
//!
//! An address that a register holds has the state in its bit 0, as indirect branches want it.

use super::{LR, Of, SCRATCH, THUMB, W};
use crate::operation::{Multiple, Operation};
use ir::form::{Flow, Sink};
use ir::inst::Fill;
use ir::region::Indirect;
use ir::{Addr, BinOp, Cond, Extend, Key, Op, Operand, Reg, Size, Term};

const TARGET: Reg = SCRATCH[0];

/// A direct branch.
#[derive(Clone, Copy)]
struct Direct {
    target: u64,
    link: bool,
    exchange: bool,
    cond: Cond,
}

impl Of {
    fn direct(&self) -> Option<Direct> {
        let Operation::Branch {
            offset,
            link,
            exchange,
            cond,
        } = self.operation
        else {
            return None;
        };
        let from = if exchange && self.thumb() {
            self.ahead() & !3
        } else {
            self.ahead()
        };
        Some(Direct {
            target: (from + u64::from(offset)) & 0xffff_ffff,
            link,
            exchange,
            cond: cond.map_or(self.cond, Cond::from_bits),
        })
    }

    /// Where it leads, if it is lifted by operations of its own.
    pub(super) fn flow(&self) -> Flow {
        use Operation as O;
        let direct = self.direct();
        match self.operation {
            O::Branch { .. } => match direct {
                Some(Direct {
                    target,
                    link: false,
                    exchange: false,
                    cond,
                }) if cond.always() => Flow::Jump(target),
                Some(Direct {
                    target,
                    link: false,
                    exchange: false,
                    ..
                }) => Flow::Branch(target),
                _ => Flow::Call,
            },
            O::CompareBranch { offset, .. } => {
                Flow::Branch((self.ahead() + u64::from(offset)) & 0xffff_ffff)
            }
            O::Call(_) => Flow::Jump(self.behind_call()),
            O::BranchExchange { link: true, .. } | O::Supervisor(_) => Flow::Call,
            O::Breakpoint(_) => Flow::End,
            operation if operation.writes_pc() && self.always() => Flow::End,
            operation if operation.writes_pc() => Flow::Branch(self.next()),
            _ => Flow::Next,
        }
    }

    pub(super) fn branch(&self, out: &mut Sink<'_>) -> Term {
        use Operation as O;
        if let Some(direct) = self.direct() {
            return self.go(direct, out);
        }
        match self.operation {
            O::CompareBranch { n, nonzero, offset } => Term::BranchZero {
                w: W,
                reg: Reg(n),
                nonzero,
                taken: (self.ahead() + u64::from(offset)) & 0xffff_ffff,
                fall: self.next(),
            },
            O::BranchExchange { m: 15, .. } => {
                // Bit 0 is clear: to A32 state, by a veneer.
                out.push(Op::Address {
                    d: TARGET,
                    value: self.ahead() & !3,
                });
                self.away(TARGET, Indirect::Jump)
            }
            O::BranchExchange { m, link: false } => {
                let kind = if m == 14 {
                    Indirect::Return
                } else {
                    Indirect::Jump
                };
                self.away(Reg(m), kind)
            }
            O::BranchExchange { m, .. } => self.call(Reg(m), out),
            O::Load { address, .. } => {
                self.under_condition(out, |of, out| of.load(TARGET, Size::B4, false, out));
                let kind = if address.n == 13 {
                    Indirect::Return
                } else {
                    Indirect::Jump
                };
                self.away(TARGET, kind)
            }
            O::LoadMultiple(Multiple { n, .. }) => {
                self.under_condition(out, Self::memory);
                let kind = if n == 13 {
                    Indirect::Return
                } else {
                    Indirect::Jump
                };
                self.away(TARGET, kind)
            }
            O::TableBranch { n, m, halves } => {
                self.under_condition(out, |of, out| of.table(n, m, halves, out));
                self.away(TARGET, Indirect::Jump)
            }
            _ => {
                self.under_condition(out, |of, out| {
                    of.data_to(TARGET, out);
                    if of.thumb() {
                        out.push(binary(BinOp::Or, TARGET, TARGET, Operand::Imm(1)));
                    }
                });
                let kind = match self.operation {
                    O::Data {
                        operand: crate::operation::Operand::Register { m: 14, .. },
                        ..
                    } => Indirect::Return,
                    _ => Indirect::Jump,
                };
                self.away(TARGET, kind)
            }
        }
    }

    fn go(&self, direct: Direct, out: &mut Sink<'_>) -> Term {
        let Direct {
            target,
            link,
            exchange,
            cond,
        } = direct;
        let ret = self.next();
        match (link, exchange) {
            (false, _) if cond.always() => Term::Jump { target },
            (false, _) => Term::Branch {
                cond,
                taken: target,
                fall: ret,
            },
            (true, false) if cond.always() => {
                out.push(Op::Address {
                    d: LR,
                    value: ret | self.bit(),
                });
                Term::Call { target, ret }
            }
            (true, true) if cond.always() => {
                out.push(Op::Address {
                    d: LR,
                    value: ret | self.bit(),
                });
                let mode = self.mode.with(THUMB, !self.thumb());
                let to = Key { pc: target, mode };
                Term::CallInto { to, ret }
            }
            (true, _) => {
                let bit = self.bit() ^ u64::from(exchange);
                let value = target | bit;
                if cond.always() {
                    out.push(Op::Address { d: TARGET, value });
                    return Term::Indirect {
                        reg: TARGET,
                        kind: Indirect::Call,
                        link: LR,
                        ret,
                    };
                }
                out.push(Op::If { cond });
                out.push(Op::Address { d: TARGET, value });
                out.push(Op::Address {
                    d: LR,
                    value: ret | self.bit(),
                });
                out.push(Op::EndIf);
                self.away(TARGET, Indirect::Call)
            }
        }
    }

    /// To the address in a register, to come back.
    fn call(&self, target: Reg, out: &mut Sink<'_>) -> Term {
        let ret = self.next();
        if self.always() {
            return Term::Indirect {
                reg: target,
                kind: Indirect::Call,
                link: LR,
                ret,
            };
        }
        self.under_condition(out, |of, out| {
            out.push(Op::Mov {
                w: W,
                d: TARGET,
                a: target,
            });
            out.push(Op::Address {
                d: LR,
                value: ret | of.bit(),
            });
        });
        self.away(TARGET, Indirect::Call)
    }

    /// To the address in a register.
    fn away(&self, reg: Reg, kind: Indirect) -> Term {
        if self.always() {
            return Term::Indirect {
                reg,
                kind,
                link: Reg::ZERO,
                ret: self.next(),
            };
        }
        Term::IndirectIf {
            cond: self.cond,
            reg,
            kind,
            fall: self.next(),
        }
    }

    /// By a distance out of a table.
    fn table(&self, n: u8, m: u8, halves: bool, out: &mut Sink<'_>) {
        let base = self.reg(n, SCRATCH[1], out);
        let index = scaled(Reg(m), u8::from(halves));
        out.push(binary(BinOp::Add, TARGET, base, index));
        out.push(Op::Load {
            size: if halves { Size::B2 } else { Size::B1 },
            fill: Fill::Zero,
            d: TARGET,
            addr: Addr::reg(TARGET),
        });
        out.push(Op::Address {
            d: SCRATCH[1],
            value: self.ahead() | 1,
        });
        out.push(binary(BinOp::Add, TARGET, SCRATCH[1], scaled(TARGET, 1)));
    }
}

const fn scaled(reg: Reg, amount: u8) -> Operand {
    if amount == 0 {
        return Operand::Reg(reg);
    }
    Operand::Ext {
        reg,
        extend: Extend::Lsl,
        amount,
    }
}

const fn binary(op: BinOp, d: Reg, a: Reg, b: Operand) -> Op {
    Op::Bin {
        op,
        w: W,
        d,
        a,
        b,
        set: false,
    }
}
