//! Mounts as descriptors: made, or copied from the machine, before the root is
//! changed; put in their places (`place`) after. So a path inside is only ever looked up in
//! the container's own root, and no link of the image leads out of it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

use super::place::Place;

/// No set-user-ID programs and no devices in it.
pub(super) const PLAIN: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// The same, and no programs either.
pub(super) const DATA: MountAttrFlags = PLAIN.union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// With all that is mounted below.
const COPY: OpenTreeFlags = OpenTreeFlags::OPEN_TREE_CLONE
    .union(OpenTreeFlags::OPEN_TREE_CLOEXEC)
    .union(OpenTreeFlags::AT_RECURSIVE);

/// A new file system, mounted nowhere yet. An option without a value is a flag.
pub(super) fn new(
    kind: &str,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Errno> {
    new_telling(kind, options, attributes).map_err(|(_, errno)| errno)
}

/// An option, if one was refused, and why.
pub(super) type Refused<'a> = (Option<(&'a str, &'a str)>, Errno);

/// The same; an error names the option that was refused, if one was.
pub(super) fn new_telling<'a>(
    kind: &str,
    options: &[(&'a str, &'a str)],
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Refused<'a>> {
    let all = |errno| (None, errno);
    let fs = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).map_err(all)?;
    for (key, value) in options {
        let set = match *value {
            "" => fsconfig_set_flag(&fs, *key),
            value => fsconfig_set_string(&fs, *key, value),
        };
        set.map_err(|errno| (Some((*key, *value)), errno))?;
    }
    fsconfig_create(&fs).map_err(all)?;
    fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, attributes).map_err(all)
}

/// A copy of what is mounted at a path, with all below it, mounted nowhere yet.
pub(super) fn copy(path: &Path) -> Result<OwnedFd, Errno> {
    open_tree(CWD, path, COPY)
}

/// The same of a place in the container's root.
pub(super) fn copy_of(place: &Place) -> Result<OwnedFd, Errno> {
    open_tree(&place.descriptor, "", COPY | OpenTreeFlags::AT_EMPTY_PATH)
}

/// Makes a mount read-only, and with `all` also those below it.
pub(super) fn make_read_only(mount: impl AsFd, all: bool) -> Result<(), Errno> {
    restrict(mount, libc::MOUNT_ATTR_RDONLY, all)
}

/// Makes devices in a mount, and in those below it, no more than names: user 0 inside may be
/// the machine's own, to whom its disks are open by their owner alone.
pub(super) fn without_devices(mount: OwnedFd) -> io::Result<OwnedFd> {
    restrict(&mount, libc::MOUNT_ATTR_NODEV, true)?;
    Ok(mount)
}

fn restrict(mount: impl AsFd, attributes: u64, all: bool) -> Result<(), Errno> {
    // SAFETY: an all-zero value of this struct of numbers means "change nothing".
    let mut change: libc::mount_attr = unsafe { std::mem::zeroed() };
    change.attr_set = attributes;
    let mut flags = libc::AT_EMPTY_PATH;
    if all {
        flags |= libc::AT_RECURSIVE;
    }
    // SAFETY: the path is an empty C string, and the struct lives through the call
    // with its right size.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const change,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 {
        return Ok(());
    }
    Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO))
}

/// A copy that nobody can write through.
pub(super) fn read_only_copy(path: &Path) -> io::Result<OwnedFd> {
    let mount = copy(path)?;
    make_read_only(&mount, true)?;
    Ok(mount)
}

/// Whether the kernel is too old to restrict a mount with those below it, which is the newest
/// call of all that each container is made with.
pub(super) fn lacks_setattr() -> bool {
    restrict(CWD, 0, false) == Err(Errno::NOSYS)
}

/// Puts a mount at a path of the machine's, which must exist and is this process's own.
pub(super) fn put(mount: impl AsFd, at: &Path) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_SYMLINKS;
    move_mount(mount, c"", CWD, at, flags)
}

/// Puts a mount at a place in the container's root.
pub(super) fn put_at(mount: impl AsFd, place: &Place) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(mount, c"", &place.descriptor, c"", flags)
}
