//! What debugger and server have agreed on, and how they part.

use alloc::format;
use alloc::vec::Vec;

use super::End;
use super::files::Files;
use super::signals::to_gdb;

/// What was agreed on.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// The debugger knows of stops for software breakpoints.
    pub(super) swbreak: bool,
    /// And for `exec`.
    pub(super) exec: bool,
    pub(super) files: Files,
}

/// How the process has ended.
pub(super) fn ended(end: End) -> Vec<u8> {
    match end {
        End::Code(code) => format!("W{:02x}", code & 0xff),
        End::Signal(signal) => format!("X{:02x}", to_gdb(signal)),
    }
    .into_bytes()
}
