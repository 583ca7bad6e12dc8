//! Code memory that is writable nowhere but while something is written, and
//! then at another place each time.
//!
//! Used where a program could gain by writing to code memory ([`super::arena::Arena::close`])
//! and no key protects this memory ([`crate::host::key`]). The mapping to write code lets
//! nobody write then. A window maps some of its pages a second time, which shared memory allows
//! without a descriptor. The window's place is one of 2^28, for some microseconds, and a
//! program that tries another place gets a signal. Opening and closing a window takes about
//! 10 µs (Linux 6.18, on an AMD EPYC's virtual processor).

use crate::host::own;
use crate::host::sys::{self, Errno, number};

const MREMAP_MAYMOVE: u64 = 1;
const MREMAP_FIXED: u64 = 2;

/// Pages of code memory, to be written, until this is dropped.
#[derive(Debug)]
pub(super) struct Window {
    at: u64,
    length: u64,
}

impl Window {
    /// On whole pages of a shared mapping that may be written.
    ///
    /// # Errors
    /// The kernel's, when it has no room for one.
    pub(super) fn open(shared: u64, length: u64) -> Result<Self, Errno> {
        // Taken first: what is moved to a place takes that of what is there.
        let flags = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE;
        let window = Self {
            at: own::map_apart(length, 0, flags)?,
            length,
        };
        let move_to = MREMAP_MAYMOVE | MREMAP_FIXED;
        // A length of 0 maps the same memory once more.
        let arguments = [shared, 0, length, move_to, window.at, 0];
        // SAFETY: the mapping stays as it is, and what is replaced
        // was just mapped for that.
        unsafe {
            sys::syscall(number::MREMAP, arguments)?;
            sys::mprotect(window.at, length, sys::PROT_READ | sys::PROT_WRITE)?;
        }
        Ok(window)
    }

    /// Where its first byte is.
    pub(super) const fn start(&self) -> *mut u8 {
        self.at as *mut u8
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: it is this window's alone. The kernel can refuse to unmap
        // amid a mapping only, for want of room to tell of two.
        let _ = unsafe { own::unmap(self.at, self.length) };
    }
}
