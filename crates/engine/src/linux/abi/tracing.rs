//! [`Tracing`]: what an architecture's tracers see of a thread (its `ptrace.h`): which sets of
//! registers there are, and the requests that other architectures do not have.
//!
//! All of it is data, since the functions for requests are for all guests
//! ([`crate::linux::ptrace`]).

use crate::host::signal::SignalInfo;

/// A set of registers that `PTRACE_GETREGSET` tells of.
#[derive(Clone, Copy, Debug)]
pub struct RegisterSet {
    /// Its number (`NT_...`).
    pub note: u64,
    /// Its place in a record ([`crate::thread::traced::sets`]).
    pub index: usize,
    /// Bytes of one of its registers.
    pub unit: u64,
}

/// `NT_PRSTATUS`.
pub const NT_PRSTATUS: u64 = 1;

/// A request that other architectures do not have, or have for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// Reads a whole set.
    Get(usize),
    /// Writes one.
    Set(usize),
    /// Reads the thread pointer (`PTRACE_GET_THREAD_AREA`).
    Pointer,
    /// Sets the number of the system call that is entered (`PTRACE_SET_SYSCALL`).
    SetCall,
    /// Reads a word of `struct user`, which has so many bytes.
    PeekUser(u64),
    /// Writes one.
    PokeUser(u64),
    /// Reads a hardware breakpoint or watchpoint (`PTRACE_GETHBPREGS`): there is only the
    /// word that says that there are none, which is this.
    GetDebug(u64),
    /// Writes one.
    SetDebug,
    /// `PTRACE_SETOPTIONS`, by its old number.
    Options,
    /// Goes on to the entry of a system call, which is not done (`PTRACE_SYSEMU`).
    Emulate,
    /// Goes on to the entry of a system call, which is not done, or by one instruction
    /// (`PTRACE_SYSEMU_SINGLESTEP`).
    EmulateStep,
}

/// How `siginfo_t` is in a guest's memory, where it is otherwise than on the host.
#[derive(Clone, Copy, Debug)]
pub struct Narrow {
    /// The guest's of the host's.
    pub to_guest: fn(&SignalInfo) -> [u8; 128],
    /// The host's of the guest's.
    pub to_host: fn(&[u8; 128]) -> SignalInfo,
}

/// The sets of hardware breakpoints and watchpoints, of which the machine has none.
#[derive(Clone, Copy, Debug)]
pub struct Debug {
    /// Their notes.
    pub notes: &'static [u64],
    /// What they begin with, which says that there are none.
    pub none: u64,
}

/// What tracers see.
#[derive(Debug)]
pub struct Tracing {
    /// The note of the registers that are in a record as `FLOAT`.
    pub float: u32,
    /// The note of the thread pointer.
    pub pointer: u32,
    /// The sets that there are.
    pub sets: &'static [RegisterSet],
    /// Those that a tracer is shown whose words are wider.
    pub wider: &'static [RegisterSet],
    /// Hardware breakpoints and watchpoints.
    pub debug: Debug,
    /// Whether general registers are such as a program can have.
    pub is_of_user: fn(&[u8]) -> bool,
    /// Other requests, by their numbers.
    pub requests: &'static [(u64, Special)],
    /// Signals' information.
    pub narrow: Option<Narrow>,
}

impl Tracing {
    /// A request that others do not have.
    #[must_use]
    pub fn special(&self, number: u64) -> Option<Special> {
        let mut requests = self.requests.iter();
        let found = requests.find(|&&(request, _)| request == number)?;
        Some(found.1)
    }
}

/// A row of [`Tracing::sets`].
pub(super) const fn set(note: u64, index: usize, unit: u64) -> RegisterSet {
    RegisterSet { note, index, unit }
}
