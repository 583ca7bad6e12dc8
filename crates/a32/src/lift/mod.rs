//! Lifting: A32 and T32 instructions to IR, by the one form that both have ([`crate::operation`]).
//!
//! Integer slots 0 to 14 are R0 to R14, then come those that `cpu` names, and scratch; vector
//! slots 0 to 15 are Q0 to Q15, those above are scratch. What has no operations of its own becomes
//! one for the interpreter, so that lifting leaves nothing out (`left` says what that is).
//!
//! **Conditions.** An instruction with one is computed and selected where that is a move or an
//! addition; else its operations stand under the condition ([`Op::If`]). The conditions of an
//! IT block are the context that goes along, whose first is that of the next instruction. The state
//! has IT, too, wherever somebody may look: at an instruction that may fault, that the interpreter
//! does, or that ends the block. If code is entered amid such a block, the interpreter does it, an
//! instruction at a time, which is a mode ([`AMID`]).
//!
//! **Addresses** have 32 bits: sums of registers are computed so. A constant beside a register may
//! lead below 0 or beyond 4 GiB, where nothing is mapped: the interpreter does the access then.

mod branch;
mod call;
mod data;
mod float;
mod left;
mod media;
mod memory;
mod multiply;
mod saturate;
mod simd;

use crate::cpu;
use crate::decode::{Insn, State, decode, length};
use crate::operation::{self, BitField, Operation, Part, operation};
use guest::surroundings;
use ir::form::{Flow, Lifter, Sink};
use ir::inst::SelectOp;
use ir::{Cond, Mode, Op, Reg, Term, Width};

/// The bit of modes that is `PSTATE.T`. Indirect branches take it from bit 0 of their target.
pub const THUMB: Mode = Mode::bit(0);
/// The bit of modes in which IT is not 0: nobody knows the conditions but the state.
pub const AMID: Mode = Mode::bit(1);
/// The bit of modes in which data are big-endian.
pub const BIG_ENDIAN: Mode = Mode::bit(2);
/// The bit of modes in which FPSCR asks to flush denormals or for the default NaN (FZ, DN).
pub const FLUSHES: Mode = Mode::bit(3);
/// The bit of modes in which FPSCR asks not to round to the nearest.
pub const DIRECTED: Mode = Mode::bit(4);

/// Integer slots by how often programs name them; a host pins the first ones.
pub const HOT_INT: &[u8] = &[0, 1, 2, 3, 13, 4, SCRATCH[0].0, 5, 12, 6, 7, 14];

/// Vector slots likewise.
pub const HOT_VEC: &[u8] = &[
    0, 1, 2, 3, 16, 17, 18, 4, 5, 8, 9, 10, 6, 7, 11, 12, 13, 14, 15, 19, 20, 21, 22, 23, 24, 25,
    26, 27, 28, 29, 30, 31,
];

/// Vector slots that a function keeps for its caller: D8 to D15.
pub const KEPT_VEC: &[u8] = &[4, 5, 6, 7];

/// Slots of nobody's: what instructions compute on their way. A host pins the first.
const SCRATCH: [Reg; 6] = [Reg(20), Reg(21), Reg(22), Reg(23), Reg(24), Reg(25)];

const LR: Reg = Reg(14);
const W: Width = Width::W32;

#[allow(clippy::cast_possible_truncation, reason = "less than 32")]
const fn slot(n: usize) -> Reg {
    Reg(n as u8)
}

/// The slot of `PSTATE.Q`.
const Q: Reg = slot(cpu::Q);
/// The slot of `PSTATE.GE`.
const GE: Reg = slot(cpu::GE);

/// Which instructions words are in a mode.
#[must_use]
#[inline]
pub const fn state(mode: Mode) -> State {
    if mode.has(THUMB) {
        State::Thumb
    } else {
        State::Arm
    }
}

/// `PSTATE.IT` of an instruction that is lifted, and what the state says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct It {
    now: u8,
    noted: u8,
}

/// `ITAdvance`.
const fn advance(it: u8) -> u8 {
    if it & 7 == 0 {
        0
    } else {
        it & 0xe0 | it << 1 & 0x1f
    }
}

