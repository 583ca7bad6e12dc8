//! Regions: blocks, their ends, and the way back to the guest's addresses.

use crate::inst::Op;
use crate::mode::{Key, Mode};
use crate::operand::{Cond, Reg, Slots, Width};
use alloc::vec::Vec;

/// Why an indirect branch is taken: a hint for the host's predictors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Indirect {
    /// A jump.
    Jump,
    /// A call.
    Call,
    /// A return.
    Return,
}

/// What ends a block. Addresses are the guest's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields say what they are")]
pub enum Term {
    /// Go on there.
    Jump { target: u64 },
    /// If `cond` holds.
    Branch { cond: Cond, taken: u64, fall: u64 },
    /// If `reg` is zero (or is not, if `nonzero`).
    BranchZero {
        w: Width,
        reg: Reg,
        nonzero: bool,
        taken: u64,
        fall: u64,
    },
    /// If that bit of `reg` is zero (or is not).
    BranchBit {
        reg: Reg,
        bit: u8,
        nonzero: bool,
        taken: u64,
        fall: u64,
    },
    /// A direct call: `link` has been set to `ret` by an operation before.
    Call { target: u64, ret: u64 },
    /// The same into another mode, which differs by what an indirect branch's target says.
    CallInto { to: Key, ret: u64 },
    /// To the address in `reg`; for a call, it comes back to `ret`. Where a bit of modes
    /// goes by an indirect branch's target, bit 0 is that one, and no part of the address:
    /// so of what `link` is set to.
    Indirect {
        reg: Reg,
        kind: Indirect,
        link: Reg,
        ret: u64,
    },
    /// If `cond` holds, to the address in `reg`, as [`Term::Indirect`].
    IndirectIf {
        cond: Cond,
        reg: Reg,
        kind: Indirect,
        fall: u64,
    },
    /// To the supervisor; `imm` is the instruction's constant, `next` where it
    /// goes on.
    Supervisor { imm: u32, next: u64 },
    /// A breakpoint instruction at `pc`.
    Breakpoint { imm: u16, pc: u64 },
    /// No instruction at `pc`.
    Undefined { word: u32, pc: u64 },
    /// `pc` can't be fetched from.
    NoFetch { pc: u64 },
    /// One instruction for the interpreter that may go anywhere.
    Interpret { word: u32, pc: u64 },
    /// If `reg` is a multiple of 16, go on there in another mode; else the
    /// interpreter does the instruction there.
    IfAligned { reg: Reg, word: u32, to: Key },
}

/// A straight run of operations and its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// The guest address of the first instruction.
    pub pc: u64,
    /// Where its operations lie in [`Region::ops`].
    pub start: u32,
    /// One past its last operation.
    pub end: u32,
    /// How many guest instructions it has.
    pub insns: u32,
    /// What ends it.
    pub term: Term,
    /// Entered from outside the region (its head, returns of calls).
    pub entry: bool,
    /// Reached by a jump from itself or from below: polls are put here.
    pub loop_head: bool,
    /// How many edges inside the region lead here.
    pub preds: u32,
}

/// One operation with the guest instruction that it came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inst {
    /// What it does.
    pub op: Op,
    /// The guest instruction's distance from its block's start, in bytes.
    pub offset: u32,
    /// The guest instruction, for the interpreter.
    pub word: u32,
    /// Floating point takes denormals, as sources and as results, for zeros, and gives the
    /// default NaN: all operations of an instruction do, or none.
    pub flushes: bool,
}

/// Blocks that are translated together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Region {
    /// Of all blocks; where the region is left by an address alone, it goes on
    /// in this mode.
    pub mode: Mode,
    /// The slots that the guest has.
    pub slots: Slots,
    /// A bit for each integer slot that may be written before a fault
    /// ([`crate::form::Lifter::SCRATCH`]).
    pub scratch: u32,
    /// In the order of their addresses, which is that of the host code.
    pub blocks: Vec<Block>,
    /// The operations of all blocks.
    pub ops: Vec<Inst>,
    /// The guest instructions of all blocks, as they were read to be lifted.
    pub words: Vec<u32>,
}

impl Region {
    /// What is found at an address that it goes on at.
    #[must_use]
    pub const fn key(&self, pc: u64) -> Key {
        let mode = self.mode;
        Key { pc, mode }
    }

    /// The block that starts at `pc`, if the region has it.
    #[must_use]
    pub fn block_at(&self, pc: u64) -> Option<usize> {
        self.blocks.binary_search_by_key(&pc, |block| block.pc).ok()
    }

    /// The operations of a block.
    #[must_use]
    pub fn block_ops(&self, block: &Block) -> &[Inst] {
        &self.ops[block.start as usize..block.end as usize]
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.ops.clear();
        self.words.clear();
    }
}

impl Term {
    /// The guest addresses that it goes to directly.
    pub fn targets(&self) -> impl Iterator<Item = u64> {
        let (a, b) = match *self {
            Self::Jump { target } => (Some(target), None),
            Self::Branch { taken, fall, .. }
            | Self::BranchZero { taken, fall, .. }
            | Self::BranchBit { taken, fall, .. } => (Some(fall), Some(taken)),
            Self::IndirectIf { fall, .. } => (Some(fall), None),
            _ => (None, None),
        };
        a.into_iter().chain(b)
    }
}
