//! Signals: what the guest asked for, what the host does, and dying by one.
//!
//! What the guest ignores or leaves to the default, the host ignores or leaves so too. What the
//! guest handles comes to the engine ([`crate::thread::handlers`]), which writes the guest's
//! frame ([`super::abi::Abi::push`]). The host's mask is the guest's, except for the signals of
//! [`TAKEN`]: these belong to the engine and are never blocked on the host, since a blocked
//! fault kills the process at once.

use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::host::signal::{
    self, Action, COUNT, SA_NOCLDSTOP, SA_NOCLDWAIT, SA_RESTART, SI_TKILL, SIG_DFL, SIG_IGN,
    SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSTOP, SIGSYS, SIGTRAP, SignalInfo, bit, raise,
    set_whole_mask,
};
use crate::host::sys::{self, Errno, number};
use crate::thread::attention::Attention;
pub use crate::thread::handlers::put_back;
use crate::thread::taken::{TAKEN, TAKEN_LIST};
use crate::thread::{handlers, interruptible};

/// Other signals that faults have: the kernel tells all of these before others.
pub const OTHER_FAULTS: u64 = bit(SIGILL) | bit(SIGFPE) | bit(SIGSYS);

/// What the guest wants done on each signal.
#[derive(Clone, Debug)]
pub struct Actions {
    actions: [Action; COUNT as usize],
    /// Those that were looked up or set since the program started; what the
    /// others are the host knows.
    known: u64,
}

impl Actions {
    /// What the program was started with: of the taken signals, these are
    /// ignored.
    #[must_use]
    pub fn inherited(ignored: u64) -> Self {
        let mut actions = Self {
            actions: [Action::default(); COUNT as usize],
            known: TAKEN,
        };
        for signal in TAKEN_LIST {
            if ignored & bit(signal) != 0
                && let Some(action) = actions.place(signal)
            {
                action.handler = SIG_IGN;
            }
        }
        actions
    }

    fn place(&mut self, signal: i32) -> Option<&mut Action> {
        usize::try_from(signal.checked_sub(1)?)
            .ok()
            .and_then(|index| self.actions.get_mut(index))
    }

    /// The action on a signal from 1 to 64.
    #[must_use]
    pub fn of(&mut self, signal: i32) -> Option<Action> {
        self.place(signal)?;
        if self.known & bit(signal) == 0 {
            self.known |= bit(signal);
            let host = signal::action(signal).handler;
            self.place(signal)?.handler = if host == SIG_IGN { SIG_IGN } else { SIG_DFL };
        }
        self.place(signal).map(|action| *action)
    }

    /// The sets of signals that are ignored, and that are handled.
    #[must_use]
    pub fn sets(&mut self) -> (u64, u64) {
        let mut sets = (0, 0);
        for signal in 1..=COUNT {
            match self.of(signal).unwrap_or_default().handler {
                SIG_DFL => {}
                SIG_IGN => sets.0 |= bit(signal),
                _ => sets.1 |= bit(signal),
            }
        }
        sets
    }

    /// The signals that do nothing when they come, as most processes have `SIGCHLD`. The kernel
    /// drops them where they are not blocked, and keeps them where they are: then each thread
    /// that does not block them is woken for them.
    #[must_use]
    pub fn dropped(&mut self) -> u64 {
        let (ignored, handled) = self.sets();
        let by_default = (1..=COUNT)
            .filter(|&signal| default_of(signal) == Default::Ignore)
            .fold(0, |set, signal| set | bit(signal));
        (ignored | by_default & !handled) & !TAKEN
    }

    /// Sets the action on a signal, on the host too.
    ///
    /// # Errors
    /// The kernel's; nothing has changed then.
    pub fn set(&mut self, signal: i32, action: Action) -> Result<(), Errno> {
        apply(signal, &action)?;
        if let Some(place) = self.place(signal) {
            *place = action;
            self.known |= bit(signal);
        }
        Ok(())
    }

    /// All that are handled are back at the default, as after
    /// `CLONE_CLEAR_SIGHAND`. The host's are so already, and with them those
    /// that the engine needs, which are taken again.
    ///
    /// # Errors
    /// The kernel's.
    pub fn clear_handlers(&mut self) -> Result<(), Errno> {
        for action in &mut self.actions {
            if action.handler != SIG_IGN {
                *action = Action::default();
            }
        }
        (1..=COUNT)
            .zip(&self.actions)
            .filter(|&(signal, action)| {
                TAKEN & bit(signal) != 0 || action.handler == SIG_DFL && is_followed(signal)
            })
            .try_for_each(|(signal, _)| match handlers::take(signal, 0) {
                // Two of them nobody can take.
                Err(_) if TAKEN & bit(signal) == 0 => Ok(()),
                taken => taken.map(drop),
            })
    }

    /// Those of the taken signals that are ignored.
    #[must_use]
    pub fn taken_ignored(&self) -> u64 {
        TAKEN_LIST
            .iter()
            .filter(|&&signal| {
                usize::try_from(signal - 1)
                    .is_ok_and(|index| self.actions[index].handler == SIG_IGN)
            })
            .map(|&signal| bit(signal))
            .sum()
    }
}

