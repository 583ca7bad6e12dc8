//! The memory that translated code lies in.
//!
//! One piece of shared memory, mapped twice: to be written here, to be executed
//! there. It is anonymous, because perf looks into its map for such memory
//! only. Code is added at the end; [`Arena::clear`] starts again.
//!
//! Beside it lies a bit for each byte of code, set where the guest's state is
//! known: signal handlers look there, so it needs no lock.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::linux::sys::{self, Errno, number};

/// How much code there may be. Pages are taken as they are written.
const SIZE: u64 = 128 * 1024 * 1024;
/// Each piece starts at a multiple of this.
const ALIGN: u64 = 16;
const MAP_SHARED: u32 = 1;
const MREMAP_MAYMOVE: u64 = 1;
const MREMAP_FIXED: u64 = 2;
/// More code than this a child translates anew rather than have it copied.
const COPIED: u64 = 4 * 1024 * 1024;

/// The two mappings, and how much of them is used.
#[derive(Debug)]
pub struct Arena {
    writable: u64,
    executable: u64,
    used: u64,
    points: u64,
}

/// Code memory that is not used yet.
fn map_shared() -> Result<u64, Errno> {
    // SAFETY: free addresses are taken.
    unsafe {
        sys::mmap(
            0,
            SIZE,
            sys::PROT_READ | sys::PROT_WRITE,
            MAP_SHARED | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE,
            None,
        )
    }
}

/// The memory of a mapping once more, to be executed: at this address, or where
/// there is room.
fn map_executable(writable: u64, at: Option<u64>) -> Result<u64, Errno> {
    let fixed = if at.is_some() { MREMAP_FIXED } else { 0 };
    // A length of 0 maps the same memory once more.
    let arguments = [
        writable,
        0,
        SIZE,
        MREMAP_MAYMOVE | fixed,
        at.unwrap_or(0),
        0,
    ];
    // SAFETY: the mapping stays as it is; what is replaced is code memory that
    // no thread runs.
    unsafe {
        let executable = sys::syscall(number::MREMAP, arguments)?;
        sys::mprotect(executable, SIZE, sys::PROT_READ | sys::PROT_EXEC)?;
        Ok(executable)
    }
}

impl Arena {
    /// Maps it.
    ///
    /// # Errors
    /// When the kernel refuses one of the mappings.
    pub fn new() -> Result<Self, Errno> {
        let writable = map_shared()?;
        let executable = map_executable(writable, None)?;
        // SAFETY: free addresses are taken.
        let points = unsafe {
            sys::mmap(
                0,
                SIZE / 8,
                sys::PROT_READ | sys::PROT_WRITE,
                sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE,
                None,
            )
        }?;
        Ok(Self {
            writable,
            executable,
            used: 0,
            points,
        })
    }

    /// Adds code and gives the address to run it at; nothing if it is full.
    pub fn add(&mut self, code: &[u8]) -> Option<u64> {
        let start = self.used.next_multiple_of(ALIGN);
        let end = start + code.len() as u64;
        if end > SIZE {
            return None;
        }
        // SAFETY: `start..end` lies in the writable mapping, which only this
        // struct writes.
        unsafe {
            let to = (self.writable + start) as *mut u8;
            to.copy_from_nonoverlapping(code.as_ptr(), code.len());
        }
        self.used = end;
        Some(self.executable + start)
    }

    /// Changes four aligned bytes of the code at an address, at once.
    pub fn patch(&mut self, address: u64, value: i32) {
        let offset = address.wrapping_sub(self.executable);
        assert!(offset < self.used, "a patch outside the code");
        // SAFETY: it lies in the writable mapping.
        unsafe { ((self.writable + offset) as *mut i32).write_volatile(value) };
    }

    /// The guest's state is known at an address.
    pub fn mark(&mut self, address: u64) {
        let (word, bit) = place(self.points, address.wrapping_sub(self.executable));
        word.fetch_or(bit, Ordering::Release);
    }

    /// What signal handlers need of it.
    #[must_use]
    pub const fn points(&self) -> Points {
        Points {
            code: self.executable,
            points: self.points,
        }
    }

    /// Forgets all code after the first `keep` bytes.
    pub fn clear(&mut self, keep: u64) {
        let words = self.used.div_ceil(64);
        for word in keep / 64..words {
            place(self.points, word * 64).0.store(0, Ordering::Relaxed);
        }
        self.used = keep;
    }

    /// Before a `fork`: a copy of the code for the child. Without one, the child
    /// has to translate anew.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn copy(&self, keep: u64) -> Result<CodeCopy, Errno> {
        let writable = map_shared()?;
        let whole = self.used <= COPIED;
        let length = if whole { self.used } else { keep };
        // SAFETY: both are mapped and at least that long, and the new one is
        // nobody else's.
        unsafe {
            let length = usize::try_from(length).unwrap_or(0);
            (writable as *mut u8).copy_from_nonoverlapping(self.writable as *const u8, length);
        }
        Ok(CodeCopy { writable, whole })
    }

    /// In the child: the copy takes the place of what it shares with its
    /// parent. Returns whether all code was copied.
    ///
    /// # Errors
    /// The kernel's; nothing may run in the arena then.
    pub fn replace(&mut self, copy: &CodeCopy) -> Result<bool, Errno> {
        let move_to = MREMAP_MAYMOVE | MREMAP_FIXED;
        // SAFETY: nothing runs in the arena, which the caller has to itself.
        unsafe {
            sys::syscall(
                number::MREMAP,
                [copy.writable, SIZE, SIZE, move_to, self.writable, 0],
            )?;
        }
        map_executable(self.writable, Some(self.executable))?;
        Ok(copy.whole)
    }

    /// How many bytes are used.
    #[must_use]
    pub const fn used(&self) -> u64 {
        self.used
    }

    /// Where executable code may lie.
    #[must_use]
    pub const fn range(&self) -> core::ops::Range<u64> {
        self.executable..self.executable + SIZE
    }
}

/// Code memory for a child.
#[derive(Debug)]
pub struct CodeCopy {
    writable: u64,
    whole: bool,
}

impl CodeCopy {
    /// The parent does not need it.
    pub fn release(&self) {
        // SAFETY: the mapping is nobody else's here.
        let _ = unsafe { sys::munmap(self.writable, SIZE) };
    }
}

/// Where the guest's state is known, for signal handlers.
#[derive(Clone, Copy, Debug)]
pub struct Points {
    /// Where the code starts.
    pub code: u64,
    /// Where the bits are.
    pub points: u64,
}

impl Points {
    /// Whether it is known at an address of the arena's code.
    #[must_use]
    pub fn known(&self, address: u64) -> bool {
        let (word, bit) = place(self.points, address.wrapping_sub(self.code));
        word.load(Ordering::Acquire) & bit != 0
    }
}

/// The word with the bit of an offset, and the bit.
fn place(points: u64, offset: u64) -> (&'static AtomicU64, u64) {
    assert!(offset < SIZE, "no address of code");
    // SAFETY: the bits are mapped for all offsets and never unmapped.
    let word = unsafe { &*((points + offset / 64 * 8) as *const AtomicU64) };
    (word, 1 << (offset % 64))
}
