//! The toy's instructions as IR.
//!
//! Slots 0 to 47 are the registers, 48 is what `WHERE` has left, and the one above is
//! scratch. Vector slots are the vector registers. In a run that `WHERE` began, its condition is the context that goes along:
//! the interpreter does what may fault or branch there, the rest is computed and selected.
//! If code is entered amid such a run, the interpreter does it, an instruction at a time, which
//! is a mode ([`AMID`]).

use ir::form::{Flow, Lifter, Sink};
use ir::inst::{Fill, SelectOp};
use ir::operand::Slots;
use ir::region::Indirect;
use ir::vector::{Arg, Lanes, VOp};
use ir::{Addr, BinOp, Cond, Mode, Op, Operand, Reg, Size, Term, VReg, Width};

use crate::decode::{Insn, branch_target, decode, length, link_target, long, short};
use crate::interp::LINK;
use crate::state::{PENDING, Pending};

/// The bit of modes in which `STEP` goes down. `JUMP` takes it from bit 0 of its target.
pub const TURNED: Mode = Mode::bit(0);
/// The bit of modes in which instructions may have a condition that nobody knows but the
/// state.
pub const AMID: Mode = Mode::bit(1);

const W: Width = Width::W64;
const SCRATCH: Reg = Reg(49);
#[allow(clippy::cast_possible_truncation, reason = "less than 64")]
const REST: Reg = Reg(PENDING as u8);

/// What lifts, in a mode.
#[derive(Clone, Copy, Debug)]
pub struct Lift {
    /// Of [`TURNED`] and [`AMID`].
    pub mode: Mode,
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a field of six bits at most"
)]
const fn reg(n: u32) -> Reg {
    Reg(n as u8)
}

/// Whether the interpreter does an instruction of a run.
const fn is_left(op: short::Op) -> bool {
    use short::Op as S;
    !matches!(op, S::ADD | S::STEP)
}

impl Lifter for Lift {
    type Context = Pending;

    const SLOTS: Slots = Slots {
        ints: 50,
        vectors: 64,
    };

    fn mode(&self) -> Mode {
        self.mode
    }

    fn flow(&self, pc: u64, word: u32, context: &mut Pending) -> (u32, Flow) {
        use short::Op as S;
        let bytes = if length(word) == 4 { 4 } else { 2 };
        let conditional = context.left != 0;
        *context = context.next();
        if self.mode.has(AMID) {
            return (bytes, Flow::End);
        }
        let flow = match decode(word) {
            None => Flow::End,
            Some(Insn::Short(insn)) => match insn.op {
                S::BRANCH | S::JUMP | S::WHERE | S::TURN | S::CALL | S::STOP if conditional => {
                    Flow::End
                }
                S::BRANCH if Cond::from_bits(insn.cond()).always() => {
                    Flow::Jump(branch_target(pc, insn))
                }
                S::BRANCH => Flow::Branch(branch_target(pc, insn)),
                S::WHERE => {
                    *context = begun(insn);
                    Flow::Next
                }
                S::JUMP | S::TURN | S::STOP => Flow::End,
                S::CALL => Flow::Call,
                _ => Flow::Next,
            },
            Some(Insn::Long(insn)) => match insn.op {
                long::Op::LINK if conditional => Flow::End,
                long::Op::LINK => Flow::Call,
                _ => Flow::Next,
            },
        };
        (bytes, flow)
    }

