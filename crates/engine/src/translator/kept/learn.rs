//! What a process ran that no file had: noted block by block as it is interpreted for
//! the first time, to be translated when the process ends.

use alloc::vec::Vec;

use hashbrown::HashMap;
use ir::Key;

/// The blocks, by where they start.
#[derive(Debug, Default)]
pub struct Ran {
    numbers: HashMap<Key, u32>,
    blocks: Vec<Block>,
}

/// A block that ran.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Where it starts.
    pub key: Key,
    /// Whether it was come to as the head of a region is: by a call, a return, or from
    /// far away.
    pub head: bool,
}

impl Ran {
    /// One is about to be interpreted.
    pub fn note(&mut self, key: Key, head: bool) {
        #[allow(clippy::cast_possible_truncation, reason = "fewer than there is code")]
        let next = self.blocks.len() as u32;
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.blocks.push(Block { key, head });
        } else if let Some(block) = self.blocks.get_mut(number as usize) {
            block.head |= head;
        }
    }

    /// All, in the order that they ran in.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Whether one ran.
    #[must_use]
    pub fn has(&self, key: Key) -> bool {
        self.numbers.contains_key(&key)
    }
}
