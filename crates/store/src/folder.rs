//! A folder of the store's, open. It is reached through no link, belongs to this user, and
//! nobody else can write to it; what is listed and removed is in this folder, whatever
//! becomes of its path.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, Mode, OFlags, fchmod, fstat, mkdirat, openat};
use rustix::io::Errno;

use crate::files::{self, failed};
use crate::{Error, removal};

const FLAGS: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

#[derive(Debug)]
pub(crate) struct Folder {
    opened: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// The store's own folder, which may be reached by a link. Only the owner is looked at.
    pub(crate) fn top(path: &Path) -> Result<Folder, Error> {
        let opened = rustix::fs::open(path, FLAGS, Mode::empty());
        let folder = Folder {
            opened: opened.map_err(|e| failed("open", path)(e.into()))?,
            path: path.to_owned(),
        };
        files::owner(&folder.path, &folder.metadata()?)?;
        Ok(folder)
    }

    /// A folder in this one.
    pub(crate) fn inside(&self, name: &str) -> Result<Folder, Error> {
        let path = self.path.join(name);
        let opened = match openat(&self.opened, name, FLAGS | OFlags::NOFOLLOW, Mode::empty()) {
            Err(Errno::NOTDIR | Errno::LOOP) => return Err(Error::NoFolder { path }),
            other => other.map_err(|e| failed("open", &path)(e.into()))?,
        };
        let folder = Folder { opened, path };
        let metadata = folder.metadata()?;
        files::owner(&folder.path, &metadata)?;
        files::closed(&folder.path, &metadata)?;
        Ok(folder)
    }

    /// The same, made where it is not there.
    pub(crate) fn make(&self, name: &str) -> Result<Folder, Error> {
        match mkdirat(&self.opened, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => self.inside(name),
            Err(e) => Err(failed("make", &self.path.join(name))(e.into())),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn metadata(&self) -> Result<fs::Metadata, Error> {
        let copy = self.opened.try_clone();
        copy.and_then(|fd| fs::File::from(fd).metadata())
            .map_err(failed("look at", &self.path))
    }

    /// Closes it to all other users.
    pub(crate) fn close(&self) -> Result<(), Error> {
        let close = || {
            let mode = Mode::from_raw_mode(fstat(&self.opened)?.st_mode);
            if mode.intersects(Mode::RWXG | Mode::RWXO) {
                fchmod(&self.opened, Mode::RWXU)?;
            }
            Ok(())
        };
        close().map_err(|e: Errno| failed("close to other users", &self.path)(e.into()))
    }

    /// The names in it. One that is no UTF-8 is told so that it is nobody's.
    pub(crate) fn names(&self) -> Result<Vec<String>, Error> {
        let list = || {
            let names = Dir::read_from(&self.opened)?
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .filter(|name| !matches!(name.as_deref(), Ok("." | "..")));
            names.collect::<Result<_, Errno>>()
        };
        list().map_err(|e: Errno| failed("list", &self.path)(e.into()))
    }

    /// Removes a name, and all that is below it; what is not there is removed already.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Error> {
        match removal::remove_in(&self.opened, name.as_bytes()) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(failed("remove", &self.path.join(name))(e))
            }
            _ => Ok(()),
        }
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.opened.as_fd()
    }
}
