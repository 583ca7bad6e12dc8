//! Letting the other threads of a process stop for good and leave their
//! registers: the process ends, and its core file shows them.
//!
//! A process that shares the memory of another one has its threads in the same
//! lists; the numbers of processes tell them apart. A thread that has parked
//! holds no lock, is not in translated code, and never goes on.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::host::lock::{SpinLock, Unlock};
use crate::host::sys::{self, Errno, number};
use crate::thread::attention::Attention;
use crate::thread::handlers;
use crate::thread::register_sets::RegisterSets;

/// A thread as its core file shows it.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) thread: u32,
    pub(super) registers: RegisterSets,
    /// The signals that it blocks.
    pub(super) mask: u64,
}

impl Parked {
    pub(super) fn new(attention: &Attention, mask: u64, registers: RegisterSets) -> Self {
        Self {
            thread: attention.thread.load(Ordering::Relaxed),
            registers,
            mask,
        }
    }
}

/// The threads that have parked.
#[derive(Debug, Default)]
pub struct Parking {
    /// The process whose threads are to park; 0 for none.
    process: AtomicU32,
    list: SpinLock<Vec<Parked>>,
}

impl Parking {
    /// The threads of a process are to park from now on, until it is gone. Only one
    /// process of those that share the memory can have that at a time.
    pub(super) fn begin(&self, process: u32) -> bool {
        let begin = |before| {
            let (done, not) = (Ordering::AcqRel, Ordering::Acquire);
            self.process.compare_exchange(before, process, done, not)
        };
        match begin(0) {
            Ok(_) => true,
            Err(before) => before != process && is_gone(before) && begin(before).is_ok(),
        }
    }

    /// Parks the calling thread, which blocks these signals, if its process wants that.
    /// Returns whether it did: then the thread is to wait for the end.
    #[must_use]
    pub fn park(
        &self,
        attention: &Attention,
        mask: u64,
        registers: impl FnOnce() -> RegisterSets,
    ) -> bool {
        let process = attention.process.load(Ordering::Relaxed);
        if self.process.load(Ordering::Acquire) != process {
            return false;
        }
        let mut parked = Some(Parked::new(attention, mask, registers()));
        // Nothing is allocated while the lock is held.
        while parked.is_some() {
            let mut grown = Vec::with_capacity(self.list.with(|list| list.len()) + 16);
            let old = self.list.with(|list| {
                if list.len() == list.capacity() {
                    if grown.capacity() <= list.len() {
                        return grown;
                    }
                    grown.append(list);
                    core::mem::swap(list, &mut grown);
                }
                list.extend(parked.take());
                grown
            });
            drop(old);
        }
        true
    }

    /// Asks threads to park. Returns those that did, and whether all did: not those
    /// that the kernel does not let go, such as one that waits for a child of `vfork`.
    pub(super) fn gather(&self, process: u32, mut threads: Vec<u32>) -> (Vec<Parked>, bool) {
        /// How long none may come, in rounds.
        const PATIENCE: u32 = 2000;
        const ROUND: u64 = 500_000;
        const ASK_EVERY: u32 = 200;
        let mut idle = 0;
        loop {
            if idle % ASK_EVERY == 0 {
                threads
                    .retain(|&thread| handlers::ask_to_hold(process, thread) != Err(Errno::ESRCH));
            }
            let before = threads.len();
            self.list.with(|list| {
                threads.retain(|&thread| list.iter().all(|parked| parked.thread != thread));
            });
            if threads.is_empty() || idle == PATIENCE {
                return (self.list.with(core::mem::take), threads.is_empty());
            }
            idle = if threads.len() < before { 1 } else { idle + 1 };
            sys::pause(ROUND);
        }
    }

    /// Keeps them as they are over a `fork`.
    #[must_use]
    pub fn hold(&self) -> Unlock<'_> {
        self.list.hold()
    }

    /// In a child of `fork`, whose memory is its own: nobody has parked.
    pub fn clear(&self) {
        self.process.store(0, Ordering::Release);
        drop(self.list.with(core::mem::take));
    }
}

/// Whether there is no such process.
fn is_gone(process: u32) -> bool {
    // SAFETY: signal 0 is none.
    let sent = unsafe { sys::syscall(number::KILL, [process.into(), 0, 0, 0, 0, 0]) };
    sent == Err(Errno::ESRCH)
}
