//! Trees removed by name in an open folder, through no link.
//!
//! A layer's folders may be deeper than a process has descriptors, and its paths
//! longer than the kernel takes. So a folder is opened by its name in the one above,
//! and one that lies [`DEPTH`] below the top is moved up to the top, whose
//! turn then comes again. Folders that forbid it to their owner are opened up first.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, Mode, OFlags, chmodat, fchmod, fstat, openat, renameat, unlinkat};
use rustix::io::Errno;

/// How many folders are open at a time; each takes two descriptors.
const DEPTH: usize = 24;

/// Removes a name of an open folder, and all that is below it.
pub(crate) fn remove_in(folder: impl AsFd, name: &[u8]) -> io::Result<()> {
    match unlinkat(&folder, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => {}
        other => return Ok(other?),
    }
    let top = open(&folder, name)?;
    let mut moved = 0;
    loop {
        let before = moved;
        empty(&top, &top, 0, &mut moved)?;
        if moved == before {
            break;
        }
    }
    Ok(unlinkat(&folder, name, AtFlags::REMOVEDIR)?)
}

/// Removes what is in a folder; what is too deep goes up to the top.
fn empty(top: &OwnedFd, folder: &OwnedFd, depth: usize, moved: &mut u64) -> io::Result<()> {
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        match unlinkat(folder, name, AtFlags::empty()) {
            Err(Errno::ISDIR) if depth < DEPTH => {
                let inside = open(folder, name)?;
                empty(top, &inside, depth + 1, moved)?;
                unlinkat(folder, name, AtFlags::REMOVEDIR)?;
            }
            Err(Errno::ISDIR) => move_up(top, folder, name, moved)?,
            Ok(()) | Err(Errno::NOENT) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

/// Moves a folder to the top, under a name that is free there.
fn move_up(top: &OwnedFd, folder: &OwnedFd, name: &[u8], moved: &mut u64) -> io::Result<()> {
    // A folder that changes its parent is written to.
    open(folder, name)?;
    loop {
        let new = format!("deep-{moved}");
        *moved += 1;
        match renameat(folder, name, top, &new) {
            Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
            other => return Ok(other?),
        }
    }
}

/// Opens a directory, which its owner may then read and change.
fn open(folder: impl AsFd, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = match openat(&folder, name, flags, Mode::empty()) {
        // The name is a directory's, as the kernel has just said, and nobody else
        // changes it: no link is followed.
        Err(Errno::ACCESS) => {
            chmodat(&folder, name, Mode::RWXU, AtFlags::empty())?;
            openat(&folder, name, flags, Mode::empty())?
        }
        other => other?,
    };
    let mode = Mode::from_raw_mode(fstat(&opened)?.st_mode);
    if !mode.contains(Mode::RWXU) {
        fchmod(&opened, mode | Mode::RWXU)?;
    }
    Ok(opened)
}
