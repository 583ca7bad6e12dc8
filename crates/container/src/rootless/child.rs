//! A child of this process that does some work and ends.
//!
//! A process can't leave a user namespace that it has joined. So what is to be done
//! in one, by a process that has more to do afterwards, a child does.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, waitpid,
};

use crate::Error;
use crate::enter::one_thread;

/// A running child.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    process: OwnedFd,
}

impl Child {
    /// Starts a child that does `work` and ends with the code which that returns.
    ///
    /// The process must have one thread only.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn start(work: impl FnOnce() -> u8) -> Result<Child, Error> {
        let failed = |source: std::io::Error| Error::System {
            doing: "start a child process",
            source,
        };
        one_thread()?;
        // What is unwritten yet would be written by both.
        let _ = std::io::stdout().flush();
        // SAFETY: the process has one thread (checked above), so the child may do
        // anything a process may.
        match unsafe { libc::fork() } {
            0 => {
                let work = std::panic::AssertUnwindSafe(work);
                let code = std::panic::catch_unwind(work).unwrap_or(101);
                let _ = std::io::stdout().flush();
                // SAFETY: ends the child at once, without the parent's
                // destructors and exit handlers, whose copies it holds.
                unsafe { libc::_exit(code.into()) }
            }
            pid => {
                let pid = Some(pid)
                    .filter(|pid| *pid > 0)
                    .and_then(Pid::from_raw)
                    .ok_or_else(|| failed(std::io::Error::last_os_error()))?;
                let process =
                    pidfd_open(pid, PidfdFlags::empty()).map_err(|errno| failed(errno.into()))?;
                Ok(Child { pid, process })
            }
        }
    }

    /// Sends it a signal; one that has ended gets none.
    pub fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.process, signal);
    }

    /// Waits for its end: its code, or `None` where a signal ended it.
    #[must_use]
    pub fn wait(self) -> Option<u8> {
        let ended = rustix::io::retry_on_intr(|| waitpid(Some(self.pid), WaitOptions::empty()));
        let (_, status) = ended.ok().flatten()?;
        status
            .exit_status()
            .and_then(|code| u8::try_from(code).ok())
    }
}

impl AsFd for Child {
    /// Readable once it has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }
}