/// What lifts, in a mode.
#[derive(Clone, Copy, Debug)]
pub struct Lift {
    /// Of [`THUMB`], [`AMID`], [`BIG_ENDIAN`], [`FLUSHES`] and [`DIRECTED`].
    pub mode: Mode,
    /// The page whose hints may be calls ([`crate::call`]).
    pub calls: Option<u64>,
}

/// How an instruction is lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// By operations that can't fault.
    Plain,
    /// By operations of its own.
    Own,
    /// By one for the interpreter.
    Left,
    /// By the interpreter, which may go anywhere.
    Alone,
}

/// An instruction that is being lifted.
#[derive(Clone, Copy, Debug)]
struct Of {
    mode: Mode,
    pc: u64,
    /// Its length in bytes.
    length: u32,
    cond: Cond,
    it: u8,
    operation: Operation,
}

impl Of {
    fn new(lift: &Lift, pc: u64, word: u32, it: It) -> Option<Self> {
        let mode = lift.mode;
        let insn = decode(state(mode), word)?;
        let cond = match insn {
            // Where 15 is no condition.
            Insn::A32(insn) => insn.word >> 28,
            Insn::Fp(_, Some(cond)) => cond.into(),
            _ if it.now & 15 != 0 => u32::from(it.now >> 4),
            _ => 14,
        };
        Some(Self {
            mode,
            pc,
            length: insn.length(),
            cond: Cond::from_bits(cond),
            it: it.now,
            operation: match operation(insn) {
                Operation::Call(_) if lift.calls != Some(surroundings::page(pc)) => {
                    Operation::Nothing
                }
                operation => operation,
            },
        })
    }

    /// Whether the instruction is done whatever the flags are.
    const fn always(&self) -> bool {
        self.cond.always()
    }

    const fn thumb(&self) -> bool {
        self.mode.has(THUMB)
    }

    /// `PSTATE.T`.
    fn bit(&self) -> u64 {
        u64::from(self.thumb())
    }

    /// What R15 reads as.
    const fn ahead(&self) -> u64 {
        (self.pc + if self.thumb() { 4 } else { 8 }) & 0xffff_ffff
    }

    /// The address behind it.
    fn next(&self) -> u64 {
        (self.pc + u64::from(self.length)) & 0xffff_ffff
    }

    /// Whether flags are set.
    const fn sets(&self, flags: operation::SetFlags) -> bool {
        match flags {
            operation::SetFlags::No => false,
            operation::SetFlags::Yes => true,
            operation::SetFlags::OutsideIt => self.it & 15 == 0,
        }
    }

    /// The slot of a register; the program counter's value is put into scratch.
    fn reg(&self, n: operation::Reg, scratch: Reg, out: &mut Sink<'_>) -> Reg {
        if n != 15 {
            return Reg(n);
        }
        out.push(Op::Address {
            d: scratch,
            value: self.ahead(),
        });
        scratch
    }

    /// Whether it is amid an IT block that goes on behind it.
    const fn goes_on(&self) -> bool {
        advance(self.it) != 0
    }

    /// What comes behind it in an IT block.
    fn after(&self, it: It) -> It {
        if let Operation::IfThen(begun) = self.operation {
            return It {
                now: begun.to_le_bytes()[0],
                ..it
            };
        }
        let now = advance(it.now);
        let noted = match self.how() {
            How::Plain => it.noted,
            How::Own => it.now,
            How::Left | How::Alone => now,
        };
        if now == 0 {
            return It::default();
        }
        It { now, noted }
    }
}

/// What IT is, for whoever looks at the state.
fn note(it: u8, out: &mut Sink<'_>) {
    out.push(Op::Imm {
        d: slot(cpu::IT),
        value: it.into(),
    });
}

impl Lifter for Lift {
    type Context = It;

    const SCRATCH: u32 = 0x03f0_0000 | 1 << cpu::IT;

    fn mode(&self) -> Mode {
        self.mode
    }

    fn flow(&self, pc: u64, word: u32, it: &mut It) -> (u32, Flow) {
        let length = length(state(self.mode), word);
        let before = *it;
        *it = It::default();
        if self.mode.has(AMID) {
            return (length, Flow::End);
        }
        let Some(of) = Of::new(self, pc, word, before) else {
            return (length, Flow::End);
        };
        let flow = match of.how() {
            How::Alone if of.goes_on() || of.always() && of.ends() => Flow::End,
            How::Alone => Flow::Call,
            How::Left | How::Plain => Flow::Next,
            How::Own => of.flow(),
        };
        if !matches!(flow, Flow::End | Flow::Call) {
            *it = of.after(before);
        }
        (length, flow)
    }

