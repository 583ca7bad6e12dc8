//! Copies of the guest's structures in the host's form. The host reads and writes the copy in
//! the place of the guest's own.

use alloc::vec::Vec;

use crate::host::sys::Errno;
use crate::memory::guest_memory;

/// As many as a system call needs: most need none.
#[derive(Debug, Default)]
pub(in crate::linux) struct Copies {
    /// Each in a place of its own, since the host knows where it is.
    words: Vec<Vec<u64>>,
    /// What of them is the kernel's result: where in which copy, how many
    /// bytes, and where the guest has it.
    results: Vec<(usize, usize, usize, u64)>,
}

impl Copies {
    /// Keeps words, and says where they are from now on.
    pub(in crate::linux) fn keep(&mut self, words: Vec<u64>) -> u64 {
        let at = words.as_ptr() as u64;
        self.words.push(words);
        at
    }

    /// So many bytes from one on of the words that are kept next are the kernel's result,
    /// which the guest has at an address.
    pub(in crate::linux) fn result(&mut self, start: usize, length: usize, guest: u64) {
        self.results.push((self.words.len(), start, length, guest));
    }

    /// Gives the guest what the kernel wrote into the copies, which are no more.
    #[inline]
    pub(in crate::linux) fn give_back(&mut self) -> Result<(), Errno> {
        if self.words.is_empty() {
            return Ok(());
        }
        self.write_results()
    }

    fn write_results(&mut self) -> Result<(), Errno> {
        let Self { words, results } = core::mem::take(self);
        for (copy, start, length, guest) in results {
            let bytes: Vec<u8> = words[copy]
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .skip(start)
                .take(length)
                .collect();
            // SAFETY: the guest named the address as its own to write.
            unsafe { guest_memory::write(guest, &bytes) }?;
        }
        Ok(())
    }
}
