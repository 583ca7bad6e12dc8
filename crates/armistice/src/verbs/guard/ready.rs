//! The ready file: it exists while everything is registered and proven, and only then.

use std::path::Path;

use anyhow::{Context, Result};

pub(super) fn write(path: &Path) -> Result<()> {
    std::fs::write(path, "ready\n")
        .with_context(|| format!("cannot write the ready file {}", path.display()))
}

/// Whether the ready file could be written: another file is made in its folder, and removed.
/// Rights alone do not tell, since some file systems take no file from anybody (`/proc`).
pub(super) fn check_folder(path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let made = tempfile::Builder::new()
        .prefix(".armistice-")
        .tempfile_in(folder);
    made.map(drop).with_context(|| {
        format!(
            "cannot write the ready file {}; nothing was changed. Its folder has to be there, and writable",
            path.display()
        )
    })
}

pub(super) fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove the ready file {}", path.display()))
        }
        _ => Ok(()),
    }
}
