//! Where the engine itself lies: its program, its heap, its code memory, its
//! threads' stacks, and what the host's kernel gave it. The guest shares the address
//! space, and is kept from mapping over these ranges, unmapping them, and
//! seeing them.
//!
//! The list has a fixed size and takes no lock, since the heap itself adds to
//! it. When the list is full, further ranges are unprotected.

pub mod nothing;
pub mod room;
pub mod stack;

use core::ops::Range;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::page::{PAGE, page_down, page_up};
use super::sys::{self, Errno};

/// How many there can be.
pub const MOST: usize = 2048;

/// One range; free where `end` is 0, being written where `start` is not and
/// `end` is. Other processes read them ([`crate::linux::other`]).
#[repr(C)]
struct Entry {
    start: AtomicU64,
    end: AtomicU64,
}

static ENTRIES: [Entry; MOST] = [const {
    Entry {
        start: AtomicU64::new(0),
        end: AtomicU64::new(0),
    }
}; MOST];
/// Behind the last entry that was ever used.
static USED: AtomicUsize = AtomicUsize::new(0);

/// Where the engine's program begins; 0 before that is known.
static FIRST: AtomicU64 = AtomicU64::new(0);

/// The first address of the engine's program.
#[must_use]
pub fn first() -> Option<u64> {
    Some(FIRST.load(Ordering::Relaxed)).filter(|&first| first != 0)
}

/// Adds pages of the engine's program, those of its first segment first.
pub(super) fn add_program(pages: Range<u64>) {
    // The first segment is the lowest.
    let _ = FIRST.compare_exchange(0, pages.start, Ordering::Relaxed, Ordering::Relaxed);
    add(pages);
}

/// The addresses of the entries, and of the number of those ever used.
#[must_use]
pub fn places() -> (u64, u64) {
    (ENTRIES.as_ptr() as u64, USED.as_ptr() as u64)
}

/// Adds a range.
pub fn add(range: Range<u64>) {
    if range.is_empty() {
        return;
    }
    for (index, entry) in ENTRIES.iter().enumerate() {
        let taken = entry.start.compare_exchange(
            0,
            range.start.max(1),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        if taken.is_ok() {
            entry.end.store(range.end, Ordering::Release);
            USED.fetch_max(index + 1, Ordering::AcqRel);
            return;
        }
    }
}

/// Takes out what was added, or a part of it.
pub fn remove(range: &Range<u64>) {
    for entry in used() {
        let (start, end) = (
            entry.start.load(Ordering::Acquire),
            entry.end.load(Ordering::Acquire),
        );
        if start >= range.end || end <= range.start {
            continue;
        }
        entry.end.store(0, Ordering::Release);
        entry.start.store(0, Ordering::Release);
        add(start..range.start.max(start));
        add(range.end.min(end)..end);
    }
}

/// What begins there ends here now. Called by a signal handler.
fn end_at(start: u64, end: u64) {
    let mut entries = used().iter();
    let entry = entries.find(|entry| entry.start.load(Ordering::Acquire) == start);
    if let Some(entry) = entry {
        entry.end.store(end, Ordering::Release);
    }
}

fn used() -> &'static [Entry] {
    &ENTRIES[..USED.load(Ordering::Acquire).min(MOST)]
}

/// The ranges, in no order.
pub fn ranges() -> impl Iterator<Item = Range<u64>> {
    let listed = used().iter().filter_map(|entry| {
        let range = entry.start.load(Ordering::Acquire)..entry.end.load(Ordering::Acquire);
        (!range.is_empty()).then_some(range)
    });
    listed.chain(room::range())
}

/// Whether any of them has a part of this one.
#[must_use]
pub fn overlaps(range: &Range<u64>) -> bool {
    ranges().any(|own| own.start < range.end && range.start < own.end)
}

