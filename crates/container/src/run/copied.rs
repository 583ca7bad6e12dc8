//! Layers laid over each other by copying, for where overlay may not be: what the layers
//! have, the lowest first, with what a layer hides taken away (whiteouts and opaque folders, by
//! the names that the store gives them for an ordinary user's overlay). Devices and sockets,
//! which the store does not make, are left out, and attributes that this user may not set.
//! Nothing of the copy is shared with the layers but blocks on disk that the file system copies
//! when they are written to (reflinks).
//!
//! Below the copy's root no link is followed: a folder of a layer takes the place of
//! whatever else is there.

use std::collections::HashMap;
use std::ffi::CStr;
use std::fs::{self, DirEntry, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags, ioctl_ficlone, lgetxattr,
    llistxattr, lsetxattr, mknodat, utimensat,
};

/// As long as the kernel lets attributes, and all their names, be.
const XATTRS_MAX: usize = 65536;

/// Set on a folder that hides what is below it.
const OPAQUE: &CStr = c"user.overlay.opaque";

/// Copies layers, the topmost first, into an empty folder.
pub(super) fn lay(layers: &[PathBuf], to: &Path) -> io::Result<()> {
    for layer in layers.iter().rev() {
        let mut copy = Copy {
            links: HashMap::new(),
        };
        copy.folder(layer, &fs::symlink_metadata(layer)?, to)?;
    }
    Ok(())
}

struct Copy {
    /// Where a file of the layer's with several names is: by its inode.
    links: HashMap<u64, PathBuf>,
}

impl Copy {
    /// A folder with all in it. Its own times and mode come last.
    fn folder(&mut self, from: &Path, metadata: &Metadata, to: &Path) -> io::Result<()> {
        let there = fs::symlink_metadata(to);
        let is_opaque = lgetxattr(from, OPAQUE, &mut [0u8; 1][..]) == Ok(1);
        if is_opaque || there.as_ref().is_ok_and(|there| !there.is_dir()) {
            remove(to)?;
        }
        if fs::symlink_metadata(to).is_err() {
            fs::create_dir(to)?;
        }
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            self.entry(&entry, &to.join(entry.file_name()))
                .map_err(|error| {
                    io::Error::new(error.kind(), format!("{}: {error}", entry.path().display()))
                })?;
        }
        same(from, metadata, to)
    }

    fn entry(&mut self, entry: &DirEntry, to: &Path) -> io::Result<()> {
        let from = entry.path();
        let metadata = entry.metadata()?;
        let kind = metadata.file_type();
        if kind.is_dir() {
            return self.folder(&from, &metadata, to);
        }
        remove(to)?;
        if kind.is_char_device() && metadata.rdev() == 0 {
            return Ok(());
        }
        if metadata.nlink() > 1 {
            if let Some(first) = self.links.get(&metadata.ino()) {
                return fs::hard_link(first, to);
            }
            self.links.insert(metadata.ino(), to.to_owned());
        }
        if kind.is_symlink() {
            symlink(fs::read_link(&from)?, to)?;
        } else if kind.is_file() {
            file(&from, to)?;
        } else if kind.is_fifo() {
            mknodat(CWD, to, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        } else {
            // A layer has nothing else: devices are left out when it is unpacked.
            return Ok(());
        }
        same(&from, &metadata, to)
    }
}

/// Takes away what is there, if anything is.
fn remove(at: &Path) -> io::Result<()> {
    match fs::symlink_metadata(at) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(there) if there.is_dir() => fs::remove_dir_all(at),
        Ok(_) => fs::remove_file(at),
    }
}

/// A file's content.
fn file(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let mut target = File::create_new(to)?;
    if ioctl_ficlone(&target, &source).is_err() {
        io::copy(&mut source, &mut target)?;
    }
    Ok(())
}

/// Gives the copy the original's owner, mode, attributes and times, in the order in
/// which none of these undoes another.
fn same(from: &Path, metadata: &Metadata, to: &Path) -> io::Result<()> {
    lchown(to, Some(metadata.uid()), Some(metadata.gid()))?;
    // A link has no mode of its own.
    if !metadata.is_symlink() {
        fs::set_permissions(to, Permissions::from_mode(metadata.mode() & 0o7777))?;
    }
    attributes(from, to);
    let at = |seconds, nanoseconds| Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    };
    let times = Timestamps {
        last_access: at(metadata.atime(), metadata.atime_nsec()),
        last_modification: at(metadata.mtime(), metadata.mtime_nsec()),
    };
    utimensat(CWD, to, &times, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(())
}

