//! Mounts as descriptors: made, or copied from the machine, before the root is
//! changed; put at their paths after. So a path inside is only ever looked up in
//! the container's own root, and no link of the image leads out of it.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

/// No set-user-ID programs and no devices in it.
pub(super) const PLAIN: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// The same, and no programs either.
pub(super) const DATA: MountAttrFlags = PLAIN.union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// How many links a path may have.
const LINKS_MAX: usize = 40;

/// A new file system, mounted nowhere yet. An option without a value is a flag.
pub(super) fn new(
    kind: &str,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Errno> {
    let fs = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        match *value {
            "" => fsconfig_set_flag(&fs, *key)?,
            value => fsconfig_set_string(&fs, *key, value)?,
        }
    }
    fsconfig_create(&fs)?;
    fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// A copy of what is mounted at a path, with all below it, mounted nowhere yet.
pub(super) fn copy(path: &Path) -> Result<OwnedFd, Errno> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    flags |= OpenTreeFlags::AT_RECURSIVE;
    open_tree(CWD, path, flags)
}

/// Makes a mount read-only, and with `all` also those below it.
pub(super) fn make_read_only(mount: impl AsFd, all: bool) -> Result<(), Errno> {
    // SAFETY: an all-zero value of this struct of numbers means "change nothing".
    let mut change: libc::mount_attr = unsafe { std::mem::zeroed() };
    change.attr_set = libc::MOUNT_ATTR_RDONLY;
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

/// A copy that nobody can write through. What needs the newest call of all that a
/// container is made with, and each container has some.
pub(super) fn read_only_copy(path: &Path) -> io::Result<OwnedFd> {
    let mount = copy(path)?;
    match make_read_only(&mount, true) {
        Err(Errno::NOSYS) => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "a container needs Linux 5.12 or newer (mount_setattr); here foreign programs run after \
             `sudo armistice register`, in Docker, Podman or a chroot",
        )),
        done => Ok(done.map(|()| mount)?),
    }
}

/// Puts a mount at a path, which must exist.
pub(super) fn put(mount: impl AsFd, at: &Path) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_SYMLINKS;
    move_mount(mount, c"", CWD, at, flags)
}

/// Makes a place for a mount: a folder or an empty file, with the folders above
/// it. Links are followed, also to what is not there yet.
pub(super) fn make_place(at: &Path, folder: bool) -> io::Result<PathBuf> {
    let place = resolve(at)?;
    if folder {
        fs::create_dir_all(&place)?;
    } else if !place.exists() {
        if let Some(above) = place.parent() {
            fs::create_dir_all(above)?;
        }
        File::create(&place)?;
    }
    Ok(place)
}

/// Where a path leads, as far as links go; the rest need not exist.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut left: Vec<PathBuf> = parts(path);
    let mut at = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = left.pop() {
        if part.as_os_str() == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        let Ok(target) = fs::read_link(&next) else {
            at = next;
            continue;
        };
        links += 1;
        if links > LINKS_MAX {
            return Err(Errno::LOOP.into());
        }
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        left.extend(parts(&target));
    }
    Ok(at)
}

/// A path's names, the last one first.
fn parts(path: &Path) -> Vec<PathBuf> {
    path.components()
        .rev()
        .filter(|c| matches!(c, Component::Normal(_) | Component::ParentDir))
        .map(|c| PathBuf::from(c.as_os_str()))
        .collect()
}
