//! Where baked engines lie, and what is known of them: a note beside each says what was
//! run to make it, and its digest.
//!
//! Invariant: the machine's folder is for the machine's root. User 0 of a user namespace, also of
//! one that this process has joined, is somebody else: its folder is where its caches go.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

use super::Guest;
use crate::rootless::choice::is_machines_root;

/// Names another folder.
const ENV: &str = "ARMISTICE_CACHE_DIR";
/// Root's.
const MACHINES: &str = "/var/lib/armistice/baked";

/// What a baked engine was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    /// Images, root folders and archives whose programs ran.
    pub(crate) of: Vec<String>,
    /// Of the engine with its translations.
    pub(crate) sha256: String,
}

/// The folder that this user's are made in.
///
/// # Errors
/// Where there is none.
pub(crate) fn own() -> Result<PathBuf> {
    if let Some(named) = named() {
        return std::path::absolute(&named)
            .with_context(|| format!("can't find {}", named.display()));
    }
    if is_machines_root() {
        return Ok(MACHINES.into());
    }
    users().with_context(|| {
        format!("can't tell where this user's caches go; set HOME, XDG_CACHE_HOME or {ENV}")
    })
}

/// The folders that are looked in, the best first.
pub(crate) fn all() -> Vec<PathBuf> {
    if let Some(named) = named() {
        return std::path::absolute(named).into_iter().collect();
    }
    let users = users().filter(|_| !is_machines_root());
    users.into_iter().chain([MACHINES.into()]).collect()
}

fn named() -> Option<PathBuf> {
    let named = std::env::var_os(ENV).filter(|value| !value.is_empty());
    named.map(PathBuf::from)
}

fn users() -> Option<PathBuf> {
    let user = etcetera::base_strategy::Xdg::new().ok()?;
    Some(user.cache_dir().join("armistice/baked"))
}

/// Makes the folder, which nobody else may write to.
pub(crate) fn make(folder: &Path) -> Result<()> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(folder);
    made.with_context(|| format!("cannot make {}", folder.display()))?;
    // Whatever the umask was.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot change {}", folder.display()))
}

/// Where the note is of a guest's engine.
fn note(folder: &Path, guest: Guest) -> PathBuf {
    folder.join(format!("{}.json", guest.engine))
}

/// Writes the note.
pub(crate) fn write(folder: &Path, guest: Guest, made: &Made) -> Result<()> {
    let text = serde_json::to_string_pretty(made)?;
    let write = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(file, "{text}")?;
        file.as_file()
            .set_permissions(fs::Permissions::from_mode(0o644))?;
        file.persist(note(folder, guest))?;
        Ok(())
    };
    write().with_context(|| format!("cannot write to {}", folder.display()))
}

/// Reads the note.
pub(crate) fn read(folder: &Path, guest: Guest) -> Option<Made> {
    let text = fs::read_to_string(note(folder, guest)).ok()?;
    serde_json::from_str(&text).ok()
}

/// Removes what is there: how many bytes.
///
/// # Errors
/// What can't be removed.
pub(crate) fn clear(folder: &Path) -> Result<u64> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries.with_context(|| format!("cannot read {}", folder.display()))?,
    };
    let mut bytes = 0;
    for entry in entries {
        let path = entry?.path();
        // Engines and notes, and what a run that was killed has left.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !(name.starts_with("armistice-") || name.starts_with(".tmp")) {
            continue;
        }
        bytes += fs::symlink_metadata(&path).map_or(0, |metadata| metadata.len());
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    // It may have others' files.
    let _ = fs::remove_dir(folder);
    Ok(bytes)
}
