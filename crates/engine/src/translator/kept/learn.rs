//! What a process ran that no file of translations had. Each block is noted when it is
//! interpreted for the first time, or is translated together with one that was, and all are
//! written down when the process ends or becomes another program.
//!
//! What is written are notes ([`super::notes`]) of which code ran, and no code: who
//! translates it reads the guest's files anew, so that a program has no say in the host's code
//! that others run.

use alloc::vec::Vec;
use core::ffi::CStr;

use hashbrown::HashMap;
use ir::{Key, Region};

use super::notes::{self, Block};
use crate::host::lock::{Held, Lock};
use crate::host::sys::{self, Errno, Fd};
use crate::thread::leaving::Leaving;

/// The blocks, by where they start.
#[derive(Debug, Default)]
pub struct Ran {
    numbers: HashMap<Key, u32>,
    blocks: Vec<Block>,
    written: usize,
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
            let is_new = head && !block.head;
            block.head |= head;
            // Who reads both notes knows that it is one.
            if is_new && (number as usize) < self.written {
                self.blocks.push(Block { key, head });
            }
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

/// A process's blocks, and the file of notes that they are added to.
#[derive(Debug)]
pub struct Learner {
    path: &'static CStr,
    ran: Lock<Ran>,
}

impl Learner {
    /// Nothing has run yet.
    #[must_use]
    pub fn new(path: &'static CStr) -> Self {
        Self {
            path,
            ran: Lock::new(Ran::default()),
        }
    }

    /// The file's path.
    #[must_use]
    pub const fn path(&self) -> &'static CStr {
        self.path
    }

    /// One is about to be interpreted.
    pub fn note(&self, key: Key, head: bool) {
        self.ran.hold().note(key, head);
    }

    /// A region has been formed: what of it is entered before it has been interpreted, as where
    /// calls return to, never is.
    pub fn formed(&self, region: &Region) {
        let mut ran = self.ran.hold();
        for block in &region.blocks {
            ran.note(region.key(block.pc), block.entry);
        }
    }

    /// Keeps others out, over a `fork` for example.
    #[must_use]
    pub fn hold(&self) -> Held<'_, Ran> {
        self.ran.hold()
    }

    /// Adds what ran since the last time to the file, by one call, which the kernel keeps
    /// apart from those of others.
    ///
    /// # Errors
    /// The kernel's.
    pub fn write(&self) -> Result<(), Errno> {
        const WRONLY: u64 = 1;
        const CREAT: u64 = 0o100;
        const APPEND: u64 = 0o2000;
        const NOFOLLOW: u64 = 0o400_000;
        const CLOEXEC: u64 = 0o2_000_000;
        let mut ran = self.ran.hold();
        let fresh = ran.blocks.get(ran.written..).unwrap_or_default();
        if fresh.is_empty() {
            return Ok(());
        }
        let lines = notes::lines(&Fd::open(c"/proc/self/maps")?.read_all()?, fresh);
        ran.written = ran.blocks.len();
        if lines.is_empty() {
            return Ok(());
        }
        let flags = WRONLY | CREAT | APPEND | NOFOLLOW | CLOEXEC;
        let file = Fd::create(self.path, flags, 0o600)?;
        sys::write_all(file.number(), &lines)
    }
}

impl Leaving for Learner {
    fn becomes_another(&self) {
        // What can't be written is learned another time.
        let _ = self.write();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ir::Mode;

    #[test]
    fn what_turns_out_to_be_a_head_is_written_once_more() {
        let key = |pc| Key {
            pc,
            mode: Mode::PLAIN,
        };
        let mut ran = Ran::default();
        ran.note(key(4), false);
        ran.note(key(8), false);
        ran.note(key(8), true);
        assert_eq!(ran.blocks().len(), 2);
        assert!(ran.blocks()[1].head);
        ran.written = 2;
        ran.note(key(4), false);
        ran.note(key(8), true);
        assert_eq!(ran.blocks().len(), 2);
        ran.note(key(4), true);
        ran.note(key(4), true);
        assert_eq!(ran.blocks().len(), 3);
        assert!(ran.has(key(4)) && !ran.has(key(12)));
        ran.note(key(12), true);
        assert_eq!(ran.blocks()[3].key, key(12));
        ran.note(key(12), true);
        assert_eq!(ran.blocks().len(), 4);
    }
}
