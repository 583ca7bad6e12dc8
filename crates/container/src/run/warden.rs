//! Ends the container when the process that watches it is gone.
//!
//! The kernel does so by itself (`PR_SET_PDEATHSIG`), but forgets about it when process 1
//! becomes another user or a set-user-ID program (prctl(2)). So a process outside waits
//! for the watcher's end, and kills process 1 then.
//!
//! Invariants: it has none of the standard streams, so nobody waits for its end to see
//! the end of an output; no signal of the caller's terminal reaches it; it stays until
//! process 1 is gone, and what its parent had locked is locked as long.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, setsid, waitpid,
};

use super::watch;

/// The process, as the watcher has it. Dropped, it ends, and the container with it.
#[derive(Debug)]
pub(super) struct Warden {
    /// `None` once it was let go.
    socket: Option<OwnedFd>,
    process: Option<Pid>,
}

impl Warden {
    /// Starts it. The process must have one thread, with its signals blocked, and none of
    /// the ways to the container yet: their ends would stay open.
    pub(super) fn start() -> io::Result<Warden> {
        let (ours, theirs) = watch::handover()?;
        // SAFETY: the process has one thread, so the child may do anything a process may.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            drop(ours);
            stay(&theirs);
            // SAFETY: ends the child at once, without the parent's destructors and exit
            // handlers, whose copies it holds.
            unsafe { libc::_exit(0) }
        }
        if pid < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Warden {
            socket: Some(ours),
            process: Pid::from_raw(pid),
        })
    }

    /// From now on it answers for process 1, a child of this process that was not waited
    /// for yet.
    pub(super) fn answer_for(&self, process_1: libc::pid_t) -> Result<(), Errno> {
        let process_1 = Pid::from_raw(process_1).ok_or(Errno::SRCH)?;
        let process_1 = pidfd_open(process_1, PidfdFlags::empty())?;
        match &self.socket {
            Some(socket) => watch::hand_over(socket, process_1.as_fd(), b"1"),
            None => Ok(()),
        }
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        self.socket = None;
        // In process 1 it is no child, and nothing is waited for.
        let _ = retry_on_intr(|| waitpid(self.process, WaitOptions::empty()));
    }
}

/// Its life.
fn stay(watcher: &OwnedFd) {
    let _ = setsid();
    for stream in 0..3 {
        // SAFETY: a system call that takes a number; nothing here uses these streams.
        unsafe { libc::close(stream) };
    }
    let Some((process_1, _)) = watch::take_over(watcher) else {
        return;
    };
    // Nothing is ever said: this is the end.
    let _ = retry_on_intr(|| rustix::io::read(watcher, &mut [0; 1]));
    let _ = pidfd_send_signal(&process_1, Signal::KILL);
    let mut ended = [PollFd::new(&process_1, PollFlags::IN)];
    let _ = retry_on_intr(|| poll(&mut ended, None));
}
