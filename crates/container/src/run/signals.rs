//! The signals that the process outside hands on, and process 1 where it stays.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// Signals that are not handed on: what a process brings on itself, and what is about
/// this process's own files and children.
const OWN: [i32; 8] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGSYS,
    libc::SIGPIPE,
    libc::SIGURG,
];

/// The signals that are waited for: those handed on, and SIGCHLD.
pub(super) fn all() -> libc::sigset_t {
    // SAFETY: the set is filled before its use, and the numbers are signals'.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut set);
        for signal in OWN {
            libc::sigdelset(&raw mut set, signal);
        }
        set
    }
}

/// Undoes for the command what this process and its parents did to signals.
pub(super) fn back_to_default() {
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: the default action needs no handler; where a signal has no other (SIGKILL),
        // the call fails and changes nothing.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: the set is emptied before its use; the process has one thread.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Signals as a descriptor.
#[derive(Debug)]
pub(super) struct Signals {
    pub(super) fd: OwnedFd,
    /// The caller has said that a terminal's end is no matter (nohup).
    pub(super) no_hangup: bool,
}

impl Signals {
    /// From now on signals wait until they are read, also in children.
    pub(super) fn catch() -> io::Result<Signals> {
        let set = all();
        // SAFETY: the set is whole, the structure is the call's to fill; the process has one thread. SIGCHLD has to be at its
        // default, for else there would be no children to wait for.
        let (fd, hangup) = unsafe {
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            let mut hangup: libc::sigaction = std::mem::zeroed();
            libc::sigaction(libc::SIGHUP, std::ptr::null(), &raw mut hangup);
            let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
            (libc::signalfd(-1, &raw const set, flags), hangup)
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a new descriptor, which nobody else has.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Signals {
            fd,
            no_hangup: hangup.sa_sigaction == libc::SIG_IGN,
        })
    }

    pub(super) fn next(&self) -> Option<i32> {
        let mut info = [0u8; size_of::<libc::signalfd_siginfo>()];
        let read = rustix::io::read(&self.fd, &mut info).ok()?;
        let number = info.first_chunk().filter(|_| read == info.len())?;
        i32::try_from(u32::from_ne_bytes(*number)).ok()
    }
}
