//! The threads that a process traces, and what is known of each.

use alloc::vec::Vec;

use crate::host::lock::{Held, Lock};
use crate::host::round::Round;
use crate::host::sys::Errno;
use crate::thread::traced::{Mode, WRITES};

/// What a thread stands at, as far as its tracer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// At nothing: it runs, or its engine has something to do.
    None,
    /// At a stop that its engine has made.
    Made,
    /// At a stop of the host's in a system call: its record is still.
    Still,
    /// At one that says nothing of the guest's registers.
    Bare,
}

/// A thread that the process traces.
#[derive(Clone, Debug)]
pub struct Traced {
    /// Its number.
    pub thread: i32,
    /// Where the engine begins there; 0 while that is not known.
    pub engine: u64,
    /// Nobody of this process attached it, and it has not stopped yet.
    pub(super) is_new: bool,
    /// This process traced the program that it became.
    pub(super) has_begun: bool,
    /// It runs no guest.
    pub native: bool,
    /// Where its record is; 0 while that is not known.
    pub record: u64,
    /// What it stands at.
    pub stop: Stop,
    /// `PTRACE_O_...`, as the guest set them.
    pub options: u32,
    /// Those that the host's kernel was told.
    pub(super) told: u64,
    /// It was seized.
    pub seized: bool,
    /// How it was sent on last.
    pub mode: Mode,
    /// The ranges that were written, of which it does not know yet.
    pub writes: Vec<[u64; 2]>,
}

impl Traced {
    pub(super) const fn new(thread: i32) -> Self {
        Self {
            thread,
            engine: 0,
            is_new: true,
            has_begun: false,
            native: false,
            record: 0,
            stop: Stop::None,
            options: 0,
            told: 0,
            seized: false,
            mode: Mode::Continue,
            writes: Vec::new(),
        }
    }
}

/// A stop that a thread of the process was told by `wait`, and that only another one can
/// look at: the one that traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// The thread that traces.
    pub tracer: u32,
    /// The one that has stopped.
    pub thread: i32,
    /// What `wait` says of it, from bit 8 on.
    pub status: u32,
    /// What the guest is told, once that is known.
    pub answer: Option<Option<u32>>,
}

/// The threads that a process traces.
#[derive(Debug)]
pub struct Tracees {
    list: Lock<Vec<Traced>>,
    jobs: Lock<Vec<Job>>,
    /// Grows with each job that is new or done.
    pub round: Round,
}

impl Default for Tracees {
    fn default() -> Self {
        Self {
            list: Lock::new(Vec::new()),
            jobs: Lock::new(Vec::new()),
            round: Round::default(),
        }
    }
}

impl Tracees {
    /// Whether there are any.
    #[must_use]
    pub fn is_any(&self) -> bool {
        !self.list.hold().is_empty()
    }

    /// A thread is traced from now on.
    pub fn add(&self, thread: i32, options: u32, seized: bool) {
        let mut list = self.list.hold();
        list.retain(|traced| traced.thread != thread);
        list.push(Traced {
            options,
            seized,
            is_new: false,
            ..Traced::new(thread)
        });
    }

    /// Does something with one of the threads.
    ///
    /// # Errors
    /// `ESRCH` when it is none of them.
    pub fn with<R>(
        &self,
        thread: i32,
        act: impl FnOnce(&mut Traced) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        let mut list = self.list.hold();
        let traced = list.iter_mut().find(|traced| traced.thread == thread);
        act(traced.ok_or(Errno::ESRCH)?)
    }

    /// A range of memory was written through one of them: whoever shares the memory has to
    /// forget what was translated from it.
    pub fn written(&self, range: [u64; 2]) {
        for traced in self.list.hold().iter_mut() {
            if traced.writes.len() <= WRITES && traced.writes.last() != Some(&range) {
                traced.writes.push(range);
            }
        }
    }

    /// A thread is gone, or is traced no more.
    pub fn remove(&self, thread: i32) {
        self.list.hold().retain(|traced| traced.thread != thread);
    }

    /// The list itself.
    #[must_use]
    pub fn list(&self) -> Held<'_, Vec<Traced>> {
        self.list.hold()
    }

    /// The jobs, of which there are seldom any.
    #[must_use]
    pub fn jobs(&self) -> Held<'_, Vec<Job>> {
        self.jobs.hold()
    }

    /// Keeps all as it is over a `fork`.
    #[must_use]
    pub fn hold(&self) -> (Held<'_, Vec<Traced>>, Held<'_, Vec<Job>>) {
        (self.list.hold(), self.jobs.hold())
    }

    /// In a child of `fork`: it traces nobody.
    pub fn clear(&self) {
        self.list.hold().clear();
        self.jobs.hold().clear();
    }
}
