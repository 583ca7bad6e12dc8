//! What an interpreter asks of its surroundings besides memory, and what it leaves to
//! them.

use crate::memory::{Buffer, Fault};

/// Why an instruction did not complete, or completes outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exception {
    /// An access failed. The program counter is the instruction's.
    Fault(Fault),
    /// A call of the supervisor with this constant. The program counter is
    /// that of the next instruction.
    Supervisor(u32),
    /// A breakpoint with this constant. The program counter is the
    /// instruction's.
    Breakpoint(u16),
    /// What no instruction is, or none that a program may use. The program counter is
    /// the instruction's.
    Undefined,
}

impl From<Fault> for Exception {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// How many functions instructions may call ([`Environment::call`]).
pub const FUNCTIONS: usize = 2;

/// The page of an instruction: where it may call functions, or none may.
#[must_use]
pub const fn page(pc: u64) -> u64 {
    pc & !0xfff
}

/// What an interpreter asks of its surroundings, besides memory.
pub trait Environment {
    /// The counter of time that programs may read, at [`Environment::frequency`].
    fn counter(&mut self) -> u64;
    /// The counter's frequency, in Hz.
    fn frequency(&mut self) -> u64;
    /// Calls a function for the instruction at `pc`, if that is in the page where
    /// this is done ([`page`]): two values, if it gives them.
    fn call(&mut self, pc: u64, function: u8, argument: u32) -> Option<[u64; 2]> {
        let _ = (pc, function, argument);
        None
    }
}

/// With a clock that stands, for tests.
impl Environment for Buffer {
    fn counter(&mut self) -> u64 {
        1
    }

    fn frequency(&mut self) -> u64 {
        1
    }
}
