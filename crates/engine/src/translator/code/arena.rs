//! The memory that translated code lies in.
//!
//! One piece of memory, mapped twice: to be written here, to be executed
//! there (`mappings.rs`). The former lies apart from all else, since the guest's stores are
//! checked by nobody, and has a key where there are such ([`crate::host::key`]). Code is added
//! at the end; [`Arena::clear`] starts again. Once it is closed ([`Arena::close`]) it can't
//! be written but in a window (`window.rs`) as long as that takes.
//!
//! A `fork` copies no code. What there is by then, both processes execute, and neither
//! writes: it is *frozen*. Each adds to memory of its own, which begins at the next page. What
//! would have to be changed of frozen code is not, or all of it is copied first
//! ([`Arena::thaw`]).
//!
//! Beside it lies a bit for each byte of code, set where the guest's state is
//! known: signal handlers look there, so it needs no lock.

use core::sync::atomic::{AtomicU64, Ordering};

use super::mappings::Mappings;
use super::window::Window;
use crate::host::page::{PAGE, page_down};
use crate::host::sys::{self, Errno, number};
use crate::host::{key, message, own};

/// How much code there may be at most and at least. Pages are taken as they
/// are written.
const SIZES: [u64; 2] = [128 << 20, 1 << 20];
/// How much of it is made at a time: pages one by one cost more, and those that are
/// there are mapped by sixteens where code is executed.
const STEP: u64 = 64 << 10;
/// At first: many processes run little that is not kept, and some nothing.
const FIRST_STEP: u64 = 16 << 10;
/// Each piece starts at a multiple of this, a line of the cache: most are entered
/// at their loop's head or their function's first block, and where that lay in
/// its line made a fifth of the time of small loops and functions.
const ALIGN: u64 = 64;
/// So many exits that could not be linked cost what copying a page does.
const MISSES: u64 = 4;

/// The two mappings, and how much of them is used.
#[derive(Debug)]
pub struct Arena {
    mappings: Mappings,
    used: u64,
    /// How much of it others have, too.
    frozen: u64,
    /// How many exits could not be linked since it is.
    missed: u64,
    /// How much has been made.
    made: u64,
    points: u64,
}

/// The size for a process that may have so much of address space: there are
/// two mappings, and one more at a `fork`, and most is the guest's.
const fn size_for(addresses: u64) -> u64 {
    let [mut size, least] = SIZES;
    while size > least && size > addresses / 8 {
        size /= 2;
    }
    size
}

/// Has the kernel make pages that will be written, which costs less at once than one by one.
/// Whether it does changes nothing but time. Code memory is [`key::open`].
fn populate(start: u64, length: u64) {
    const MADV_POPULATE_WRITE: u64 = 23;
    let pages = length.next_multiple_of(PAGE);
    // SAFETY: what is there stays as it is.
    let _ = unsafe {
        sys::syscall(
            number::MADVISE,
            [start, pages, MADV_POPULATE_WRITE, 0, 0, 0],
        )
    };
}

impl Arena {
    /// Maps it.
    ///
    /// # Errors
    /// When the kernel refuses one of the mappings.
    pub fn new() -> Result<Self, Errno> {
        Self::sized(size_for(sys::address_limit()))
    }

    fn sized(size: u64) -> Result<Self, Errno> {
        let mappings = Mappings::new(size)?;
        let points = own::map(
            size / 8,
            sys::PROT_READ | sys::PROT_WRITE,
            sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE,
        )?;
        Ok(Self {
            mappings,
            used: 0,
            frozen: 0,
            missed: 0,
            made: 0,
            points,
        })
    }

    /// Adds code and gives the address to run it at; nothing if it is full.
    pub fn add(&mut self, code: &[u8]) -> Option<u64> {
        let start = self.used.next_multiple_of(ALIGN);
        let end = start + code.len() as u64;
        if end > self.mappings.size {
            return None;
        }
        self.make(end);
        self.write(start, code.len() as u64, |to| {
            // SAFETY: there is room for it, which nobody runs yet.
            unsafe { to.copy_from_nonoverlapping(code.as_ptr(), code.len()) };
        });
        self.used = end;
        Some(self.mappings.executable + start)
    }

    /// Has the kernel make the pages up to there, and some more.
    fn make(&mut self, end: u64) {
        if end <= self.made || self.mappings.is_closed() {
            return;
        }
        let from = page_down(self.made);
        let step = if self.made == 0 { FIRST_STEP } else { STEP };
        self.made = end.next_multiple_of(step).min(self.mappings.size);
        let _open = key::open();
        populate(self.mappings.writable + from, self.made - from);
    }

