//! [`Guest`]: all that translator and interpreter need to know of an architecture.

use core::fmt::{self, Debug};

use ir::Mode;
use ir::form::Lifter;

use crate::flags::Flags;
use crate::memory::{Fault, Memory, Size};
use crate::surroundings::{Environment, Exception};

/// Where translated code finds the guest's registers: offsets in bytes from the start
/// of [`Guest::State`].
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// The first integer slot: 8 bytes, and the others follow, as many as
    /// [`Lifter::SLOTS`] says.
    pub int: u32,
    /// The first vector slot: 16 bytes and aligned so, and the others follow.
    pub vec: u32,
    /// The program counter.
    pub pc: u32,
    /// The flags, as [`Flags`].
    pub flags: u32,
    /// The thread pointer.
    pub thread: u32,
    /// The exclusive monitor: address, value low, value high, size.
    pub monitor: u32,
    /// Control of floating point.
    pub float_control: u32,
    /// Status of floating point.
    pub float_status: u32,
    /// Where [`Guest::BY_TARGET`] is: 4 bytes, 0 or 1. None without that.
    pub by_target: Option<u32>,
    /// Integer slots, those that programs name most first: a host pins these.
    pub hot_int: &'static [u8],
    /// Vector slots likewise.
    pub hot_vec: &'static [u8],
    /// Vector slots that functions keep for their callers.
    pub kept_vec: &'static [u8],
}

/// How results of floating point are rounded that the host computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, ties to the even one.
    Nearest,
    /// Towards minus infinity.
    Down,
    /// Towards plus infinity.
    Up,
    /// Towards zero.
    Zero,
}

/// Where an instruction leads that has been interpreted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// To the next one, or back to itself.
    Straight,
    /// To the next one, or elsewhere in the same function.
    Branch,
    /// Elsewhere in the same function.
    Jump,
    /// To another function, or out of one.
    Away,
}

/// A guest architecture. Nothing is ever made of the type: it names what belongs
/// together, so that whatever runs a guest is compiled for that one.
///
/// An instruction is a `word` of 2 or 4 bytes. What a word means may depend on the
/// [`Mode`], which is part of what translations are found by.
pub trait Guest: Copy + Debug + Send + Sync + 'static {
    /// A thread's registers: the one struct that interpreter, translated code and
    /// Linux share.
    type State: Clone + Debug + Default + PartialEq + Send + Sync + 'static;
    /// A decoded instruction.
    type Insn: Copy;
    /// What lifts instructions to IR.
    type Lifter: Lifter;

    /// The binary logarithm of what addresses of instructions are multiples of: 1 or 2.
    const UNIT_LOG2: u32;
    /// The bits of an address that an access does not look at.
    const IGNORED: u64;
    /// A bit of modes: translations with it have a table of indirect targets for
    /// themselves, so that going from one kind to the other clears none.
    const APART: Mode;
    /// What is called after that bit in listings of host code.
    const APART_NAME: &'static str;
    /// A bit of modes that is bit 0 of whatever an indirect branch leads to; none if
    /// [`Mode::PLAIN`]. It is another than [`Guest::APART`], and clears no table either:
    /// targets are found with their bit 0. [`Places::by_target`] has it, too, whenever
    /// translated code is left.
    const BY_TARGET: Mode;
    /// What listings call [`Places::float_control`] and [`Places::float_status`].
    const FLOAT_NAMES: [&'static str; 2];
    /// Integer slots that listings call otherwise than `x` and their number.
    const NAMES: &'static [(usize, &'static str)];
    /// How many rows its tables of instructions have.
    const ROWS: usize;

    /// Where translated code finds things.
    fn places() -> Places;
    /// What lifts in a mode, where instructions in the page `calls` may call functions.
    fn lifter(mode: Mode, calls: Option<u64>) -> Self::Lifter;

    /// Reads the instruction at `pc`, by parts of 2 or 4 bytes.
    ///
    /// # Errors
    /// When a part can't be read.
    fn fetch<E>(
        mode: Mode,
        pc: u64,
        read: impl FnMut(u64, Size) -> Result<u32, E>,
    ) -> Result<u32, E>;
    /// The instruction that is found where a debugger has the guest stop.
    fn breakpoint(mode: Mode) -> u32;
    /// How many bytes an instruction has.
    fn length(mode: Mode, word: u32) -> u64;
    /// What an instruction is; nothing if it is none.
    fn decode(mode: Mode, word: u32) -> Option<Self::Insn>;
    /// Executes it in the reference interpreter; the program counter is the next
    /// instruction's then.
    ///
    /// # Errors
    /// When it raises an exception; nothing else of the state has changed then (but
    /// the program counter for [`Exception::Supervisor`]).
    fn step<M: Memory + Environment>(
        state: &mut Self::State,
        memory: &mut M,
        insn: Self::Insn,
    ) -> Result<(), Exception>;
    /// Where it leads.
    fn kind(insn: Self::Insn) -> Kind;
    /// The row of its table, less than [`Guest::ROWS`].
    fn row(insn: Self::Insn) -> usize;
    /// A row's name.
    fn row_name(row: usize) -> &'static str;

    /// Writes an instruction as text: the row's name and the fields.
    ///
    /// # Errors
    /// The formatter's.
    fn write(mode: Mode, word: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    /// What is not taken for granted in a mode, as listings say it behind an address.
    fn mode_name(mode: Mode) -> &'static str;

    /// The program counter.
    fn pc(state: &Self::State) -> u64;
    /// Sets it.
    fn set_pc(state: &mut Self::State, pc: u64);
    /// The integer slots.
    fn ints(state: &mut Self::State) -> &mut [u64];
    /// The flags.
    fn flags(state: &mut Self::State) -> &mut Flags;
    /// The mode of translations for what the registers hold.
    fn mode(state: &Self::State) -> Mode;
    /// Whether translated code that was entered in a mode must be left after an
    /// instruction that the interpreter did for it.
    fn must_leave(before: Mode, after: Mode) -> bool {
        before != after
    }
    /// How the host is to round.
    fn rounding(state: &Self::State) -> Rounding;
    /// Translated code has met these exceptions of floating point (from bit 0: invalid
    /// operation, division by zero, overflow, underflow, inexact), or a result has
    /// saturated.
    fn raise(state: &mut Self::State, exceptions: u32, saturated: bool);
}

/// Reads the instruction at `pc`, or what stands for it where the guest is to stop.
///
/// # Errors
/// When a part can't be read.
#[inline]
pub fn fetch<G: Guest>(mode: Mode, pc: u64, memory: &mut impl Memory) -> Result<u32, Fault> {
    let word = G::fetch(mode, pc, |pc, size| memory.fetch(pc, size))?;
    if memory.has_breakpoint(pc) {
        return Ok(G::breakpoint(mode));
    }
    Ok(word)
}

/// Whether an instruction can be at an address.
#[must_use]
pub const fn is_aligned<G: Guest>(pc: u64) -> bool {
    pc & ((1 << G::UNIT_LOG2) - 1) == 0
}
