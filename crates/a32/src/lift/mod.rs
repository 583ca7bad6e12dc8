//! Lifting: A32 and T32 instructions to IR.
//!
//! Integer slots 0 to 14 are R0 to R14, then come those that `cpu` names, and scratch; vector
//! slots 0 to 15 are Q0 to Q15. What has no operations of its own becomes one for the
//! interpreter, so that lifting leaves nothing out.
//!
//! The conditions of an IT block are the context that goes along, whose first is that of the next
//! instruction. Code that is entered amid such a block is the interpreter's, an instruction at
//! a time, which is a mode ([`AMID`]).

use crate::decode::{Insn, State, decode, length};
use crate::operation::{Operation, operation};
use ir::form::{Flow, Lifter, Sink};
use ir::{Mode, Op, Term};

/// The bit of modes that is `PSTATE.T`. Indirect branches take it from bit 0 of their target.
pub const THUMB: Mode = Mode::bit(0);
/// The bit of modes in which IT is not 0: nobody knows the conditions but the state.
pub const AMID: Mode = Mode::bit(1);
/// The bit of modes in which data are big-endian.
pub const BIG_ENDIAN: Mode = Mode::bit(2);
/// The bit of modes in which floating point is the interpreter's: FPSCR asks for what the
/// host's modes can't give (FZ, DN, AHP, FZ16).
pub const SOFT_FLOAT: Mode = Mode::bit(3);

/// Integer slots by how often programs name them; a host pins the first ones.
pub const HOT_INT: &[u8] = &[0, 1, 2, 3, 4, 5, 13, 6, 7, 12, 14, 20];

/// Vector slots likewise.
pub const HOT_VEC: &[u8] = &[
    0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
    26, 27, 28, 29, 30, 31,
];

/// Vector slots that a function keeps for its caller: D8 to D15.
pub const KEPT_VEC: &[u8] = &[4, 5, 6, 7];

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

/// `PSTATE.IT` of an instruction that is lifted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct It(u8);

impl It {
    /// `ITAdvance`.
    const fn next(self) -> Self {
        if self.0 & 7 == 0 {
            Self(0)
        } else {
            Self(self.0 & 0xe0 | self.0 << 1 & 0x1f)
        }
    }
}

/// What lifts, in a mode.
#[derive(Clone, Copy, Debug)]
pub struct Lift {
    /// Of [`THUMB`], [`AMID`], [`BIG_ENDIAN`] and [`SOFT_FLOAT`].
    pub mode: Mode,
}

impl Lift {
    /// What a word does, where its condition holds.
    fn operation(self, word: u32) -> Option<(Insn, Operation)> {
        let insn = decode(state(self.mode), word)?;
        Some((insn, operation(insn)))
    }
}

/// Whether what comes behind an instruction is translated for itself: it may go anywhere, or
/// changes the mode.
fn is_alone(operation: Operation) -> bool {
    operation.writes_pc()
        || matches!(
            operation,
            Operation::SetEndianness { .. }
                | Operation::WriteStatus { .. }
                | Operation::Supervisor(_)
                | Operation::Breakpoint(_)
                | Operation::Undefined
        )
}

impl Lifter for Lift {
    type Context = It;

    fn mode(&self) -> Mode {
        self.mode
    }

    fn flow(&self, _: u64, word: u32, context: &mut It) -> (u32, Flow) {
        let length = length(state(self.mode), word);
        *context = context.next();
        if self.mode.has(AMID) {
            return (length, Flow::End);
        }
        let flow = match self.operation(word) {
            None => Flow::End,
            Some((_, Operation::IfThen(it))) => {
                *context = It(it.to_le_bytes()[0]);
                Flow::Next
            }
            Some((_, operation)) if is_alone(operation) => Flow::Call,
            Some(_) => Flow::Next,
        };
        (length, flow)
    }

    fn lift(&self, pc: u64, word: u32, _: It, out: &mut Sink<'_>) -> Option<Term> {
        if self.mode.has(AMID) {
            return Some(Term::Interpret { word, pc });
        }
        let Some((_, operation)) = self.operation(word) else {
            return Some(Term::Undefined { word, pc });
        };
        if is_alone(operation) {
            return Some(Term::Interpret { word, pc });
        }
        out.push(Op::Interpret { word });
        None
    }
}
