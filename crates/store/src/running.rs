//! Folders of containers that run: what one writes, and its own files. Each has a
//! lock that its holder keeps; one without is left over by a killed run, and
//! `prune` removes it.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use crate::files::{self, Locked, failed};
use crate::folder::Folder;
use crate::{Error, Store, names};

/// A container's folder, while it runs.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    id: String,
    _lock: Locked,
}

impl RunFolder {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The container's name: 12 digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Removes it with all that is in it.
    ///
    /// # Errors
    /// [`Error::Files`]; `prune` removes the rest.
    pub fn remove(self) -> Result<(), Error> {
        files::remove(&self.path)
    }
}

impl Store {
    /// Makes a folder for a container.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn run_folder(&self) -> Result<RunFolder, Error> {
        let _adding = self.shared()?;
        let folder = self.running();
        let mut bytes = [0u8; names::RUN_BYTES];
        fs::File::open("/dev/urandom")
            .and_then(|mut f| std::io::Read::read_exact(&mut f, &mut bytes))
            .map_err(failed("read", Path::new("/dev/urandom")))?;
        let id: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let path = folder.join(&id);
        files::make_folder(&path)?;
        let lock = files::lock(&path.join(LOCK), FlockOperation::LockExclusive)?;
        Ok(RunFolder {
            path,
            id,
            _lock: lock,
        })
    }

    pub(crate) fn running(&self) -> PathBuf {
        self.root().join("running")
    }

    /// The names of folders that nobody holds.
    pub(crate) fn left_over(runs: &Folder) -> Result<Vec<String>, Error> {
        let mut left = Vec::new();
        for name in runs.names()?.into_iter().filter(|n| names::is_run(n)) {
            let path = runs.path().join(&name);
            let lock = path.join(LOCK);
            // No lock is looked for behind a link.
            let is_folder = fs::symlink_metadata(&path).is_ok_and(|m| m.is_dir());
            if !is_folder
                || !lock.exists()
                || files::lock_maybe(&lock, FlockOperation::NonBlockingLockExclusive)?.is_some()
            {
                left.push(name);
            }
        }
        Ok(left)
    }
}

const LOCK: &str = "lock";
