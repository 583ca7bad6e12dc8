//! Who is told that a process leaves its program: what ran of it is lost otherwise.
//!
//! The guest's Linux knows when that is, and nothing of what is kept of the program;
//! whoever keeps it is a [`Leaving`].

use core::fmt;

/// Is told before a process becomes another program. That may still fail.
pub trait Leaving: Sync {
    /// The process is about to become another program.
    fn becomes_another(&self);
}

impl fmt::Debug for dyn Leaving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leaving")
    }
}
