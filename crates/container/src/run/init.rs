//! Process 1 of a container that wants one: starts the command, hands signals on
//! to it, and waits for whatever is left to it by its dead parent.

use rustix::process::{Pid, WaitOptions, wait};

use super::{signals, watch};

/// Stays until the command ends; returns its exit code.
pub(super) fn stay(command: libc::pid_t) -> u8 {
    // SAFETY: a system call that takes numbers. Nothing of this process is used from here
    // on that has a descriptor, and its owners are never dropped: it ends by `_exit`.
    unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) };
    let signals = signals::all();
    loop {
        let mut signal = 0;
        // SAFETY: both point to values that live through the call; the signals are
        // blocked since before this process was made.
        if unsafe { libc::sigwait(&raw const signals, &raw mut signal) } != 0 {
            continue;
        }
        if signal != libc::SIGCHLD {
            // SAFETY: a system call that takes numbers.
            unsafe { libc::kill(command, signal) };
            continue;
        }
        while let Ok(Some((who, status))) = wait(WaitOptions::NOHANG) {
            if Some(who) == Pid::from_raw(command)
                && let Some(code) = watch::code_of(status)
            {
                return code;
            }
        }
    }
}
