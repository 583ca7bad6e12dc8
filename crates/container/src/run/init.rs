//! Process 1 of a container that wants one: starts the command, hands signals on
//! to it, and waits for whatever is left to it by its dead parent.

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, wait};

use super::{signals, watch};

/// What a terminal stops processes by. Nobody in a container would have the command go on.
const STOPS: [i32; 3] = [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

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
        while let Ok(Some((who, status))) = wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
            if Some(who) != Pid::from_raw(command) {
                continue;
            }
            if let Some(code) = watch::code_of(status) {
                return code;
            }
            let stop = status.stopping_signal();
            if stop.is_some_and(|signal| STOPS.contains(&signal)) {
                let _ = kill_process_group(who, Signal::CONT);
            }
        }
    }
}
