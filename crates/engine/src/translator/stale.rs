//! What the guest has changed of its code: memory tells of it, and translators ask
//! before they go on.

use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use guest::Guest;
use guest::memory::{Memory, Size};

use super::source::Code;
use crate::host::lock::{SpinLock, Unlock};
use crate::memory::address_space::Watcher;
use crate::memory::guest_memory::GuestMemory;

/// What has changed of the guest's code.
#[derive(Debug)]
pub struct Stale {
    /// How often.
    version: AtomicU64,
    /// Where, since somebody asked.
    ranges: SpinLock<Vec<Range<u64>>>,
}

/// The process's.
pub static STALE: Stale = Stale {
    version: AtomicU64::new(0),
    ranges: SpinLock::new(Vec::new()),
};

impl Stale {
    /// Keeps it as it is over a `fork`.
    #[must_use]
    pub fn hold(&self) -> Unlock<'_> {
        self.ranges.hold()
    }
}

impl Watcher for Stale {
    fn forget(&self, range: Range<u64>) {
        self.ranges.with(|ranges| match ranges.last_mut() {
            // Whoever writes much code says so line by line.
            Some(last) if last.end == range.start => last.end = range.end,
            _ => ranges.push(range),
        });
        self.version.fetch_add(1, Ordering::AcqRel);
    }
}

impl<G: Guest> Code for GuestMemory<'_, G> {
    fn fetch(&self, pc: u64, size: Size) -> Option<u32> {
        self.read_code(pc, size)
    }

    fn has_breakpoint(&self, pc: u64) -> bool {
        Memory::has_breakpoint(self, pc)
    }

    fn read(&self, pc: u64, words: &mut [u32]) -> bool {
        self.read_words(pc, words)
    }

    fn is(&self, pc: u64, words: &[u32]) -> bool {
        self.has_words(pc, words)
    }

    fn are(&self, parts: &[(u64, &[u32])]) -> bool {
        self.has_parts(parts)
    }

    fn executable(&self, pc: u64) -> Option<Range<u64>> {
        self.executable_range(pc)
    }

    fn version(&self) -> u64 {
        STALE.version.load(Ordering::Acquire)
    }

    fn calls(&self) -> Option<u64> {
        self.page_of_calls()
    }

    fn changed(&self) -> Vec<Range<u64>> {
        STALE.ranges.with(core::mem::take)
    }
}
