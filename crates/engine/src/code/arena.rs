//! The memory that translated code lies in.
//!
//! One piece of shared memory, mapped twice: to be written here, to be executed
//! there. It is anonymous, because perf looks into its map for such memory
//! only. Code is added at the end; [`Arena::clear`] starts again.

use crate::linux::own;
use crate::linux::sys::{self, Errno, number};

/// How much code there may be. Pages are taken as they are written.
const SIZE: u64 = 128 * 1024 * 1024;
/// Each piece starts at a multiple of this.
const ALIGN: u64 = 16;
const MAP_SHARED: u32 = 1;
const MREMAP_MAYMOVE: u64 = 1;

/// The two mappings, and how much of them is used.
#[derive(Debug)]
pub struct Arena {
    writable: u64,
    executable: u64,
    used: u64,
}

impl Arena {
    /// Maps it.
    ///
    /// # Errors
    /// When the kernel refuses one of the mappings.
    pub fn new() -> Result<Self, Errno> {
        let writable = own::map(
            SIZE,
            sys::PROT_READ | sys::PROT_WRITE,
            MAP_SHARED | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE,
        )?;
        // A length of 0 maps the same memory once more.
        // SAFETY: the mapping stays as it is, and free addresses are taken.
        let executable = unsafe {
            let arguments = [writable, 0, SIZE, MREMAP_MAYMOVE, 0, 0];
            sys::syscall(number::MREMAP, arguments)
        }?;
        own::add(executable..executable + SIZE);
        // SAFETY: nobody has used the second mapping yet.
        unsafe { sys::mprotect(executable, SIZE, sys::PROT_READ | sys::PROT_EXEC) }?;
        Ok(Self {
            writable,
            executable,
            used: 0,
        })
    }

    /// Adds code and gives the address to run it at; nothing if it is full.
    pub fn add(&mut self, code: &[u8]) -> Option<u64> {
        let start = self.used.next_multiple_of(ALIGN);
        let end = start + code.len() as u64;
        if end > SIZE {
            return None;
        }
        // SAFETY: `start..end` lies in the writable mapping, which only this
        // struct writes.
        unsafe {
            let to = (self.writable + start) as *mut u8;
            to.copy_from_nonoverlapping(code.as_ptr(), code.len());
        }
        self.used = end;
        Some(self.executable + start)
    }

    /// Changes four aligned bytes of the code at an address, at once.
    pub fn patch(&mut self, address: u64, value: i32) {
        let offset = address.wrapping_sub(self.executable);
        assert!(offset < self.used, "a patch outside the code");
        // SAFETY: it lies in the writable mapping.
        unsafe { ((self.writable + offset) as *mut i32).write_volatile(value) };
    }

    /// Forgets all code after the first `keep` bytes.
    pub const fn clear(&mut self, keep: u64) {
        self.used = keep;
    }

    /// How many bytes are used.
    #[must_use]
    pub const fn used(&self) -> u64 {
        self.used
    }

    /// Where executable code may lie.
    #[must_use]
    pub const fn range(&self) -> core::ops::Range<u64> {
        self.executable..self.executable + SIZE
    }
}
