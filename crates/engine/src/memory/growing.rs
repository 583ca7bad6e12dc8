//! Where the first stack grows: the right to execute of pages that come unasked.
//!
//! The stack is the kernel's own, which makes it longer downwards when a page
//! below is used, up to the limit of the moment. Nobody says so to the engine,
//! and the new page has the rights of the one above. So all that the stack may
//! grow to is kept as executable when its lowest page is, though nothing may be
//! there yet, but for what the guest has mapped there itself.

use alloc::vec::Vec;
use core::ops::Range;

use super::ranges::Ranges;

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Growing {
    /// From the lowest address that it may grow to, to its end.
    range: Range<u64>,
    /// Whether what grows may be executed.
    executable: bool,
    /// What of the range other mappings have.
    taken: Ranges,
}

impl Growing {
    /// Of a stack on which nothing else is mapped yet.
    pub(super) fn new(range: Range<u64>, executable: bool) -> Self {
        Self {
            range,
            executable,
            taken: Ranges::new(),
        }
    }

    fn inside(&self, range: &Range<u64>) -> Range<u64> {
        range.start.max(self.range.start)..range.end.min(self.range.end)
    }

    /// Something else has been mapped.
    pub(super) fn take(&mut self, range: &Range<u64>) {
        let inside = self.inside(range);
        if !inside.is_empty() {
            self.taken.cut(&inside);
            self.taken.join(inside);
        }
    }

    /// A range is free again. Returns what of it would be executable if the
    /// stack grew there.
    pub(super) fn give(&mut self, range: &Range<u64>) -> Range<u64> {
        let inside = self.inside(range);
        if inside.is_empty() {
            return 0..0;
        }
        self.taken.cut(&inside);
        if self.executable { inside } else { 0..0 }
    }

    /// Where pages may come that get their rights from the page at an address;
    /// nothing when that is not the stack's, or when these have the right to
    /// execute, or not, as it is wanted.
    pub(super) fn below(&self, address: u64, executable: bool) -> Range<u64> {
        if executable == self.executable
            || !self.range.contains(&address)
            || self.taken.of(address).is_some()
        {
            return 0..0;
        }
        self.range.start..address
    }

    /// It grows no more. Returns what of it was executable for that.
    pub(super) fn end(mut self) -> Vec<Range<u64>> {
        if !self.executable {
            return Vec::new();
        }
        let all = self.range.clone();
        self.change(all, false).collect()
    }

    /// The rights of what grows are others. Returns the parts of what is
    /// [`below`](Self::below) that have them, from above.
    pub(super) fn change(
        &mut self,
        below: Range<u64>,
        executable: bool,
    ) -> impl Iterator<Item = Range<u64>> {
        self.executable = executable;
        let taken = &self.taken;
        let mut at = below.end;
        core::iter::from_fn(move || {
            while at > below.start {
                let (start, end) = match taken.iter().filter(|range| range.start < at).last() {
                    Some(range) => (range.start.max(below.start), range.end.max(below.start)),
                    None => (below.start, below.start),
                };
                let free = end.min(at)..at;
                at = start;
                if !free.is_empty() {
                    return Some(free);
                }
            }
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mapped_there_keeps_its_own() {
        let mut growing = Growing::new(0x1000..0x9000, false);
        growing.take(&(0x3000..0x4000));
        growing.take(&(0x0000..0x2000));
        growing.take(&(0x9000..0xa000));
        assert_eq!(growing.give(&(0x5000..0x6000)), 0..0, "not executable");
        assert_eq!(growing.below(0x8000, false), 0..0, "as it is");
        assert_eq!(growing.below(0x3000, true), 0..0, "another mapping");
        assert_eq!(growing.below(0x9000, true), 0..0, "above");
        let below = growing.below(0x8000, true);
        assert_eq!(below, 0x1000..0x8000);
        let parts: Vec<_> = growing.change(below, true).collect();
        assert_eq!(parts, [0x4000..0x8000, 0x2000..0x3000]);
        assert_eq!(growing.give(&(0x0000..0x3800)), 0x1000..0x3800);
        let parts: Vec<_> = growing.change(0x1000..0x8000, false).collect();
        assert_eq!(parts, [0x4000..0x8000, 0x1000..0x3800]);
        assert_eq!(growing.give(&(0x1000..0x3800)), 0..0);
        assert!(growing.end().is_empty());
        let mut growing = Growing::new(0x1000..0x9000, true);
        growing.take(&(0x3000..0x4000));
        assert_eq!(growing.end(), [0x4000..0x9000, 0x1000..0x3000]);
    }

    #[test]
    fn none() {
        let mut growing = Growing::default();
        growing.take(&(0..0x1000));
        assert_eq!(growing.give(&(0..0x1000)), 0..0);
        assert_eq!(growing.below(0, true), 0..0);
    }
}
