//! The live table: one directory of the kernel's, read and written by file.
//!
//! Holds an open directory, not a path, so that a table that is mounted
//! nowhere (see [`crate::situation`]) is handled like any other.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, Dir, Mode, OFlags, StatVfsMountFlags};
use rustix::io::Errno;

use crate::entry::{Entry, parse_entry};
use crate::error::BinfmtError;

/// The name of the entry that is a note and no emulator's ([`crate::note`]), and its
/// ending.
pub(crate) const NOTE: &str = "armistice-installed";

/// BINFMTFS_MAGIC in `include/uapi/linux/magic.h`.
pub const BINFMTFS_MAGIC: i64 = 0x4249_4e4d;

/// A table, open for use. It is changed through a [`Locked`](crate::Locked).
#[derive(Debug)]
pub struct Table {
    dir: OwnedFd,
    /// Where it is mounted; `None` for a view of our own.
    path: Option<PathBuf>,
    /// The mount behind a view of our own; it ends with this descriptor.
    _view: Option<OwnedFd>,
}

/// All of a table at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// The main switch.
    pub enabled: bool,
    /// The entries in the order in which the kernel asks them: newest first.
    pub entries: Vec<Entry>,
}

impl Snapshot {
    /// A table that is switched on and has no entry.
    #[must_use]
    pub fn empty() -> Snapshot {
        Snapshot {
            enabled: true,
            entries: Vec::new(),
        }
    }

    /// The entry of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.name == name)
    }
}

impl Table {
    /// The table mounted at this path, or `None` where something else is there.
    #[must_use]
    pub fn at(path: &Path) -> Option<Table> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::open(path, flags, Mode::empty()).ok()?;
        let is_table = rustix::fs::fstatfs(&dir).is_ok_and(|fs| fs.f_type == BINFMTFS_MAGIC);
        is_table.then(|| Table {
            dir,
            path: Some(path.to_owned()),
            _view: None,
        })
    }

    /// A table that is mounted nowhere, through the descriptor that fsmount(2)
    /// gave (which names a place and cannot be read itself).
    pub(crate) fn view(mount: OwnedFd) -> Result<Table, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(&mount, ".", flags, Mode::empty())?;
        Ok(Table {
            dir,
            path: None,
            _view: Some(mount),
        })
    }

    /// Where it is mounted, if it is.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Its device number: the same for every mount of the same table.
    #[must_use]
    pub fn device(&self) -> u64 {
        rustix::fs::fstat(&self.dir).map_or(0, |s| s.st_dev)
    }

    /// The user that the kernel's files belong to, as seen from here.
    pub(crate) fn owner(&self) -> Option<u32> {
        rustix::fs::statat(&self.dir, "register", AtFlags::empty())
            .ok()
            .map(|s| s.st_uid)
    }

    pub(crate) fn dir(&self) -> impl AsFd + '_ {
        &self.dir
    }

    /// Whether the caller may write, without writing.
    ///
    /// # Errors
    /// [`BinfmtError::ReadOnly`] or [`BinfmtError::NoRight`].
    pub fn check_writable(&self) -> Result<(), BinfmtError> {
        let read_only = rustix::fs::fstatvfs(&self.dir)
            .is_ok_and(|v| v.f_flag.contains(StatVfsMountFlags::RDONLY));
        if read_only {
            return Err(BinfmtError::ReadOnly { at: self.shown() });
        }
        rustix::fs::accessat(&self.dir, "register", Access::WRITE_OK, AtFlags::EACCESS)
            .map_err(|errno| self.unwritable(errno))
    }

    /// Why `register` cannot be opened for writing.
    pub(crate) fn unwritable(&self, errno: Errno) -> BinfmtError {
        match errno {
            Errno::ROFS => BinfmtError::ReadOnly { at: self.shown() },
            other => BinfmtError::NoRight {
                missing: "only root (uid 0) may write to it".to_owned(),
                source: Some(other.into()),
            },
        }
    }

    /// Reads everything but the note, which is no handler.
    ///
    /// # Errors
    /// [`BinfmtError::Io`]. An entry that vanishes meanwhile is left out.
    pub fn snapshot(&self) -> Result<Snapshot, BinfmtError> {
        let enabled = self
            .read("status")?
            .is_some_and(|text| text.trim() == "enabled");
        let listing = |source: Errno| self.failed("list", "", source);
        let mut entries = Vec::new();
        for file in Dir::read_from(&self.dir).map_err(listing)? {
            let file = file.map_err(listing)?;
            let name = file.file_name().to_string_lossy().into_owned();
            if matches!(name.as_str(), "." | ".." | "register" | "status" | NOTE) {
                continue;
            }
            if let Some(text) = self.read(&name)? {
                entries.push(parse_entry(&name, &text));
            }
        }
        Ok(Snapshot { enabled, entries })
    }

    /// Writes a line of our own making that is no [`Registration`].
    pub(crate) fn write(&self, file: &str, text: &str) -> Result<(), Errno> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.dir, file, flags, Mode::empty())?;
        // One write is one command to the kernel: never split, never retried in part.
        rustix::io::write(&fd, text.as_bytes()).map(|_| ())
    }

    /// Removes an entry that is no handler: without the lock, which would
    /// hold a table of which it is to be seen whether somebody else holds it.
    pub(crate) fn remove_probe(&self, name: &str) -> Result<(), BinfmtError> {
        match self.write(name, "-1") {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.failed("remove", name, errno)),
        }
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        rustix::fs::statat(&self.dir, name, AtFlags::empty()).is_ok()
    }

    fn read(&self, file: &str) -> Result<Option<String>, BinfmtError> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(&self.dir, file, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(self.failed("read", file, errno)),
        };
        // The kernel makes the text in one page.
        let mut page = vec![0u8; 8192];
        let len = rustix::io::read(&fd, &mut page[..])
            .map_err(|errno| self.failed("read", file, errno))?;
        Ok(Some(String::from_utf8_lossy(&page[..len]).into_owned()))
    }

    pub(crate) fn shown(&self) -> PathBuf {
        self.path
            .clone()
            .unwrap_or_else(|| PathBuf::from(crate::STANDARD_PATH))
    }

    pub(crate) fn failed(&self, what: &'static str, file: &str, errno: Errno) -> BinfmtError {
        let mut path = self.shown();
        if !file.is_empty() {
            path.push(file);
        }
        BinfmtError::Io {
            what,
            path,
            source: errno.into(),
        }
    }
}
