//! Locks: one that spins, for what is held for a few instructions, and one
//! that sleeps.
//!
//! A signal handler takes neither, with one exception: the spinning lock of
//! [`super::own::stack`], whose holders never cause the fault that this handler is for. The
//! spinning lock is not held over anything that waits for another thread of the engine. Both
//! can be held over a `fork` ([`SpinLock::hold`], [`Lock::hold`]): then the child has them.

use core::cell::UnsafeCell;
use core::fmt;
use core::hint::spin_loop;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::sys;

/// A value that one thread at a time may use.
pub struct SpinLock<T> {
    locked: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached by one thread at a time.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> fmt::Debug for SpinLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpinLock").finish_non_exhaustive()
    }
}

impl<T: Default> Default for SpinLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> SpinLock<T> {
    /// Locks `value` up.
    pub const fn new(value: T) -> Self {
        Self {
            locked: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// Runs `f` with the value, alone. `f` must not take the same lock.
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let unlock = self.hold();
        // SAFETY: the lock is held until `unlock` is dropped.
        let result = f(unsafe { &mut *self.value.get() });
        drop(unlock);
        result
    }

    /// The value's address, for other processes that read it without a lock.
    #[must_use]
    pub fn place(&self) -> u64 {
        self.value.get() as u64
    }

    /// Keeps others out until what is returned is dropped.
    #[must_use]
    pub fn hold(&self) -> Unlock<'_> {
        while self
            .locked
            .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            spin_loop();
        }
        Unlock(&self.locked)
    }
}

/// Unlocks when dropped, also when a test's closure panics.
#[derive(Debug)]
pub struct Unlock<'a>(&'a AtomicBool);

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A value that one thread at a time may use; others sleep.
pub struct Lock<T> {
    /// 0: free, 1: held, 2: held and somebody may be waiting.
    word: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached by one thread at a time.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").finish_non_exhaustive()
    }
}

const FUTEX_WAIT_PRIVATE: u64 = 128;
const FUTEX_WAKE_PRIVATE: u64 = 129;

impl<T> Lock<T> {
    /// Locks `value` up.
    pub const fn new(value: T) -> Self {
        Self {
            word: AtomicU32::new(0),
            value: UnsafeCell::new(value),
        }
    }

    /// The value, for as long as what is returned lives.
    #[must_use]
    pub fn hold(&self) -> Held<'_, T> {
        let take = |from, to| {
            self.word
                .compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
        };
        for _ in 0..100 {
            if take(0, 1) {
                return Held(self);
            }
            spin_loop();
        }
        while self.word.swap(2, Ordering::Acquire) != 0 {
            self.futex(FUTEX_WAIT_PRIVATE, 2);
        }
        Held(self)
    }

    fn futex(&self, operation: u64, value: u64) {
        let word = self.word.as_ptr() as u64;
        // SAFETY: the kernel reads the word only. Whatever it returns, the
        // word says what is next.
        let _ = unsafe { sys::syscall(sys::number::FUTEX, [word, operation, value, 0, 0, 0]) };
    }
}

/// Unlocks when dropped.
#[derive(Debug)]
pub struct Held<'a, T>(&'a Lock<T>);

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the lock is held.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held, and `self` is borrowed alone.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        if self.0.word.swap(0, Ordering::Release) == 2 {
            self.0.futex(FUTEX_WAKE_PRIVATE, 1);
        }
    }
}