    fn lift(&self, pc: u64, word: u32, it: It, out: &mut Sink<'_>) -> Option<Term> {
        if self.mode.has(AMID) {
            return Some(Term::Interpret { word, pc });
        }
        let Some(of) = Of::new(self, pc, word, it) else {
            self.settle(it, out);
            return Some(Term::Undefined { word, pc });
        };
        let how = of.how();
        if how != How::Plain {
            self.settle(it, out);
        }
        let term = match how {
            How::Alone => return Some(Term::Interpret { word, pc }),
            How::Left => {
                out.push(Op::Interpret { word });
                return None;
            }
            How::Own | How::Plain => of.lift(out),
        };
        let noted = if how == How::Plain { it.noted } else { it.now };
        if noted != 0 && !of.goes_on() && !matches!(of.operation, Operation::IfThen(_)) {
            note(0, out);
        }
        term
    }

    fn settle(&self, it: It, out: &mut Sink<'_>) {
        if it.now != it.noted {
            note(it.now, out);
        }
    }
}

impl Of {
    /// Its operations, and where it leads if that is not to the next.
    fn lift(&self, out: &mut Sink<'_>) -> Option<Term> {
        use Operation as O;
        match self.operation {
            O::Nothing | O::IfThen(_) => None,
            O::Call(function) => Some(self.call_function(function, out)),
            operation if operation.writes_pc() => Some(self.branch(out)),
            O::Supervisor(imm) => Some(Term::Supervisor {
                imm,
                next: self.next(),
            }),
            #[allow(clippy::cast_possible_truncation, reason = "sixteen bits")]
            O::Breakpoint(imm) => Some(Term::Breakpoint {
                imm: imm as u16,
                pc: self.pc,
            }),
            O::Data { .. } => {
                self.data(out);
                None
            }
            _ => {
                match self.elsewhere() {
                    Some((of, d)) if !self.always() => {
                        of.unconditional(out);
                        out.push(Op::Select {
                            op: SelectOp::Same,
                            w: W,
                            d,
                            a: SCRATCH[0],
                            b: d,
                            cond: self.cond,
                        });
                    }
                    _ => self.under_condition(out, Self::unconditional),
                }
                None
            }
        }
    }

    /// The same with scratch for its destination, and its destination, if it takes a field out of a register.
    /// The host's flags outlast that, so the result may be selected by them.
    const fn elsewhere(&self) -> Option<(Self, Reg)> {
        let mut of = *self;
        let (Operation::Extend {
            n: None,
            part: Part::Byte | Part::Half,
            d,
            ..
        }
        | Operation::BitField {
            op: BitField::Sbfx | BitField::Ubfx,
            d,
            ..
        }) = &mut of.operation
        else {
            return None;
        };
        let to = Reg(*d);
        *d = SCRATCH[0].0;
        Some((of, to))
    }

    /// What is done if the condition holds.
    fn under_condition(&self, out: &mut Sink<'_>, lift: impl FnOnce(&Self, &mut Sink<'_>)) {
        if self.always() {
            return lift(self, out);
        }
        out.push(Op::If { cond: self.cond });
        lift(self, out);
        out.push(Op::EndIf);
    }

    fn unconditional(&self, out: &mut Sink<'_>) {
        use Operation as O;
        match self.operation {
            O::Multiply { .. } | O::MultiplyLong { .. } | O::Divide { .. } => self.multiply(out),
            O::Load { .. }
            | O::Store { .. }
            | O::LoadDual { .. }
            | O::StoreDual { .. }
            | O::LoadMultiple(_)
            | O::StoreMultiple(_)
            | O::LoadExclusive { .. }
            | O::StoreExclusive { .. }
            | O::LoadAcquire { .. }
            | O::StoreRelease { .. }
            | O::Swap { .. }
            | O::Barrier(_) => self.memory(out),
            O::Saturating { .. } | O::Saturate { .. } => self.saturate(out),
            O::Float(insn) => self.float(insn, out),
            O::Simd(insn) if simd::structures::is_access(insn) => Self::structures(insn, out),
            O::Simd(insn) => self.simd(insn, out),
            _ => self.media(out),
        }
    }
}
