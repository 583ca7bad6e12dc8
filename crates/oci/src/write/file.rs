//! A file that is complete or not there at all: written under another name in the same
//! folder, flushed to the disk, then renamed. The other name is removed whenever that fails.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::Error;

/// Writes a file by `fill`, whose [`Error::Stream`] becomes [`Error::Write`].
pub(crate) fn write(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&File>) -> Result<(), Error>,
) -> Result<(), Error> {
    let failed = |source: io::Error| Error::Write {
        path: path.to_owned(),
        source,
    };
    let target = replaceable(path)?;
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if let Err(error) = std::fs::metadata(folder) {
        let text = format!("there is no folder {}; make it first", folder.display());
        return Err(failed(match error.kind() {
            kind @ io::ErrorKind::NotFound => io::Error::new(kind, text),
            _ => error,
        }));
    }
    let temporary = tempfile::Builder::new()
        .prefix(".armistice-")
        .suffix(".tmp")
        // As any file newly made: what the umask leaves of 666.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(|e| failed(bare(&e)))?;
    let mut out = BufWriter::with_capacity(256 * 1024, temporary.as_file());
    fill(&mut out).map_err(|e| match e {
        Error::Stream { source } => failed(source),
        other => other,
    })?;
    out.flush().map_err(failed)?;
    drop(out);
    temporary.as_file().sync_all().map_err(failed)?;
    temporary
        .persist(&target)
        .map_err(|e| failed(bare(&e.error)))?;
    Ok(())
}

/// The system's error without the temporary name, which means nothing to anybody.
fn bare(e: &io::Error) -> io::Error {
    match e.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => e.kind().into(),
    }
}

/// Where the file really is to be: a link to a file is kept. A rename would
/// replace a device or a pipe as well, so these are refused.
fn replaceable(path: &Path) -> Result<PathBuf, Error> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() => std::fs::canonicalize(path).map_err(|source| Error::Write {
            path: path.to_owned(),
            source,
        }),
        Ok(_) => Err(Error::NotReplaceable {
            path: path.to_owned(),
        }),
        Err(_) => Ok(path.to_owned()),
    }
}
