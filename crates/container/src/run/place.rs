//! Places in the container's root, for what is mounted and for folders that are to be there:
//! found name by name from the root down, each as a descriptor, and made where they are not.
//!
//! Invariants: an image's links are followed inside the root only, and none to what a process
//! has open (`/proc/self/fd/N` and its kind), which would lead out of it, or tell where that
//! lies; what is done with a place is done by its descriptor, so that nobody who shares the
//! root's folder can put a link in its way.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, openat, openat2, readlinkat,
};
use rustix::io::Errno;

/// How many links a path may have.
const LINKS_MAX: usize = 40;

/// To look only: nothing is read, set off or waited for.
const LOOK: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// A place that is there.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) descriptor: OwnedFd,
    /// Its path without links.
    pub(super) path: PathBuf,
}

/// What is to be at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    /// Anything else.
    File,
}

/// Why there is no place.
#[derive(Debug, thiserror::Error)]
pub(super) enum Misplaced {
    #[error("{} leads to what is open outside the container", .0.display())]
    OpenFile(PathBuf),
    #[error("{} is a link there, and has to be a folder", .0.display())]
    Link(PathBuf),
    #[error("{} is no folder", .0.display())]
    NoFolder(PathBuf),
    #[error("{} is a folder, and what is to be there is none", .0.display())]
    Folder(PathBuf),
    #[error("{}: {errno}", path.display())]
    System { path: PathBuf, errno: Errno },
}

/// A place at a path, with the folders above it. Links are followed, also to what is not
/// there yet.
pub(super) fn make(at: &Path, kind: Kind) -> Result<Place, Misplaced> {
    Walk::new(Path::new("/"))?.to(at, kind)
}

/// A folder at a path that may have no link in it.
pub(super) fn make_without_links(at: &Path) -> Result<Place, Misplaced> {
    let mut walk = Walk::new(Path::new("/"))?;
    walk.links_left = None;
    walk.to(at, Kind::Folder)
}

/// The way from the root down.
struct Walk {
    root: OwnedFd,
    /// The folders that were come through, each with its name.
    above: Vec<(OwnedFd, OsString)>,
    /// `None` where there may be none.
    links_left: Option<usize>,
}

impl Walk {
    fn new(root: &Path) -> Result<Walk, Misplaced> {
        let opened = rustix::fs::open(root, LOOK | OFlags::DIRECTORY, Mode::empty());
        Ok(Walk {
            root: opened.map_err(|errno| Misplaced::System {
                path: root.to_owned(),
                errno,
            })?,
            above: Vec::new(),
            links_left: Some(LINKS_MAX),
        })
    }

    fn here(&self) -> BorrowedFd<'_> {
        let last = self.above.last();
        last.map_or(self.root.as_fd(), |(folder, _)| folder.as_fd())
    }

    fn path(&self) -> PathBuf {
        let names = self.above.iter().map(|(_, name)| name.as_os_str());
        [OsStr::new("/")].into_iter().chain(names).collect()
    }

    fn to(mut self, at: &Path, kind: Kind) -> Result<Place, Misplaced> {
        let mut left = names(at);
        while let Some(name) = left.pop() {
            if name == ".." {
                self.above.pop();
                continue;
            }
            let system = |errno| Misplaced::System {
                path: self.path().join(&name),
                errno,
            };
            let found = match openat(self.here(), &name, LOOK | OFlags::NOFOLLOW, Mode::empty()) {
                Ok(found) => found,
                Err(Errno::NOENT) => {
                    let kind = if left.is_empty() { kind } else { Kind::Folder };
                    self.make(&name, kind).map_err(system)?;
                    left.push(name);
                    continue;
                }
                Err(Errno::NOTDIR) => return Err(Misplaced::NoFolder(self.path())),
                Err(errno) => return Err(system(errno)),
            };
            if !is(&found, FileType::Symlink).map_err(system)? {
                self.above.push((found, name));
                continue;
            }
            let target = self.follow(&found, &name)?;
            if target.is_absolute() {
                self.above.clear();
            }
            left.extend(names(&target));
        }
        self.end(kind)
    }

    fn make(&self, name: &OsStr, kind: Kind) -> Result<(), Errno> {
        let made = match kind {
            Kind::Folder => mkdirat(self.here(), name, Mode::from_raw_mode(0o777)),
            Kind::File => {
                let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
                openat(self.here(), name, flags, Mode::from_raw_mode(0o666)).map(drop)
            }
        };
        match made {
            // Somebody else was faster.
            Err(Errno::EXIST) => Ok(()),
            made => made,
        }
    }

    /// Where a link leads.
    fn follow(&mut self, link: &OwnedFd, name: &OsStr) -> Result<PathBuf, Misplaced> {
        let path = self.path().join(name);
        let left = self
            .links_left
            .ok_or_else(|| Misplaced::Link(path.clone()))?;
        let refused = ResolveFlags::NO_MAGICLINKS;
        let opened = openat2(self.here(), name, LOOK, Mode::empty(), refused);
        if opened.is_err_and(|errno| errno == Errno::LOOP)
            && openat(self.here(), name, LOOK, Mode::empty()).is_ok()
        {
            return Err(Misplaced::OpenFile(path));
        }
        let system = |errno| Misplaced::System {
            path: path.clone(),
            errno,
        };
        self.links_left = Some(left.checked_sub(1).ok_or_else(|| system(Errno::LOOP))?);
        let target = readlinkat(link, "", Vec::new()).map_err(system)?;
        Ok(OsString::from_vec(target.into_bytes()).into())
    }

    fn end(mut self, kind: Kind) -> Result<Place, Misplaced> {
        let path = self.path();
        let descriptor = self.above.pop().map_or(self.root, |(last, _)| last);
        let is_folder =
            is(&descriptor, FileType::Directory).map_err(|errno| Misplaced::System {
                path: path.clone(),
                errno,
            })?;
        match (kind, is_folder) {
            (Kind::Folder, false) => Err(Misplaced::NoFolder(path)),
            (Kind::File, true) => Err(Misplaced::Folder(path)),
            _ => Ok(Place { descriptor, path }),
        }
    }
}

