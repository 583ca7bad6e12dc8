//! Owners, modes, times and extended attributes of what was made.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use armistice_oci::stream::Attributes;
use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags, chownat, fchmod, fgetxattr,
    flistxattr, fsetxattr, openat, utimensat,
};
use rustix::io::Errno;

use super::place::flags;
use crate::error::Trouble;
use crate::ids::Owners;

/// Gives a file, by its name in an open folder, its owner.
pub(crate) fn own(
    folder: impl AsFd,
    name: &[u8],
    owners: Owners,
    (uid, gid): (u64, u64),
    entry: &str,
) -> Result<(), Trouble> {
    if owners == Owners::Lost {
        return Ok(());
    }
    // The greatest number means "leave it as it is".
    let number = |id: u64| u32::try_from(id).ok().filter(|id| *id != u32::MAX);
    let (user, group) = number(uid)
        .zip(number(gid))
        .ok_or_else(|| Trouble::NoOwner(entry.to_owned(), uid, gid))?;
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
    match chownat(
        folder,
        name,
        Some(user),
        Some(group),
        AtFlags::SYMLINK_NOFOLLOW,
    ) {
        Ok(()) => Ok(()),
        Err(Errno::INVAL) => Err(Trouble::Owner(entry.to_owned(), uid, gid)),
        Err(e) => Err(Trouble::System(entry.to_owned(), e.into())),
    }
}

/// Sets a time by name.
pub(crate) fn touch(folder: impl AsFd, name: &[u8], seconds: i64, nanos: u32) -> io::Result<()> {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: nanos.into(),
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    match utimensat(folder, name, &times, AtFlags::SYMLINK_NOFOLLOW) {
        // A time that the filesystem has no room for is no reason to fail.
        Err(Errno::INVAL | Errno::OVERFLOW) | Ok(()) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

pub(crate) fn set_mode(file: impl AsFd, mode: u32) -> io::Result<()> {
    Ok(fchmod(file, Mode::from_raw_mode(mode & 0o7777))?)
}

/// A directory, for what can't be done by a path's descriptor.
pub(crate) fn open_to_read(folder: impl AsFd, name: &[u8]) -> io::Result<OwnedFd> {
    Ok(openat(
        folder,
        name,
        flags(OFlags::RDONLY | OFlags::DIRECTORY),
        Mode::empty(),
    )?)
}

/// The most that Linux has of names, and of a value (`XATTR_LIST_MAX`, `XATTR_SIZE_MAX`).
const XATTRS_MAX: usize = 64 * 1024;

/// Whether a layer may set this attribute: never one that steers overlay.
fn may_set(name: &[u8]) -> bool {
    name == b"security.capability"
        || (name.starts_with(b"user.") && !name.starts_with(b"user.overlay."))
}

/// Sets extended attributes; how many were left out.
pub(crate) fn set_xattrs(file: impl AsFd, attributes: &Attributes) -> io::Result<u64> {
    let mut left_out = 0;
    for (name, value) in &attributes.xattrs {
        if !may_set(name) || name.contains(&0) {
            left_out += 1;
            continue;
        }
        match fsetxattr(&file, name.as_slice(), value, XattrFlags::empty()) {
            Ok(()) => {}
            Err(e @ (Errno::NOSPC | Errno::DQUOT | Errno::IO)) => return Err(e.into()),
            Err(_) => left_out += 1,
        }
    }
    Ok(left_out)
}

/// Gives a copy what its original has.
pub(crate) fn copy_xattrs(from: impl AsFd, to: impl AsFd) -> io::Result<()> {
    let mut names = vec![0; XATTRS_MAX];
    let len = flistxattr(&from, &mut names[..])?;
    let mut value = vec![0; XATTRS_MAX];
    for name in names.get(..len).unwrap_or_default().split(|b| *b == 0) {
        if may_set(name) {
            let len = fgetxattr(&from, name, &mut value[..])?;
            let value = value.get(..len).unwrap_or_default();
            fsetxattr(&to, name, value, XattrFlags::empty())?;
        }
    }
    Ok(())
}

/// Marks a directory as hiding what is below, in both ways that overlay knows.
pub(crate) fn set_opaque(folder: impl AsFd) -> io::Result<()> {
    let user = fsetxattr(&folder, c"user.overlay.opaque", b"y", XattrFlags::empty());
    let trusted = fsetxattr(
        &folder,
        c"trusted.overlay.opaque",
        b"y",
        XattrFlags::empty(),
    );
    match (user, trusted) {
        (Err(e), Err(_)) => Err(e.into()),
        _ => Ok(()),
    }
}
