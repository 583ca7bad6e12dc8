//! Making programs and states: from the instruction table and random numbers.
//!
//! A program comes with [`Need`]s: what its registers must hold so that its
//! accesses land in the data area and its indirect branches in the program.
//! Each state is random, then made to meet them.

pub mod memory;
pub mod program;
pub mod sequence;
pub mod stack;
pub mod state;
pub mod words;

use crate::arm64::Program;

/// What a register must hold at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// `x[base] + offset` is an address of `size` bytes in the data area.
    Address {
        /// The register.
        base: u32,
        /// What the instruction adds to it.
        offset: i64,
        /// The bytes accessed.
        size: u64,
        /// Whether the address should mostly be a multiple of the size.
        aligned: bool,
    },
    /// `x[base]` plus the extended and shifted `x[index]` is one.
    Indexed {
        /// The register of the base.
        base: u32,
        /// That of the index; 31 is zero.
        index: u32,
        /// The extension, as the instruction has it.
        option: u32,
        /// The shift after it.
        shift: u32,
        /// The bytes accessed.
        size: u64,
    },
    /// `x[register]` is the value.
    Value {
        /// The register.
        register: u32,
        /// The value.
        value: u64,
    },
    /// `x[register]` is less than `below`.
    Count {
        /// The register.
        register: u32,
        /// One more than the most.
        below: u64,
    },
    /// `x[register]` has bits of FPCR that any processor has.
    Control {
        /// The register.
        register: u32,
    },
    /// `x[register]` has bits of FPSR.
    Status {
        /// The register.
        register: u32,
    },
    /// `x[register]` is an address about the middle of the data area.
    Near {
        /// The register.
        register: u32,
    },
    /// SP may be anything, near where it is.
    AnyStack,
    /// The register for it plus `offset` is an address where an access of
    /// `size` bytes faults.
    Faulting {
        /// What the instruction adds to it.
        offset: i64,
        /// The bytes accessed.
        size: u64,
    },
    /// Both registers of a file may hold related values.
    Related {
        /// The one.
        a: u32,
        /// The other.
        b: u32,
    },
}

/// A program with what it needs.
#[derive(Clone, Debug)]
pub struct Made {
    /// The program.
    pub program: Program,
    /// What its registers must hold.
    pub needs: Vec<Need>,
    /// Whether it accesses the data area.
    pub memory: bool,
}
