//! What the heap lives on when the kernel gives it nothing more: the guest has used up its
//! address space or its data, or has lowered its limits below what it uses. A program gets an
//! error then and goes on, so its engine has to go on too.
//!
//! The reserve is a mapping of whole pages. It is made at the start, under the limits that the
//! engine was started with, and given out first fit. A page that is not used costs address
//! space only. If the kernel refuses this mapping, there is no reserve.
//!
//! Invariant: a page's bit is set exactly while it is given out.

use core::sync::atomic::{AtomicUsize, Ordering};

use super::PAGE;
use crate::host::lock::{SpinLock, Unlock};
use crate::host::{own, sys};

const SIZE: usize = 8 << 20;
const PAGES: usize = SIZE / PAGE;

struct Reserve {
    /// 0 where there is none.
    start: usize,
    taken: [u64; PAGES / 64],
}

static RESERVE: SpinLock<Reserve> = SpinLock::new(Reserve {
    start: 0,
    taken: [0; PAGES / 64],
});
/// How many pages are given out.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Maps it; once.
pub(super) fn make() {
    let start = own::map(
        SIZE as u64,
        sys::PROT_READ | sys::PROT_WRITE,
        sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE,
    );
    let start = start.ok().and_then(|start| usize::try_from(start).ok());
    RESERVE.with(|reserve| reserve.start = start.unwrap_or(0));
}

/// Half of it is given out: who can do with less memory should.
pub(super) fn is_low() -> bool {
    TAKEN.load(Ordering::Relaxed) > PAGES / 2
}

/// Keeps others out, over a `fork`.
pub(super) fn hold() -> Unlock<'static> {
    RESERVE.hold()
}

impl Reserve {
    fn is_taken(&self, page: usize) -> bool {
        self.taken[page / 64] & 1 << (page % 64) != 0
    }

    /// The first run of so many free pages.
    fn find(&self, pages: usize) -> Option<usize> {
        let mut first = 0;
        for page in 0..PAGES {
            if self.is_taken(page) {
                first = page + 1;
            } else if page + 1 - first == pages {
                return Some(first);
            }
        }
        None
    }

    fn flip(&mut self, first: usize, pages: usize) {
        for page in first..first + pages {
            self.taken[page / 64] ^= 1 << (page % 64);
        }
    }
}

/// Whole pages of it, zeroed.
pub(super) fn take(size: usize) -> Option<usize> {
    let pages = size / PAGE;
    RESERVE.with(|reserve| {
        if reserve.start == 0 || pages == 0 {
            return None;
        }
        let first = reserve.find(pages)?;
        reserve.flip(first, pages);
        TAKEN.fetch_add(pages, Ordering::Relaxed);
        let address = reserve.start + first * PAGE;
        // SAFETY: the pages are mapped, and nobody's until now.
        unsafe { (address as *mut u8).write_bytes(0, size) };
        Some(address)
    })
}

/// Whether an address is of it.
pub(super) fn has(address: usize) -> bool {
    let start = RESERVE.with(|reserve| reserve.start);
    start != 0 && (start..start + SIZE).contains(&address)
}

/// Takes pages back that [`take`] gave, where these are.
pub(super) fn give_back(address: usize, size: usize) -> bool {
    if !has(address) {
        return false;
    }
    RESERVE.with(|reserve| reserve.flip((address - reserve.start) / PAGE, size / PAGE));
    TAKEN.fetch_sub(size / PAGE, Ordering::Relaxed);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    // One test: there is one reserve.
    #[test]
    fn first_fit_and_back() {
        assert_eq!(take(PAGE), None, "not made yet");
        make();
        let first = take(3 * PAGE).unwrap();
        let second = take(PAGE).unwrap();
        assert_eq!(second, first + 3 * PAGE);
        assert!(has(second) && !has(second + SIZE));
        assert!(give_back(first, 3 * PAGE));
        assert!(!give_back(1 << 20, PAGE), "somebody else's");
        assert_eq!(take(4 * PAGE), Some(second + PAGE), "does not fit before");
        assert_eq!(take(2 * PAGE), Some(first));
        assert!(!is_low());
        let most = take(SIZE / 2).unwrap();
        assert!(is_low());
        assert_eq!(take(SIZE / 2), None);
        assert!(give_back(most, SIZE / 2) && !is_low());
    }
}
