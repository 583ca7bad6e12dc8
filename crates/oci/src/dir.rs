//! A plain folder as a root: an unpacked image, a chroot, a mounted disk.
//!
//! The kernel resolves every path with the folder as its root
//! (`openat2`, `RESOLVE_IN_ROOT`, Linux 5.6), so no link in it leads outside.
//! Only regular files are ever opened for reading; devices and pipes are not.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat2};
use rustix::io::Errno;

use crate::Error;
use crate::root::{FileInfo, FileKind, Lookup, Missing, Root};

/// How often a path is tried again when the tree changes under the look-up.
const RETRIES: usize = 16;

/// A folder that stands for a container's root.
#[derive(Debug)]
pub struct DirRoot {
    path: PathBuf,
    fd: OwnedFd,
}

impl DirRoot {
    /// Opens a folder.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn open(path: &Path) -> Result<DirRoot, Error> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(fd) => Ok(DirRoot {
                path: path.to_owned(),
                fd,
            }),
            Err(e) => Err(Error::Open {
                path: path.to_owned(),
                source: e.into(),
            }),
        }
    }

    /// The folder, as it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open_inside(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let flags = flags | OFlags::CLOEXEC;
        // The root itself has no name; an empty path would be ENOENT.
        let path = if path.as_os_str().is_empty() {
            Path::new("/")
        } else {
            path
        };
        for _ in 0..RETRIES {
            match openat2(&self.fd, path, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
        Err(Errno::AGAIN)
    }

    fn failed(&self, path: &Path, source: io::Error) -> Error {
        Error::Folder {
            root: self.path.clone(),
            path: path.to_owned(),
            source,
        }
    }

    /// The path without links, as the kernel tells it; needs `/proc`.
    fn real_path(&self, fd: &OwnedFd) -> Option<PathBuf> {
        use std::os::fd::AsRawFd;
        let link = |fd: i32| std::fs::read_link(format!("/proc/self/fd/{fd}")).ok();
        let root = link(self.fd.as_raw_fd())?;
        let full = link(fd.as_raw_fd())?;
        Some(Path::new("/").join(full.strip_prefix(root).ok()?))
    }
}

/// The answer that an error number is, if it is one.
fn missing(e: Errno) -> Option<Missing> {
    match e {
        // A path that is too long, or holds a NUL, can't name anything.
        Errno::NOENT | Errno::NAMETOOLONG | Errno::INVAL => Some(Missing::NoEntry),
        Errno::NOTDIR => Some(Missing::NotADirectory),
        Errno::LOOP => Some(Missing::Loop),
        _ => None,
    }
}

impl Root for DirRoot {
    fn lookup(&self, path: &Path) -> Result<Lookup, Error> {
        if path.as_os_str().as_bytes().contains(&0) {
            return Ok(Lookup::Missing(Missing::NoEntry));
        }
        let fd = match self.open_inside(path, OFlags::PATH) {
            Ok(fd) => fd,
            Err(e) => {
                return match missing(e) {
                    Some(m) => Ok(Lookup::Missing(m)),
                    None => Err(self.failed(path, e.into())),
                };
            }
        };
        let stat = fstat(&fd).map_err(|e| self.failed(path, e.into()))?;
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => FileKind::Regular,
            FileType::Directory => FileKind::Directory,
            _ => FileKind::Other,
        };
        Ok(Lookup::Found(FileInfo {
            path: self.real_path(&fd).unwrap_or_else(|| path.to_owned()),
            kind,
            mode: stat.st_mode & 0o7777,
            size: match kind {
                FileKind::Regular => u64::try_from(stat.st_size).unwrap_or(0),
                _ => 0,
            },
        }))
    }

    fn read_at(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>, Error> {
        let Lookup::Found(info) = self.lookup(path)? else {
            return Err(Error::NoFile {
                path: path.to_owned(),
            });
        };
        if info.kind != FileKind::Regular {
            return Err(Error::NoFile {
                path: path.to_owned(),
            });
        }
        // Should the file have become a pipe since: don't wait for its writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = self
            .open_inside(path, flags)
            .map_err(|e| self.failed(path, e.into()))?;
        read_fully(&File::from(fd), offset, len).map_err(|e| self.failed(path, e))
    }
}

/// Beyond this no chunk could be read that ends at a valid offset.
const OFFSET_MAX: u64 = i64::MAX as u64 - (1 << 20);

/// Reads until `len` bytes or the end of the file.
pub(crate) fn read_fully(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    // A caller's `len` may be far beyond the file's; grow as bytes come.
    let mut out = Vec::new();
    let mut at = offset;
    // No file reaches so far, and the kernel would call it an invalid argument.
    if offset > OFFSET_MAX {
        return Ok(out);
    }
    while out.len() < len {
        let old = out.len();
        out.resize(old + (len - old).min(64 * 1024), 0);
        match file.read_at(out.get_mut(old..).unwrap_or_default(), at) {
            Ok(0) => {
                out.truncate(old);
                break;
            }
            Ok(n) => {
                out.truncate(old + n);
                at = at.saturating_add(n as u64);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => out.truncate(old),
            Err(e) => return Err(e),
        }
    }
    Ok(out)
}
