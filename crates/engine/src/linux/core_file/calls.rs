//! System calls of a process that dies.

use crate::host::sys::{self, Errno};

/// A system call that touches no memory but what its arguments name.
pub(super) fn call(number: u32, arguments: [u64; 6]) -> Result<u64, Errno> {
    // SAFETY: all arguments that are addresses are of strings and of arrays that
    // live on, and are as long as is said.
    unsafe { sys::syscall(number, arguments) }
}
