//! Who writes to the table: fanotify on its file system.
//!
//! A mark on the file system sees every mount of it, so also what a container
//! does through a mount of its own. Events carry the writer's PID; what it was
//! is read at once, for it may be gone a moment later.
//! Source: fanotify(7), fanotify_mark(2). Needs CAP_SYS_ADMIN.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use crate::table::Table;

/// A listener on a table.
#[derive(Debug)]
pub struct Watch {
    group: OwnedFd,
}

/// Somebody opened or wrote a file of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The file in the table: `register`, `status`, or an entry.
    pub file: String,
    /// Whether something was written.
    pub wrote: bool,
    /// Who did it.
    pub who: Who,
}

/// A process, as far as it could still be seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Who {
    /// Its PID.
    pub pid: i32,
    /// Its command line, or its name in brackets; empty where it was gone.
    pub command: String,
    /// Its control group, which names the container or the unit.
    pub cgroup: String,
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.command.is_empty() {
            write!(f, "PID {} (gone already)", self.pid)?;
        } else {
            write!(f, "{} (PID {})", self.command, self.pid)?;
        }
        if self.cgroup.is_empty() {
            Ok(())
        } else {
            write!(f, " in {}", self.cgroup)
        }
    }
}

/// `struct fanotify_event_metadata` is 24 bytes; events come without
/// additional records as we ask for none.
const EVENT_LEN: usize = std::mem::size_of::<libc::fanotify_event_metadata>();

impl Watch {
    /// Begins to listen.
    ///
    /// # Errors
    /// `EPERM` without CAP_SYS_ADMIN in the initial user namespace; `ENOSYS`
    /// where the kernel has no fanotify.
    pub fn new(table: &Table) -> Result<Watch, Errno> {
        let flags = libc::FAN_CLASS_NOTIF | libc::FAN_CLOEXEC | libc::FAN_NONBLOCK;
        // SAFETY: no pointers; a descriptor or -1 comes back.
        let fd = unsafe { libc::fanotify_init(flags, (libc::O_RDONLY | libc::O_CLOEXEC) as u32) };
        if fd < 0 {
            return Err(last_errno());
        }
        // SAFETY: just made by the kernel, owned by nobody else.
        let group = unsafe { OwnedFd::from_raw_fd(fd) };
        let dir = table.dir();
        // SAFETY: both descriptors are open for the call; "." is a C string.
        let marked = unsafe {
            libc::fanotify_mark(
                group.as_raw_fd(),
                libc::FAN_MARK_ADD | libc::FAN_MARK_FILESYSTEM,
                libc::FAN_OPEN | libc::FAN_MODIFY,
                dir.as_fd().as_raw_fd(),
                c".".as_ptr(),
            )
        };
        if marked < 0 {
            Err(last_errno())
        } else {
            Ok(Watch { group })
        }
    }

    /// Waits up to `limit` and returns what happened; our own doings are left out.
    ///
    /// # Errors
    /// From poll and read.
    pub fn wait(&self, limit: Duration) -> Result<Vec<Touch>, Errno> {
        let mut fds = [PollFd::new(&self.group, PollFlags::IN)];
        let limit = Timespec::try_from(limit).unwrap_or_default();
        if rustix::event::poll(&mut fds, Some(&limit))? == 0 {
            return Ok(Vec::new());
        }
        let mut buffer = [0u8; 64 * EVENT_LEN];
        let len = match rustix::io::read(&self.group, &mut buffer) {
            Ok(len) => len,
            Err(Errno::AGAIN) => 0,
            Err(errno) => return Err(errno),
        };
        let own = std::process::id();
        let touches = buffer[..len].chunks_exact(EVENT_LEN).filter_map(read_event);
        Ok(touches
            .filter(|t| u32::try_from(t.who.pid) != Ok(own))
            .collect())
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.group.as_fd()
    }
}

fn read_event(bytes: &[u8]) -> Option<Touch> {
    // SAFETY: `bytes` is as long as the struct, which is plain integers;
    // read_unaligned asks for no alignment.
    let event: libc::fanotify_event_metadata =
        unsafe { std::ptr::read_unaligned(bytes.as_ptr().cast()) };
    let who = who(event.pid);
    if event.fd < 0 {
        return None; // the queue overflowed: no file to name
    }
    // SAFETY: the kernel made this descriptor for us; it is closed on drop.
    let file = unsafe { OwnedFd::from_raw_fd(event.fd) };
    let path = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()?;
    let name = path
        .file_name()?
        .to_string_lossy()
        .trim_end_matches(" (deleted)")
        .to_owned();
    Some(Touch {
        file: name,
        wrote: event.mask & libc::FAN_MODIFY != 0,
        who,
    })
}

/// What can be said of a process right now.
#[must_use]
pub fn who(pid: i32) -> Who {
    let read = |file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let words = read("cmdline");
    let mut command = words
        .split(|b| *b == 0)
        .filter(|w| !w.is_empty())
        .map(|w| String::from_utf8_lossy(w).into_owned())
        .collect::<Vec<_>>()
        .join(" ");
    if command.is_empty() {
        let name = String::from_utf8_lossy(&read("comm")).trim().to_owned();
        command = if name.is_empty() {
            name
        } else {
            format!("[{name}]")
        };
    }
    let cgroup = String::from_utf8_lossy(&read("cgroup"))
        .lines()
        .filter_map(|line| line.splitn(3, ':').nth(2))
        .find(|path| *path != "/")
        .unwrap_or_default()
        .to_owned();
    Who {
        pid,
        command,
        cgroup,
    }
}

fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