    /// Changes four aligned bytes of the code at an address, at once.
    pub fn patch(&mut self, address: u64, value: i32) {
        let offset = address.wrapping_sub(self.mappings.executable);
        assert!(
            (self.frozen..self.used).contains(&offset),
            "a patch outside the code that is to be changed"
        );
        self.write(offset, 4, |to| {
            // SAFETY: it is there to be written.
            unsafe { to.cast::<i32>().write_volatile(value) };
        });
    }

    /// Has some bytes of it written, which are given where they are.
    fn write(&mut self, offset: u64, length: u64, write: impl FnOnce(*mut u8)) {
        debug_assert!(offset + length <= self.mappings.size);
        let to = self.mappings.writable + offset;
        if !self.mappings.is_closed() {
            let _open = key::open();
            return write(to as *mut u8);
        }
        let first = page_down(to);
        let pages = (to + length).next_multiple_of(PAGE) - first;
        match Window::open(first, pages) {
            #[allow(clippy::cast_possible_truncation, reason = "less than a page")]
            Ok(window) => write(window.start().wrapping_add((to - first) as usize)),
            Err(error) => {
                message::internal_error(format_args!("code memory can't be written: {error}"))
            }
        }
    }

    /// From now on the code can't be written but where it is being written, and
    /// as long: for programs that have rights or limits that others want to
    /// get past. It costs time, so it is not so from the start. Where there is a key,
    /// that does it.
    pub fn close(&mut self) {
        if key::is_used() {
            return;
        }
        self.mappings.close();
    }

    /// The guest's state is known at an address.
    pub fn mark(&mut self, address: u64) {
        let offset = address.wrapping_sub(self.mappings.executable);
        let (word, bit) = place(self.points, self.mappings.size, offset);
        word.fetch_or(bit, Ordering::Release);
    }

    /// What signal handlers need of it.
    #[must_use]
    pub const fn points(&self) -> Points {
        Points {
            code: self.mappings.executable,
            size: self.mappings.size,
            points: self.points,
        }
    }

    /// Forgets all code after the first `keep` bytes, which no thread runs. `alone`:
    /// as for `Mappings::begin`. Where there is no other memory for frozen code, its room is
    /// lost.
    pub fn clear(&mut self, keep: u64, alone: bool) {
        let words = self.used.div_ceil(64);
        for word in keep / 64..words {
            place(self.points, self.mappings.size, word * 64)
                .0
                .store(0, Ordering::Relaxed);
        }
        self.used = keep;
        // The pages of what is kept, too: code is added in the middle of the last one.
        if self.frozen != 0 {
            let frozen = self.frozen;
            if self.begin(keep, alone).is_err() {
                self.used = frozen;
            }
        }
    }

    /// Whether code at an address is frozen.
    #[must_use]
    pub const fn is_frozen(&self, address: u64) -> bool {
        address.wrapping_sub(self.mappings.executable) < self.frozen
    }

    /// An exit was to be linked, and is frozen.
    pub const fn miss(&mut self) {
        self.missed += 1;
    }

    /// Whether so many were that copying frozen code is cheaper.
    #[must_use]
    pub const fn wants_to_thaw(&self) -> bool {
        self.missed > MISSES * (self.frozen / PAGE)
    }

    /// Copies frozen code, so that it can be changed. No thread may run it. Whether that could
    /// be done.
    pub fn thaw(&mut self, alone: bool) -> bool {
        self.frozen == 0 || self.begin(self.used, alone).is_ok()
    }

    /// Other memory, with the code up to `copied`.
    fn begin(&mut self, copied: u64, alone: bool) -> Result<(), Errno> {
        self.missed = 0;
        // SAFETY: the callers answer for that no thread runs what is there but the first stub's
        // begin; writers hold the arena.
        unsafe { self.mappings.begin(0, copied, alone) }?;
        (self.frozen, self.made) = (0, copied);
        Ok(())
    }

    /// In a child that has no memory of its own: it writes to its parent's no more.
    pub fn shut(&self) {
        self.mappings.shut();
    }

