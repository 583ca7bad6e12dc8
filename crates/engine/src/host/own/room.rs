//! The addresses above the guest's, in a process whose guest has fewer bits of
//! addresses than the host's kernel gives.
//!
//! The kernel puts a mapping that names no place at the highest addresses that
//! are free. So everything free above the guest's end is taken, by mappings
//! that nobody can access; what is left is the guest's. From then on a mapping
//! of the engine's replaces a part of these, and one that the engine gives back
//! becomes such a part again: a hole would be the guest's next mapping.
//!
//! Where the kernel has an entry that chooses places below 4 GiB, nothing has to be taken
//! for a guest of 32 bits ([`leave`]): the addresses above are the engine's, and free.
//!
//! Invariants: `BEGIN` and `IS_LEFT` are set once, before the guest runs, and never change.
//! `place` gives no address twice.

use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::host::page::{END, PAGE, page_up};
use crate::host::sys::{self, Errno, number};

/// The guest's end; 0 where the guest has all that the host gives.
static BEGIN: AtomicU64 = AtomicU64::new(0);
/// Whether the addresses above are free, and the kernel's entry for programs of 32 bits
/// chooses the guest's places.
static IS_LEFT: AtomicBool = AtomicBool::new(false);
/// The largest piece that was free: from here on it is still unused, ...
static UNUSED: AtomicU64 = AtomicU64::new(0);
/// ... up to here.
static UNUSED_END: AtomicU64 = AtomicU64::new(0);

const TAKEN: u32 = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE;
/// As many pages as the kernel has for a mapping's random place.
const PLACES: u64 = 1 << 28;
/// What lies apart is within so many pages of what was placed before it, so that
/// there is room for half a million of them.
const APART: u64 = 1 << 16;

/// Takes all that is free above the guest's end.
///
/// # Errors
/// When there is no large piece, as where address space is limited. Nothing is
/// taken then.
pub fn take(end: u64) -> Result<(), Errno> {
    let mut pieces = Vec::new();
    fill(end..END, &mut pieces);
    let largest = pieces.iter().max_by_key(|piece| piece.end - piece.start);
    match largest {
        Some(largest) if largest.end - largest.start > 2 * PLACES * PAGE => {
            UNUSED.store(largest.start + random(PLACES) * PAGE, Ordering::Relaxed);
            UNUSED_END.store(largest.end, Ordering::Relaxed);
            BEGIN.store(end, Ordering::Release);
            Ok(())
        }
        _ => {
            for piece in pieces {
                // SAFETY: it was just mapped here, and nobody uses it.
                let _ = unsafe { sys::munmap(piece.start, piece.end - piece.start) };
            }
            Err(Errno::ENOMEM)
        }
    }
}

/// The addresses above the guest's end are the engine's, and stay free: who maps something
/// for the guest lets the kernel's entry for programs of 32 bits choose its place.
pub fn leave(end: u64) {
    IS_LEFT.store(true, Ordering::Relaxed);
    BEGIN.store(end, Ordering::Release);
}

/// Whether the addresses above the guest's are free.
#[must_use]
pub fn is_left() -> bool {
    IS_LEFT.load(Ordering::Relaxed)
}

/// Takes what is free of a range, in ascending order. Where something is mapped
/// amid it, each half is tried.
fn fill(range: Range<u64>, pieces: &mut Vec<Range<u64>>) {
    match cover(&range) {
        Ok(()) => match pieces.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => pieces.push(range),
        },
        Err(Errno::EEXIST) if !is_mapped(&range) => {
            let middle = range.start + (range.end - range.start) / 2 / PAGE * PAGE;
            fill(range.start..middle, pieces);
            fill(middle..range.end, pieces);
        }
        // Mapped, or there is no room left to tell of more mappings.
        Err(_) => {}
    }
}

/// Whether all of a range is mapped, if it is short enough to ask.
fn is_mapped(range: &Range<u64>) -> bool {
    const PAGES: usize = 4096;
    let length = range.end - range.start;
    let mut resident = [0_u8; PAGES];
    let arguments = [range.start, length, resident.as_mut_ptr() as u64, 0, 0, 0];
    // SAFETY: the kernel writes a byte a page, for which there is room.
    length <= PAGES as u64 * PAGE && unsafe { sys::syscall(number::MINCORE, arguments) }.is_ok()
}

/// Takes a range that is free.
fn cover(range: &Range<u64>) -> Result<(), Errno> {
    let flags = TAKEN | sys::MAP_FIXED_NOREPLACE;
    // SAFETY: NOREPLACE takes only free addresses.
    unsafe { sys::mmap(range.start, range.end - range.start, 0, flags, None) }.map(drop)
}

/// The addresses above the guest's, where the guest does not have all.
#[must_use]
pub fn range() -> Option<Range<u64>> {
    match BEGIN.load(Ordering::Acquire) {
        0 => None,
        begin => Some(begin..END),
    }
}

/// A place for a mapping of the engine's, which has to replace what is there.
/// None where the kernel chooses.
#[must_use]
pub(super) fn place(length: u64, apart: bool) -> Option<u64> {
    range().filter(|_| !is_left())?;
    let gap = if apart { random(APART) * PAGE } else { 0 };
    let length = page_up(length)?.checked_add(gap)?;
    let end = UNUSED_END.load(Ordering::Relaxed);
    let taken = UNUSED.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |at| {
        at.checked_add(length).filter(|&next| next <= end)
    });
    taken.ok().map(|at| at + gap)
}

/// Whether a range, which is the engine's, must not become free.
#[must_use]
pub(super) fn has(range: &Range<u64>) -> bool {
    !is_left() && self::range().is_some_and(|room| range.start >= room.start)
}

/// The system call that takes a range again that was the engine's.
#[must_use]
pub const fn taking_again(range: &Range<u64>) -> (u32, [u64; 6]) {
    let flags = (TAKEN | sys::MAP_FIXED) as u64;
    let none = u64::MAX;
    let length = range.end - range.start;
    (number::MMAP, [range.start, length, 0, flags, none, 0])
}

/// A random number below this one; 0 where there are none yet.
pub(super) fn random(below: u64) -> u64 {
    let mut random = [0_u64];
    // GRND_NONBLOCK: early at boot rather few random bits than a wait.
    let arguments = [random.as_mut_ptr() as u64, 8, 1, 0, 0, 0];
    // SAFETY: the kernel writes into the array only.
    let _ = unsafe { sys::syscall(number::GETRANDOM, arguments) };
    random[0] % below
}
