//! The two mappings of code memory: one to be written, one to be executed. They are made,
//! and made anew behind code that another process has too.
//!
//! The memory is a file without a name, if the kernel gives one. It is sealed once it is mapped
//! to be written, so that no other mapping of it can be written, nor made so: whoever has the
//! executable mapping alone can't change it by any means of the kernel's. Before a `fork`, the
//! parent gives up the mapping to write what both will execute.
//!
//! Otherwise it is shared memory without a file: if the kernel gives none, if others would see
//! its descriptor, and for perf, which looks into its map for such memory only.
//!
//! Invariant: both mappings stay where they were made first, whatever is mapped there.

use alloc::vec::Vec;
use core::ops::Range;

use crate::host::sys::{self, Errno, Fd, fd_argument, number};
use crate::host::{key, message, own};

const MAP_SHARED: u32 = 1;
const MREMAP_MAYMOVE: u64 = 1;
const MREMAP_FIXED: u64 = 2;
const SHARED: u32 = MAP_SHARED | sys::MAP_NORESERVE | sys::MAP_FIXED;

/// What the memory is that is written now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A sealed file: other processes may have what is executed.
    File,
    /// Shared memory without a file: whoever has a mapping of it can have it be written.
    Anonymous,
}

/// Where they are.
#[derive(Debug)]
pub(super) struct Mappings {
    pub(super) writable: u64,
    pub(super) executable: u64,
    pub(super) size: u64,
    pub(super) kind: Kind,
    /// The first can't be written but through windows.
    closed: bool,
}

impl Mappings {
    /// Makes them.
    ///
    /// # Errors
    /// The kernel's.
    pub(super) fn new(size: u64) -> Result<Self, Errno> {
        let writable = own::reserve(size, true)?;
        let executable = own::reserve(size, false)?;
        let mut new = Self {
            writable,
            executable,
            size,
            kind: Kind::File,
            closed: false,
        };
        // SAFETY: nobody knows of them yet.
        unsafe { new.begin(0, 0, true) }?;
        Ok(new)
    }

    /// Has other memory behind the first `from` bytes, with what is executed there up to
    /// `copied`. `alone`: a descriptor may be opened and closed, as no other thread or process
    /// has the table to see it in.
    ///
    /// What is executed is replaced at once: a thread that is outside may be about to enter by
    /// the stub for that ([`crate::thread::gate`]), which is copied as it is.
    ///
    /// # Safety
    /// No thread runs what is there but that stub's begin, and nobody else writes.
    ///
    /// # Errors
    /// The kernel's; then both mappings are as they were.
    pub(super) unsafe fn begin(
        &mut self,
        from: u64,
        copied: u64,
        alone: bool,
    ) -> Result<(), Errno> {
        // SAFETY: the caller's, for both.
        unsafe {
            let mut replaced = false;
            if alone && self.begin_file(from, copied, &mut replaced).is_ok() {
                self.kind = Kind::File;
                return Ok(());
            }
            if let Err(error) = self.begin_anonymous(from, copied, &mut replaced) {
                if replaced {
                    message::internal_error(format_args!("code memory can't be made: {error}"));
                }
                return Err(error);
            }
            self.kind = Kind::Anonymous;
        }
        Ok(())
    }

    /// Says whether what was there is `replaced`, also where it fails.
    ///
    /// # Safety
    /// As [`Mappings::begin`].
    unsafe fn begin_file(&self, from: u64, copied: u64, replaced: &mut bool) -> Result<(), Errno> {
        /// Beyond it, a file that grows is a signal.
        const RLIMIT_FSIZE: u64 = 1;
        const CLOEXEC_AND_SEALS: u64 = 3;
        const F_ADD_SEALS: u64 = 1033;
        /// Not of the seals, shrunk, grown, nor written but through mappings that there are.
        const SEALS: u64 = 1 | 2 | 4 | 16;
        if sys::limit(RLIMIT_FSIZE).is_none_or(|limit| limit < self.size) {
            return Err(Errno::EFBIG);
        }
        let name = c"translated".as_ptr() as u64;
        // SAFETY: the kernel reads the name, and what is executed; what is replaced is the
        // engine's, and the caller answers for that nobody uses it.
        unsafe {
            let fd = sys::syscall(number::MEMFD_CREATE, [name, CLOEXEC_AND_SEALS, 0, 0, 0, 0])?;
            let fd = Fd::new(i32::try_from(fd).map_err(|_| Errno::EBADF)?);
            let this = fd_argument(fd.number());
            sys::syscall(number::FTRUNCATE, [this, self.size, 0, 0, 0, 0])?;
            let mut at = from;
            while at < copied {
                let rest = [this, self.executable + at, copied - at, at, 0, 0];
                at += sys::syscall(number::PWRITE64, rest)?.max(1);
            }
            self.map_writable(MAP_SHARED, Some(&fd), replaced)?;
            sys::syscall(number::FCNTL, [this, F_ADD_SEALS, SEALS, 0, 0, 0])?;
            let execute = sys::PROT_READ | sys::PROT_EXEC;
            let (at, length) = (self.executable + from, self.size - from);
            if length != 0 {
                sys::mmap(at, length, execute, SHARED, Some((&fd, from)))?;
            }
        }
        Ok(())
    }

