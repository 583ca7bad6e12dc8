//! What an engine knows of its guest's memory and the host's kernel does not: the texts in
//! `/proc` that tell of memory need it.

use alloc::vec::Vec;
use core::ops::Range;

use super::process::Process;
use crate::host::own;

/// What an engine knows of its guest's memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The engine's ranges, ascending.
    pub own: Vec<Range<u64>>,
    /// What the guest may execute, ascending.
    pub executable: Vec<Range<u64>>,
    /// What of that it may not read, though the host lets it, ascending.
    pub unreadable: Vec<Range<u64>>,
    /// Stack, heap and vDSO.
    pub names: Vec<(Range<u64>, &'static str)>,
}

impl Known {
    /// What this process knows of its own.
    #[must_use]
    pub fn of(process: &Process) -> Self {
        Self {
            own: own::ranges().collect(),
            executable: process.space.executable_ranges(),
            unreadable: process.space.unreadable_ranges(),
            names: process.names(),
        }
        .ascending()
    }

    /// The same, in order, and no range in another.
    #[must_use]
    pub fn ascending(mut self) -> Self {
        for ranges in [&mut self.own, &mut self.executable, &mut self.unreadable] {
            ranges.sort_unstable_by_key(|range| range.start);
            ranges.dedup_by(|next, before| {
                let joined = next.start <= before.end;
                if joined {
                    before.end = before.end.max(next.end);
                }
                joined
            });
        }
        self
    }
}
