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

/// The notes of the first two.
const NT_PRSTATUS: u32 = 1;
const NT_FPREGSET: u32 = 2;

impl RegisterSets {
    /// A set by its note, if there is one.
    #[must_use]
    pub fn get(&self, note: u32) -> Option<&[u8]> {
        match note {
            NT_PRSTATUS => Some(&self.general),
            NT_FPREGSET => Some(&self.float),
            _ => {
                let mut others = self.others.iter();
                let found = others.find(|(other, _)| *other == note)?;
                Some(&found.1)
            }
        }
    }

    /// Gives it one.
    pub fn put(&mut self, note: u32, bytes: Vec<u8>) {
        match note {
            NT_PRSTATUS => self.general = bytes,
            NT_FPREGSET => self.float = bytes,
            _ => self.others.push((note, bytes)),
        }
    }
}
