//! Files of the container's, opened by path.
//!
//! Process 1 comes from outside. `/proc/self/exe`, `/proc/self/fd/N` and their kind lead it,
//! and an image's links to them, to what is open in it, wherever that lies. So no path of
//! an image's is followed through one; and nothing is waited for: a file may be a pipe.

use std::fs::File;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

/// Opens a file to be read.
pub(super) fn open(path: &Path) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS).map(File::from)
}

/// The same of a regular file, as only such a one is executed.
pub(super) fn regular(path: &Path) -> Result<File, Errno> {
    let file = open(path)?;
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(file),
        _ => Err(Errno::ACCESS),
    }
}

/// Whether a path is one that leads through such a link, once opening it was refused.
pub(super) fn is_of_open_files(path: &Path, refused: Errno) -> bool {
    refused == Errno::LOOP
        && rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_open_is_not_reached() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "text").unwrap();
        symlink("file", at("link")).unwrap();
        symlink("/proc/self/exe", at("exe")).unwrap();
        symlink("loop", at("loop")).unwrap();
        assert!(regular(&at("link")).is_ok());
        for known in ["/proc/self/exe", "/proc/self/cwd/.", "/proc/self/root/proc"] {
            let refused = regular(Path::new(known)).unwrap_err();
            assert!(is_of_open_files(Path::new(known), refused), "{known}");
        }
        assert!(is_of_open_files(
            &at("exe"),
            regular(&at("exe")).unwrap_err()
        ));
        let refused = regular(&at("loop")).unwrap_err();
        assert!(refused == Errno::LOOP && !is_of_open_files(&at("loop"), refused));
        assert_eq!(regular(&at("none")).unwrap_err(), Errno::NOENT);
        assert_eq!(regular(folder.path()).unwrap_err(), Errno::ACCESS);
    }
}
