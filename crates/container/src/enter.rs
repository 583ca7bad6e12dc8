//! Into the private namespace, step by step, and on to the command.
//!
//! 1. unshare: a user namespace in which the caller is user 0, and a mount
//!    namespace that belongs to it;
//! 2. mounts made inside stay inside; a new, empty table is mounted;
//! 3. the caller's `setup` fills it;
//! 4. unless the command is to stay user 0: a second user namespace inside the
//!    first, in which the caller has its own identity again. It mounts no table,
//!    so it has that of its nearest ancestor.
//!
//! The process itself goes in, no child: so the command that replaces it has
//! its process number, terminal and parent, signals reach it, and its exit
//! status is what the parent sees. If a step fails, the process is left where
//! it is; it should then end.
//!
//! Set-user-ID programs of users that are not mapped (sudo) do not work inside.

use std::ffi::{CStr, OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::facts::Facts;
use crate::idmap::{IdMap, Map, Maps, Method};
use crate::namespace;
use crate::writer::{Unwritten, Writer};
use crate::{Error, Step, diagnose};

/// Directories that are empty by custom, for a table that can't be put at its
/// usual place.
const OTHER_PLACES: [&CStr; 4] = [c"/mnt", c"/media", c"/srv", c"/opt"];

/// How long a thread that was waited for may take to vanish.
const THREAD_GRACE: Duration = Duration::from_secs(1);

/// What the command is to be inside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Stay user 0 with all rights inside, so that chroot and mounts work.
    pub map_root: bool,
    /// Which identities exist inside.
    pub ids: IdMap,
}

/// What exists in a user namespace that was entered.
#[derive(Debug)]
pub struct Identities {
    /// The users.
    pub users: Map,
    /// The groups.
    pub groups: Map,
    /// Why the caller's ranges are not among them, where there are some and [`IdMap::Auto`] did
    /// without.
    pub without_ranges: Option<Error>,
}

/// A process that is inside.
#[derive(Debug)]
pub struct Entered<T> {
    /// Where the table is: `/proc/sys/fs/binfmt_misc`, unless that is hidden.
    pub table: PathBuf,
    /// The users that exist where the table was filled.
    pub users: Map,
    /// The groups that exist there.
    pub groups: Map,
    /// What `setup` returned.
    pub setup: T,
}

/// Takes this process into namespaces with a private table, which `setup` fills
/// as user 0; it is given the path of the table.
///
/// The process must have one thread only, and again when `setup` returns.
///
/// # Errors
/// [`Error::Forbidden`] with the rule of the system that forbids it,
/// [`Error::Setup`] with the error of `setup`, or the step that failed.
pub fn enter_private<T, E>(
    options: &Options,
    setup: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<Entered<T>, Error>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    one_thread()?;
    let facts = Facts::gather();
    let explain = |step, errno| Error::Forbidden(diagnose(&facts, step, errno));
    let refused = |(step, errno)| explain(step, errno);

    let (maps, _) = enter_user(options.ids, options.map_root, true, &facts)?;

    namespace::keep_mounts_inside().map_err(refused)?;
    let table = place(&namespace::new_table().map_err(refused)?)?;
    let setup = setup(&table).map_err(|e| Error::Setup(e.into()))?;

    if !options.map_root {
        one_thread()?;
        leave(&maps.inverse(), false).map_err(|stuck| stuck.into_error(explain))?;
    }
    Ok(Entered {
        table,
        users: maps.uid,
        groups: maps.gid,
        setup,
    })
}

/// Takes this process into a user namespace of its own, as user 0 there, with the
/// identities that `ids` asks for; mounts and all else stay as they are. So
/// files that belong to others than the caller can be made and removed.
///
/// The process must have one thread only.
///
/// # Errors
/// As [`enter_private`].
pub fn enter_identities(ids: IdMap) -> Result<Identities, Error> {
    one_thread()?;
    let (maps, without_ranges) = enter_user(ids, true, false, &Facts::gather())?;
    Ok(Identities {
        users: maps.uid,
        groups: maps.gid,
        without_ranges,
    })
}

