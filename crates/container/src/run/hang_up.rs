//! The end of a container whose terminal has gone.

use std::time::{Duration, Instant};

/// What becomes of process 1 when its terminal has gone. The kernel keeps the signal of it
/// from a process 1 that has not said what it does then, and others end by it.
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

/// Whether a signal is in one of the sets of /proc/PID/status.
fn has_signal(status: &str, set: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix(set));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(u64::MAX) & (1 << (signal - 1)) != 0
}
