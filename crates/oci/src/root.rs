//! One interface to the files a container would see: an image's merged layers
//! ([`crate::Image`]) or a folder ([`crate::DirRoot`]). Paths are the
//! container's; symbolic links are followed inside the root, `..` stops at its
//! top, and more than [`MAX_LINKS`] links are a loop, as in the kernel.
//!
//! That a path leads nowhere is an answer ([`Lookup::Missing`]), not an error.

use std::path::{Path, PathBuf};

use crate::Error;

/// How many symbolic links are followed in one path.
pub const MAX_LINKS: usize = 40;

/// What a path leads to, after its symbolic links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Where it really is, without symbolic links; as asked where that is unknown.
    pub path: PathBuf,
    /// What it is.
    pub kind: FileKind,
    /// Its permission bits, with set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// A regular file's size in bytes, else 0.
    pub size: u64,
}

impl FileInfo {
    /// Whether it is a regular file that somebody may execute.
    #[must_use]
    pub fn is_executable(&self) -> bool {
        self.kind == FileKind::Regular && self.mode & 0o111 != 0
    }
}

/// The kinds of file that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A device, pipe or socket.
    Other,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// To this.
    Found(FileInfo),
    /// Nowhere.
    Missing(Missing),
}

impl Lookup {
    /// What was found.
    #[must_use]
    pub fn found(self) -> Option<FileInfo> {
        match self {
            Lookup::Found(info) => Some(info),
            Lookup::Missing(_) => None,
        }
    }
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// A part of it, or of a link's target, is not there.
    NoEntry,
    /// A part of it that is not the last is no directory.
    NotADirectory,
    /// Its symbolic links go in a circle.
    Loop,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Missing::NoEntry => "not there",
            Missing::NotADirectory => "below something that is no directory",
            Missing::Loop => "a loop of symbolic links",
        })
    }
}

/// A tree of files as a container would see it.
pub trait Root {
    /// Where a path leads. A relative path begins at the root.
    ///
    /// # Errors
    /// [`Error`] where the root itself can't be read.
    fn lookup(&self, path: &Path) -> Result<Lookup, Error>;

    /// Up to `len` bytes of a regular file from `offset`; fewer at its end.
    ///
    /// # Errors
    /// [`Error::NoFile`] where the path leads to no regular file, else where
    /// the root itself can't be read.
    fn read_at(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>, Error>;

    /// Up to `len` bytes of a regular file's beginning.
    ///
    /// # Errors
    /// As [`Root::read_at`].
    fn first_bytes(&self, path: &Path, len: usize) -> Result<Vec<u8>, Error> {
        self.read_at(path, 0, len)
    }
}