/// Leaves for a new user namespace, and a mount namespace if wanted.
/// Tells also why it did without the caller's ranges, where it did.
fn enter_user(
    ids: IdMap,
    map_root: bool,
    mounts: bool,
    facts: &Facts,
) -> Result<(Maps, Option<Error>), Error> {
    let explain = |step, errno| Error::Forbidden(diagnose(facts, step, errno));
    let maps = Maps::plan(ids, map_root, facts)?;
    match leave(&maps, mounts) {
        // Nothing was written, and to do without is what Auto means.
        Err(Stuck::Map(Unwritten::Tool {
            tool: tool @ "newuidmap",
            said,
        })) if ids == IdMap::Auto => {
            let own = Maps::own_of(&maps);
            write_own(&own).map_err(|(step, errno)| explain(step, errno))?;
            Ok((own, Some(Error::Tool { tool, said })))
        }
        Err(stuck) => Err(stuck.into_error(explain)),
        Ok(()) => Ok((maps, None)),
    }
}

/// Replaces this process by a command, found in PATH if its name has no slash. PATH becomes `path`
/// if that is given. Returns only if it fails.
#[must_use]
pub fn exec(program: &OsStr, args: &[OsString], path: Option<&OsStr>) -> Error {
    let mut command = Command::new(program);
    command.args(args).envs(path.map(|path| ("PATH", path)));
    Error::Exec {
        source: command.exec(),
        program: program.into(),
    }
}

/// The shell to start where no command is given: the value of SHELL, which the
/// caller passes, if it is an absolute path, else `/bin/sh`.
#[must_use]
pub fn default_shell(shell: Option<&OsStr>) -> OsString {
    shell
        .filter(|s| s.as_bytes().starts_with(b"/"))
        .map_or_else(|| "/bin/sh".into(), OsStr::to_owned)
}

/// Why a namespace was not entered.
enum Stuck {
    Refused(namespace::Refusal),
    Map(Unwritten),
    Other(Error),
}

impl Stuck {
    fn into_error(self, explain: impl FnOnce(Step, Errno) -> Error) -> Error {
        match self {
            Stuck::Refused((step, errno)) => explain(step, errno),
            Stuck::Map(unwritten) => unwritten.into_error(explain),
            Stuck::Other(error) => error,
        }
    }
}

/// Enters a new user namespace with these maps.
fn leave(maps: &Maps, mounts: bool) -> Result<(), Stuck> {
    if maps.method == Method::Own {
        return namespace::unshare(mounts)
            .and_then(|()| write_own(maps))
            .map_err(Stuck::Refused);
    }
    let writer = Writer::start(maps).map_err(Stuck::Other)?;
    if let Err(refusal) = namespace::unshare(mounts) {
        writer.abandon();
        return Err(Stuck::Refused(refusal));
    }
    writer.write().map_err(Stuck::Map)
}

fn write_own(maps: &Maps) -> Result<(), namespace::Refusal> {
    namespace::write_own(
        maps.uid.to_string().as_bytes(),
        maps.gid.to_string().as_bytes(),
    )
}

/// Puts the table where everybody looks for it, or else into an empty
/// directory.
fn place(table: &OwnedFd) -> Result<PathBuf, Error> {
    let usual = match namespace::place(table, namespace::TABLE) {
        Ok(()) => return Ok(path_of(namespace::TABLE)),
        Err(errno) => errno,
    };
    let is_empty = |dir: &Path| std::fs::read_dir(dir).is_ok_and(|mut d| d.next().is_none());
    OTHER_PLACES
        .into_iter()
        .find(|dir| is_empty(&path_of(dir)) && namespace::place(table, dir).is_ok())
        .map(path_of)
        .ok_or_else(|| Error::NoPlace {
            tried: OTHER_PLACES.map(|p| p.to_string_lossy()).join(", "),
            source: usual.into(),
        })
}

pub(crate) fn path_of(path: &CStr) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(path.to_bytes()))
}

/// Makes sure that the process has one thread. One that was joined may still
/// be on its way out.
pub(crate) fn one_thread() -> Result<(), Error> {
    let start = Instant::now();
    loop {
        let count = std::fs::read_dir("/proc/self/task")
            .map_err(|source| Error::NoProc {
                path: "/proc/self/task".into(),
                source,
            })?
            .count();
        if count == 1 {
            return Ok(());
        }
        if start.elapsed() > THREAD_GRACE {
            return Err(Error::Threads { count });
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_is_an_absolute_path() {
        assert_eq!(default_shell(Some(OsStr::new("/bin/zsh"))), "/bin/zsh");
        for other in [None, Some(OsStr::new("")), Some(OsStr::new("zsh"))] {
            assert_eq!(default_shell(other), "/bin/sh");
        }
    }
}
