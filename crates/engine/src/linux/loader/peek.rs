//! Reading a file's beginning without the file being told.
//!
//! Whoever watches a file (inotify, fanotify) is told when it is opened and when
//! it is read. The kernel opens and reads what it executes; the engine has to look
//! before. Events of one kind that follow each other are told once: so the engine
//! opens, and looks by a mapping, of which nobody is told; then the kernel opens
//! and reads. What is told is then told as often as by the kernel alone, unless
//! the events are fetched in between.

use crate::host::page::PAGE;
use crate::host::sys::{self, Errno, Fd};
use crate::memory::guest_memory;

/// A file that is looked at.
#[derive(Debug)]
pub struct Peek<'a> {
    file: &'a Fd,
    size: u64,
    /// Where its first page is mapped.
    first: Option<u64>,
}

impl<'a> Peek<'a> {
    /// Looks at a file of `size` bytes without reading it.
    #[must_use]
    pub fn new(file: &'a Fd, size: u64) -> Self {
        // SAFETY: the mapping takes free addresses.
        let first =
            unsafe { sys::mmap(0, PAGE, sys::PROT_READ, sys::MAP_PRIVATE, Some((file, 0))) };
        Self {
            file,
            size,
            // Not every file system maps files.
            first: first.ok(),
        }
    }

    /// Looks at a file of `size` bytes by reading it, which costs less.
    #[must_use]
    pub const fn reading(file: &'a Fd, size: u64) -> Self {
        Self {
            file,
            size,
            first: None,
        }
    }

    /// How long it is.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Copies what is at `offset`, up to the file's end; returns how much that is.
    /// What is not on the first page is read.
    ///
    /// # Errors
    /// The kernel's.
    pub fn read_at(&self, to: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let length = to.len() as u64;
        if let Some(first) = self.first
            && offset.checked_add(length).is_some_and(|end| end <= PAGE)
        {
            let there = length.min(self.size.saturating_sub(offset));
            let there = usize::try_from(there).unwrap_or(0);
            // The file may have become shorter: a fault, as in the guest's
            // memory.
            if guest_memory::read(first + offset, &mut to[..there]).is_ok() {
                return Ok(there);
            }
        }
        self.file.read_at(to, offset)
    }
}

impl Drop for Peek<'_> {
    fn drop(&mut self) {
        if let Some(first) = self.first {
            // SAFETY: it was mapped for this, and nobody else knows of it.
            let _ = unsafe { sys::munmap(first, PAGE) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_is_there() {
        let file = Fd::open(c"/proc/self/exe").unwrap();
        let size = u64::try_from(file.status().unwrap().size).unwrap();
        let peek = Peek::new(&file, size);
        for (offset, length) in [
            (0, 64),
            (4000, 96),
            (4000, 97),
            (4097, 5000),
            (size - 10, 10),
            (size - 10, 20),
            (size, 1),
            (size + 5000, 1),
        ] {
            let mut one = alloc::vec![1; length];
            let mut other = one.clone();
            let there = file.read_at(&mut one, offset).unwrap();
            assert_eq!(peek.read_at(&mut other, offset).unwrap(), there);
            assert_eq!(one[..there], other[..there], "{offset} {length}");
        }
        assert!(peek.first.is_some());
    }

    #[test]
    fn a_file_that_is_short_or_cannot_be_mapped() {
        for path in [c"/dev/null", c"/proc/self/stat"] {
            let file = Fd::open(path).unwrap();
            let peek = Peek::new(&file, 100);
            let mut bytes = [0; 10];
            assert!(peek.read_at(&mut bytes, 4096).unwrap() <= 10);
        }
    }
}
