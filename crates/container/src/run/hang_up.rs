//! The end of a container whose terminal has gone, or whose output nobody reads. The kernel keeps
//! the signal of it from a process 1 that has not said what it does then (`SIGHUP`, `SIGPIPE`),
//! and others end by it.

use std::time::{Duration, Instant};

/// What becomes of process 1 when its terminal has gone.
pub(super) struct HangUp {
    process_1: libc::pid_t,
    /// As long as it is not known what the process does.
    until: Option<Instant>,
    pub(super) killed: bool,
}

impl HangUp {
    /// For so long a process may have its signals blocked for the moment, as while it forks.
    const PATIENCE: Duration = Duration::from_secs(30);

    pub(super) const fn new(process_1: libc::pid_t) -> HangUp {
        HangUp {
            process_1,
            until: None,
            killed: false,
        }
    }

    fn send(&self, signal: i32) {
        // SAFETY: a system call that takes numbers; the child is not waited for yet.
        unsafe { libc::kill(self.process_1, signal) };
    }

    pub(super) fn tell(&mut self) {
        self.send(libc::SIGHUP);
        self.until = Some(Instant::now() + HangUp::PATIENCE);
    }

    /// Looks what the process does, and when to look again, if so.
    pub(super) fn look(&mut self) -> Option<Duration> {
        let until = self.until?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process_1));
        let status = status.unwrap_or_default();
        let has = |name| has_signal(&status, name, libc::SIGHUP);
        if has("SigCgt:") || has("SigIgn:") || Instant::now() > until {
            self.until = None;
        } else if !has("SigBlk:") {
            self.send(libc::SIGKILL);
            self.killed = true;
            self.until = None;
        }
        self.until.map(|_| Duration::from_millis(50))
    }
}

/// What becomes of process 1 once something written to its output found no reader. Further writes
/// fail, and a shell passes over that and goes on for ever, where it would have ended by
/// `SIGPIPE` outside. Nobody sees which writes fail: so a process that keeps writing is ended,
/// also if it writes to something else by then.
pub(super) struct Unread {
    process_1: libc::pid_t,
    is_so: bool,
    /// When it was last looked at, and how often it had written then.
    before: Option<(Instant, u64)>,
    /// How often in a row it had written more.
    goes_on: u32,
    pub(super) killed: bool,
}

impl Unread {
    const INTERVAL: Duration = Duration::from_millis(200);

    /// For so many intervals it may write, to something else.
    const PATIENCE: u32 = 10;

    pub(super) const fn new(process_1: libc::pid_t) -> Unread {
        Unread {
            process_1,
            is_so: false,
            before: None,
            goes_on: 0,
            killed: false,
        }
    }

    pub(super) const fn tell(&mut self) {
        self.is_so = true;
    }

    /// Looks whether the process goes on writing, and when to look again, if so.
    pub(super) fn look(&mut self) -> Option<Duration> {
        if !self.is_so || self.killed {
            return None;
        }
        if self
            .before
            .is_some_and(|(at, _)| at.elapsed() < Unread::INTERVAL)
        {
            return Some(Unread::INTERVAL);
        }
        let read = |name| std::fs::read_to_string(format!("/proc/{}/{name}", self.process_1));
        let now = read("io").ok().and_then(|io| writes(&io))?;
        self.goes_on = match self.before {
            Some((_, before)) if now > before => self.goes_on + 1,
            _ => 0,
        };
        self.before = Some((Instant::now(), now));
        if self.goes_on > Unread::PATIENCE {
            self.goes_on = 0;
            let status = read("status").unwrap_or_default();
            let sets = ["SigCgt:", "SigIgn:", "SigBlk:"];
            if !sets
                .iter()
                .any(|set| has_signal(&status, set, libc::SIGPIPE))
            {
                // SAFETY: a system call that takes numbers; the child is not waited for yet.
                unsafe { libc::kill(self.process_1, libc::SIGKILL) };
                self.killed = true;
            }
        }
        Some(Unread::INTERVAL)
    }
}

/// How often a process has written so far, also in vain, by /proc/PID/io.
fn writes(io: &str) -> Option<u64> {
    let line = io.lines().find_map(|line| line.strip_prefix("syscw:"))?;
    line.trim().parse().ok()
}

/// Whether a signal is in one of the sets of /proc/PID/status.
fn has_signal(status: &str, set: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix(set));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(u64::MAX) & (1 << (signal - 1)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_counted() {
        assert_eq!(
            writes("rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 44\n"),
            Some(44)
        );
        assert_eq!(writes("wchar: 1"), None);
    }
}
