//! Threads that are stopped by another process which shares their memory.
//!
//! A child made with `CLONE_VM` may stop its maker's threads one by one by `ptrace` and look
//! at their registers. Leak sanitizers do that before a program ends. Elsewhere guests trace
//! guests by the host's `ptrace` (docs/ptrace-design.md). Here the tracer shares the engine's
//! memory, and the host's `ptrace` could stop a thread that holds a lock which the tracer needs.
//! So a thread is asked ([`handlers::ask_to_hold`]), stops by itself at a safe point, leaves a
//! copy of its registers here, and waits.
//!
//! A thread that waits holds no lock, and is not in translated code.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use super::attention::{Attention, HOLD};
use super::handlers;
use super::register_sets::RegisterSets;
use crate::host::lock::{SpinLock, Unlock};
use crate::host::round::Round;
use crate::host::sys::{self, Errno, number};

/// One thread that somebody wants to stop, or has stopped.
#[derive(Debug)]
struct Hold {
    thread: u32,
    /// The process of that thread.
    process: u32,
    /// The process that wants it.
    by: u32,
    /// As soon as it waits.
    registers: Option<Arc<RegisterSets>>,
    /// Its stop has been waited for.
    told: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Holds {
    list: SpinLock<Vec<Hold>>,
    /// Grows whenever somebody may have to look again.
    round: Round,
}

/// Who wants a stop may end without a word, and so may the thread: so long does one
/// sleep before looking again.
const MOMENT: Option<u64> = Some(50_000_000);

/// How far a stop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Nobody waits for it any more, or it was never wanted.
    None,
    /// It is to come.
    Wanted,
    /// The thread waits, and nobody was told.
    Stopped,
}

impl Holds {
    /// A process wants to stop a thread of another one.
    ///
    /// # Errors
    /// `EPERM` when somebody does already, `ESRCH` when there is no such thread.
    pub fn want(&self, process: u32, thread: u32, by: u32) -> Result<(), Errno> {
        let new = Hold {
            thread,
            process,
            by,
            registers: None,
            told: false,
        };
        // Nothing is allocated while the lock is held.
        let mut grown = Vec::with_capacity(self.list.with(|list| list.len()) + 16);
        let old = self.list.with(|list| {
            if list.iter().any(|hold| hold.thread == thread) {
                return Err(Errno::EPERM);
            }
            if list.len() == list.capacity() {
                if grown.capacity() <= list.len() {
                    return Err(Errno::EAGAIN);
                }
                grown.append(list);
                core::mem::swap(list, &mut grown);
            }
            list.push(new);
            Ok(core::mem::take(&mut grown))
        })?;
        drop(old);
        handlers::ask_to_hold(process, thread).inspect_err(|_| self.release(thread, by))
    }

    /// The thread is asked to: it waits here for as long as somebody wants it
    /// to.
    pub fn wait(&self, attention: &Attention, registers: RegisterSets) {
        attention.word.fetch_and(!HOLD, Ordering::AcqRel);
        let own = attention.thread.load(Ordering::Relaxed);
        let mut registers = Some(Arc::new(registers));
        let by = self.list.with(|list| {
            let hold = list.iter_mut().find(|hold| hold.thread == own)?;
            hold.registers = registers.take();
            Some(hold.by)
        });
        let Some(by) = by else { return };
        self.round.next();
        loop {
            let round = self.round.now();
            let held = |list: &mut Vec<Hold>| list.iter().any(|hold| hold.thread == own);
            if !self.list.with(held) {
                return;
            }
            if is_over(by) {
                self.release_all(by);
                return;
            }
            self.round.sleep(round, MOMENT);
        }
    }

    /// How far the stop of a thread has come that this process wants.
    #[must_use]
    pub fn state(&self, thread: u32, by: u32) -> Stop {
        let found = self.list.with(|list| {
            let hold = list
                .iter()
                .find(|hold| hold.thread == thread && hold.by == by && !hold.told)?;
            Some((hold.process, hold.registers.is_some()))
        });
        match found {
            None => Stop::None,
            Some((_, true)) => Stop::Stopped,
            Some((process, false)) if !is_there(process, thread) => {
                self.release(thread, by);
                Stop::None
            }
            Some(_) => Stop::Wanted,
        }
    }

    /// Waits until a stop may have come further, or a moment.
    pub fn sleep_until_changed(&self, thread: u32, by: u32) {
        let round = self.round.now();
        if self.state(thread, by) == Stop::Wanted {
            self.round.sleep(round, MOMENT);
        }
    }

    /// Whoever wanted the stop has been told of it.
    pub fn told(&self, thread: u32) {
        self.list.with(|list| {
            for hold in list.iter_mut().filter(|hold| hold.thread == thread) {
                hold.told = true;
            }
        });
    }

    /// The registers of a thread that waits for this process.
    #[must_use]
    pub fn registers(&self, thread: u32, by: u32) -> Option<Arc<RegisterSets>> {
        self.list.with(|list| {
            let hold = list
                .iter()
                .find(|hold| hold.thread == thread && hold.by == by)?;
            hold.registers.clone()
        })
    }

    /// Whether a process wants the thread to wait.
    #[must_use]
    pub fn is_wanted(&self, thread: u32, by: u32) -> bool {
        self.list.with(|list| {
            list.iter()
                .any(|hold| hold.thread == thread && hold.by == by)
        })
    }

    /// Lets a thread go on.
    pub fn release(&self, thread: u32, by: u32) {
        self.take_out(|hold| hold.thread == thread && hold.by == by);
    }

    /// Lets all go on that a process has stopped: it ends.
    pub fn release_all(&self, by: u32) {
        self.take_out(|hold| hold.by == by);
    }

    fn take_out(&self, of: impl Fn(&Hold) -> bool) {
        // One by one, and dropped outside of the lock.
        while let Some(hold) = self.list.with(|list| {
            let index = list.iter().position(&of)?;
            Some(list.swap_remove(index))
        }) {
            drop(hold);
            self.round.next();
        }
    }

    /// Keeps them as they are over a `fork`.
    #[must_use]
    pub fn hold(&self) -> Unlock<'_> {
        self.list.hold()
    }

    /// In a child of `fork`, whose memory is its own: nobody holds anybody.
    pub fn clear(&self) {
        self.take_out(|_| true);
    }
}

/// Whether there is such a thread.
fn is_there(process: u32, thread: u32) -> bool {
    // SAFETY: signal 0 is none.
    let sent = unsafe { sys::syscall(number::TGKILL, [process.into(), thread.into(), 0, 0, 0, 0]) };
    sent != Err(Errno::ESRCH)
}

/// Whether a child of the calling process has ended.
fn is_over(child: u32) -> bool {
    const P_PID: u64 = 1;
    /// `WNOHANG | WEXITED | WNOWAIT | __WALL`.
    const LOOK: u64 = 1 | 4 | 0x100_0000 | 0x4000_0000;
    let mut info = [0_u64; 16];
    let arguments = [P_PID, child.into(), info.as_mut_ptr() as u64, LOOK, 0, 0];
    // SAFETY: the kernel writes the array only.
    match unsafe { sys::syscall(number::WAITID, arguments) } {
        // `si_pid` is the low half of the third word.
        Ok(_) => info[2] & 0xffff_ffff != 0,
        Err(error) => error == Errno::ECHILD,
    }
}
