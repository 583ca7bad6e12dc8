//! Files in memory that the engine makes, for an engine that is executed next.
//!
//! The kernel counts them against the limit of a file's size (`RLIMIT_FSIZE`),
//! which is the guest's and about other files: it is lifted meanwhile, as far as
//! it may be. Past it, the kernel would send `SIGXFSZ`.

use core::ffi::CStr;

use crate::host::sys::{self, Errno, Fd, fd_argument, number};

const MFD_CLOEXEC: u64 = 1;
const MFD_ALLOW_SEALING: u64 = 2;
const MFD_EXEC: u64 = 0x10;

/// A file that can be executed, and can't be changed; closed by that.
///
/// # Errors
/// The kernel's.
pub(super) fn executable(name: &CStr, bytes: &[u8]) -> Result<Fd, Errno> {
    const F_ADD_SEALS: u64 = 1033;
    /// Sealing, shrinking, growing, writing.
    const SEALS: u64 = 0xf;
    let flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    // Before Linux 6.3 there is no such flag, and every file can be executed.
    let file = match create(name, flags | MFD_EXEC) {
        Err(Errno::EINVAL) => create(name, flags),
        created => created,
    }?;
    fill(&file, bytes)?;
    let arguments = [fd_argument(file.number()), F_ADD_SEALS, SEALS, 0, 0, 0];
    // SAFETY: the call touches no memory.
    unsafe { sys::syscall(number::FCNTL, arguments) }?;
    Ok(file)
}

/// A file to be read, which stays open over `execve`.
///
/// # Errors
/// The kernel's.
pub(super) fn handed_over(name: &CStr, bytes: &[u8]) -> Result<Fd, Errno> {
    let file = create(name, 0)?;
    fill(&file, bytes)?;
    Ok(file)
}

fn create(name: &CStr, flags: u64) -> Result<Fd, Errno> {
    let arguments = [name.as_ptr() as u64, flags, 0, 0, 0, 0];
    // SAFETY: the kernel reads the string only.
    let file = unsafe { sys::syscall(number::MEMFD_CREATE, arguments) }?;
    i32::try_from(file).map(Fd::new).map_err(|_| Errno::EBADF)
}

fn fill(file: &Fd, bytes: &[u8]) -> Result<(), Errno> {
    let before = lift(bytes.len() as u64)?;
    let written = sys::write_all(file.number(), bytes);
    if let Some(before) = before {
        let _ = file_size(Some(before));
    }
    written
}

/// Lets files have this size; returns the limits before, where they were changed.
fn lift(size: u64) -> Result<Option<[u64; 2]>, Errno> {
    let before = file_size(None)?;
    let [soft, hard] = before;
    if soft >= size {
        return Ok(None);
    }
    if hard < size {
        return Err(Errno::EFBIG);
    }
    file_size(Some([size, hard]))?;
    Ok(Some(before))
}

/// The limits of a file's size, soft and hard, and new ones.
fn file_size(new: Option<[u64; 2]>) -> Result<[u64; 2], Errno> {
    const RLIMIT_FSIZE: u64 = 1;
    let mut before = [0; 2];
    let new = new.as_ref().map_or(0, |new| new.as_ptr() as u64);
    let arguments = [0, RLIMIT_FSIZE, new, before.as_mut_ptr() as u64, 0, 0];
    // SAFETY: the kernel reads and writes the arrays only.
    unsafe { sys::syscall(number::PRLIMIT64, arguments) }?;
    Ok(before)
}
