//! A file that the guest has just opened: what it is decides what the guest
//! gets, whatever path led to it.
//!
//! It is looked at once (one `fstat`), for all who want to know: those that
//! would be wrong to hand out are few, and told from others by the status alone
//! or by a second look that only few files need.
//!
//! Until then the file has a descriptor, which another thread may guess and
//! use: the kernel has no way to look first.

use core::mem::ManuallyDrop;

use super::procfs::Viewer;
use crate::linux::memory_file;
use crate::linux::process::{Process, Thread};
use crate::linux::sys::{Errno, Fd};

/// How the guest opened a file.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// Where a relative path starts.
    pub directory: i32,
    /// The address of the path.
    pub path: u64,
    /// The guest's flags.
    pub flags: u64,
    /// `RESOLVE_...`.
    pub resolve: u64,
}

/// What the guest gets for a descriptor that the host gave: the same, or one of
/// what the guest is to see.
///
/// # Errors
/// The kernel's, or what the guest's kernel would have said.
pub fn opened(
    process: &Process,
    thread: &Thread,
    opening: &Opening,
    fd: u64,
) -> Result<u64, Errno> {
    let number = i32::try_from(fd).map_err(|_| Errno::EBADF)?;
    // Not closed here: the guest has it.
    let file = ManuallyDrop::new(Fd::new(number));
    let Ok(status) = file.status() else {
        return Ok(fd);
    };
    if memory_file::is_refused(&file, &status, opening.flags) {
        drop(ManuallyDrop::into_inner(file));
        return Err(Errno::EACCES);
    }
    let viewer = Viewer {
        process,
        thread: Some(thread),
    };
    let instead = viewer.instead_of(&file, &status, opening.flags)?;
    Ok(instead.unwrap_or(fd))
}