fn is(descriptor: &OwnedFd, kind: FileType) -> Result<bool, Errno> {
    Ok(FileType::from_raw_mode(fstat(descriptor)?.st_mode) == kind)
}

/// A path's names, the last one first.
fn names(path: &Path) -> Vec<OsString> {
    path.components()
        .rev()
        .filter(|c| matches!(c, Component::Normal(_) | Component::ParentDir))
        .map(|c| c.as_os_str().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn in_root(root: &Path, at: &str, kind: Kind) -> Result<PathBuf, String> {
        let place = Walk::new(root).and_then(|walk| walk.to(Path::new(at), kind));
        place.map(|place| place.path).map_err(|e| e.to_string())
    }

    #[test]
    fn links_lead_inside() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        fs::write(at("file"), "").unwrap();
        symlink("/a", at("abs")).unwrap();
        symlink("../../../../a/b", at("a/out")).unwrap();
        symlink("/made/later", at("dangling")).unwrap();
        symlink("loop", at("loop")).unwrap();
        symlink("/", at("top")).unwrap();
        let folder = |path: &str| in_root(root.path(), path, Kind::Folder);
        for (path, leads) in [
            ("/abs/b", "/a/b"),
            ("/a/out", "/a/b"),
            ("/../x/./y", "/x/y"),
            ("/dangling", "/made/later"),
            ("/top/new", "/new"),
            ("/top", "/"),
            ("", "/"),
        ] {
            assert_eq!(folder(path).unwrap(), Path::new(leads), "{path}");
            assert!(at(&leads[1..]).is_dir(), "{path}");
        }
        let file = |path: &str| in_root(root.path(), path, Kind::File);
        assert_eq!(file("/n/f").unwrap(), Path::new("/n/f"));
        assert!(at("n/f").is_file());
        assert_eq!(file("/file").unwrap(), Path::new("/file"));
        for (error, says) in [
            (folder("/loop"), "symbolic links"),
            (folder("/file"), "/file is no folder"),
            (folder("/file/x"), "/file is no folder"),
            (file("/abs"), "/a is a folder"),
        ] {
            let error = error.unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    /// A fault once: the folder of the machine's to which such a link led was made, by its
    /// name, in the container.
    #[test]
    fn what_is_open_is_no_place() {
        let root = tempfile::tempdir().unwrap();
        symlink("/proc/self/root", root.path().join("link")).unwrap();
        symlink("/proc/self/cwd/x", root.path().join("through")).unwrap();
        for (at, walk) in [
            ("/link", root.path()),
            ("/link/deeper", root.path()),
            ("/proc/self/cwd", Path::new("/")),
            ("/dev/fd/0", Path::new("/")),
        ] {
            let error = in_root(walk, at, Kind::Folder).unwrap_err();
            assert!(error.contains("open outside"), "{at}: {error}");
        }
        // `/proc/self` is a link by name.
        assert!(in_root(Path::new("/"), "/proc/self/task", Kind::Folder).is_ok());
    }

    #[test]
    fn a_folder_without_links() {
        let root = tempfile::tempdir().unwrap();
        symlink("/", root.path().join("proc")).unwrap();
        let mut walk = Walk::new(root.path()).unwrap();
        walk.links_left = None;
        let error = walk.to(Path::new("/proc"), Kind::Folder).unwrap_err();
        assert!(matches!(error, Misplaced::Link(_)), "{error}");
    }
}
