//! Sets of addresses: ranges of whole pages, in one piece of memory.
//!
//! A `maps` of this process shows what other processes can't know of it, so
//! they read the ranges here, where they lie ([`crate::linux::other`]). For that, the
//! set tells where its memory is, and how often it was changed.
//!
//! Invariants: the ranges ascend, are disjoint and not adjacent (adjacent ones
//! are joined); `version` is odd while they change, and grows with every change.

use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering, fence};

/// Where the ranges are, for others to read: they copy the head, then the
/// ranges, then the head once more, which must be the same and even.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Head {
    version: AtomicU64,
    place: AtomicU64,
    count: AtomicU64,
}

impl Head {
    /// The words that it consists of.
    pub const WORDS: usize = 3;
}

/// Ranges, from the first address to the one past the last.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Ranges {
    head: Head,
    all: Vec<[u64; 2]>,
}

impl Ranges {
    /// There are none.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            head: Head {
                version: AtomicU64::new(0),
                place: AtomicU64::new(0),
                count: AtomicU64::new(0),
            },
            all: Vec::new(),
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Range<u64>> {
        self.all.iter().map(|&[start, end]| start..end)
    }

    /// The one that an address is in.
    #[must_use]
    pub fn of(&self, address: u64) -> Option<Range<u64>> {
        let &[start, end] = self.all.get(self.first_past(address))?;
        (start <= address).then_some(start..end)
    }

    /// Whether an address is in one, and up to where that stays so.
    #[must_use]
    pub fn stretch(&self, address: u64) -> (bool, u64) {
        match self.all.get(self.first_past(address)) {
            Some(&[start, end]) if start <= address => (true, end),
            Some(&[start, _]) => (false, start),
            None => (false, u64::MAX),
        }
    }

    /// Whether one of them has an address of another range.
    #[must_use]
    pub fn touches(&self, range: &Range<u64>) -> bool {
        let next = self.all.get(self.first_past(range.start));
        !range.is_empty() && next.is_some_and(|&[start, _]| start < range.end)
    }

    /// Takes a range out; returns whether there was anything of it.
    pub fn cut(&mut self, range: &Range<u64>) -> bool {
        if !self.touches(range) {
            return false;
        }
        let first = self.first_past(range.start);
        let count = self.all[first..]
            .iter()
            .take_while(|[start, _]| *start < range.end)
            .count();
        let [start, _] = self.all[first];
        let [_, end] = self.all[first + count - 1];
        let before = (start < range.start).then_some([start, range.start]);
        let after = (range.end < end).then_some([range.end, end]);
        self.replace(first..first + count, before.into_iter().chain(after));
        true
    }

    /// Adds a range that is disjoint from all others.
    pub fn join(&mut self, range: Range<u64>) {
        let mut joined = [range.start, range.end];
        // The neighbours that it is adjacent to.
        let mut first = self.first_past(range.start);
        let mut end = first;
        if let Some(before) = first.checked_sub(1)
            && self.all[before][1] == range.start
        {
            joined[0] = self.all[before][0];
            first = before;
        }
        if let Some(&[after, last]) = self.all.get(end)
            && after == range.end
        {
            joined[1] = last;
            end += 1;
        }
        self.replace(first..end, core::iter::once(joined));
    }

    /// The index of the first range that ends past an address.
    fn first_past(&self, address: u64) -> usize {
        self.all.partition_point(|&[_, end]| end <= address)
    }

    fn replace(&mut self, places: Range<usize>, by: impl Iterator<Item = [u64; 2]>) {
        let version = self.head.version.load(Ordering::Relaxed);
        self.head.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        drop(self.all.splice(places, by));
        let place = self.all.as_ptr() as u64;
        self.head.place.store(place, Ordering::Relaxed);
        self.head
            .count
            .store(self.all.len() as u64, Ordering::Relaxed);
        self.head.version.store(version + 2, Ordering::Release);
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "one range is meant")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(ranges: &Ranges) -> Vec<Range<u64>> {
        ranges.iter().collect()
    }

    #[test]
    fn joined_and_cut() {
        let mut ranges = Ranges::new();
        assert!(!ranges.cut(&(0..9)));
        ranges.join(4..6);
        ranges.join(8..9);
        ranges.join(6..8);
        assert_eq!(all(&ranges), [4..9]);
        assert!(ranges.cut(&(5..6)));
        assert!(!ranges.cut(&(5..6)));
        assert_eq!(all(&ranges), [4..5, 6..9]);
        assert_eq!(ranges.of(4), Some(4..5));
        assert_eq!(ranges.of(5), None);
        assert_eq!(ranges.of(8), Some(6..9));
        assert!(!ranges.touches(&(5..6)) && ranges.touches(&(0..5)) && !ranges.touches(&(7..7)));
        assert!(ranges.cut(&(0..7)));
        assert_eq!(all(&ranges), [7..9]);
    }

    proptest! {
        #[test]
        fn as_a_set_of_addresses(
            changes in proptest::collection::vec((0_u64..40, 0_u64..40, any::<bool>()), 0..40),
        ) {
            let mut ranges = Ranges::new();
            let mut set = [false; 40];
            for (a, b, add) in changes {
                let range = a.min(b)..a.max(b);
                if range.is_empty() {
                    continue;
                }
                let place = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
                prop_assert_eq!(ranges.cut(&range), set[place.clone()].iter().any(|&there| there));
                if add {
                    ranges.join(range);
                }
                set[place].fill(add);
                for (address, &there) in (0..).zip(&set) {
                    prop_assert_eq!(ranges.of(address).is_some(), there);
                    let (inside, until) = ranges.stretch(address);
                    prop_assert_eq!(inside, there);
                    prop_assert!((address..until.min(40)).all(|at| ranges.of(at).is_some() == there));
                    prop_assert!(until >= 40 || ranges.of(until).is_some() != there);
                }
                let all = all(&ranges);
                prop_assert!(all.windows(2).all(|pair| pair[0].end < pair[1].start));
                prop_assert!(all.iter().all(|range| !range.is_empty()));
                // What another process finds.
                prop_assert_eq!(ranges.head.version.load(Ordering::Relaxed) % 2, 0);
                prop_assert_eq!(ranges.head.count.load(Ordering::Relaxed), all.len() as u64);
            }
        }
    }
}
