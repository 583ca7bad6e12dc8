//! Lifting: A64 instructions to IR.
//!
//! Integer slots 0 to 30 are X0 to X30 and 31 is SP; vector slots are V0 to
//! V31. What has no operations of its own becomes one for the interpreter, so
//! that lifting leaves nothing out.

mod branch;
mod bulk;
mod int;
mod memory;
pub mod stack;
mod system;
mod vector;

use crate::call;
use crate::decode::{Class, decode};
use crate::insn::Insn;
use guest::surroundings;
use ir::form::{Flow, Lifter, Sink};
use ir::{Cond, Mode, Op, Reg, Term, Width};

/// The stack pointer's slot.
pub const SP: Reg = Reg(31);

/// The bit of modes in which the interpreter does floating point: FPCR asks for
/// what the host's modes can't give (AHP, FZ16).
pub const SOFT_FLOAT: Mode = Mode::bit(0);

/// The bit of modes in which SP may be anything. Without it SP is a multiple of
/// 16, and an access whose base it is need not ask ([`stack`]).
pub const ANY_STACK: Mode = Mode::bit(1);

/// The bit of modes in which FPCR asks to flush denormals or for the default NaN (FZ, DN).
pub const FLUSHES: Mode = Mode::bit(2);

/// Integer slots by how often programs name them; a host pins the first ones.
pub const HOT_INT: &[u8] = &[0, 1, 2, 3, 19, 31, 4, 20, 5, 21, 8, 22];

/// Vector slots by how often programs name them: GCC takes V31 and those below for
/// temporaries since its version 13; older compilers and LLVM take the lowest first.
/// V8 to V15 are taken last, since functions keep them: V15 first by the newer GCC, V8
/// by all others. Programs written by hand keep from them.
pub const HOT_VEC: &[u8] = &[
    31, 30, 0, 29, 1, 28, 2, 3, 27, 4, 5, 6, 7, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 9, 10,
    11, 8, 15, 14, 13, 12,
];

/// Vector slots whose low halves a function keeps for its caller.
pub const KEPT_VEC: &[u8] = &[8, 9, 10, 11, 12, 13, 14, 15];

/// The guest, as regions of it are formed.
#[derive(Clone, Copy, Debug, Default)]
pub struct A64 {
    /// Of [`SOFT_FLOAT`], [`ANY_STACK`] and [`FLUSHES`].
    pub mode: Mode,
    /// The page whose hints may be calls ([`crate::call`]).
    pub calls: Option<u64>,
}

impl A64 {
    /// The function that an instruction calls.
    fn call(self, pc: u64, word: u32) -> Option<u8> {
        (self.calls? == surroundings::page(pc)).then_some(())?;
        call::function(word)
    }
}

impl Lifter for A64 {
    type Context = ();

    fn mode(&self) -> Mode {
        self.mode
    }

    fn flow(&self, pc: u64, word: u32, (): &mut ()) -> (u32, Flow) {
        let flow = match self.call(pc, word) {
            Some(_) => Flow::Jump(system::behind_call(pc)),
            None if self.mode.has(ANY_STACK) && stack::is_base_of(word) => Flow::End,
            None => branch::flow(pc, word),
        };
        (4, flow)
    }

    fn lift(&self, pc: u64, word: u32, (): (), out: &mut Sink<'_>) -> Option<Term> {
        let Some(insn) = decode(word) else {
            return Some(Term::Undefined { word, pc });
        };
        let class = insn.op.class();
        if self.mode.has(ANY_STACK) && stack::is_base(insn) {
            return Some(stack::if_aligned(self.mode, pc, word));
        }
        match class {
            Class::branch_cond
            | Class::branch_imm
            | Class::branch_reg
            | Class::compare_branch
            | Class::test_branch => return Some(branch::lift(pc, insn, out)),
            Class::hint => {
                let function = self.call(pc, word)?;
                return Some(system::lift_call(pc, function, out));
            }
            Class::exception
            | Class::barrier
            | Class::pstate
            | Class::system
            | Class::system_register => return system::lift(pc, insn, out),
            Class::memory_copy_set if !bulk::may_run(word) => {
                return Some(Term::Undefined { word, pc });
            }
            Class::memory_copy_set => {
                out.push(bulk::lift(insn));
                return None;
            }
            _ => {}
        }
        let done = int::lift(pc, insn, class, out)
            || memory::lift(pc, insn, class, out)
            || vector::lift(*self, insn, class, out);
        if !done {
            out.push(Op::Interpret { word });
        } else if !self.mode.has(ANY_STACK) && out.last().is_some_and(stack::unaligns) {
            out.push(stack::check(self.mode, pc.wrapping_add(4)));
        }
        None
    }
}

/// A register operand where 31 is zero.
fn zr(n: u32) -> Reg {
    if n == 31 { Reg::ZERO } else { sp(n) }
}

/// A register operand where 31 is SP.
#[allow(clippy::cast_possible_truncation, reason = "a field of five bits")]
const fn sp(n: u32) -> Reg {
    Reg(n as u8)
}

/// The width by bit 31.
fn sf(insn: Insn) -> Width {
    if insn.sf() == 1 {
        Width::W64
    } else {
        Width::W32
    }
}

/// Six bits as an amount.
#[allow(clippy::cast_possible_truncation, reason = "a field of six bits")]
const fn six(n: u32) -> u8 {
    (n & 63) as u8
}

/// A condition.
const fn cond(bits: u32) -> Cond {
    Cond::from_bits(bits)
}
