//! Ranges of code that the host's kernel is changing at this moment.
//!
//! To a processor, whether a page may be executed and what is in it change at
//! once. Here the host changes the page, and the engine's notes of it follow.
//! Lest a thread takes what is new for code by what was noted of the old, a
//! range is entered here before the host is asked, and leaves when the notes
//! are true again; who has read from such a range reads anew after that.
//!
//! Waiting has an end (`PATIENCE`): the kernel may be waiting for the very
//! thread, which pages in what is mapped. What was read is taken as it is then.

use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::host::lock::{SpinLock, Unlock};
use crate::host::sys;

/// As many at a time; more are not waited for.
const MOST: usize = 16;
/// How often a thread gives way to others.
const PATIENCE: usize = 10_000;

/// The ranges.
#[derive(Debug)]
pub struct Unsettled {
    ranges: SpinLock<[Range<u64>; MOST]>,
    count: AtomicUsize,
}

impl Unsettled {
    /// None.
    #[must_use]
    pub(super) const fn new() -> Self {
        Self {
            ranges: SpinLock::new([const { 0..0 }; MOST]),
            count: AtomicUsize::new(0),
        }
    }

    /// Enters a range until what is returned is dropped.
    #[must_use]
    pub fn enter(&self, range: Range<u64>) -> Changing<'_> {
        let place = self.ranges.with(|ranges| {
            let place = ranges.iter().position(Range::is_empty)?;
            ranges[place] = range;
            self.count.fetch_add(1, Ordering::AcqRel);
            Some(place)
        });
        Changing {
            ranges: self,
            place,
        }
    }

    /// Whether there is none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Whether an address is in one.
    #[must_use]
    #[inline]
    pub fn contains(&self, address: u64) -> bool {
        !self.is_empty() && self.look(address)
    }

    #[cold]
    fn look(&self, address: u64) -> bool {
        self.ranges
            .with(|ranges| ranges.iter().any(|range| range.contains(&address)))
    }

    /// Waits until an address is in none.
    #[inline]
    pub fn wait(&self, address: u64) {
        let mut patience = PATIENCE;
        while self.contains(address) && patience > 0 {
            sys::yield_processor();
            patience -= 1;
        }
    }

    /// Takes all out: their threads are not in this process.
    pub fn clear(&self) {
        self.ranges.with(|ranges| {
            ranges.fill(0..0);
            self.count.store(0, Ordering::Release);
        });
    }

    /// Keeps others out until what is returned is dropped.
    #[must_use]
    pub fn hold(&self) -> Unlock<'_> {
        self.ranges.hold()
    }
}

/// A range while it changes.
#[derive(Debug)]
pub struct Changing<'a> {
    ranges: &'a Unsettled,
    place: Option<usize>,
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.ranges.ranges.with(|ranges| {
                ranges[place] = 0..0;
                self.ranges.count.fetch_sub(1, Ordering::AcqRel);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_and_out() {
        let all = Unsettled::new();
        let first = all.enter(0x1000..0x3000);
        let second = all.enter(0x8000..0x9000);
        assert!(all.contains(0x1000) && all.contains(0x2fff) && all.contains(0x8000));
        assert!(!all.contains(0x3000) && !all.contains(0xfff));
        drop(first);
        assert!(!all.contains(0x1000) && all.contains(0x8000));
        all.wait(0x1000);
        drop(second);
        assert!(!all.contains(0x8000));
    }

    #[test]
    fn more_than_there_is_room_for() {
        let all = Unsettled::new();
        let page = |n: u64| n << 12..(n + 1) << 12;
        let entered: [_; MOST + 2] = core::array::from_fn(|n| all.enter(page(n as u64)));
        assert!(all.contains(0) && !all.contains(page(MOST as u64).start));
        drop(entered);
        assert!(!all.contains(0));
    }

    #[test]
    fn waiting_ends() {
        let all = Unsettled::new();
        let _entered = all.enter(0..0x1000);
        all.wait(0);
    }
}
