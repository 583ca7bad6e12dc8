//! Addresses where the guest is to stop: whoever fetches an instruction that begins
//! there finds [`guest::Guest::breakpoint`] in its place. The guest's memory is as it was.

use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::host::lock::{SpinLock, Unlock};

/// The addresses.
#[derive(Debug, Default)]
pub struct Breakpoints {
    count: AtomicUsize,
    addresses: SpinLock<Vec<u64>>,
}

impl Breakpoints {
    /// Whether there is one.
    #[must_use]
    #[inline]
    pub fn contains(&self, address: u64) -> bool {
        self.count.load(Ordering::Acquire) != 0 && self.addresses.with(|all| all.contains(&address))
    }

    /// Whether there is one in a range.
    #[must_use]
    pub fn touch(&self, range: &Range<u64>) -> bool {
        self.count.load(Ordering::Acquire) != 0
            && self
                .addresses
                .with(|all| all.iter().any(|address| range.contains(address)))
    }

    /// Sets one; whoever keeps the code there is to forget it.
    pub fn insert(&self, address: u64) {
        self.change(|all| all.push(address));
    }

    /// Takes one away.
    pub fn remove(&self, address: u64) {
        self.change(|all| {
            if let Some(at) = all.iter().position(|&other| other == address) {
                all.swap_remove(at);
            }
        });
    }

    /// Takes all away, and says which they were.
    pub fn clear(&self) -> Vec<u64> {
        let mut all = Vec::new();
        self.change(|addresses| core::mem::swap(addresses, &mut all));
        all
    }

    fn change(&self, change: impl FnOnce(&mut Vec<u64>)) {
        self.addresses.with(|all| {
            change(all);
            self.count.store(all.len(), Ordering::Release);
        });
    }

    /// Keeps others out until what is returned is dropped.
    #[must_use]
    pub fn hold(&self) -> Unlock<'_> {
        self.addresses.hold()
    }
}
