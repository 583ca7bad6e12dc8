//! The memory that translated code lies in.
//!
//! One piece of shared memory, mapped twice: to be written here, to be executed
//! there. The former lies apart from all else, since the guest's stores are
//! checked by nobody, and has a key where there are such ([`crate::host::key`]). It is
//! anonymous, because perf looks into its map for such memory only. Code is added
//! at the end; [`Arena::clear`] starts again. Once it is closed ([`Arena::close`]) it is
//! not mapped to be written at all, but in a window (`window.rs`) as long as that takes.
//!
//! Beside it lies a bit for each byte of code, set where the guest's state is
//! known: signal handlers look there, so it needs no lock.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

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
const MAP_SHARED: u32 = 1;
const MREMAP_MAYMOVE: u64 = 1;
const MREMAP_FIXED: u64 = 2;
/// More code than this a child translates anew rather than have it copied.
const COPIED: u64 = 4 * 1024 * 1024;

/// The two mappings, and how much of them is used.
#[derive(Debug)]
pub struct Arena {
    /// None once it is closed.
    writable: Option<u64>,
    executable: u64,
    size: u64,
    used: u64,
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

const SHARED: u32 = MAP_SHARED | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE;

/// Code memory that is not used yet, to be written.
fn map_shared(size: u64) -> Result<u64, Errno> {
    let start = own::map_apart(size, key::first_protection(), SHARED)?;
    // SAFETY: nobody knows of it yet.
    unsafe {
        key::lock(start, size).inspect_err(|_| {
            let _ = own::unmap(start, size);
        })?;
    }
    Ok(start)
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

/// The memory of a mapping once more, to be executed: at this address, or where
/// there is room.
fn map_executable(writable: u64, size: u64, at: Option<u64>) -> Result<u64, Errno> {
    let executable = match at {
        None => own::map_again(writable, size)?,
        Some(at) => {
            // A length of 0 maps the same memory once more.
            let arguments = [writable, 0, size, MREMAP_MAYMOVE | MREMAP_FIXED, at, 0];
            // SAFETY: the mapping stays as it is; what is at the place is code
            // memory that no thread runs. It goes first, so that the limit of the
            // address space has room for the new one.
            unsafe {
                sys::munmap(at, size)?;
                sys::syscall(number::MREMAP, arguments)?
            }
        }
    };
    // SAFETY: nobody uses the mapping yet.
    unsafe { key::unlock(executable, size, sys::PROT_READ | sys::PROT_EXEC) }?;
    Ok(executable)
}

impl Arena {
    /// Maps it.
    ///
    /// # Errors
    /// When the kernel refuses one of the mappings.
    pub fn new() -> Result<Self, Errno> {
        let size = size_for(sys::address_limit());
        let writable = map_shared(size)?;
        let executable = map_executable(writable, size, None)?;
        own::add(executable..executable + size);
        let points = own::map(
            size / 8,
            sys::PROT_READ | sys::PROT_WRITE,
            sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE,
        )?;
        Ok(Self {
            writable: Some(writable),
            executable,
            size,
            used: 0,
            made: 0,
            points,
        })
    }

    /// Adds code and gives the address to run it at; nothing if it is full.
    pub fn add(&mut self, code: &[u8]) -> Option<u64> {
        let start = self.used.next_multiple_of(ALIGN);
        let end = start + code.len() as u64;
        if end > self.size {
            return None;
        }
        self.make(end);
        self.write(start, code.len() as u64, |to| {
            // SAFETY: there is room for it, which nobody runs yet.
            unsafe { to.copy_from_nonoverlapping(code.as_ptr(), code.len()) };
        });
        self.used = end;
        Some(self.executable + start)
    }

    /// Has the kernel make the pages up to there, and some more.
    fn make(&mut self, end: u64) {
        let Some(writable) = self.writable.filter(|_| end > self.made) else {
            return;
        };
        let from = page_down(self.made);
        let step = if self.made == 0 { FIRST_STEP } else { STEP };
        self.made = end.next_multiple_of(step).min(self.size);
        let _open = key::open();
        populate(writable + from, self.made - from);
    }

    /// Changes four aligned bytes of the code at an address, at once.
    pub fn patch(&mut self, address: u64, value: i32) {
        let offset = address.wrapping_sub(self.executable);
        assert!(offset < self.used, "a patch outside the code");
        self.write(offset, 4, |to| {
            // SAFETY: it is there to be written.
            unsafe { to.cast::<i32>().write_volatile(value) };
        });
    }

    /// Has some bytes of it written, which are given where they are.
    fn write(&mut self, offset: u64, length: u64, write: impl FnOnce(*mut u8)) {
        debug_assert!(offset + length <= self.size);
        if let Some(writable) = self.writable {
            let _open = key::open();
            return write((writable + offset) as *mut u8);
        }
        let first = page_down(offset);
        let pages = (offset + length).next_multiple_of(PAGE) - first;
        match Window::open(self.executable + first, pages) {
            #[allow(clippy::cast_possible_truncation, reason = "less than a page")]
            Ok(window) => write(window.start().wrapping_add((offset - first) as usize)),
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
        if let Some(writable) = self.writable.take() {
            // SAFETY: nobody writes through it now, nor knows of it later.
            let _ = unsafe { own::unmap(writable, self.size) };
        }
    }

    /// The guest's state is known at an address.
    pub fn mark(&mut self, address: u64) {
        let offset = address.wrapping_sub(self.executable);
        let (word, bit) = place(self.points, self.size, offset);
        word.fetch_or(bit, Ordering::Release);
    }

    /// What signal handlers need of it.
    #[must_use]
    pub const fn points(&self) -> Points {
        Points {
            code: self.executable,
            size: self.size,
            points: self.points,
        }
    }

    /// Forgets all code after the first `keep` bytes.
    pub fn clear(&mut self, keep: u64) {
        let words = self.used.div_ceil(64);
        for word in keep / 64..words {
            place(self.points, self.size, word * 64)
                .0
                .store(0, Ordering::Relaxed);
        }
        self.used = keep;
    }

    /// Before a `fork`: a copy of the code for the child. Without one, the child
    /// has to translate anew, all but the first `keep` bytes; so it is also
    /// where there is no memory for a copy, or where others may not have one to
    /// write to.
    #[must_use]
    pub fn copy(&self, keep: u64) -> CodeCopy {
        let length = if self.used <= COPIED { self.used } else { keep };
        let length = usize::try_from(length).unwrap_or(0);
        let copy = self.writable.and_then(|_| map_shared(self.size).ok());
        let Some(writable) = copy else {
            let keep = usize::try_from(keep).unwrap_or(0);
            // SAFETY: at least that much is used, and nobody writes now.
            let kept = unsafe { core::slice::from_raw_parts(self.executable as *const u8, keep) };
            return CodeCopy::Kept(kept.to_vec());
        };
        let _open = key::open();
        populate(writable, length as u64);
        // SAFETY: both are mapped and at least that long, and the new one is
        // nobody else's.
        unsafe {
            (writable as *mut u8).copy_from_nonoverlapping(self.executable as *const u8, length);
        }
        CodeCopy::Mapped {
            writable,
            size: self.size,
            whole: self.used <= COPIED,
        }
    }

    /// In the child: the copy takes the place of what it shares with its
    /// parent. Returns whether all code was copied.
    ///
    /// # Errors
    /// The kernel's; nothing may run in the arena then.
    pub fn replace(&mut self, copy: &CodeCopy) -> Result<bool, Errno> {
        let size = self.size;
        let (writable, whole) = match copy {
            &CodeCopy::Mapped {
                writable, whole, ..
            } => {
                let place = self.writable.unwrap_or(writable);
                if place != writable {
                    let move_to = MREMAP_MAYMOVE | MREMAP_FIXED;
                    let arguments = [writable, size, size, move_to, place, 0];
                    // SAFETY: nothing runs in the arena, which the caller has
                    // to itself.
                    unsafe { sys::syscall(number::MREMAP, arguments) }?;
                    own::left(&(writable..writable + size));
                }
                (place, whole)
            }
            CodeCopy::Kept(kept) => {
                let writable = self.map_anew()?;
                let _open = key::open();
                // SAFETY: the memory is as long as the parent's, and new.
                unsafe {
                    let to = writable as *mut u8;
                    to.copy_from_nonoverlapping(kept.as_ptr(), kept.len());
                }
                (writable, false)
            }
        };
        self.made = self.used;
        map_executable(writable, size, Some(self.executable))?;
        if self.writable.is_none() {
            // SAFETY: nobody else knows of it.
            unsafe { own::unmap(writable, size) }?;
        }
        Ok(whole)
    }

    /// Fresh memory in place of what is written, or, once that is closed, where
    /// there is room; what was executed goes first then.
    fn map_anew(&self) -> Result<u64, Errno> {
        let size = self.size;
        // SAFETY: nothing runs in the arena, which the caller has to itself.
        unsafe {
            let Some(writable) = self.writable else {
                sys::munmap(self.executable, size)?;
                return map_shared(size);
            };
            let flags = SHARED | sys::MAP_FIXED;
            sys::mmap(writable, size, key::first_protection(), flags, None)?;
            own::leave_out_of_cores(writable, size);
            key::lock(writable, size)?;
            Ok(writable)
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
        self.executable..self.executable + self.size
    }
}

/// Code memory for a child.
#[derive(Debug)]
pub enum CodeCopy {
    /// Memory that takes the place of what the parent has.
    Mapped {
        /// Where it is.
        writable: u64,
        /// How much.
        size: u64,
        /// All code is in it.
        whole: bool,
    },
    /// What is kept; the child finds room for more where its parent's is.
    Kept(Vec<u8>),
}

impl CodeCopy {
    /// The parent does not need it.
    pub fn release(&self) {
        if let &Self::Mapped { writable, size, .. } = self {
            // SAFETY: the mapping is nobody else's here.
            let _ = unsafe { own::unmap(writable, size) };
        }
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
}
