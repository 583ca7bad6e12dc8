//! What the host's kernel does not know of the guest's address space: which pages the guest may
//! execute, and which may be mapped a second time elsewhere.
//!
//! Guest pages are never executable on the host: the permission that the guest asked for is
//! kept here. Whoever keeps translations is told when code changes that may have been
//! translated. For that, the engine notes which lines of 64 bytes were read to be translated
//! ([`AddressSpace::read`]). So a dynamic loader that maps over what it has just mapped costs
//! nothing, and neither does a compiler that writes new code next to old.
//!
//! The host's kernel is never asked to make a page executable, so it can't
//! refuse either. Mappings of files that may not be executed (on a mount with
//! `noexec`) are kept here for that ([`Mapping::barred`]).
//!
//! Invariants: ranges are whole pages; `generation` is larger after every
//! change; a line is noted before what is in it is read, and for good.

use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hashbrown::HashMap;

use super::breakpoints::Breakpoints;
use super::growing::Growing;
use super::ranges::Ranges;
use super::unsettled::{Changing, Unsettled};
use crate::host::lock::{SpinLock, Unlock};
use crate::host::own;
use crate::host::page::PAGE;
use crate::host::sys::{PROT_EXEC, PROT_READ};

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

/// What of the guest's code may have been translated: for each page, a bit for
/// each of its 64 lines.
type Lines = HashMap<u64, u64>;

/// The size of a line, binary logarithm; that of the caches that the guest is
/// told of.
const LINE: u32 = 6;

/// What no page starts at.
const NO_PAGE: u64 = 1;

/// What is kept of a mapping's pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// What the guest asked for.
    pub protection: u32,
    /// Whether the pages may be mapped elsewhere too.
    pub shared: bool,
    /// Whether the guest can never execute them, whatever it asks for.
    pub barred: bool,
}

impl Mapping {
    /// Pages of the guest's own, that it may do with what it likes.
    #[must_use]
    pub const fn own(protection: u32) -> Self {
        Self {
            protection,
            shared: false,
            barred: false,
        }
    }
}

