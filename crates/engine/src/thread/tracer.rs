//! Who follows the guest's threads, such as a debugger.
//!
//! A thread that nobody follows is told nothing, and pays nothing. Whether somebody follows it
//! is asked by its [`Attention`].

use core::fmt;

use super::attention::Attention;
use crate::host::signal::SignalInfo;
use crate::host::sys::{Errno, Fd};

/// Who follows threads. Every call may take as long as it wants, and the
/// thread's registers may be others after it.
pub trait Tracer: Sync {
    /// The thread is about to be told a signal. Returns which it is told
    /// instead, if any.
    fn signal(&self, attention: &Attention, info: &SignalInfo) -> Option<SignalInfo>;

    /// The thread leaves its registers alone from now on: it makes a system
    /// call.
    fn call_begins(&self, attention: &Attention);

    /// The system call is over, with this result. Returns whether that is
    /// still wanted.
    fn call_ends(&self, attention: &Attention, result: Result<u64, Errno>) -> bool;

    /// The process becomes another program, which this descriptor is handed
    /// to.
    fn handed_over(&self, attention: &Attention) -> Option<Fd>;
}

impl fmt::Debug for dyn Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tracer")
    }
}
