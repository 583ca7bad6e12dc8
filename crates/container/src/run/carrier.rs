//! What goes between the caller's terminal and the container's. Whoever does not read does not
//! keep the process outside from other work, and whoever has gone is noticed.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::getpgrp;
use rustix::stdio::{stdin, stdout};
use rustix::termios::{
    OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize,
};

use super::signals::Signals;

/// So often a process in the background looks whether the terminal is its own again, of which
/// nobody tells.
pub(super) const BACKGROUND: Duration = Duration::from_millis(100);

/// The caller's terminal, as it was; put back when dropped.
pub(super) struct Raw(Termios);

impl Raw {
    /// Every key is the container's from now on. `None` where stdin is no terminal, or is
    /// another's now, as a shell's that has this process in the background.
    pub(super) fn make() -> Option<Raw> {
        if !has_input() {
            return None;
        }
        let was = tcgetattr(stdin()).ok()?;
        let mut raw = was.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Now, &raw).ok()?;
        Some(Raw(was))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
    }
}

/// Whether the input is this process's to read: one in the background of a terminal leaves
/// it to whom the terminal has in the foreground.
pub(super) fn has_input() -> bool {
    rustix::termios::tcgetpgrp(stdin()).map_or(true, |group| group == getpgrp())
}

/// Gives the container's terminal the size of the caller's.
pub(super) fn resize(terminal: &OwnedFd) {
    let caller = if isatty(stdin()) { stdin() } else { stdout() };
    if let Ok(size) = tcgetwinsize(caller) {
        let _ = tcsetwinsize(terminal, size);
    }
}

/// What goes to and from the container's terminal.
pub(super) struct Carrier {
    pub(super) terminal: OwnedFd,
    /// Where its output goes: the caller's, opened anew where that can be, so as to wait for
    /// nobody who does not read.
    pub(super) caller: OwnedFd,
    /// The caller's input is read.
    pub(super) input: bool,
    /// The container's side may still write.
    pub(super) open: bool,
    /// Nobody reads its output any more.
    pub(super) unread: bool,
    /// Read, but not yet taken by the terminal.
    pub(super) pending: Vec<u8>,
    /// Written by the container, but not yet taken by the caller.
    pub(super) shown: Vec<u8>,
}

/// The caller's output, opened anew.
pub(super) fn caller() -> Result<OwnedFd, Errno> {
    let is_file = rustix::fs::fstat(stdout())
        .is_ok_and(|s| rustix::fs::FileType::from_raw_mode(s.st_mode).is_file());
    // A file has its place, which only the caller's own description knows.
    if !is_file {
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let anew = rustix::fs::open("/proc/self/fd/1", flags, Mode::empty());
        if let Ok(anew) = anew {
            return Ok(anew);
        }
    }
    rustix::io::fcntl_dupfd_cloexec(stdout(), 3)
}

/// So much goes at once to a caller that could not be opened anew: what a pipe that takes
/// anything takes without waiting.
const AT_ONCE: usize = 4096;

impl Carrier {
    pub(super) fn new(terminal: OwnedFd, caller: OwnedFd, input: bool) -> Carrier {
        // Input that the container does not read must not keep its output waiting.
        let flags = rustix::fs::fcntl_getfl(&terminal).unwrap_or(OFlags::empty());
        let _ = rustix::fs::fcntl_setfl(&terminal, flags | OFlags::NONBLOCK);
        Carrier {
            caller,
            terminal,
            input,
            open: true,
            unread: false,
            pending: Vec::new(),
            shown: Vec::new(),
        }
    }

    /// Takes what there is from the container; false where there is no more now.
    pub(super) fn output(&mut self) -> bool {
        let mut buffer = [0; 16384];
        match rustix::io::read(&self.terminal, &mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.shown.extend(buffer.iter().take(count));
                true
            }
            Err(Errno::INTR) => true,
            Err(Errno::AGAIN) => false,
            Err(_) => {
                self.open = false;
                false
            }
        }
    }

    /// Gives the caller what it takes now.
    pub(super) fn show(&mut self) {
        let some = self.shown.get(..AT_ONCE).unwrap_or(&self.shown);
        match rustix::io::write(&self.caller, some) {
            Ok(count) => drop(self.shown.drain(..count)),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => {
                self.shown.clear();
                self.unread = true;
            }
        }
    }

    /// Shows what is left when the container has ended, unless that is broken off.
    pub(super) fn finish(&mut self, signals: &Signals) {
        while !self.unread && (self.output() || !self.shown.is_empty()) {
            let mut both = [
                PollFd::new(&self.caller, PollFlags::OUT),
                PollFd::new(&signals.fd, PollFlags::IN),
            ];
            let _ = retry_on_intr(|| poll(&mut both, None));
            let [caller, signal] = both.map(|polled| polled.revents());
            if !signal.is_empty()
                && signals
                    .next()
                    .is_some_and(|s| ![libc::SIGCHLD, libc::SIGWINCH].contains(&s))
            {
                return;
            }
            if !caller.is_empty() {
                self.show();
            }
        }
    }

    pub(super) fn read_input(&mut self) {
        let mut buffer = [0; 4096];
        match rustix::io::read(stdin(), &mut buffer) {
            Ok(0) => {
                // The terminal's end of file.
                self.pending.push(4);
                self.input = false;
            }
            Ok(count) => self.pending.extend(buffer.iter().take(count)),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => self.input = false,
        }
    }

    pub(super) fn write_input(&mut self) {
        match rustix::io::write(&self.terminal, &self.pending) {
            Ok(count) => drop(self.pending.drain(..count)),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => self.pending.clear(),
        }
    }
}