/// The signals that end the process with a core file by default: QUIT, ILL,
/// TRAP, ABRT, BUS, FPE, SEGV, XCPU, XFSZ, SYS.
pub const CORES: u64 = bit(3)
    | bit(4)
    | bit(SIGTRAP)
    | bit(6)
    | bit(SIGBUS)
    | bit(8)
    | bit(SIGSEGV)
    | bit(24)
    | bit(25)
    | bit(31);

/// The signals that come to the engine first where they are left to the default,
/// and that ends or stops the process: all while somebody follows its threads.
static FOLLOWED: AtomicU64 = AtomicU64::new(0);

/// Lets the engine get these signals where they would end or stop the process, but
/// for those that are ignored.
pub fn follow(signals: u64) {
    if FOLLOWED.fetch_or(signals, Ordering::AcqRel) & signals == signals {
        return;
    }
    for signal in 1..=COUNT {
        if signals & bit(signal) != 0 && signal::action(signal).handler == SIG_DFL {
            // Two of them nobody can take.
            let _ = apply(signal, &Action::default());
        }
    }
}

/// Whether the default action is to come to the engine.
fn is_followed(signal: i32) -> bool {
    FOLLOWED.load(Ordering::Acquire) & bit(signal) != 0 && default_of(signal) != Default::Ignore
}

/// Lets the host do what the guest wants done on a signal.
fn apply(signal: i32, action: &Action) -> Result<(), Errno> {
    const PASSED: u64 = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_RESTART;
    let flags = action.flags & PASSED;
    let followed = action.handler == SIG_DFL && is_followed(signal);
    if TAKEN & bit(signal) != 0 || action.handler > SIG_IGN || followed {
        return handlers::take(signal, flags).map(drop);
    }
    let host = Action {
        handler: action.handler,
        flags,
        ..Action::default()
    };
    // SAFETY: no handler is set.
    unsafe { signal::set_action(signal, &host) }.map(drop)
}

/// What a signal does that is not handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// Ends the process.
    Terminate,
    /// Nothing.
    Ignore,
    /// Stops the process.
    Stop,
}

/// What a signal does by default.
#[must_use]
pub const fn default_of(signal: i32) -> Default {
    match signal {
        // CHLD, CONT (whose effect is the kernel's), URG, WINCH.
        17 | 18 | 23 | 28 => Default::Ignore,
        // STOP, TSTP, TTIN, TTOU.
        19..=22 => Default::Stop,
        _ => Default::Terminate,
    }
}

/// Sets the calling thread's mask on the host, without the signals that must
/// not be blocked.
pub fn set_mask(mask: u64) {
    let _ = set_whole_mask(mask & !TAKEN);
}

/// The same, unless the thread is wanted before that; returns whether it was
/// done.
#[must_use]
pub fn try_mask(attention: &Attention, mask: u64) -> bool {
    let mask = mask & !TAKEN;
    let arguments = [signal::SIG_SETMASK, ptr::from_ref(&mask) as u64, 0, 8, 0, 0];
    // SAFETY: the kernel reads the mask only.
    let done = unsafe { interruptible::syscall(attention, number::RT_SIGPROCMASK, &arguments) };
    done != Err(Errno::RESTART)
}

/// As [`put_back`], for any thread of the process that blocks it.
pub fn put_back_for_process(attention: &Attention, info: &SignalInfo) {
    let process = attention.process.load(Ordering::Relaxed).into();
    let signal = u64::from(info.signal().unsigned_abs());
    let info = info.0.as_ptr() as u64;
    // SAFETY: the kernel reads the array only.
    let _ = unsafe { sys::syscall(number::RT_SIGQUEUEINFO, [process, signal, info, 0, 0, 0]) };
}

/// Takes a signal of the set out of the kernel, where the calling thread blocks
/// it, if one is there.
#[must_use]
pub fn without_waiting(set: u64) -> Option<SignalInfo> {
    let mut info = SignalInfo([0; 16]);
    let time = [0_u64; 2];
    let arguments = [
        ptr::from_ref(&set) as u64,
        ptr::from_mut(&mut info) as u64,
        time.as_ptr() as u64,
        8,
        0,
        0,
    ];
    // SAFETY: the kernel reads the set and the time, and writes the siginfo.
    unsafe { sys::syscall(number::RT_SIGTIMEDWAIT, arguments) }.ok()?;
    Some(info)
}

/// The calling thread ends: blocks all signals, and gives one that has arrived
/// but was sent to the process to another thread.
pub fn pass_on(attention: &Attention) {
    let _ = set_whole_mask(!0);
    if let Some(info) = attention.take_signal()
        && info.code() != SI_TKILL
    {
        put_back_for_process(attention, &info);
    }
}

/// Stops the process, as a signal does that is not handled.
pub fn stop() {
    raise(SIGSTOP);
}

/// Ends the process by a signal's default action, so that its parent sees
/// that signal.
pub fn die(signal: i32) -> ! {
    // SAFETY: no handler is set.
    let _ = unsafe { signal::set_action(signal, &Action::default()) };
    // First pending, then let through, so that no other comes in between.
    let _ = set_whole_mask(!0);
    raise(signal);
    let _ = set_whole_mask(!bit(signal));
    // The first process of a PID namespace is not ended by its own signals.
    sys::exit_group(128 + signal)
}
