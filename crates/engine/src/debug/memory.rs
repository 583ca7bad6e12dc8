//! The guest's memory as the debugger reads and writes it: whatever its
//! protection, as `ptrace` does, but never the engine's.

use core::ffi::CStr;

use crate::host::own;
use crate::host::sys::{self, AT_FDCWD, Errno, Fd, fd_argument, number};
use crate::memory::address_space::AddressSpace;
use crate::memory::guest_memory;

/// The process's memory as a file, which the server opens for itself. Without
/// `/proc`, protection is not overcome.
#[derive(Debug)]
pub(super) struct Memory {
    file: Option<Fd>,
    /// The bits of an address that an access does not look at.
    ignored: u64,
}

impl Memory {
    pub(super) fn open(ignored: u64) -> Self {
        const O_RDWR_CLOEXEC: u64 = 0o2_000_002;
        const PATH: &CStr = c"/proc/self/mem";
        let arguments = [
            fd_argument(AT_FDCWD),
            PATH.as_ptr() as u64,
            O_RDWR_CLOEXEC,
            0,
            0,
            0,
        ];
        // SAFETY: the kernel reads the string only.
        let file = unsafe { sys::syscall(number::OPENAT, arguments) };
        Self {
            file: file.ok().and_then(|fd| i32::try_from(fd).ok()).map(Fd::new),
            ignored,
        }
    }

    /// Reads up to what cannot be read; returns how many bytes that were.
    pub(super) fn read(&self, address: u64, to: &mut [u8]) -> usize {
        let address = address & !self.ignored;
        let length = guests(address, to.len());
        let to = &mut to[..length];
        match &self.file {
            Some(file) => {
                // The kernel reads page by page, up to the first that is not
                // there.
                let mut done = 0;
                while done < length {
                    match file.read_at(&mut to[done..], address + done as u64) {
                        Ok(n) if n > 0 => done += n,
                        _ => break,
                    }
                }
                done
            }
            None if guest_memory::read(address, to).is_ok() => length,
            None => 0,
        }
    }

    /// Writes all, and lets translations of it be forgotten.
    pub(super) fn write(
        &self,
        space: &AddressSpace,
        address: u64,
        from: &[u8],
    ) -> Result<(), Errno> {
        let address = address & !self.ignored;
        if guests(address, from.len()) < from.len() {
            return Err(Errno::EFAULT);
        }
        match &self.file {
            Some(file) => {
                let arguments = [
                    fd_argument(file.number()),
                    from.as_ptr() as u64,
                    from.len() as u64,
                    address,
                    0,
                    0,
                ];
                // SAFETY: the pages are the guest's, which its user changes as
                // he wants.
                let written = unsafe { sys::syscall(number::PWRITE64, arguments) }?;
                if written < from.len() as u64 {
                    return Err(Errno::EFAULT);
                }
            }
            // SAFETY: the range is the guest's, which its user changes as he wants.
            None => unsafe { guest_memory::write(address, from) }?,
        }
        space.changed(address..address + from.len() as u64);
        Ok(())
    }
}

/// How many bytes from there on are not the engine's.
fn guests(address: u64, length: usize) -> usize {
    let range = address..address.saturating_add(length as u64);
    match own::without(range).next() {
        Some(first) if first.start == address => {
            usize::try_from(first.end - first.start).unwrap_or(0)
        }
        _ => 0,
    }
}