/// Extended attributes, but for overlay's own. What this user may not set was left out
/// when the layer was unpacked, too.
fn attributes(from: &Path, to: &Path) {
    let mut names = vec![0; XATTRS_MAX];
    let length = llistxattr(from, &mut names[..]).unwrap_or(0);
    let mut value = vec![0; XATTRS_MAX];
    for name in names[..length].split_inclusive(|b| *b == 0) {
        let Ok(name) = CStr::from_bytes_with_nul(name) else {
            continue;
        };
        let overlays = [&b"user.overlay."[..], b"trusted."];
        if overlays.iter().any(|o| name.to_bytes().starts_with(o)) {
            continue;
        }
        if let Ok(length) = lgetxattr(from, name, &mut value[..]) {
            let _ = lsetxattr(to, name, &value[..length], XattrFlags::empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn text(at: &Path) -> String {
        fs::read_to_string(at).unwrap_or_default()
    }

    #[test]
    fn layers_are_as_overlay_shows_them() {
        let place = tempfile::tempdir().unwrap();
        let at = |path: &str| place.path().join(path);
        for folder in [
            "low/a/b",
            "low/hidden",
            "low/gone/x",
            "top/a",
            "top/hidden",
            "top/was",
        ] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("low/a/f"), "low").unwrap();
        fs::write(at("low/a/kept"), "kept").unwrap();
        fs::hard_link(at("low/a/kept"), at("low/a/b/again")).unwrap();
        fs::write(at("low/hidden/f"), "hidden").unwrap();
        symlink("a", at("low/was")).unwrap();
        fs::write(at("top/a/f"), "top").unwrap();
        fs::set_permissions(at("top/a/f"), Permissions::from_mode(0o4751)).unwrap();
        fs::write(at("top/was/in"), "in").unwrap();
        symlink("/nowhere", at("top/link")).unwrap();
        lsetxattr(at("top/hidden"), OPAQUE, b"y", XattrFlags::empty()).unwrap();
        lsetxattr(at("top/a/f"), c"user.mine", b"v", XattrFlags::empty()).unwrap();
        mknodat(
            CWD,
            at("top/gone"),
            FileType::CharacterDevice,
            Mode::empty(),
            0,
        )
        .unwrap();
        mknodat(CWD, at("top/pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let old = Timespec {
            tv_sec: 1000,
            tv_nsec: 5,
        };
        let times = Timestamps {
            last_access: old,
            last_modification: old,
        };
        utimensat(CWD, at("top/a"), &times, AtFlags::empty()).unwrap();

        fs::create_dir(at("all")).unwrap();
        lay(&[at("top"), at("low")], &at("all")).unwrap();

        assert_eq!(text(&at("all/a/f")), "top");
        let metadata = |path: &str| fs::symlink_metadata(at(path)).unwrap();
        assert_eq!(metadata("all/a/f").mode() & 0o7777, 0o4751);
        let mut value = [0; 9];
        assert_eq!(
            lgetxattr(at("all/a/f"), c"user.mine", &mut value[..]),
            Ok(1)
        );
        assert_eq!(
            (metadata("all/a").mtime(), metadata("all/a").mtime_nsec()),
            (1000, 5)
        );
        assert_eq!(
            metadata("all/a/kept").ino(),
            metadata("all/a/b/again").ino()
        );
        assert!(metadata("all/hidden").is_dir() && !at("all/hidden/f").exists());
        assert!(lgetxattr(at("all/hidden"), OPAQUE, &mut value[..]).is_err());
        assert!(fs::symlink_metadata(at("all/gone")).is_err());
        assert_eq!(
            fs::read_link(at("all/link")).unwrap(),
            Path::new("/nowhere")
        );
        assert!(metadata("all/pipe").file_type().is_fifo());
        // A folder in the place of a link: what is in it is not where that led.
        assert!(metadata("all/was").is_dir() && !at("all/a/in").exists());
        // The layers share no file with the copy.
        fs::write(at("all/a/kept"), "changed").unwrap();
        assert_eq!(text(&at("low/a/kept")), "kept");
    }
}
