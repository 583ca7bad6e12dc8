//! A file that the guest has just opened: what it is decides what the guest
//! gets, whatever path led to it.
//!
//! It is looked at once (one `fstat`), for all who want to know: those that
//! would be wrong to hand out are few, and told from others by the status alone
//! or by a second look that only few files need.
//!
//! Until then the file has a descriptor, which another thread may guess and
//! use: the kernel has no way to look first.

use alloc::ffi::CString;
use core::ffi::CStr;
use core::mem::ManuallyDrop;

use super::memory_file;
use super::procfs::Viewer;
use crate::host::sys::{Errno, Fd};
use crate::linux::exe_link;
use crate::linux::executable::{Identity, Own, is_engine};
use crate::linux::process::{Process, Thread};

/// How the guest opened a file.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// Where a relative path starts.
    pub directory: i32,
    /// The address of the path.
    pub path: u64,
    /// The guest's flags, as the host has them.
    pub flags: u64,
    /// `RESOLVE_...`.
    pub resolve: u64,
}

/// `O_ACCMODE`, but for reading: 0.
const ACCESS: u64 = 3;
const O_TRUNC: u64 = 0o1_000;
const O_PATH: u64 = 0o10_000_000;

impl Opening {
    /// Whether the file could be changed by it.
    const fn changes(&self) -> bool {
        self.flags & O_PATH == 0 && self.flags & (ACCESS | O_TRUNC) != 0
    }

    /// Whether it can only be a directory, or a file that is new.
    const fn is_plain(&self) -> bool {
        const O_CREAT_EXCL: u64 = 0o300;
        const O_DIRECTORY: u64 = 0o200_000;
        self.flags & O_DIRECTORY != 0 || self.flags & O_CREAT_EXCL == O_CREAT_EXCL
    }

    /// What of the flags matters to a file that is there and was found.
    const fn host_flags(&self) -> u64 {
        const O_CREAT: u64 = 0o100;
        self.flags & !(O_CREAT | O_TRUNC)
    }
}

/// What the guest gets where the host gave this: the same descriptor, or one of
/// what the guest is to see.
///
/// # Errors
/// The kernel's, or what the guest's kernel would have said.
pub fn opened(
    process: &Process,
    thread: &Thread,
    opening: &Opening,
    result: Result<u64, Errno>,
) -> Result<u64, Errno> {
    let own = thread.own(process);
    let fd = match result {
        Ok(fd) if opening.is_plain() => return Ok(fd),
        Ok(fd) => fd,
        Err(error) => return denied(own, opening, error),
    };
    let number = i32::try_from(fd).map_err(|_| Errno::EBADF)?;
    // Not closed here: the guest has it.
    let file = ManuallyDrop::new(Fd::new(number));
    let Ok(status) = file.status() else {
        return Ok(fd);
    };
    let which = Identity::from(&status);
    if is_engine(which)
        && let Some(path) = super::string(opening.path)
        && exe_link::ends_there(opening.directory, &path)
    {
        // Who looks may need the last descriptor.
        drop(ManuallyDrop::into_inner(file));
        return match exe_link::of_file(own, &status, opening.directory, &path) {
            Some(target) => open(opening, target.directory, &target.path),
            // It is an engine that runs nobody's program.
            None => {
                let path = CString::new(path).map_err(|_| Errno::ENOENT)?;
                open(opening, opening.directory, &path)
            }
        };
    }
    if opening.changes() && which == own.file {
        drop(ManuallyDrop::into_inner(file));
        return Err(Errno::ETXTBSY);
    }
    if memory_file::is_refused(&file, &status, opening.flags, process.tracees.is_any()) {
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

/// Opens a program. One that runs can't be changed.
fn open(opening: &Opening, directory: i32, path: &CStr) -> Result<u64, Errno> {
    let file = Fd::open_at(directory, path, opening.host_flags())?;
    if opening.changes() {
        return Err(Errno::ETXTBSY);
    }
    let file = ManuallyDrop::new(file);
    Ok(u64::from(file.number().unsigned_abs()))
}

/// What the host has refused may have been the engine's file, of which others
/// may do less than of theirs.
fn denied(own: Own, opening: &Opening, error: Errno) -> Result<u64, Errno> {
    const REASONS: [Errno; 4] = [Errno::EACCES, Errno::EPERM, Errno::EROFS, Errno::ETXTBSY];
    let target = || {
        let path = CString::new(super::string(opening.path)?).ok()?;
        exe_link::of_path(own, opening.directory, &path)
    };
    match REASONS.contains(&error).then(target).flatten() {
        Some(target) => open(opening, target.directory, &target.path),
        None => Err(error),
    }
}