/// The executable ranges.
pub struct AddressSpace {
    executable: SpinLock<Ranges>,
    /// Those of them that the guest may not read: on the host they can be.
    unreadable: SpinLock<Ranges>,
    /// What was mapped to be shared.
    shared: SpinLock<Ranges>,
    /// Where the first stack grows.
    growing: SpinLock<Growing>,
    /// What may never be executed.
    barred: SpinLock<Ranges>,
    /// Whether anything was ever in `barred`.
    bars: AtomicBool,
    generation: AtomicU64,
    translated: SpinLock<Lines>,
    watcher: Option<&'static dyn Watcher>,
    /// What is changing at this moment.
    pub unsettled: Unsettled,
    /// The page of the engine's own vDSO, or [`NO_PAGE`].
    calls: AtomicU64,
    /// Where the guest is to stop.
    pub breakpoints: Breakpoints,
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
            executable: SpinLock::new(Ranges::new()),
            unreadable: SpinLock::new(Ranges::new()),
            shared: SpinLock::new(Ranges::new()),
            growing: SpinLock::new(Growing::default()),
            barred: SpinLock::new(Ranges::new()),
            bars: AtomicBool::new(false),
            generation: AtomicU64::new(1),
            translated: SpinLock::new(Lines::new()),
            watcher,
            unsettled: Unsettled::new(),
            calls: AtomicU64::new(NO_PAGE),
            breakpoints: Breakpoints::default(),
        }
    }

    /// A number that grows with every change.
    #[must_use]
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Where other processes find what is executable, and what of that may not
    /// be read: the addresses of the heads ([`super::ranges::Head`]).
    #[must_use]
    pub fn heads(&self) -> [u64; 2] {
        [self.executable.place(), self.unreadable.place()]
    }

    /// Keeps others out until what is returned is dropped.
    #[must_use]
    pub fn hold(&self) -> [Unlock<'_>; 8] {
        [
            self.unreadable.hold(),
            self.unsettled.hold(),
            self.executable.hold(),
            self.shared.hold(),
            self.growing.hold(),
            self.barred.hold(),
            self.translated.hold(),
            self.breakpoints.hold(),
        ]
    }

    /// The executable range an address is in.
    #[must_use]
    pub fn executable(&self, address: u64) -> Option<Range<u64>> {
        self.executable.with(|ranges| ranges.of(address))
    }

    /// Whether what is at an address may be mapped elsewhere too.
    #[must_use]
    pub fn shared(&self, address: u64) -> bool {
        self.shared.with(|ranges| ranges.of(address)).is_some()
    }

    /// What is kept of a range, part by part, in ascending order. Of the
    /// protection, only the right to execute and to read code is.
    #[must_use]
    pub fn mappings(&self, range: Range<u64>) -> Vec<(Range<u64>, Mapping)> {
        let mut parts = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let mut end = range.end;
            let mut is_in = |ranges: &SpinLock<Ranges>| {
                let (inside, until) = ranges.with(|ranges| ranges.stretch(at));
                end = end.min(until);
                inside
            };
            let executable = is_in(&self.executable);
            let unreadable = is_in(&self.unreadable);
            let protection = match (executable, unreadable) {
                (false, _) => 0,
                (true, true) => PROT_EXEC,
                (true, false) => PROT_EXEC | PROT_READ,
            };
            let mapping = Mapping {
                protection,
                shared: is_in(&self.shared),
                barred: is_in(&self.barred),
            };
            parts.push((at..end, mapping));
            at = end;
        }
        parts
    }

    /// The first address of a range that may never be executed.
    #[must_use]
    pub fn barred(&self, range: &Range<u64>) -> Option<u64> {
        if !self.bars.load(Ordering::Acquire) {
            return None;
        }
        let start = self
            .barred
            .with(|ranges| match ranges.stretch(range.start) {
                (true, _) => range.start,
                (false, next) => next,
            });
        (start < range.end).then_some(start)
    }

    /// All that is executable, in ascending order.
    #[must_use]
    pub fn executable_ranges(&self) -> Vec<Range<u64>> {
        all_of(&self.executable)
    }

    /// All that is executable and may not be read, in ascending order.
    #[must_use]
    pub fn unreadable_ranges(&self) -> Vec<Range<u64>> {
        all_of(&self.unreadable)
    }

    /// The host is about to be asked to map, unmap or protect the pages of a
    /// range, until what is returned is dropped.
    #[must_use]
    pub fn changing(&self, range: Range<u64>) -> Option<Changing<'_>> {
        self.end_calls(&range);
        let code = self.executable.with(|ranges| ranges.touches(&range));
        code.then(|| self.unsettled.enter(range))
    }

    /// The first stack may grow to here, from the range's end downwards.
    pub fn grows(&self, range: Range<u64>, executable: bool) {
        let new = Growing::new(range.clone(), executable);
        let before = self.growing.with(|growing| mem::replace(growing, new));
        for part in before.end() {
            self.protect(part, 0);
        }
        if executable {
            self.protect(range, PROT_EXEC | PROT_READ);
        }
    }

    /// Where pages of the first stack may come by growing that would have the
    /// rights that the guest wants for a range. They have those of the lowest
    /// page, which is the range's first, or which it means as well
    /// (`PROT_GROWSDOWN`).
    #[must_use]
    pub fn grown_by(&self, range: &Range<u64>, protection: u32) -> Range<u64> {
        const PROT_GROWSDOWN: u32 = 0x0100_0000;
        let executable = protection & PROT_EXEC != 0;
        let below = self
            .growing
            .with(|growing| growing.below(range.start, executable));
        if below.is_empty() || protection & PROT_GROWSDOWN != 0 {
            return below;
        }
        let next = range.start - PAGE;
        let is_reserved = own::stack::reserved().is_some_and(|range| range.contains(&next));
        match own::is_mapped(next) && !is_reserved {
            true => 0..0,
            false => below,
        }
    }

    /// Pages that come there will have these rights.
    pub fn protect_grown(&self, below: Range<u64>, protection: u32) {
        if below.is_empty() {
            return;
        }
        let executable = protection & PROT_EXEC != 0;
        let parts: Vec<_> = self
            .growing
            .with(|growing| growing.change(below, executable).collect());
        for part in parts {
            self.protect(part, protection);
        }
    }

    /// Pages were mapped.
    pub fn map(&self, range: Range<u64>, mapping: Mapping) {
        self.growing.with(|growing| growing.take(&range));
        self.keep(&range, mapping);
        self.protect(range, mapping.protection);
    }

    /// The pages of a range were protected anew, with what the guest asked for.
    pub fn protect(&self, range: Range<u64>, protection: u32) {
        if !range.is_empty() {
            self.unreadable.with(|ranges| {
                ranges.cut(&range);
                if protection & (PROT_EXEC | PROT_READ) == PROT_EXEC {
                    ranges.join(range.clone());
                }
            });
        }
        self.change(range, protection & PROT_EXEC != 0);
    }

    /// The pages of a range are gone.
    pub fn unmap(&self, range: Range<u64>) {
        let grown = self.growing.with(|growing| growing.give(&range));
        self.keep(&range, Mapping::default());
        self.protect(range, 0);
        self.protect(grown, PROT_EXEC | PROT_READ);
    }

    /// The pages of a range are the same, but what is in them is not.
    pub fn changed(&self, range: Range<u64>) {
        self.end_calls(&range);
        self.forget(range);
    }

    /// A page of the engine's has been mapped whose instructions may call
    /// functions ([`guest::surroundings`]). That ends with any change of it.
    pub fn let_call(&self, page: u64) {
        self.calls.store(page, Ordering::Release);
    }

    /// The page whose instructions may call functions.
    #[must_use]
    pub fn page_of_calls(&self) -> Option<u64> {
        let page = self.calls.load(Ordering::Acquire);
        (page != NO_PAGE).then_some(page)
    }

    /// The line of an address is about to be read, to be translated.
    pub fn read(&self, address: u64) {
        self.translated.with(|lines| {
            *lines.entry(address / PAGE).or_insert(0) |= 1 << (address >> LINE & 63);
        });
    }

    /// All lines of a range are.
    pub fn read_all(&self, range: Range<u64>) {
        self.read_parts(core::iter::once(range));
    }

    /// All lines of some ranges are.
    pub fn read_parts(&self, ranges: impl Iterator<Item = Range<u64>>) {
        self.translated.with(|lines| {
            // Most parts of one piece of code lie in the page of the part before.
            let mut here = (u64::MAX, 0);
            let mut note = |(page, bits): (u64, u64)| {
                if bits != 0 {
                    *lines.entry(page).or_insert(0) |= bits;
                }
            };
            for range in ranges.filter(|range| !range.is_empty()) {
                let (first, last) = (range.start >> LINE, (range.end - 1) >> LINE);
                for page in range.start / PAGE..=(range.end - 1) / PAGE {
                    if page != here.0 {
                        note(here);
                        here = (page, 0);
                    }
                    here.1 |= lines_of(page, first, last);
                }
            }
            note(here);
        });
    }

    /// The guest wrote code in the range and said so. Told of shared pages, it
    /// may mean those of another mapping of the same memory; private ones that
    /// may not be executed have no translations.
    pub fn written(&self, range: Range<u64>) {
        if self.executable(range.start).is_some() {
            self.forget(range);
        } else if self.shared(range.start) {
            self.forget(0..u64::MAX);
        }
    }

    /// What is kept of a mapping beside its protection.
    fn keep(&self, range: &Range<u64>, mapping: Mapping) {
        set(&self.shared, range, mapping.shared);
        if mapping.barred {
            self.bars.store(true, Ordering::Release);
        }
        if self.bars.load(Ordering::Acquire) {
            set(&self.barred, range, mapping.barred);
        }
    }

    /// Pages that the guest has changed are its own.
    fn end_calls(&self, range: &Range<u64>) {
        if range.contains(&self.calls.load(Ordering::Relaxed)) {
            self.calls.store(NO_PAGE, Ordering::Release);
        }
    }

    /// The code in the range is not what it was.
    fn forget(&self, range: Range<u64>) {
        if let Some(watcher) = self.watcher
            && self.translated.with(|lines| touched(lines, &range))
        {
            watcher.forget(range);
        }
    }

    fn change(&self, range: Range<u64>, executable: bool) {
        if range.is_empty() {
            return;
        }
        self.end_calls(&range);
        let was = self.executable.with(|ranges| {
            let was = ranges.cut(&range);
            if executable {
                ranges.join(range.clone());
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

/// All ranges, in ascending order.
fn all_of(ranges: &SpinLock<Ranges>) -> Vec<Range<u64>> {
    // The heap is not asked under the lock more often than once.
    let mut all = Vec::with_capacity(ranges.with(|ranges| ranges.len()) + 16);
    ranges.with(|ranges| {
        let room = all.capacity();
        all.extend(ranges.iter().take(room));
    });
    all
}

/// Puts a range into the ranges, or takes it out.
fn set(ranges: &SpinLock<Ranges>, range: &Range<u64>, inside: bool) {
    if range.is_empty() {
        return;
    }
    ranges.with(|ranges| {
        ranges.cut(range);
        if inside {
            ranges.join(range.clone());
        }
    });
}

/// The lines of a page from one to another, both of which may be of other pages.
fn lines_of(page: u64, first: u64, last: u64) -> u64 {
    let low = first.saturating_sub(page * 64).min(63);
    let high = last.saturating_sub(page * 64).min(63);
    u64::MAX << low & u64::MAX >> (63 - high)
}

/// Whether there is a line of the range.
fn touched(lines: &Lines, range: &Range<u64>) -> bool {
    if lines.is_empty() || range.is_empty() {
        return false;
    }
    let (first, last) = (range.start >> LINE, (range.end - 1) >> LINE);
    let inside = |page: u64| lines_of(page, first, last);
    let pages = range.start / PAGE..=(range.end - 1) / PAGE;
    if pages.end() - pages.start() < lines.len() as u64 {
        pages.into_iter().any(|page| {
            let lines = lines.get(&page).copied().unwrap_or(0);
            lines & inside(page) != 0
        })
    } else {
        lines
            .iter()
            .any(|(&page, &lines)| pages.contains(&page) && lines & inside(page) != 0)
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "the host has 64 bits")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RX: u32 = PROT_READ | PROT_EXEC;
    const SHARED: Mapping = Mapping {
        protection: RX,
        shared: true,
        barred: false,
    };

    fn readable(shared: bool) -> Mapping {
        Mapping {
            protection: PROT_READ,
            shared,
            barred: false,
        }
    }

    #[test]
    fn what_the_guest_may_execute_the_host_may_read() {
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

    #[test]
    fn calls_end_when_the_guest_changes_their_page() {
        let changes: [fn(&AddressSpace, Range<u64>); 5] = [
            |space, range| drop(space.changing(range)),
            |space, range| space.map(range, SHARED),
            |space, range| space.protect(range, RX),
            |space, range| space.unmap(range),
            |space, range| space.changed(range),
        ];
        for change in changes {
            let space = AddressSpace::new(None);
            assert_eq!(space.page_of_calls(), None);
            space.protect(0x4000..0x5000, RX);
            space.let_call(0x4000);
            for other in [0x3000..0x4000, 0x5000..0x6000, 0x4000..0x4000] {
                change(&space, other);
                assert_eq!(space.page_of_calls(), Some(0x4000));
            }
            change(&space, 0x1000..0x9000);
            assert_eq!(space.page_of_calls(), None);
        }
    }

    /// How often it was told.
    struct Counter(AtomicU64);

    impl Watcher for Counter {
        fn forget(&self, _: Range<u64>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn only_what_was_read_is_forgotten() {
        static COUNTER: Counter = Counter(AtomicU64::new(0));
        let told = || COUNTER.0.swap(0, Ordering::Relaxed);
        let space = AddressSpace::new(Some(&COUNTER));
        space.protect(0x10000..0x20000, RX);
        space.protect(0x14000..0x15000, PROT_READ);
        space.protect(0x14000..0x15000, RX);
        space.changed(0x10000..0x20000);
        space.written(0x12000..0x12040);
        assert_eq!(told(), 0, "nothing was read");
        space.read(0x12044);
        for untouched in [0x12000..0x12040, 0x12080..0x14000, 0x10000..0x12000] {
            space.written(untouched);
        }
        space.unmap(0x1f000..0x20000);
        space.protect(0x13000..0x14000, PROT_READ);
        assert_eq!(told(), 0, "other lines");
        space.written(0x12040..0x12080);
        assert_eq!(told(), 1);
        for change in [
            |space: &AddressSpace| space.unmap(0x12000..0x13000),
            |space: &AddressSpace| space.protect(0x10000..0x13000, RX),
            |space: &AddressSpace| space.changed(0..1 << 47),
            // Another mapping of the same.
            |space: &AddressSpace| space.written(0x5000_0000..0x5000_0040),
        ] {
            space.map(0x5000_0000..0x5000_1000, readable(true));
            space.read(0x12ffc);
            change(&space);
            assert_eq!(told(), 1);
        }
        space.written(0x5000_1000..0x5000_1040);
        space.map(0x5000_0000..0x5000_1000, readable(false));
        space.written(0x5000_0000..0x5000_0040);
        assert_eq!(told(), 0, "not shared");
    }

    #[test]
    fn what_is_barred_stays_so_until_it_is_mapped_anew() {
        let space = AddressSpace::new(None);
        assert_eq!(space.barred(&(0..u64::MAX)), None);
        let barred = Mapping {
            barred: true,
            ..readable(false)
        };
        space.map(0x2000..0x6000, barred);
        space.protect(0x2000..0x6000, 0);
        assert_eq!(space.barred(&(0..0x2000)), None);
        assert_eq!(space.barred(&(0..0x2001)), Some(0x2000));
        assert_eq!(space.barred(&(0x3000..0x4000)), Some(0x3000));
        space.unmap(0x2000..0x4000);
        space.map(0x5000..0x7000, SHARED);
        assert_eq!(space.barred(&(0..u64::MAX)), Some(0x4000));
        assert_eq!(
            space.mappings(0x3000..0x8000),
            [
                (0x3000..0x4000, Mapping::default()),
                (
                    0x4000..0x5000,
                    Mapping {
                        protection: 0,
                        ..barred
                    }
                ),
                (0x5000..0x7000, SHARED),
                (0x7000..0x8000, Mapping::default()),
            ]
        );
    }

    proptest! {
        #[test]
        fn lines_of_a_range(
            read in prop::collection::vec(0_u64..0x8000, 0..8),
            start in 0_u64..0x8000, length in 0_u64..0x4000,
        ) {
            let space = AddressSpace::new(None);
            read.iter().for_each(|&address| space.read(address));
            let range = start..start + length;
            let expected = length > 0 && read.iter().any(|address| {
                let line = address & !63;
                line < range.end && line + 64 > range.start
            });
            prop_assert_eq!(space.translated.with(|lines| touched(lines, &range)), expected);
        }

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
            for start in 0..70 {
                let range = start * PAGE..(start + 5) * PAGE;
                let expected = flags[start as usize..][..5].contains(&true);
                prop_assert_eq!(space.changing(range).is_some(), expected);
            }
            let seen: Vec<bool> =
                (0..80).map(|page| space.executable(page * PAGE).is_some()).collect();
            prop_assert_eq!(&seen[..], &flags[..]);
            space.executable.with(|ranges| {
                let mut last = None;
                for Range { start, end } in ranges.iter() {
                    assert!(start < end && last < Some(start));
                    last = Some(end);
                }
            });
        }
    }
}
