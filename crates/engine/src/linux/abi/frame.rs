//! What the frame of a signal handler says besides the registers, whatever its layout.

use crate::host::signal::SignalInfo;
use crate::linux::process::AlternateStack;

/// What a frame says besides the registers.
#[derive(Clone, Copy, Debug)]
pub struct Contents {
    /// The signal.
    pub info: SignalInfo,
    /// Whether the handler takes all of it (`SA_SIGINFO`).
    pub with_info: bool,
    /// The alternate stack, for `uc_stack`.
    pub stack: AlternateStack,
    /// The mask that the interrupted code goes on with.
    pub mask: u64,
    /// The address of the last fault.
    pub fault_address: u64,
    /// Its syndrome, as the architecture has such; 0 for none.
    pub syndrome: u64,
    /// Where the handler is.
    pub handler: u64,
    /// Where it returns to.
    pub restorer: u64,
    /// The action names no such place, and this is the platform's.
    pub trampoline: bool,
}

/// The frame would not fit on the guest's stack, or is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadFrame;

/// What `rt_sigreturn` finds besides the registers.
#[derive(Clone, Copy, Debug)]
pub struct Returned {
    /// The mask to go on with.
    pub mask: u64,
    /// The alternate stack, where the frame has it.
    pub stack: Option<AlternateStack>,
}
