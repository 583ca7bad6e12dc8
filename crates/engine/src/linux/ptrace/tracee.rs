//! What a thread knows of its tracing, and the record that it shows its tracer
//! ([`crate::thread::traced`]).
//!
//! A thread has a [`Tracee`] from the moment on that it knows of a tracer, until a stop is
//! not answered (the tracer is gone) or answered with [`Mode::Detached`].

use alloc::boxed::Box;
use core::fmt;
use core::ptr::NonNull;

use super::numbers::options::{self, has};
use crate::thread::clone::{self, Request};
use crate::thread::traced::{Beginning, Mode, Record};

/// What a traced thread knows of its tracing.
pub struct Tracee {
    pub(super) record: NonNull<Record>,
    /// `PTRACE_O_...`.
    pub(super) options: u32,
    pub(super) seized: bool,
    /// How it goes on.
    pub mode: Mode,
    /// It was made by a traced thread and has not stopped yet.
    pub is_new: bool,
    /// The call at this address is made again for the engine's sake: its entry was told.
    pub(super) again: Option<u64>,
    /// The tracer was asked about the call, for a filter.
    pub(super) asked: bool,
    /// How often it has stopped.
    pub stops: u32,
}

// SAFETY: the record is this one's alone.
unsafe impl Send for Tracee {}

impl fmt::Debug for Tracee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracee").finish_non_exhaustive()
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        // SAFETY: it came from a box, and nobody else has it.
        drop(unsafe { Box::from_raw(self.record.as_ptr()) });
    }
}

/// Whether a filter's question goes to a tracer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Nobody wants it.
    Nobody,
    /// It does.
    First,
    /// It has, for this call.
    Again,
}

impl Tracee {
    /// Of a thread that goes on as said.
    #[must_use]
    pub fn new(beginning: Beginning) -> Self {
        let record = Box::into_raw(Box::new(Record::NEW));
        Self {
            // SAFETY: it is a box's.
            record: unsafe { NonNull::new_unchecked(record) },
            options: beginning.options,
            seized: beginning.seized,
            mode: beginning.mode,
            is_new: false,
            again: None,
            asked: false,
            stops: 0,
        }
    }

    /// Of a thread that has just learned of its tracer.
    pub(super) fn plain() -> Self {
        Self::new(Beginning {
            options: 0,
            mode: Mode::Continue,
            seized: false,
            former: 0,
        })
    }

    /// What a child starts with that is made by this request: the kernel attaches those
    /// for which there is an event.
    #[must_use]
    pub fn attached(&self, request: &Request) -> Option<Self> {
        const SIGCHLD: u64 = 17;
        let event = if request.has(clone::VFORK) {
            options::VFORK
        } else if request.arguments.exit_signal == SIGCHLD {
            options::FORK
        } else {
            options::CLONE
        };
        let wanted = !request.has(clone::UNTRACED) && has(self.options, event);
        (wanted || request.has(clone::PTRACE)).then(|| {
            let mut child = Self::new(Beginning {
                options: self.options,
                mode: Mode::Continue,
                seized: self.seized,
                former: 0,
            });
            child.is_new = true;
            child
        })
    }

    /// Whether entries and exits of system calls stop it.
    pub(super) const fn has_calls(&self) -> bool {
        matches!(self.mode, Mode::Calls)
    }

    /// Whether entries do.
    pub(super) const fn has_entries(&self) -> bool {
        self.has_calls() || self.mode.emulates()
    }

    pub(super) fn record(&mut self) -> &mut Record {
        // SAFETY: it is this one's; the tracer changes it only while the thread stands.
        unsafe { self.record.as_mut() }
    }

    /// Whether a filter's question goes to its tracer.
    #[must_use]
    pub const fn asks(&self) -> Asks {
        match (self.asked, has(self.options, options::SECCOMP)) {
            (true, _) => Asks::Again,
            (false, true) => Asks::First,
            (false, false) => Asks::Nobody,
        }
    }
}
