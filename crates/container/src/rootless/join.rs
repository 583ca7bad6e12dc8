//! Into the namespaces of a rootless engine, and a table for them.
//!
//! The process itself goes in; from then on it is user 0 there, with all rights over
//! what these namespaces own, and what it was over all else. Files have the same
//! paths inside, but for what the engine has mounted for itself (RootlessKit: its
//! own `/etc` and `/run`).

use std::os::fd::AsFd;
use std::path::PathBuf;

use rustix::process::{chdir, getcwd};
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};

use super::Keeper;
use crate::enter::{one_thread, path_of};
use crate::facts::Facts;
use crate::namespace;
use crate::{Error, diagnose};

/// Takes this process into a keeper's user and mount namespaces. The working
/// directory stays.
///
/// The process must have one thread only.
///
/// # Errors
/// [`Error::KeeperEnded`]; [`Error::System`] where the kernel refuses.
pub fn join(keeper: &Keeper) -> Result<(), Error> {
    if keeper.joined {
        return Ok(());
    }
    one_thread()?;
    let cwd = getcwd(Vec::new()).ok();
    let both = ThreadNameSpaceType::USER | ThreadNameSpaceType::MOUNT;
    move_into_thread_name_spaces(keeper.process.as_fd(), both).map_err(|errno| match errno {
        rustix::io::Errno::SRCH => Error::KeeperEnded { pid: keeper.pid },
        other => Error::System {
            doing: "join the engine's user namespace",
            source: other.into(),
        },
    })?;
    // The kernel has put us into the root of the other mounts.
    let back = |source: std::io::Error| Error::System {
        doing: "find the working directory in the engine's mount namespace; start this from another, such as /",
        source,
    };
    match cwd {
        Some(cwd) => chdir(cwd.as_c_str()).map_err(|errno| back(errno.into())),
        None => Err(back(std::io::ErrorKind::NotFound.into())),
    }
}

/// Mounts binfmt_misc where everybody looks for it: a new, empty table for the
/// user namespace that this process is in. For as long as that namespace lives, it
/// hides the tables of outer ones. Where the namespace has one already, that is
/// mounted once more.
///
/// # Errors
/// [`Error::Forbidden`] with the rule of the system that forbids it, or
/// [`Error::NoPlace`].
pub fn give_table() -> Result<PathBuf, Error> {
    let table = namespace::new_table()
        .map_err(|(step, errno)| Error::Forbidden(diagnose(&Facts::gather(), step, errno)))?;
    namespace::place(&table, namespace::TABLE).map_err(|errno| Error::NoTable {
        source: errno.into(),
    })?;
    Ok(path_of(namespace::TABLE))
}