    fn lift(&self, pc: u64, word: u32, context: Pending, out: &mut Sink<'_>) -> Option<Term> {
        if self.mode.has(AMID) {
            return Some(Term::Interpret { word, pc });
        }
        let Some(insn) = decode(word) else {
            return Some(Term::Undefined { word, pc });
        };
        match insn {
            Insn::Short(insn) if context.left != 0 => {
                conditional(self.mode, pc, insn, context, out)
            }
            Insn::Short(insn) => plain(self.mode, pc, insn, out),
            Insn::Long(insn) => long(self.mode, pc, insn, context, out),
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "fields of four bits")]
fn begun(insn: short::Insn) -> Pending {
    Pending {
        left: insn.count() as u8,
        cond: insn.cond() as u8,
    }
}

/// What is left, for whoever looks at the state.
fn note(rest: Pending, out: &mut Sink<'_>) {
    let value = rest.bits();
    out.push(Op::Imm { d: REST, value });
}

const fn bin(op: BinOp, d: Reg, a: Reg, b: Operand, set: bool) -> Op {
    Op::Bin {
        op,
        w: W,
        d,
        a,
        b,
        set,
    }
}

fn plain(mode: Mode, pc: u64, insn: short::Insn, out: &mut Sink<'_>) -> Option<Term> {
    use short::Op as S;
    let (word, d) = (insn.word, reg(insn.d()));
    let (a, b) = (reg(insn.a()), Operand::Reg(reg(insn.b())));
    let addr = Addr::disp(a, i64::from(insn.n()) * 8);
    match insn.op {
        S::ADD => out.push(bin(BinOp::Add, d, a, b, false)),
        S::SUB => out.push(bin(BinOp::Sub, d, a, b, true)),
        S::STEP => out.push(bin(
            step(mode),
            d,
            d,
            Operand::Imm(insn.imm8().into()),
            false,
        )),
        S::AND => and(d, a, b, out),
        S::BITS => out.push(Op::Interpret { word }),
        S::LOAD => out.push(Op::Load {
            size: Size::B8,
            fill: Fill::Zero,
            d,
            addr,
        }),
        S::STORE => out.push(Op::Store {
            size: Size::B8,
            a: d,
            addr,
        }),
        S::WHERE => note(begun(insn), out),
        S::BRANCH => {
            let (cond, taken) = (Cond::from_bits(insn.cond()), branch_target(pc, insn));
            let fall = pc.wrapping_add(2);
            return Some(if cond.always() {
                Term::Jump { target: taken }
            } else {
                Term::Branch { cond, taken, fall }
            });
        }
        S::JUMP => {
            return Some(Term::Indirect {
                reg: a,
                kind: Indirect::Jump,
                link: Reg::ZERO,
                ret: pc.wrapping_add(2),
            });
        }
        S::TURN => return Some(Term::Interpret { word, pc }),
        S::CALL => {
            let (imm, next) = (insn.imm12(), pc.wrapping_add(2));
            return Some(Term::Supervisor { imm, next });
        }
        #[allow(clippy::cast_possible_truncation, reason = "a field of twelve bits")]
        S::STOP => {
            let imm = insn.imm12() as u16;
            return Some(Term::Breakpoint { imm, pc });
        }
    }
    None
}

const fn step(mode: Mode) -> BinOp {
    if mode.has(TURNED) {
        BinOp::Sub
    } else {
        BinOp::Add
    }
}

/// N and Z of the result beside C and V as they were.
fn and(d: Reg, a: Reg, b: Operand, out: &mut Sink<'_>) {
    const C_AND_V: u8 = 0b0011;
    out.push(Op::KeepFlags { kept: C_AND_V });
    out.push(bin(BinOp::And, d, a, b, true));
    out.push(Op::MergeFlags { kept: C_AND_V });
}

/// An instruction of a run.
fn conditional(
    mode: Mode,
    pc: u64,
    insn: short::Insn,
    context: Pending,
    out: &mut Sink<'_>,
) -> Option<Term> {
    use short::Op as S;
    let (word, d) = (insn.word, reg(insn.d()));
    let op = match insn.op {
        S::BRANCH | S::JUMP | S::WHERE | S::TURN | S::CALL | S::STOP => {
            return Some(Term::Interpret { word, pc });
        }
        op if is_left(op) => {
            // It notes what is left by itself.
            out.push(Op::Interpret { word });
            return None;
        }
        S::ADD => {
            let b = Operand::Reg(reg(insn.b()));
            bin(BinOp::Add, SCRATCH, reg(insn.a()), b, false)
        }
        _ => bin(
            step(mode),
            SCRATCH,
            d,
            Operand::Imm(insn.imm8().into()),
            false,
        ),
    };
    out.push(op);
    select(d, context, out);
    None
}

fn select(d: Reg, context: Pending, out: &mut Sink<'_>) {
    out.push(Op::Select {
        op: SelectOp::Same,
        w: W,
        d,
        a: SCRATCH,
        b: d,
        cond: Cond::from_bits(context.cond.into()),
    });
    note(context.next(), out);
}

/// What is done with any of the registers.
#[allow(
    clippy::cast_possible_truncation,
    reason = "fields of six bits at most"
)]
fn far(insn: long::Insn) -> Op {
    let vector = |n: u32| VReg(n as u8);
    let (d, a, b) = (insn.far_d(), insn.far_a(), insn.far_b());
    match insn.op {
        long::Op::XOR => Op::Vector(VOp::Lanes {
            op: Lanes::Xor,
            e: Size::B1,
            half: false,
            d: vector(d),
            a: vector(a),
            b: Arg::Each(vector(b)),
        }),
        long::Op::MANY => Op::Vector(VOp::LoadMany {
            half: false,
            count: insn.many() as u8,
            d: vector(d),
            addr: Addr::reg(reg(a)),
        }),
        _ => bin(BinOp::Add, reg(d), reg(a), Operand::Reg(reg(b)), false),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a number below 16")]
fn long(
    mode: Mode,
    pc: u64,
    insn: long::Insn,
    context: Pending,
    out: &mut Sink<'_>,
) -> Option<Term> {
    let (word, conditional) = (insn.word, context.left != 0);
    match insn.op {
        long::Op::SET => {
            let (d, value) = (reg(insn.d()), insn.imm24().into());
            if conditional {
                out.push(Op::Imm { d: SCRATCH, value });
                select(d, context, out);
            } else {
                out.push(Op::Imm { d, value });
            }
            None
        }
        long::Op::LINK if conditional => Some(Term::Interpret { word, pc }),
        long::Op::FAR | long::Op::XOR | long::Op::MANY => {
            if conditional {
                out.push(Op::Interpret { word });
            } else {
                out.push(far(insn));
            }
            None
        }
        long::Op::LINK => {
            let (target, ret) = (link_target(pc, insn), pc.wrapping_add(4));
            out.push(Op::Address {
                d: Reg(LINK as u8),
                value: ret | u64::from(mode.has(TURNED)),
            });
            Some(Term::Call { target, ret })
        }
    }
}