    /// As [`Mappings::begin_file`].
    ///
    /// # Safety
    /// As [`Mappings::begin`].
    unsafe fn begin_anonymous(
        &self,
        from: u64,
        copied: u64,
        replaced: &mut bool,
    ) -> Result<(), Errno> {
        let (at, length) = (self.executable + from, self.size - from);
        let copied = usize::try_from(copied - from).map_err(|_| Errno::ENOMEM)?;
        // SAFETY: what is executed can be read; the rest is the caller's.
        unsafe {
            let saved: Vec<u8> = core::slice::from_raw_parts(at as *const u8, copied).to_vec();
            let open = Self {
                closed: false,
                ..*self
            };
            open.map_writable(MAP_SHARED | sys::MAP_ANONYMOUS, None, replaced)?;
            {
                let _open = key::open();
                let to = (self.writable + from) as *mut u8;
                to.copy_from_nonoverlapping(saved.as_ptr(), saved.len());
            }
            // It is moved there with the permission that it is to have there.
            let execute = sys::PROT_READ | sys::PROT_EXEC;
            key::unlock(self.writable, self.size, execute)?;
            if length != 0 {
                Self::map_again(self.writable + from, at, length)?;
            }
            key::unlock(self.writable, self.size, key::first_protection())?;
            key::lock(self.writable, self.size)?;
            if self.closed {
                sys::mprotect(self.writable, self.size, 0)?;
            }
        }
        Ok(())
    }

    /// Maps shared memory once more, in place of what is there.
    ///
    /// # Safety
    /// As [`Mappings::begin`].
    unsafe fn map_again(shared: u64, at: u64, length: u64) -> Result<(), Errno> {
        // A length of 0 maps the same memory once more.
        let flags = MREMAP_MAYMOVE | MREMAP_FIXED;
        let arguments = [shared, 0, length, flags, at, 0];
        // SAFETY: the caller's.
        unsafe {
            if sys::syscall(number::MREMAP, arguments).is_err() {
                // A limit of the address space counts what is there until it is gone. Meanwhile,
                // another thread may map something there.
                sys::munmap(at, length)?;
                sys::syscall(number::MREMAP, arguments)?;
            }
        }
        Ok(())
    }

    /// # Safety
    /// As [`Mappings::begin`].
    unsafe fn map_writable(
        &self,
        flags: u32,
        file: Option<&Fd>,
        replaced: &mut bool,
    ) -> Result<(), Errno> {
        let protection = if self.closed {
            0
        } else {
            key::first_protection()
        };
        let flags = flags | SHARED;
        let file = file.map(|fd| (fd, 0));
        // SAFETY: the caller's.
        unsafe {
            sys::mmap(self.writable, self.size, protection, flags, file)?;
            *replaced = true;
            own::leave_out_of_cores(self.writable, self.size);
            if !self.closed {
                key::lock(self.writable, self.size)?;
            }
        }
        Ok(())
    }

    /// A part of the memory is not to be written any more, so that another process may have it.
    /// Whether that could be done: only a sealed file can't be written where it is executed.
    ///
    /// # Safety
    /// Nobody writes there until there is other memory.
    pub(super) unsafe fn give_up(&self, part: Range<u64>) -> bool {
        const NOTHING: u32 =
            sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE | sys::MAP_FIXED;
        if self.kind != Kind::File {
            return false;
        }
        let (at, length) = (self.writable + part.start, part.end - part.start);
        // SAFETY: the caller's.
        length == 0 || unsafe { sys::mmap(at, length, 0, NOTHING, None) }.is_ok()
    }

    /// From now on the first can't be written as it is. Where the kernel refuses, it can.
    pub(super) fn close(&mut self) {
        // SAFETY: nobody writes through it now, but through windows later.
        self.closed = unsafe { sys::mprotect(self.writable, self.size, 0) }.is_ok();
    }

    /// The first can't be written any more until there is other memory.
    pub(super) fn shut(&self) {
        // SAFETY: nobody writes through it now, nor later.
        let _ = unsafe { sys::mprotect(self.writable, self.size, 0) };
    }

    /// Whether it is closed.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use core::sync::atomic::{AtomicBool, Ordering};

    /// A thread that is about to enter is in the stub for that already.
    #[test]
    fn there_is_code_while_other_memory_is_begun() {
        const SIZE: u64 = 1 << 20;
        const RETURN: u8 = 0xc3;
        let mut mappings = Mappings::new(SIZE).unwrap();
        {
            let _open = key::open();
            // SAFETY: it was mapped to be written.
            unsafe { (mappings.writable as *mut u8).write(RETURN) };
        }
        // SAFETY: there is such a function, now.
        let stub =
            unsafe { core::mem::transmute::<u64, extern "sysv64" fn()>(mappings.executable) };
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    stub();
                }
            });
            for _ in 0..2000 {
                // SAFETY: the other thread runs but the stub, and nobody writes.
                unsafe { mappings.begin(0, 1, false) }.unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}
