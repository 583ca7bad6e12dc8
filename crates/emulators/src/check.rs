//! An emulator that passed every check, held open.
//!
//! The file is opened once and every check asks that descriptor, so what was
//! checked is what is identified and registered, whatever happens to the path
//! in between ([`Emulator::proc_path`] reaches the very file).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use armistice_arch::Arch;
use object::read::ReadCache;
use rustix::fs::{Access, AtFlags, CWD, StatVfsMountFlags};
use rustix::io::Errno;

use crate::Error;
use crate::image::{self, Fault};

/// Which file it is, independent of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId {
    /// The device.
    pub device: u64,
    /// The inode on it.
    pub inode: u64,
}

impl FileId {
    /// That of a file's metadata.
    #[must_use]
    pub fn of(metadata: &std::fs::Metadata) -> FileId {
        FileId {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// A file fit to be registered: regular, executable, whole, static, for this
/// machine, without borrowed rights, on a mount that allows execution.
#[derive(Debug)]
pub struct Emulator {
    path: PathBuf,
    file: File,
    id: FileId,
    size: u64,
    changed: (i64, i64),
}

impl Emulator {
    /// Opens the file and checks it.
    ///
    /// # Errors
    /// The first check that fails, as its own variant of [`Error`].
    pub fn open(path: &Path) -> Result<Emulator, Error> {
        let (file, canonical) = open_program(path)?;
        let unreadable = |source| Error::Read {
            path: canonical.clone(),
            source,
        };
        let metadata = file.metadata().map_err(unreadable)?;
        check_rights(&file, &metadata, &canonical)?;
        let verdict = image::inspect(&ReadCache::new(&file), Arch::host());
        verdict.map_err(|fault| of_fault(fault, &canonical, metadata.len()))?;
        Ok(Emulator {
            path: canonical,
            id: FileId::of(&metadata),
            size: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            file,
        })
    }

    /// The same open file once more.
    ///
    /// # Errors
    /// [`Error::Read`] where no further file may be open.
    pub fn try_clone(&self) -> Result<Emulator, Error> {
        let file = self.file.try_clone().map_err(|source| Error::Read {
            path: self.path.clone(),
            source,
        })?;
        Ok(Emulator {
            path: self.path.clone(),
            file,
            ..*self
        })
    }

    /// The path without symbolic links, as it was when the file was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path that reaches the open file itself, in this process only.
    #[must_use]
    pub fn proc_path(&self) -> PathBuf {
        proc_path(&self.file)
    }

    /// The open file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Which file it is.
    #[must_use]
    pub fn id(&self) -> FileId {
        self.id
    }

    /// Whether its path still names the file that was checked, unchanged.
    /// Where this is false, registering by path would register something else.
    #[must_use]
    pub fn is_still_at_its_path(&self) -> bool {
        std::fs::symlink_metadata(&self.path).is_ok_and(|now| {
            FileId::of(&now) == self.id
                && now.len() == self.size
                && (now.ctime(), now.ctime_nsec()) == self.changed
        })
    }
}

impl AsFd for Emulator {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// The name under /proc of a file that this process has open.
pub(crate) fn proc_path(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Opens a regular file for reading and tells its canonical path. Anything but
/// a regular file is refused before it is opened, because opening a device or
/// a pipe can do something or wait.
fn open_program(path: &Path) -> Result<(File, PathBuf), Error> {
    let canonical = std::fs::canonicalize(path).map_err(|e| of_open(path, e))?;
    let metadata = std::fs::symlink_metadata(&canonical).map_err(|e| of_open(path, e))?;
    regular(&metadata, path)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits() as i32)
        .open(&canonical)
        .map_err(|e| of_open(path, e))?;
    let metadata = file.metadata().map_err(|e| of_open(path, e))?;
    regular(&metadata, path)?;
    Ok((file, canonical))
}

/// Refuses what is not a regular file, by its name.
fn regular(metadata: &std::fs::Metadata, path: &Path) -> Result<(), Error> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(());
    }
    let kind = match () {
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () if kind.is_char_device() || kind.is_block_device() => "a device",
        () => "not a regular file",
    };
    Err(Error::NotAFile {
        path: path.to_owned(),
        kind,
    })
}

/// What the permission bits and the mount must be like.
pub(crate) fn check_rights(
    file: &File,
    metadata: &std::fs::Metadata,
    path: &Path,
) -> Result<(), Error> {
    let unreadable = |source: Errno| Error::Read {
        path: path.to_owned(),
        source: source.into(),
    };
    let mode = metadata.mode() & 0o7777;
    if mode & 0o4000 != 0 {
        return Err(Error::SetId {
            path: path.to_owned(),
            bit: "set-user-ID",
        });
    }
    if mode & 0o2000 != 0 {
        return Err(Error::SetId {
            path: path.to_owned(),
            bit: "set-group-ID",
        });
    }
    let mount = rustix::fs::fstatvfs(file).map_err(unreadable)?;
    if mount.f_flag.contains(StatVfsMountFlags::NOEXEC) {
        return Err(Error::NoExecMount {
            path: path.to_owned(),
        });
    }
    let not_executable = Error::NotExecutable {
        path: path.to_owned(),
        mode,
    };
    if mode & 0o111 == 0 {
        return Err(not_executable);
    }
    // The bits may allow others and not this user.
    match rustix::fs::accessat(CWD, proc_path(file), Access::EXEC_OK, AtFlags::EACCESS) {
        Err(Errno::ACCESS) => Err(not_executable),
        _ => Ok(()),
    }
}

/// What failing to reach a path means.
fn of_open(path: &Path, source: io::Error) -> Error {
    let path = path.to_owned();
    match Errno::from_io_error(&source) {
        Some(Errno::NOENT) => Error::Missing {
            target: std::fs::read_link(&path).ok(),
            path,
        },
        Some(Errno::LOOP) => Error::SymlinkLoop { path },
        _ => Error::Open { path, source },
    }
}

/// A fault of the bytes, as an error about a path.
pub(crate) fn of_fault(fault: Fault, path: &Path, size: u64) -> Error {
    let path = path.to_owned();
    match fault {
        Fault::Script => Error::Script { path },
        Fault::NotElf(source) => Error::NotElf { path, source },
        Fault::WrongArch(found) => Error::WrongArch {
            path,
            found,
            host: Arch::host().name,
        },
        Fault::NotAProgram(what) => Error::NotAProgram { path, what },
        Fault::Malformed(source) => Error::Malformed { path, source },
        Fault::Truncated(needed) => Error::Truncated { path, size, needed },
        Fault::Dynamic(interpreter) => Error::Dynamic { path, interpreter },
    }
}
