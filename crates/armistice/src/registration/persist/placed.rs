//! Files that appear whole, and can be taken back. A file is written under a temporary name,
//! synced and renamed; the file whose place it takes keeps a second name until the new
//! file is sure to stay.
//!
//! Invariant: every name that lasts no longer than a run begins with [`ASIDE`], so that
//! [`sweep`] finds what a killed run has left.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

/// What the names begin with that last no longer than a run.
const ASIDE: &str = ".armistice";

/// A file put in place, with what it took the place of.
#[derive(Debug)]
struct Placed {
    path: PathBuf,
    old: Option<PathBuf>,
}

/// Files put in place; dropped without [`Files::keep`], what was there is put back.
#[derive(Debug, Default)]
pub(super) struct Files {
    placed: Vec<Placed>,
}

impl Files {
    /// Writes a file and gives it its name.
    pub(super) fn place(&mut self, path: &Path, content: &[u8], mode: u32) -> Result<()> {
        let write = |file: &mut fs::File| io::Write::write_all(file, content);
        self.put(path, write_aside(path, mode, write)?)
    }

    /// Gives what was written aside its name.
    pub(super) fn put(&mut self, path: &Path, file: NamedTempFile) -> Result<()> {
        let failed = || unwritten(path);
        let old = self.old_name(path);
        // A second name for what is there, so that the first is never missing.
        let had = match fs::hard_link(path, &old) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error).with_context(failed),
        };
        let placed = Placed {
            path: path.to_owned(),
            old: had.then_some(old),
        };
        match file.persist(path) {
            Ok(_) => {
                self.placed.push(placed);
                Ok(())
            }
            Err(error) => {
                placed.old.iter().for_each(|old| drop(fs::remove_file(old)));
                Err(error.error).with_context(failed)
            }
        }
    }

    /// They stay.
    pub(super) fn keep(mut self) {
        for old in self.placed.drain(..).filter_map(|placed| placed.old) {
            // Best effort: what is left is swept by the next run.
            let _ = fs::remove_file(old);
        }
    }

    /// Another one for each, as a file may be put in place more than once.
    fn old_name(&self, path: &Path) -> PathBuf {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Not the name's own end: systemd reads all that ends with .conf.
        path.with_file_name(format!("{ASIDE}-{}-{name}.old", self.placed.len()))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for placed in self.placed.drain(..).rev() {
            // What was there goes back; failures have nobody left to hear them.
            let _ = match placed.old {
                Some(old) => fs::rename(old, &placed.path),
                None => fs::remove_file(&placed.path),
            };
        }
    }
}

/// Removes what killed runs have left in a folder. Best effort: it does no harm
/// there.
pub(super) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let ours = entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(ASIDE.as_bytes());
        if ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn unwritten(path: &Path) -> String {
    format!("cannot write {}; nothing was changed", path.display())
}

/// Writes a file beside its place, whole and synced. Folders that are missing are
/// made so that everybody may read what is in them, whatever the umask is.
pub(super) fn write_aside(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut fs::File) -> io::Result<()>,
) -> Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let write = || -> io::Result<NamedTempFile> {
        make_folder(folder)?;
        let mut file = tempfile::Builder::new().prefix(ASIDE).tempfile_in(folder)?;
        fill(file.as_file_mut())?;
        file.as_file()
            .set_permissions(fs::Permissions::from_mode(mode))?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().with_context(|| unwritten(path))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    folder.parent().map_or(Ok(()), make_folder)?;
    match fs::create_dir(folder) {
        Ok(()) => fs::set_permissions(folder, fs::Permissions::from_mode(0o755)),
        // Another thread was first.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