/// The parts of a range that are not the engine's, in ascending order.
pub fn without(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut at = range.start;
    core::iter::from_fn(move || {
        loop {
            if at >= range.end {
                return None;
            }
            // The first range that ends behind here.
            let next = ranges()
                .filter(|own| own.end > at && own.start < range.end)
                .min_by_key(|own| own.start);
            let Some(next) = next else {
                let rest = at..range.end;
                at = range.end;
                return Some(rest);
            };
            let part = at..next.start.max(at);
            at = next.end;
            if !part.is_empty() {
                return Some(part);
            }
        }
    })
}

/// Where the engine's next mapping goes, from above, once the guest runs; 0
/// before.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The guest runs from now on. It may unmap what it wants to map again at the
/// same place, and the kernel would give that place to the engine, if it were not
/// asked for another.
pub fn keep_away() {
    NEXT.store(apart(0), Ordering::Relaxed);
}

/// Maps memory for the engine.
///
/// # Errors
/// The kernel's.
pub fn map(length: u64, protection: u32, flags: u32) -> Result<u64, Errno> {
    let pages = page_up(length).unwrap_or(length);
    let next = NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
        next.checked_sub(pages)
    });
    let near = next.map_or(0, |next| next - pages);
    map_at(room::place(length, false), near, length, protection, flags)
}

/// Maps memory for the engine apart from all else: more than a gigabyte below
/// the first mappings, at a place that can't be told from those, so that
/// no store that misses its place gets there. Where that is taken, the kernel
/// chooses.
///
/// # Errors
/// The kernel's.
pub fn map_apart(length: u64, protection: u32, flags: u32) -> Result<u64, Errno> {
    map_at(
        room::place(length, true),
        apart(length),
        length,
        protection,
        flags,
    )
}

/// Keeps room for the engine, for it to map there; apart from all else, or near its other mappings.
///
/// # Errors
/// The kernel's.
pub fn reserve(length: u64, is_apart: bool) -> Result<u64, Errno> {
    const FLAGS: u32 = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE;
    let near = if is_apart { apart(length) } else { 0 };
    add_map(room::place(length, is_apart), near, length, 0, FLAGS)
}

/// A random place far below the engine's program.
fn apart(length: u64) -> u64 {
    const GAP: u64 = 1 << 30;
    /// As many as the kernel has for a mapping's place.
    const PAGES: u64 = 1 << 28;
    let first = page_down(ENTRIES.as_ptr() as u64);
    first.saturating_sub(GAP + length + room::random(PAGES) * PAGE)
}

/// Maps memory at a place that is the engine's, else near another one.
fn map_at(
    place: Option<u64>,
    near: u64,
    length: u64,
    protection: u32,
    flags: u32,
) -> Result<u64, Errno> {
    let start = add_map(place, near, length, protection, flags)?;
    if length >= LARGE {
        leave_out_of_cores(start, length);
    }
    Ok(start)
}

fn add_map(
    place: Option<u64>,
    near: u64,
    length: u64,
    protection: u32,
    flags: u32,
) -> Result<u64, Errno> {
    let (at, fixed) = match place {
        Some(place) => (place, sys::MAP_FIXED),
        None => (near, 0),
    };
    // SAFETY: a mapping that is not fixed takes free addresses; `room` gives
    // each of its places once, and what it replaces there nobody uses.
    let start = unsafe { sys::mmap(at, length, protection, flags | fixed, None) }?;
    add(start..start + page_up(length).unwrap_or(length));
    Ok(start)
}

/// What is large of the engine's own is of no use in a core file of the guest.
const LARGE: u64 = 1 << 20;

/// Keeps a mapping out of core files; a copy of the mapping too.
pub fn leave_out_of_cores(start: u64, length: u64) {
    const MADV_DONTDUMP: u64 = 16;
    // SAFETY: the memory stays as it is.
    let _ = unsafe {
        sys::syscall(
            sys::number::MADVISE,
            [start, length, MADV_DONTDUMP, 0, 0, 0],
        )
    };
}

/// Gives back a part of what [`map`] gave.
///
/// # Safety
/// Nobody uses it any more.
///
/// # Errors
/// The kernel's.
pub unsafe fn unmap(start: u64, length: u64) -> Result<(), Errno> {
    let range = start..start + length;
    remove(&range);
    let (number, arguments) = unmapping(&range);
    // SAFETY: the caller answers for it.
    unsafe { sys::syscall(number, arguments) }.map(drop)
}

