//! Which folder is a store. One has a mark, a file that names the layout; an empty folder
//! gets it, and so does a store of builds that made none. In any other folder nothing is
//! written and nothing removed: it may be anybody's.

use std::io::Read;

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use crate::files::{self, failed};
use crate::folder::Folder;
use crate::{Error, names};

/// The mark's name.
const MARK: &str = "armistice-store";

/// The layout that this build knows.
const LAYOUT: u32 = 1;

/// The folders that each store without a mark has, and what else it may have.
const BEFORE: ([&str; 6], [&str; 2]) = (
    ["blobs", "partial", "refs", "leases", "work", "layers"],
    ["running", "lock"],
);

/// What a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Marked,
    /// A store of a build that made no mark.
    Unmarked,
    Empty,
    Other,
}

/// Takes a folder for a store, and closes it to others.
pub(crate) fn take(top: &Folder) -> Result<(), Error> {
    let other = || Error::NotAStore {
        folder: top.path().to_owned(),
    };
    let is = look(top)?;
    match is {
        Is::Other => return Err(other()),
        Is::Empty => files::not_for_all(top.path(), &top.metadata()?)?,
        Is::Marked | Is::Unmarked => files::closed(top.path(), &top.metadata()?)?,
    }
    top.close()?;
    // Before it was closed, somebody may have put something into it.
    if is == Is::Empty && look(top)? == Is::Other {
        return Err(other());
    }
    if is != Is::Marked {
        let text = format!(
            "layout {LAYOUT}\nImages of armistice's; 'armistice prune' removes what nothing uses.\n"
        );
        files::write_whole(&top.path().join(MARK), text.as_bytes())?;
    }
    Ok(())
}

/// That a folder has the mark, and is closed to others.
pub(crate) fn is_there(top: &Folder) -> Result<(), Error> {
    if read(top)? != Some(Is::Marked) {
        return Err(Error::NotAStore {
            folder: top.path().to_owned(),
        });
    }
    files::closed(top.path(), &top.metadata()?)
}

fn look(top: &Folder) -> Result<Is, Error> {
    let marked = read(top)?;
    if let Some(is) = marked {
        return Ok(is);
    }
    let is_mark = |name: &String| names::becomes(name) == Some(MARK);
    let mut there = top.names()?;
    there.retain(|name| name != "lost+found" && !is_mark(name));
    let (folders, others) = BEFORE;
    let known = |name: &String| [&folders[..], &others].concat().contains(&name.as_str());
    if there.is_empty() {
        Ok(Is::Empty)
    } else if there.iter().all(known) && folders.iter().all(|f| there.iter().any(|n| n == f)) {
        Ok(Is::Unmarked)
    } else {
        // Another process may have made a store of it since.
        Ok(read(top)?.unwrap_or(Is::Other))
    }
}

/// What the mark says; `None` where there is none.
fn read(top: &Folder) -> Result<Option<Is>, Error> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let path = top.path().join(MARK);
    let file = match openat(top, MARK, flags, Mode::empty()) {
        Ok(fd) => std::fs::File::from(fd),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Ok(Some(Is::Other)),
        Err(e) => return Err(failed("open", &path)(e.into())),
    };
    let mut text = Vec::new();
    if let Err(e) = file.take(4096).read_to_end(&mut text) {
        return Err(failed("read", &path)(e));
    }
    let text = String::from_utf8_lossy(&text);
    let layout = text.lines().next().and_then(|l| l.strip_prefix("layout "));
    match layout.and_then(|number| number.parse::<u32>().ok()) {
        Some(LAYOUT) => Ok(Some(Is::Marked)),
        Some(layout) => Err(Error::LaterLayout {
            folder: top.path().to_owned(),
            layout,
        }),
        None => Ok(Some(Is::Other)),
    }
}
