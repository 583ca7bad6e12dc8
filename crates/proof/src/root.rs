//! The places that a program can be run in, strongest first.
//!
//! Only the folders are made here. The namespaces are made by the child, which
//! takes them along when it ends, however it ends.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::StatVfsMountFlags;
use rustix::io::Errno;
use tempfile::TempDir;

use crate::report::{Obstacle, ProofError, Root, Step};

/// The kinds of root, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    MountNamespace,
    Chroot,
    UserNamespace,
    NotEmpty,
}

impl Kind {
    pub(crate) const ALL: [Kind; 4] = [
        Kind::MountNamespace,
        Kind::Chroot,
        Kind::UserNamespace,
        Kind::NotEmpty,
    ];

    pub(crate) fn report(self, why: Vec<Obstacle>) -> Root {
        match self {
            Kind::MountNamespace => Root::MountNamespace,
            Kind::Chroot => Root::Chroot,
            Kind::UserNamespace => Root::UserNamespace,
            Kind::NotEmpty => Root::NotEmpty { why },
        }
    }
}

/// A place, and what it takes along when it is closed.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    /// Whether set-user-ID bits count on its mount.
    pub(crate) suid: bool,
    folder: Option<TempDir>,
}

impl Place {
    /// Makes what can be made before the child exists.
    pub(crate) fn new(kind: Kind) -> Result<Place, Obstacle> {
        match kind {
            Kind::MountNamespace | Kind::UserNamespace => Ok(Place {
                kind,
                suid: true,
                folder: None,
            }),
            Kind::Chroot | Kind::NotEmpty => {
                let (folder, suid) = folder().map_err(|errno| Obstacle {
                    step: Step::Folder,
                    errno,
                })?;
                Ok(Place {
                    kind,
                    suid,
                    folder: Some(folder),
                })
            }
        }
    }

    /// The folder's path, for the child. A path from the system has no zeros.
    pub(crate) fn folder(&self) -> CString {
        self.folder
            .as_ref()
            .and_then(|folder| CString::new(folder.path().as_os_str().as_bytes()).ok())
            .unwrap_or_default()
    }

    /// Removes the folder with what is in it.
    pub(crate) fn close(self) -> Result<(), ProofError> {
        match self.folder {
            Some(folder) => folder.close().map_err(ProofError::Cleanup),
            None => Ok(()),
        }
    }
}

/// A fresh folder where programs may run, and whether set-user-ID bits count
/// there; rather one where they do.
fn folder() -> Result<(TempDir, bool), Errno> {
    let candidates: Vec<PathBuf> = [std::env::temp_dir()]
        .into_iter()
        .chain(["/tmp", "/var/tmp", "/run", "/dev/shm", "/"].map(PathBuf::from))
        .collect();
    let mut last = Errno::NOENT;
    for suid_wanted in [true, false] {
        for candidate in &candidates {
            match folder_in(candidate, suid_wanted) {
                Ok(folder) => return Ok((folder, suid_wanted)),
                Err(errno) => last = errno,
            }
        }
    }
    Err(last)
}

fn folder_in(parent: &Path, suid_wanted: bool) -> Result<TempDir, Errno> {
    let flags = rustix::fs::statvfs(parent)?.f_flag;
    if flags.contains(StatVfsMountFlags::NOEXEC)
        || (suid_wanted && flags.contains(StatVfsMountFlags::NOSUID))
    {
        return Err(Errno::ACCESS);
    }
    tempfile::Builder::new()
        .prefix("armistice-proof-")
        .tempdir_in(parent)
        .map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))
}
