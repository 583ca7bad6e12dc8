//! What of the guest's address space the host's does not know: which pages
//! the guest may execute.
//!
//! Guest pages are never executable on the host. What the guest asked for is
//! kept here, and whoever keeps translations is told when it changes.
//!
//! Invariants: ranges are whole pages, disjoint and not adjacent (adjacent
//! ones are joined); `generation` is larger after every change.

use alloc::collections::BTreeMap;
use core::fmt;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use super::sys::{PROT_EXEC, PROT_READ};
use crate::lock::{SpinLock, Unlock};

/// The guest's page size.
pub const PAGE: u64 = 4096;

/// The page an address is in.
#[must_use]
pub const fn page_down(address: u64) -> u64 {
    address & !(PAGE - 1)
}

/// The end of the page before an address, or the address if a page starts
/// there; none past the end of all addresses.
#[must_use]
pub const fn page_up(address: u64) -> Option<u64> {
    match address.checked_add(PAGE - 1) {
        Some(end) => Some(page_down(end)),
        None => None,
    }
}

/// The protection that the host's pages get: never executable, but readable
/// where the guest may execute, since the engine reads what it translates.
#[must_use]
pub const fn host_protection(guest: u32) -> u32 {
    if guest & PROT_EXEC == 0 {
        guest
    } else {
        guest & !PROT_EXEC | PROT_READ
    }
}

/// Who is told that code changed.
pub trait Watcher: Sync {
    /// What was kept of the code in the range is no longer true.
    fn forget(&self, range: Range<u64>);
}

/// The executable ranges.
pub struct AddressSpace {
    /// Start to end.
    executable: SpinLock<BTreeMap<u64, u64>>,
    generation: AtomicU64,
    watcher: Option<&'static dyn Watcher>,
}

impl fmt::Debug for AddressSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressSpace")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl AddressSpace {
    /// Nothing is executable yet.
    #[must_use]
    pub fn new(watcher: Option<&'static dyn Watcher>) -> Self {
        Self {
            executable: SpinLock::new(BTreeMap::new()),
            generation: AtomicU64::new(1),
            watcher,
        }
    }

    /// A number that grows with every change.
    #[must_use]
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Keeps others out until what is returned is dropped.
    #[must_use]
    pub fn hold(&self) -> Unlock<'_> {
        self.executable.hold()
    }

    /// The executable range an address is in.
    #[must_use]
    pub fn executable(&self, address: u64) -> Option<Range<u64>> {
        self.executable.with(|ranges| {
            let (&start, &end) = ranges.range(..=address).next_back()?;
            (address < end).then_some(start..end)
        })
    }

    /// The pages of a range were mapped or protected anew, with what the guest
    /// asked for.
    pub fn protect(&self, range: Range<u64>, protection: u32) {
        self.change(range, protection & PROT_EXEC != 0);
    }

    /// The pages of a range are gone.
    pub fn unmap(&self, range: Range<u64>) {
        self.change(range, false);
    }

    /// The pages of a range are the same, but what is in them is not.
    pub fn changed(&self, range: Range<u64>) {
        let executable = self.executable.with(|ranges| {
            let last = ranges.range(..range.end).next_back();
            last.is_some_and(|(_, &end)| end > range.start)
        });
        if executable {
            self.forget(range);
        }
    }

    /// The guest wrote code in the range and said so.
    pub fn forget(&self, range: Range<u64>) {
        if let Some(watcher) = self.watcher {
            watcher.forget(range);
        }
    }

    fn change(&self, range: Range<u64>, executable: bool) {
        if range.is_empty() {
            return;
        }
        let was = self.executable.with(|ranges| {
            let was = cut(ranges, &range);
            if executable {
                join(ranges, range.clone());
            }
            was
        });
        if was || executable {
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
        if was {
            self.forget(range);
        }
    }
}

/// Takes a range out of the ranges; returns whether there was anything of it.
fn cut(ranges: &mut BTreeMap<u64, u64>, range: &Range<u64>) -> bool {
    let mut was = false;
    while let Some((&start, &end)) = ranges.range(..range.end).next_back() {
        if end <= range.start {
            break;
        }
        was = true;
        ranges.remove(&start);
        if range.end < end {
            ranges.insert(range.end, end);
        }
        if start < range.start {
            ranges.insert(start, range.start);
            break;
        }
    }
    was
}

/// Adds a range that is disjoint from all others, joining its neighbours.
fn join(ranges: &mut BTreeMap<u64, u64>, mut range: Range<u64>) {
    if let Some((&start, &end)) = ranges.range(..range.start).next_back()
        && end == range.start
    {
        range.start = start;
    }
    if let Some(end) = ranges.remove(&range.end) {
        range.end = end;
    }
    ranges.insert(range.start, range.end);
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "the host has 64 bits")]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const RX: u32 = PROT_READ | PROT_EXEC;

    #[test]
    fn pages() {
        assert_eq!(page_down(0x1fff), 0x1000);
        assert_eq!(page_up(0x1001), Some(0x2000));
        assert_eq!(page_up(0x1000), Some(0x1000));
        assert_eq!(page_up(u64::MAX), None);
        assert_eq!(host_protection(PROT_EXEC), PROT_READ);
        assert_eq!(host_protection(0), 0);
    }

    #[test]
    fn a_hole_splits_a_range() {
        let space = AddressSpace::new(None);
        space.protect(0x1000..0x9000, RX);
        space.unmap(0x3000..0x4000);
        assert_eq!(space.executable(0x2fff), Some(0x1000..0x3000));
        assert_eq!(space.executable(0x3000), None);
        assert_eq!(space.executable(0x4000), Some(0x4000..0x9000));
        space.protect(0x3000..0x4000, RX);
        assert_eq!(space.executable(0x3000), Some(0x1000..0x9000));
        assert_eq!(space.executable(0x9000), None);
    }

    #[test]
    fn generations_grow_only_with_code() {
        let space = AddressSpace::new(None);
        let before = space.generation();
        space.protect(0x1000..0x2000, PROT_READ);
        assert_eq!(space.generation(), before);
        space.protect(0x1000..0x2000, RX);
        assert!(space.generation() > before);
    }

    proptest! {
        /// Against one flag a page.
        #[test]
        fn as_one_flag_a_page(
            changes in prop::collection::vec((0_u64..64, 0_u64..16, any::<bool>()), 0..60)
        ) {
            let space = AddressSpace::new(None);
            let mut flags = [false; 80];
            for (start, length, executable) in changes {
                let range = start * PAGE..(start + length) * PAGE;
                space.protect(range, if executable { RX } else { PROT_READ });
                for page in start..start + length {
                    flags[page as usize] = executable;
                }
            }
            let seen: Vec<bool> =
                (0..80).map(|page| space.executable(page * PAGE).is_some()).collect();
            prop_assert_eq!(&seen[..], &flags[..]);
            space.executable.with(|ranges| {
                let mut last = None;
                for (&start, &end) in ranges.iter() {
                    assert!(start < end && last < Some(start));
                    last = Some(end);
                }
            });
        }
    }
}
