//! A thread's registers as others are told of them: by `ptrace`, and in core files.

use alloc::vec::Vec;

/// The sets of registers that the kernel tells of, in the bytes that it tells them in.
#[derive(Clone, Debug, Default)]
pub struct RegisterSets {
    /// `NT_PRSTATUS`: the general ones, with the program counter.
    pub general: Vec<u8>,
    /// `NT_FPREGSET`: those of floating point and vectors.
    pub float: Vec<u8>,
    /// Those that an architecture has beside: the note's number, and what is in it.
    pub others: Vec<(u32, Vec<u8>)>,
}
