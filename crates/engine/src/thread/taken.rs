//! The signals that the engine takes for itself: faults come by them, and threads
//! ask each other for things. The host never blocks them.

use crate::host::signal::{SIGBUS, SIGSEGV, SIGTRAP, bit};

/// The signals that the engine takes for itself.
pub const TAKEN: u64 = bit(SIGSEGV) | bit(SIGBUS) | bit(SIGTRAP);
/// Those in the order of their places in [`crate::thread::attention`].
pub const TAKEN_LIST: [i32; 3] = [SIGTRAP, SIGBUS, SIGSEGV];

/// A signal's place in [`TAKEN_LIST`].
#[must_use]
pub fn taken_index(signal: i32) -> Option<usize> {
    TAKEN_LIST.iter().position(|&taken| taken == signal)
}