/// The system call that gives back a range of the engine's.
#[must_use]
pub fn unmapping(range: &Range<u64>) -> (u32, [u64; 6]) {
    if room::has(range) {
        return room::taking_again(range);
    }
    let length = range.end - range.start;
    (sys::number::MUNMAP, [range.start, length, 0, 0, 0, 0])
}

/// Makes what [`map`] gave larger or smaller; it may move.
///
/// # Safety
/// Nobody uses the old place any more, when it has moved.
///
/// # Errors
/// The kernel's.
pub unsafe fn remap(start: u64, from: u64, to: u64) -> Result<u64, Errno> {
    if to < from {
        // SAFETY: the caller's.
        unsafe { unmap(start + to, from - to) }?;
        return Ok(start);
    }
    let address = move_to(start, from, to)?;
    if address == start {
        add(start + from..start + to);
        return Ok(address);
    }
    add(address..address + to);
    left(&(start..start + from));
    Ok(address)
}

/// A mapping of the engine's has moved away from here.
fn left(range: &Range<u64>) {
    remove(range);
    if room::has(range) {
        let (number, arguments) = room::taking_again(range);
        // SAFETY: nothing is mapped there any more.
        let _ = unsafe { sys::syscall(number, arguments) };
    }
}

/// Moves a mapping to where it has room.
fn move_to(start: u64, from: u64, to: u64) -> Result<u64, Errno> {
    const MREMAP_MAYMOVE: u64 = 1;
    const MREMAP_FIXED: u64 = 2;
    let (flags, place) = match room::place(to, false) {
        Some(place) => (MREMAP_MAYMOVE | MREMAP_FIXED, place),
        None => (MREMAP_MAYMOVE, 0),
    };
    let arguments = [start, from, to, flags, place, 0];
    // SAFETY: the callers answer for the old place; the new one is free, or
    // nobody uses what `room` has there.
    unsafe { sys::syscall(sys::number::MREMAP, arguments) }
}

/// The end of the highest range that ends at an address or below; 0 when there
/// is none.
#[must_use]
pub fn end_below(address: u64) -> u64 {
    let ends = ranges().map(|own| own.end);
    ends.filter(|&end| end <= address).max().unwrap_or(0)
}

/// Whether a page is mapped.
#[must_use]
pub fn is_mapped(page: u64) -> bool {
    are_mapped(page, 1)
}

/// Whether so many pages are, of at most eight.
pub(super) fn are_mapped(first: u64, count: u64) -> bool {
    let mut resident = 0_u64;
    let arguments = [first, count * PAGE, &raw mut resident as u64, 0, 0, 0];
    // SAFETY: the kernel writes a byte a page, and the word has eight.
    count <= 8 && unsafe { sys::syscall(sys::number::MINCORE, arguments) }.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    // One test: the list is the process's.
    #[test]
    fn ranges_added_and_cut() {
        // Addresses that no mapping of the test has.
        let base = 0x1000_0000_0000_0000;
        add(base + 0x1000..base + 0x3000);
        add(base + 0x5000..base + 0x6000);
        assert!(overlaps(&(base..base + 0x1001)));
        assert!(!overlaps(&(base..base + 0x1000)));
        assert!(!overlaps(&(base + 0x3000..base + 0x5000)));
        let parts: Vec<_> = without(base..base + 0x8000).collect();
        assert_eq!(
            parts,
            [
                base..base + 0x1000,
                base + 0x3000..base + 0x5000,
                base + 0x6000..base + 0x8000
            ]
        );
        remove(&(base + 0x1800..base + 0x2000));
        let hole = without(base + 0x1000..base + 0x3000).next();
        assert_eq!(hole, Some(base + 0x1800..base + 0x2000));
        remove(&(base..base + 0x8000));
        assert_eq!(without(base..base + 0x8000).count(), 1);
    }
}
