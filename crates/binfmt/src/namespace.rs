//! Which user namespace the caller is in, and over which it has rights.
//!
//! By `/proc` where that is there, else by a pidfd (Linux 6.11). Where neither
//! tells, the namespace counts as a child: the machine's own is never assumed.
//! Sources: pid_namespaces(7), ioctl_ns(2), pidfd_open(2),
//! `include/uapi/linux/{nsfs,pidfd,fs}.h`.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use rustix::thread::CapabilitySet;

use crate::kernel::KernelVersion;

/// The number of the initial user namespace: USER_NS_INIT_INO (`include/uapi/linux/nsfs.h`).
pub const INITIAL_USER_NS: u64 = 0xEFFF_FFFD;
/// `_IO(0xFF, n)`.
const PIDFD_GET_MNT_NAMESPACE: libc::Ioctl = 0xFF03;
const PIDFD_GET_USER_NAMESPACE: libc::Ioctl = 0xFF09;
/// `_IO(0xb7, 1)`.
const NS_GET_USERNS: libc::Ioctl = 0xB701;
/// `_IOWR('X', 120, int)`.
const FITHAW: libc::Ioctl = 0xC004_5878u32 as libc::Ioctl;

/// Whether the caller uses the machine's own table: it is in the initial user
/// namespace, or the kernel has but one table.
#[must_use]
pub fn is_initial() -> bool {
    !KernelVersion::running().has_namespaces()
        || user().is_some_and(|ns| inode(&ns) == Some(INITIAL_USER_NS))
}

/// Whether the mount namespace belongs to the caller's user namespace.
pub(crate) fn owns_mount_namespace() -> bool {
    let owner =
        own("mnt", PIDFD_GET_MNT_NAMESPACE).and_then(|mnt| descriptor(&mnt, NS_GET_USERNS).ok());
    let (Some(owner), Some(user)) = (owner, user()) else {
        return false;
    };
    inode(&owner).is_some() && inode(&owner) == inode(&user)
}

/// Whether a file system belongs to the caller's user namespace or to one below
/// it; `None` where the caller lacks the right by which it would show.
///
/// Thawing a file system that is not frozen does nothing (EINVAL), but the right
/// to do it is asked for first (EPERM): CAP_SYS_ADMIN in the user namespace that
/// mounted it.
pub(crate) fn is_below(fs: impl AsFd) -> Option<bool> {
    match ioctl(&fs, FITHAW).err() {
        Some(Errno::PERM) => has_admin().then_some(false),
        Some(Errno::INVAL | Errno::OPNOTSUPP) | None => Some(true),
        Some(_) => None,
    }
}

/// Whether a process (its folder in `/proc`) is known to be in another user namespace.
pub(crate) fn is_anothers(process: &str) -> bool {
    let ns = std::fs::read_link(format!("{process}/ns/user"));
    let own = std::fs::read_link("/proc/self/ns/user");
    matches!((ns, own), (Ok(ns), Ok(own)) if ns != own)
}

/// Whether a file at this path would be an outer system's. That system knows nothing of the
/// caller's table: the caller is in a child user namespace, to which neither the file system
/// nor PID 1, which would read such a file at a boot, belongs. So it counts, too, where this
/// can't be told.
#[must_use]
pub fn is_outer(path: &Path) -> bool {
    if is_initial() {
        return false;
    }
    let own = std::fs::read_link("/proc/self/ns/user");
    let first = std::fs::read_link("/proc/1/ns/user");
    if matches!((own, first), (Ok(own), Ok(first)) if own == first) {
        return false;
    }
    // What is to be made will be in its folder's file system.
    let there = path.ancestors().find(|path| path.exists());
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    there
        .and_then(|path| rustix::fs::open(path, flags, Mode::empty()).ok())
        .is_none_or(|file| is_below(file) != Some(true))
}

/// Whether the caller has CAP_SYS_ADMIN in its user namespace.
pub(crate) fn has_admin() -> bool {
    rustix::thread::capabilities(None)
        .is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN))
}

fn user() -> Option<OwnedFd> {
    own("user", PIDFD_GET_USER_NAMESPACE)
}

/// One of this process's own namespaces.
fn own(name: &str, request: libc::Ioctl) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::open(format!("/proc/self/ns/{name}"), flags, Mode::empty())
        .ok()
        .or_else(|| {
            let pidfd = pidfd_open(getpid(), PidfdFlags::empty()).ok()?;
            descriptor(&pidfd, request).ok()
        })
}

/// A request that gives a descriptor.
fn descriptor(fd: impl AsFd, request: libc::Ioctl) -> Result<OwnedFd, Errno> {
    let answer = ioctl(fd, request)?;
    // SAFETY: just made by the kernel for this request, owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(answer) })
}

/// A request without an argument.
fn ioctl(fd: impl AsFd, request: libc::Ioctl) -> Result<i32, Errno> {
    // SAFETY: none of the requests here reads or writes memory of the caller's.
    let answer = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), request, 0) };
    if answer < 0 {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO));
    }
    Ok(answer)
}

fn inode(ns: &OwnedFd) -> Option<u64> {
    rustix::fs::fstat(ns).ok().map(|s| s.st_ino)
}
