//! One of the guest's system calls, as the table of them has it.

use super::Call;
use crate::host::sys::Errno;

/// What becomes of a system call.
#[derive(Clone, Copy, Debug)]
pub enum Handler {
    /// The host's call of this number, with the same arguments: all numbers,
    /// flags and structures are the same on both.
    Pass(u16),
    /// The same, but where a path leads to the executable of a guest
    /// (`paths.rs`).
    Follow(u16),
    /// The host's call, with arguments or results that are not the same on
    /// both.
    Convert(Own),
    /// What the host would do is not what the guest is to see, or not all.
    Emulate(Own),
    /// Always this error, and why.
    Refuse(Errno, &'static str),
    /// The thread ends with the first argument.
    Exit,
    /// The process ends with the first argument.
    ExitGroup,
}

/// What does a system call here.
pub type Own = fn(&mut Call<'_>) -> Result<u64, Errno>;

/// A system call of arm64.
#[derive(Clone, Copy, Debug)]
pub struct Syscall {
    /// Its number.
    pub number: u16,
    /// Its name in the kernel.
    pub name: &'static str,
    /// Its arguments, a letter each, as `super::trace` prints them.
    pub arguments: &'static str,
    /// Which of them are descriptors, a bit each.
    pub descriptors: u8,
    /// What becomes of it.
    pub handler: Handler,
}
