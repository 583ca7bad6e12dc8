//! The threads that may be in translated code, how all of them are brought out of
//! it, and what each has to forget before it enters again.

use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use crate::host::sys;
use crate::thread::attention::{Attention, FORGET};
use crate::thread::gate;
use crate::thread::handlers;

/// The guest addresses that had code and lost it, numbered from the
/// translator's beginning; only the last ones are kept.
#[derive(Debug, Default)]
pub(super) struct Gone {
    /// The number of the first that is kept.
    first: u64,
    addresses: Vec<u64>,
}

impl Gone {
    /// How many are kept: where a thread would have to look at more, clearing
    /// its table is cheaper.
    const MOST: usize = 4096;

    /// The number of the next one.
    pub(super) const fn next(&self) -> u64 {
        self.first + self.addresses.len() as u64
    }

    pub(super) fn add(&mut self, addresses: &[u64]) {
        if self.addresses.len() + addresses.len() > Self::MOST {
            self.first = self.next() + addresses.len() as u64;
            self.addresses.clear();
        } else {
            self.addresses.extend_from_slice(addresses);
        }
    }

    /// All have lost theirs.
    pub(super) fn all(&mut self) {
        self.first = self.next() + 1;
        self.addresses.clear();
    }

    /// Those from a number on, unless they are not kept any more.
    pub(super) fn since(&self, number: u64) -> Option<&[u64]> {
        let skip = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.addresses.get(skip..)
    }
}

/// The threads that a translator runs.
#[derive(Debug, Default)]
pub(super) struct Threads {
    /// Those that may be inside, each until it parts.
    pub inside: Vec<&'static Attention>,
    /// What they have to forget.
    pub gone: Gone,
    /// Another process may have the same table of descriptors: there was a `fork` that did
    /// not copy it.
    pub one_table: bool,
}

impl Threads {
    /// The numbers of a thread's process's other threads.
    pub(super) fn others(&self, own: &'static Attention) -> Vec<u32> {
        let process = own.process.load(Ordering::Relaxed);
        let others = self.inside.iter().filter(|thread| {
            !core::ptr::eq(**thread, own) && thread.process.load(Ordering::Relaxed) == process
        });
        others
            .map(|thread| thread.thread.load(Ordering::Relaxed))
            .collect()
    }

    /// Whether there is but one, and no other process sees its descriptors.
    pub(super) const fn is_alone(&self) -> bool {
        self.inside.len() <= 1 && !self.one_table
    }

    /// Waits until all others are outside, which will not enter again before
    /// they have caught up.
    pub(super) fn stop(&self, own: &'static Attention) {
        let others = self.inside.iter().copied();
        let others = others.filter(|&thread| !core::ptr::eq(thread, own));
        gate::stop(others, FORGET, wait_a_little);
    }
}

/// Gives a thread that is inside some time to leave. Returns whether it is there still:
/// it may have died inside.
fn wait_a_little(thread: &Attention, round: u32) -> bool {
    /// It usually leaves within microseconds; a kick can get lost when there is
    /// no memory for it.
    const KICK_EVERY: u32 = 1000;
    if round.is_multiple_of(KICK_EVERY) && !handlers::kick(thread) {
        return false;
    }
    // It may have less priority: yielding is not enough then.
    if round.wrapping_add(1).is_multiple_of(100) {
        sys::pause(50_000);
    } else {
        sys::yield_processor();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_told_what_it_missed_or_that_it_missed_too_much() {
        let mut gone = Gone::default();
        let start = gone.next();
        gone.add(&[4, 8]);
        assert_eq!(gone.since(start), Some(&[4, 8][..]));
        let later = gone.next();
        gone.add(&[12]);
        assert_eq!(gone.since(later), Some(&[12][..]));
        assert_eq!(gone.since(gone.next()), Some(&[][..]));
        gone.all();
        assert_eq!(gone.since(later), None);
        assert_eq!(gone.since(gone.next()), Some(&[][..]));
        let before = gone.next();
        gone.add(&[16; Gone::MOST]);
        gone.add(&[20]);
        assert_eq!(gone.since(before), None);
        assert_eq!(gone.since(gone.next()), Some(&[][..]));
        // Whoever is at the last number before everything went must not take
        // what came after it for all.
        let last = gone.next();
        gone.all();
        gone.add(&[24]);
        assert_eq!(gone.since(last), None);
    }
}
