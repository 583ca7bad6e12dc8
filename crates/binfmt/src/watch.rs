//! Who writes to the table: fanotify on its file system, else inotify.
//!
//! A fanotify mark on the file system sees every mount of it, so also what a
//! container does through a mount of its own. Events carry the writer's PID;
//! what it was is read at once, for it may be gone a moment later. That needs
//! CAP_SYS_ADMIN on the machine. Without it inotify tells that something was
//! written through the mount in sight, but not by whom.
//! Sources: fanotify(7), fanotify_mark(2), inotify(7).

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use crate::table::Table;
pub use crate::who::Who;

/// A listener on a table.
#[derive(Debug)]
pub struct Watch {
    fd: OwnedFd,
    /// Whether events say who: fanotify.
    names_writers: bool,
}

/// Somebody opened or wrote a file of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The file in the table: `register`, `status`, or an entry.
    pub file: String,
    /// Whether something was written.
    pub wrote: bool,
    /// Who did it, where that is told.
    pub who: Option<Who>,
}

/// `struct fanotify_event_metadata` is 24 bytes; events come without
/// additional records as we ask for none.
const EVENT_LEN: usize = std::mem::size_of::<libc::fanotify_event_metadata>();

impl Watch {
    /// Begins to listen.
    ///
    /// # Errors
    /// Where the kernel grants neither way of listening.
    pub fn new(table: &Table) -> Result<Watch, Errno> {
        match fanotify(table) {
            Ok(fd) => Ok(Watch {
                fd,
                names_writers: true,
            }),
            Err(_) => Ok(Watch {
                fd: inotify(table)?,
                names_writers: false,
            }),
        }
    }

    /// Whether it is told who writes.
    #[must_use]
    pub fn names_writers(&self) -> bool {
        self.names_writers
    }

    /// Waits up to `limit` and returns what happened. What this process did
    /// itself is left out, where it is told who did it.
    ///
    /// # Errors
    /// From poll and read.
    pub fn wait(&self, limit: Duration) -> Result<Vec<Touch>, Errno> {
        let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
        let limit = Timespec::try_from(limit).unwrap_or_default();
        if rustix::event::poll(&mut fds, Some(&limit))? == 0 {
            return Ok(Vec::new());
        }
        if self.names_writers {
            self.read_fanotify()
        } else {
            self.read_inotify()
        }
    }

    fn read_fanotify(&self) -> Result<Vec<Touch>, Errno> {
        let mut buffer = [0u8; 64 * EVENT_LEN];
        let len = match rustix::io::read(&self.fd, &mut buffer) {
            Ok(len) => len,
            Err(Errno::AGAIN) => 0,
            Err(errno) => return Err(errno),
        };
        let own = i32::try_from(std::process::id()).unwrap_or(0);
        let touches = buffer[..len].chunks_exact(EVENT_LEN).filter_map(read_event);
        Ok(touches
            .filter(|t| t.who.as_ref().is_none_or(|w| w.pid != own))
            .collect())
    }

    fn read_inotify(&self) -> Result<Vec<Touch>, Errno> {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = rustix::fs::inotify::Reader::new(&self.fd, &mut buffer);
        let mut touches = Vec::new();
        loop {
            match reader.next() {
                Ok(event) => {
                    let file = event
                        .file_name()
                        .map(|n| n.to_string_lossy().into_owned())
                        .unwrap_or_default();
                    touches.push(Touch {
                        file,
                        wrote: true,
                        who: None,
                    });
                }
                Err(Errno::AGAIN) => return Ok(touches),
                Err(errno) => return Err(errno),
            }
            if reader.is_buffer_empty() {
                return Ok(touches);
            }
        }
    }
}

/// A fanotify group with a mark on the table's file system.
fn fanotify(table: &Table) -> Result<OwnedFd, Errno> {
    let flags = libc::FAN_CLASS_NOTIF | libc::FAN_CLOEXEC | libc::FAN_NONBLOCK;
    // SAFETY: no pointers; a descriptor or -1 comes back.
    let fd =
        unsafe { libc::fanotify_init(flags, (libc::O_RDONLY | libc::O_CLOEXEC).cast_unsigned()) };
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
        Ok(group)
    }
}

/// An inotify instance that watches the table's folder for writes.
fn inotify(table: &Table) -> Result<OwnedFd, Errno> {
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    let fd = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let dir = format!("/proc/self/fd/{}", table.dir().as_fd().as_raw_fd());
    add_watch(&fd, dir, WatchFlags::MODIFY)?;
    Ok(fd)
}

impl AsFd for Watch {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.fd.as_fd()
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
        who: Some(who),
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

/// Processes that began within the last seconds, the newest first; our own
/// and the kernel's left out. A guess at who it was, where nothing tells.
#[must_use]
pub fn recently_started(within: Duration) -> Vec<Who> {
    let Some(now) = uptime_ticks() else {
        return Vec::new();
    };
    let oldest = now.saturating_sub(within.as_secs() * TICKS_PER_SECOND);
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut recent: Vec<(u64, Who)> = processes
        .filter_map(|p| p.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| !is_own(*pid))
        .filter_map(|pid| Some((start_time(pid)?, who(pid))))
        .filter(|(start, w)| {
            *start >= oldest && !w.command.is_empty() && !w.command.starts_with('[')
        })
        .collect();
    recent.sort_by_key(|(start, w)| (std::cmp::Reverse(*start), std::cmp::Reverse(w.pid)));
    recent.into_iter().map(|(_, w)| w).collect()
}

/// Whether a process is this one or one that it started, by the numbers that
/// `/proc` uses, which may be those of another PID namespace.
fn is_own(pid: i32) -> bool {
    let own = std::fs::read_link("/proc/self").ok();
    let own = own.and_then(|own| own.to_str()?.parse::<i32>().ok());
    let mut at = Some(pid);
    // As deep as any tree of ours is.
    for _ in 0..16 {
        match at {
            Some(pid) if Some(pid) == own => return true,
            Some(pid) if pid > 1 => at = stat_field(pid, PARENT),
            _ => return false,
        }
    }
    false
}

/// USER_HZ, fixed by the kernel's interface.
const TICKS_PER_SECOND: u64 = 100;

/// Fields of `/proc/PID/stat`, counted from the one after the name: the parent, and
/// when it began, in ticks since boot.
const PARENT: usize = 1;
const START: usize = 19;

fn start_time(pid: i32) -> Option<u64> {
    stat_field(pid, START)
}

fn stat_field<T: std::str::FromStr>(pid: i32, field: usize) -> Option<T> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field, the name, may hold anything: fields count from its end.
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(field)?
        .parse()
        .ok()
}

fn uptime_ticks() -> Option<u64> {
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let (seconds, hundredths) = uptime.split_whitespace().next()?.split_once('.')?;
    Some(seconds.parse::<u64>().ok()? * TICKS_PER_SECOND + hundredths.parse::<u64>().ok()?)
}

fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_line_is_shown_by_its_beginning() {
        let who = |command: String| Who {
            pid: 7,
            command,
            cgroup: String::new(),
        };
        assert_eq!(
            who("flush --all".to_owned()).to_string(),
            "flush --all (PID 7)"
        );
        let long = who(format!("flush {}", "\u{e4}".repeat(4000))).to_string();
        assert!(
            long.starts_with("flush \u{e4}") && long.ends_with("... (PID 7)"),
            "{long}"
        );
        assert!(long.chars().count() < 200, "{long}");
    }

    #[test]
    fn what_has_no_number_here_is_said_to_be_out_of_sight() {
        assert!(Who::default().to_string().contains("another PID namespace"));
    }
}
