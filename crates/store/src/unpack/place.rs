//! Where an entry goes: its folder in the layer, made with what the layers below
//! say of it.
//!
//! A path is gone along in the merged root: in this layer first, then in
//! those below, whose whiteouts and opaque folders hide what is under them.
//! Links are followed here, never by the kernel: every open is beneath the
//! layer's own root and refuses links (`openat2`, Linux 5.6). So no path leaves it, and
//! there is no moment between a look and a use in which a link could.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat, openat2, statat};
use rustix::io::Errno;

use super::Lower;
use crate::error::Trouble;

/// How many symbolic links are followed in one path, as in the kernel.
pub(crate) const LINKS_MAX: usize = 40;

/// The names of a path without links, from the root down.
pub(crate) type Canonical = Vec<Vec<u8>>;

/// What is at a name of the merged root.
#[derive(Debug)]
pub(crate) enum Seen {
    Nothing,
    Directory(Stat),
    Symlink(Vec<u8>),
    /// A file or another kind.
    Other(Stat),
}

/// Where a path leads.
#[derive(Debug)]
pub(crate) struct Reached {
    pub(crate) at: Canonical,
    /// A part of it was not there, or no directory.
    pub(crate) missing: bool,
}

pub(crate) fn flags(more: OFlags) -> OFlags {
    OFlags::CLOEXEC | OFlags::NOFOLLOW | more
}

/// Opens a directory below a root, through no link and no mount.
pub(crate) fn open_folder(root: impl AsFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    let path = if path.is_empty() { b"." } else { path };
    loop {
        match openat2(
            &root,
            path,
            flags(OFlags::PATH | OFlags::DIRECTORY),
            Mode::empty(),
            resolve,
        ) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return other,
        }
    }
}

/// What is at a name in one layer; `None` where the layer says nothing of it.
pub(crate) fn look_in(folder: impl AsFd, name: &[u8]) -> io::Result<Option<(Stat, FileType)>> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some((stat, FileType::from_raw_mode(stat.st_mode)))),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// A character device 0:0, by which overlay knows what is deleted.
pub(crate) fn is_whiteout(stat: &Stat, kind: FileType) -> bool {
    kind == FileType::CharacterDevice && stat.st_rdev == 0
}

pub(crate) fn read_link(folder: impl AsFd, name: &[u8]) -> io::Result<Vec<u8>> {
    let target = rustix::fs::readlinkat(folder, name, Vec::new())?;
    Ok(std::ffi::OsString::from_vec(target.into_bytes()).into_vec())
}

fn seen(folder: impl AsFd, name: &[u8], stat: Stat, kind: FileType) -> io::Result<Seen> {
    Ok(match kind {
        _ if is_whiteout(&stat, kind) => Seen::Nothing,
        FileType::Directory => Seen::Directory(stat),
        FileType::Symlink => Seen::Symlink(read_link(folder, name)?),
        _ => Seen::Other(stat),
    })
}

/// The layer that is made, over those below.
#[derive(Debug)]
pub(crate) struct Merged<'a> {
    pub(crate) root: OwnedFd,
    pub(crate) lowers: &'a [Lower],
    /// Folders of this layer that hide what is below.
    pub(crate) opaque: BTreeSet<Vec<u8>>,
}

/// Whether a folder or one above it is opaque.
fn hides(opaque: &BTreeSet<Vec<u8>>, at: &[Vec<u8>]) -> bool {
    !opaque.is_empty()
        && (0..=at.len()).any(|n| {
            let part = at.get(..n).unwrap_or_default();
            opaque.contains(&part.join(&b'/'))
        })
}

impl Merged<'_> {
    /// What is at a name of a folder, by this layer and those below.
    pub(crate) fn look(&self, at: &[Vec<u8>], name: &[u8]) -> io::Result<Seen> {
        match open_folder(&self.root, &at.join(&b'/')) {
            Ok(folder) => {
                if let Some((stat, kind)) = look_in(&folder, name)? {
                    return seen(&folder, name, stat, kind);
                }
            }
            // The layer has another thing there, or nothing.
            Err(Errno::NOENT) => {}
            Err(Errno::NOTDIR | Errno::LOOP) => return Ok(Seen::Nothing),
            Err(e) => return Err(e.into()),
        }
        if hides(&self.opaque, at) {
            return Ok(Seen::Nothing);
        }
        Ok(self
            .look_below(at, name)?
            .map_or(Seen::Nothing, |(_, seen)| seen))
    }

    /// What the layers below have there, and which of them.
    pub(crate) fn look_below(
        &self,
        at: &[Vec<u8>],
        name: &[u8],
    ) -> io::Result<Option<(usize, Seen)>> {
        look_through(self.lowers, at, name)
    }

    /// Goes along a path's folders, through links, inside the root.
    pub(crate) fn reach(&self, path: &[u8], entry: &str) -> Result<Reached, Trouble> {
        let system = |e: io::Error| Trouble::System(entry.to_owned(), e);
        let mut left: Canonical = parts(path).rev().collect();
        let mut at: Canonical = Vec::new();
        let (mut links, mut missing) = (0, false);
        while let Some(name) = left.pop() {
            if name == b".." {
                at.pop();
                continue;
            }
            match self.look(&at, &name).map_err(system)? {
                Seen::Directory(_) => at.push(name),
                Seen::Symlink(target) => {
                    links += 1;
                    if links > LINKS_MAX {
                        let text = format!("'{entry}' lies in a loop of symbolic links");
                        return Err(Trouble::Bad(text));
                    }
                    if target.starts_with(b"/") {
                        at.clear();
                    }
                    left.extend(parts(&target).rev());
                }
                Seen::Nothing | Seen::Other(_) => {
                    missing = true;
                    at.push(name);
                }
            }
            if at.len() > 2048 {
                return Err(Trouble::Bad(format!("the path of '{entry}' is too long")));
            }
        }
        Ok(Reached { at, missing })
    }
}

/// What layers, the topmost first, have at a name of a folder, and which of them.
pub(crate) fn look_through(
    layers: &[Lower],
    at: &[Vec<u8>],
    name: &[u8],
) -> io::Result<Option<(usize, Seen)>> {
    for (number, lower) in layers.iter().enumerate() {
        let mut hidden = hides(&lower.opaque, at);
        match open_folder(&lower.root, &at.join(&b'/')) {
            Ok(folder) => {
                if let Some((stat, kind)) = look_in(&folder, name)? {
                    return Ok(Some((number, seen(&folder, name, stat, kind)?)));
                }
            }
            Err(Errno::NOENT) => hidden |= lower.ends(at)?,
            Err(Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(e) => return Err(e.into()),
        }
        if hidden {
            return Ok(None);
        }
    }
    Ok(None)
}

impl Lower {
    /// Whether a part of this path is in the layer as something else than a
    /// directory, which hides all that is below.
    fn ends(&self, at: &[Vec<u8>]) -> io::Result<bool> {
        for n in 0..at.len() {
            let (above, name) = (at.get(..n).unwrap_or_default(), at.get(n));
            let Ok(folder) = open_folder(&self.root, &above.join(&b'/')) else {
                return Ok(false);
            };
            let name = name.map(Vec::as_slice).unwrap_or_default();
            match look_in(&folder, name)? {
                None => return Ok(false),
                Some((_, FileType::Directory)) => {}
                Some(_) => return Ok(true),
            }
        }
        Ok(false)
    }
}

/// A path's names; `.` is none.
pub(crate) fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> + '_ {
    path.split(|b| *b == b'/')
        .filter(|p| !p.is_empty() && *p != b".")
        .map(<[u8]>::to_vec)
}