    /// Before a `fork`: what there is will be the child's, too, and can be written by neither.
    /// Whether that can be.
    pub fn freeze(&mut self) -> bool {
        let end = self.used.next_multiple_of(PAGE);
        // SAFETY: nobody writes to frozen code.
        let frozen = unsafe { self.mappings.give_up(self.frozen..end) };
        if frozen {
            (self.used, self.frozen) = (end, end);
        }
        frozen
    }

    /// In a child, after a `fork`: what it adds is its own. With `whole` it has its parent's
    /// code, which was frozen; else it has the first `keep` bytes. `alone`: as for
    /// `Mappings::begin`.
    ///
    /// # Errors
    /// The kernel's; nothing may be added then, nor run.
    pub fn inherited(&mut self, whole: bool, keep: u64, alone: bool) -> Result<(), Errno> {
        let (from, copied) = if whole {
            (self.frozen, self.frozen)
        } else {
            (0, keep)
        };
        // SAFETY: the child's only thread is here.
        unsafe { self.mappings.begin(from, copied, alone) }?;
        (self.missed, self.made) = (0, copied);
        if !whole {
            self.frozen = 0;
        }
        Ok(())
    }

    /// From now on the memory is what perf takes for code of its map.
    pub fn show_to_perf(&mut self) {
        if let Err(error) = self.begin(self.used, false) {
            message::internal_error(format_args!("code memory can't be made: {error}"));
        }
    }

    /// How many bytes are used.
    #[must_use]
    pub const fn used(&self) -> u64 {
        self.used
    }

    /// Where executable code may lie.
    #[must_use]
    pub const fn range(&self) -> core::ops::Range<u64> {
        self.mappings.executable..self.mappings.executable + self.mappings.size
    }
}

/// Where the guest's state is known, for signal handlers.
#[derive(Clone, Copy, Debug)]
pub struct Points {
    /// Where the code starts.
    pub code: u64,
    /// How much there may be.
    pub size: u64,
    /// Where the bits are.
    pub points: u64,
}

impl Points {
    /// Whether it is known at an address of the arena's code.
    #[must_use]
    pub fn known(&self, address: u64) -> bool {
        let (word, bit) = place(self.points, self.size, address.wrapping_sub(self.code));
        word.load(Ordering::Acquire) & bit != 0
    }
}

/// The word with the bit of an offset, and the bit.
fn place(points: u64, size: u64, offset: u64) -> (&'static AtomicU64, u64) {
    assert!(offset < size, "no address of code");
    // SAFETY: the bits are mapped for all offsets and never unmapped.
    let word = unsafe { &*((points + offset / 64 * 8) as *const AtomicU64) };
    (word, 1 << (offset % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    #[test]
    fn sizes_for_limits() {
        for (limit, size) in [
            (u64::MAX, 128 << 20),
            (1 << 30, 128 << 20),
            (150_000 << 10, 16 << 20),
            (1 << 20, 1 << 20),
            (0, 1 << 20),
        ] {
            assert_eq!(size_for(limit), size, "{limit}");
        }
    }

    /// Code that returns a number.
    fn returns(number: u32) -> Vec<u8> {
        [&[0xb8][..], &number.to_le_bytes(), &[0xc3]].concat()
    }

    fn call(code: u64) -> u32 {
        // SAFETY: what `returns` gives was added there.
        unsafe { core::mem::transmute::<u64, extern "sysv64" fn() -> u32>(code)() }
    }

    #[test]
    fn what_is_added_after_forgetting_twice_runs() {
        for alone in [true, false] {
            let mut arena = Arena::sized(SIZES[1]).unwrap();
            let stub = arena.add(&returns(1)).unwrap();
            let keep = arena.used();
            arena.add(&returns(2)).unwrap();
            assert!(arena.freeze());
            for number in 3..6 {
                arena.clear(keep, alone);
                let code = arena.add(&returns(number)).unwrap();
                assert_eq!((call(code), call(stub)), (number, 1), "{alone}");
            }
        }
    }

    #[test]
    fn a_child_inherits_what_is_full() {
        for alone in [true, false] {
            let mut arena = Arena::sized(SIZES[1]).unwrap();
            let first = arena.add(&returns(1)).unwrap();
            let rest = SIZES[1] - arena.used().next_multiple_of(ALIGN);
            arena
                .add(&vec![0xc3; usize::try_from(rest).unwrap()])
                .unwrap();
            assert!(arena.freeze());
            arena.inherited(true, 0, alone).unwrap();
            assert_eq!((arena.add(&returns(2)), call(first)), (None, 1), "{alone}");
        }
    }
}
