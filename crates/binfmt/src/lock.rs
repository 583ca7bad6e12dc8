//! One lock for a table, without which nobody changes it.
//!
//! It is flock(2) on the table's own `register` file. That file is one inode
//! for all who see the table, through whatever mount, in whatever mount
//! namespace or container; other tables have another. The kernel lets go of the
//! lock when its holder ends, however it ends. Only who may write to the table
//! can open the file, so nobody else can keep it locked.
//!
//! Invariant: all changes go through a [`Locked`].

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{BinfmtError, refusal};
use crate::line::Registration;
use crate::table::Table;
use crate::watch::{self, Who};

/// How often a lock that somebody holds is tried again.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a wait may be before it is told.
const MOMENT: Duration = Duration::from_secs(1);

/// A table that nobody else changes while this lives.
#[derive(Debug)]
pub struct Locked<'t> {
    table: &'t Table,
    /// Its end is the lock's end.
    _register: OwnedFd,
}

impl std::ops::Deref for Locked<'_> {
    type Target = Table;

    fn deref(&self) -> &Table {
        self.table
    }
}

impl Locked<'_> {
    /// Makes an entry.
    ///
    /// # Errors
    /// [`BinfmtError::BadRegistration`] before, [`BinfmtError::Refused`] by the kernel.
    pub fn register(&self, registration: &Registration) -> Result<(), BinfmtError> {
        let line = registration.line()?;
        self.write("register", &line).map_err(|errno| match errno {
            Errno::ROFS => BinfmtError::ReadOnly { at: self.shown() },
            Errno::PERM => BinfmtError::NoRight {
                missing: "writing needs root (uid 0) in the table's user namespace".to_owned(),
                source: Some(errno.into()),
            },
            other => BinfmtError::Refused {
                name: registration.name.clone(),
                meaning: refusal(other, &registration.interpreter),
                source: other.into(),
            },
        })
    }

    /// Removes an entry; one that is gone already is no error.
    ///
    /// # Errors
    /// [`BinfmtError::Io`].
    pub fn remove(&self, name: &str) -> Result<(), BinfmtError> {
        match self.write(name, "-1") {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.failed("remove", name, errno)),
        }
    }
}

impl Table {
    /// Waits until nobody else changes the table, `limit` at most. After a
    /// moment `waiting` is told who holds it, if that can be seen.
    ///
    /// # Errors
    /// [`BinfmtError::Busy`] when the time is up; [`BinfmtError::NoRight`] and
    /// [`BinfmtError::ReadOnly`] as [`Table::check_writable`].
    pub fn lock(
        &self,
        limit: Duration,
        waiting: impl FnOnce(Option<&Who>),
    ) -> Result<Locked<'_>, BinfmtError> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let register = rustix::fs::openat(self.dir(), "register", flags, Mode::empty())
            .map_err(|errno| self.unwritable(errno))?;
        let started = Instant::now();
        let mut waiting = Some(waiting);
        loop {
            match rustix::fs::flock(&register, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    return Ok(Locked {
                        table: self,
                        _register: register,
                    });
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) => {}
                Err(errno) => return Err(self.failed("lock", "register", errno)),
            }
            let waited = started.elapsed();
            if waited >= limit {
                return Err(BinfmtError::Busy {
                    limit,
                    holder: holder(&register),
                });
            }
            if waited >= MOMENT
                && let Some(tell) = waiting.take()
            {
                tell(holder(&register).as_ref());
            }
            std::thread::sleep(PAUSE.min(limit - waited));
        }
    }
}

/// Who holds the lock of this file: `/proc/locks` has it by device and inode,
/// and has only processes of the reader's own PID namespace.
fn holder(file: &impl AsFd) -> Option<Who> {
    let stat = rustix::fs::fstat(file).ok()?;
    let (major, minor) = (
        rustix::fs::major(stat.st_dev),
        rustix::fs::minor(stat.st_dev),
    );
    let wanted = format!("{major:02x}:{minor:02x}:{}", stat.st_ino);
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        // `1: FLOCK  ADVISORY  WRITE 123 00:29:3 0 EOF`; who waits has `->` second.
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields[..] {
            [_, "FLOCK", _, "WRITE", pid, inode, ..] if inode == wanted => {
                pid.parse().ok().filter(|pid| *pid > 0).map(watch::who)
            }
            _ => None,
        }
    })
}
