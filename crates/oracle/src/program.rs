//! A few instructions at an address.

use guest::Guest;
use ir::Mode;

/// A program: instructions that are entered at the first and end after the
/// last.
#[derive(Clone, Debug)]
pub struct Program {
    /// The mode of its words.
    pub mode: Mode,
    /// The address of the first word.
    pub address: u64,
    /// The instructions.
    pub words: Vec<u32>,
}

impl Program {
    /// One of a guest's plain mode.
    #[must_use]
    pub const fn new(address: u64, words: Vec<u32>) -> Self {
        Self {
            mode: Mode::PLAIN,
            address,
            words,
        }
    }

    /// Its instructions with their addresses.
    pub fn instructions<G: Guest>(&self) -> impl Iterator<Item = (u64, u32)> {
        let mut next = self.address;
        self.words.iter().map(move |&word| {
            let address = next;
            next += G::length(self.mode, word);
            (address, word)
        })
    }

    /// The address after the last word, where the program ends.
    #[must_use]
    pub fn end<G: Guest>(&self) -> u64 {
        let lengths = self.words.iter().map(|&word| G::length(self.mode, word));
        self.address + lengths.sum::<u64>()
    }
}
