//! The system calls that make the namespaces and the table.
//!
//! Nothing here allocates or takes a lock, so that [`crate::probe`] may use it
//! in the child of a process with threads.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use armistice_binfmt::BINFMTFS_MAGIC;
use rustix::fs::{CWD, Mode, OFlags, open, statfs};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags,
    fsconfig_create, fsmount, fsopen, mount_change, move_mount,
};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::Step;

/// Where everybody looks for the table.
pub(crate) const TABLE: &CStr = c"/proc/sys/fs/binfmt_misc";

/// What failed, and how.
pub(crate) type Refusal = (Step, Errno);

/// Leaves for a new user namespace, and with `mounts` for a new mount
/// namespace that belongs to it.
pub(crate) fn unshare(mounts: bool) -> Result<(), Refusal> {
    let flags = if mounts {
        UnshareFlags::NEWUSER | UnshareFlags::NEWNS
    } else {
        UnshareFlags::NEWUSER
    };
    // SAFETY: the file descriptors stay shared (no UnshareFlags::FILES), which
    // is all that the function's contract is about.
    unsafe { unshare_unsafe(flags) }.map_err(|e| (Step::Unshare, e))
}

/// Writes this process's own maps: one identity each.
pub(crate) fn write_own(uid: &[u8], gid: &[u8]) -> Result<(), Refusal> {
    let write = |path: &CStr, text: &[u8]| {
        let file = open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::write(&file, text).map(drop)
    };
    // Without rights outside, groups may be mapped only once setgroups is given up.
    write(c"/proc/self/setgroups", b"deny")
        .and_then(|()| write(c"/proc/self/uid_map", uid))
        .and_then(|()| write(c"/proc/self/gid_map", gid))
        .map_err(|e| (Step::Map, e))
}

/// From here on mounts made inside stay inside; those made outside still come
/// in, as a shell's user expects.
pub(crate) fn keep_mounts_inside() -> Result<(), Refusal> {
    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change(c"/", flags).map_err(|e| (Step::Mounts, e))
}

/// A new table, mounted nowhere yet.
pub(crate) fn new_table() -> Result<OwnedFd, Refusal> {
    fsopen(c"binfmt_misc", FsOpenFlags::FSOPEN_CLOEXEC)
        .and_then(|fs| {
            fsconfig_create(&fs)?;
            let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
                | MountAttrFlags::MOUNT_ATTR_NODEV
                | MountAttrFlags::MOUNT_ATTR_NOEXEC;
            fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
        })
        .map_err(|e| (Step::Table, e))
}

/// Puts a table at a path. On most systems an automount waits at the usual
/// path, which mount(2) would set off on the host; move_mount(2) does not.
pub(crate) fn place(table: impl AsFd, at: &CStr) -> Result<(), Errno> {
    move_mount(table, c"", CWD, at, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
    if statfs(at)?.f_type as i64 == BINFMTFS_MAGIC {
        Ok(())
    } else {
        Err(Errno::NOENT)
    }
}
