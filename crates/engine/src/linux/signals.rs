//! Signals: what the guest asked for, what the host does, and dying by one.
//!
//! Handlers of the guest are recorded and reported back, but not called yet:
//! such a signal does what it does by default. `SIGSEGV` and `SIGBUS` stay
//! the engine's on the host ([`super::faults`]) and are never blocked there,
//! since a blocked fault kills the process at once.

use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};

use super::faults::{self, Action, SIGBUS, SIGSEGV};
use super::sys::{self, number};

/// How many signals there are.
pub const COUNT: i32 = 64;
/// Ends the process, whatever it wants.
pub const SIGKILL: i32 = 9;
/// Stops the process.
pub const SIGSTOP: i32 = 19;

/// The default action.
pub const SIG_DFL: u64 = 0;
/// Ignoring.
pub const SIG_IGN: u64 = 1;

/// A signal's bit in a mask.
#[must_use]
pub const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// The signals that the engine takes for itself.
pub const TAKEN: u64 = bit(SIGSEGV) | bit(SIGBUS);

/// Those of [`TAKEN`] that the guest ignores when somebody sends them.
static IGNORED: AtomicU64 = AtomicU64::new(0);

/// What the guest wants done on each signal.
#[derive(Debug)]
pub struct Actions([Action; COUNT as usize]);

impl Default for Actions {
    fn default() -> Self {
        Self([Action::default(); COUNT as usize])
    }
}

impl Actions {
    /// The action on a signal from 1 to 64.
    #[must_use]
    pub fn of(&mut self, signal: i32) -> Option<&mut Action> {
        usize::try_from(signal.checked_sub(1)?)
            .ok()
            .and_then(|index| self.0.get_mut(index))
    }
}

/// Lets the host do what the guest wants done on a signal.
pub fn apply(signal: i32, action: &Action) {
    let ignored = action.handler == SIG_IGN;
    if TAKEN & bit(signal) != 0 {
        if ignored {
            IGNORED.fetch_or(bit(signal), Ordering::Relaxed);
        } else {
            IGNORED.fetch_and(!bit(signal), Ordering::Relaxed);
        }
        return;
    }
    let host = Action {
        handler: if ignored { SIG_IGN } else { SIG_DFL },
        ..Action::default()
    };
    // SAFETY: no handler is set. Failing leaves what was before, and only
    // signals fail that cannot be set, which the caller refuses.
    let _ = unsafe { faults::set_action(signal, &host) };
}

/// Whether the guest ignores a signal of [`TAKEN`] that somebody sent.
#[must_use]
pub fn ignored(signal: i32) -> bool {
    IGNORED.load(Ordering::Relaxed) & bit(signal) != 0
}

/// The calling thread's mask on the host.
#[must_use]
pub fn mask() -> u64 {
    let mut mask = 0_u64;
    // SAFETY: the kernel writes the mask only.
    let _ = unsafe {
        sys::syscall(
            number::RT_SIGPROCMASK,
            [0, 0, ptr::from_mut(&mut mask) as u64, 8, 0, 0],
        )
    };
    mask
}

/// Sets the calling thread's mask on the host, without the signals that must
/// not be blocked.
pub fn set_mask(mask: u64) {
    const SIG_SETMASK: u64 = 2;
    let mask = mask & !TAKEN;
    // SAFETY: the kernel reads the mask only.
    let _ = unsafe {
        sys::syscall(
            number::RT_SIGPROCMASK,
            [SIG_SETMASK, ptr::from_ref(&mask) as u64, 0, 8, 0, 0],
        )
    };
}

/// Ends the process by a signal's default action, so that its parent sees
/// that signal.
pub fn die(signal: i32) -> ! {
    // SAFETY: no handler is set, and the calls touch nothing but signals.
    unsafe {
        let _ = faults::set_action(signal, &Action::default());
        let mask = !bit(signal);
        let _ = sys::syscall(
            number::RT_SIGPROCMASK,
            [2, ptr::from_ref(&mask) as u64, 0, 8, 0, 0],
        );
        let process = sys::syscall(number::GETPID, [0; 6]).unwrap_or(0);
        let thread = sys::syscall(number::GETTID, [0; 6]).unwrap_or(0);
        let signal = u64::from(signal.cast_unsigned());
        let _ = sys::syscall(number::TGKILL, [process, thread, signal, 0, 0, 0]);
    }
    // The first process of a PID namespace is not ended by its own signals.
    sys::exit_group(128 + signal)
}
