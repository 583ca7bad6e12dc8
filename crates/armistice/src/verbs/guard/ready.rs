//! The ready file: it exists while everything is registered and proven, and only then.

use std::path::Path;

use anyhow::{Context, Result};
use rustix::fs::Access;

pub(super) fn write(path: &Path) -> Result<()> {
    std::fs::write(path, "ready\n")
        .with_context(|| format!("cannot write the ready file {}", path.display()))
}

/// Whether the ready file could be written.
pub(super) fn check_folder(path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let right = Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::access(folder, right).with_context(|| {
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
