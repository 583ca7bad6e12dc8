//! The store's own files: written whole or not at all, locked so that a dead
//! process holds nothing, removed without following links.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags};

use crate::{Error, names, removal};

pub(crate) fn failed<'a>(
    what: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> Error + use<'a> {
    move |source| Error::Files {
        what,
        path: path.to_owned(),
        source,
    }
}

/// A folder for this user only, with those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(failed("make", path))
}

/// That a folder is this user's: another one could lead astray what is written there, and
/// would reach the set-user-ID programs of its layers.
pub(crate) fn owner(folder: &Path, metadata: &fs::Metadata) -> Result<(), Error> {
    let owner = metadata.uid();
    if owner == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(Error::OthersStore {
        folder: folder.to_owned(),
        owner,
    })
}

/// That no other user can put something into a folder.
pub(crate) fn closed(folder: &Path, metadata: &fs::Metadata) -> Result<(), Error> {
    refuse_mode(folder, metadata, |mode| mode & 0o022 != 0)
}

/// That a folder is none for everybody, as `/tmp`, which is not to be closed to them.
pub(crate) fn not_for_all(folder: &Path, metadata: &fs::Metadata) -> Result<(), Error> {
    refuse_mode(folder, metadata, |mode| {
        mode & 0o1000 != 0 && mode & 0o022 != 0
    })
}

fn refuse_mode(
    folder: &Path,
    metadata: &fs::Metadata,
    refused: impl FnOnce(u32) -> bool,
) -> Result<(), Error> {
    let mode = metadata.mode() & 0o7777;
    if !refused(mode) {
        return Ok(());
    }
    Err(Error::OpenToOthers {
        folder: folder.to_owned(),
        mode,
    })
}

/// That a folder is this user's, and closed to others.
pub(crate) fn is_own(folder: &Path) -> Result<(), Error> {
    let metadata = fs::metadata(folder).map_err(failed("look at", folder))?;
    owner(folder, &metadata)?;
    closed(folder, &metadata)
}

/// Puts a file into place, whole and on disk.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Of the name no other process has, and that no reader takes for a file.
    let new = folder.join(names::unwritten(&name));
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    if let Err(source) = write() {
        let _ = fs::remove_file(&new);
        return Err(failed("write", path)(source));
    }
    sync_folder(folder)
}

/// That names made, renamed or removed in a folder last.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(failed("flush", folder))
}

/// A file's lock, for as long as it is open.
#[derive(Debug)]
pub(crate) struct Locked(pub(crate) File);

/// Opens a file, which is made if it is not there, and waits for its lock. What
/// was removed while this waited is not taken.
pub(crate) fn lock(path: &Path, how: FlockOperation) -> Result<Locked, Error> {
    lock_maybe(path, how)?.ok_or_else(|| failed("lock", path)(io::ErrorKind::WouldBlock.into()))
}

/// The same; `None` where the lock is another's and `how` does not wait.
pub(crate) fn lock_maybe(path: &Path, how: FlockOperation) -> Result<Option<Locked>, Error> {
    loop {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = rustix::fs::open(path, flags, mode)
            .map(File::from)
            .map_err(|e| failed("open", path)(e.into()))?;
        match rustix::fs::flock(&file, how) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(rustix::io::Errno::INTR) => continue,
            Err(e) => return Err(failed("lock", path)(e.into())),
        }
        let mine = file.metadata().map_err(failed("look at", path))?;
        let same = |there: fs::Metadata| (there.dev(), there.ino()) == (mine.dev(), mine.ino());
        if fs::symlink_metadata(path).is_ok_and(same) {
            return Ok(Some(Locked(file)));
        }
    }
}

/// Removes a file or a tree, through no link; what is not there is removed already.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let removed = rustix::fs::open(folder, flags, Mode::empty())
        .map_err(io::Error::from)
        .and_then(|folder| removal::remove_in(folder, name));
    match removed {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(e)),
        _ => Ok(()),
    }
}

/// Bytes on disk below a path, each file counted once.
pub(crate) fn disk_usage(path: &Path) -> u64 {
    let mut seen = std::collections::HashSet::new();
    let mut total = 0;
    let mut left = vec![path.to_owned()];
    while let Some(path) = left.pop() {
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        if meta.nlink() < 2 || meta.is_dir() || seen.insert(meta.ino()) {
            total += meta.blocks() * 512;
        }
        if meta.is_dir()
            && let Ok(entries) = fs::read_dir(&path)
        {
            left.extend(entries.flatten().map(|e| e.path()));
        }
    }
    total
}
