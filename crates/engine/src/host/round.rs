//! Waiting for a moment at which something may have changed: a number that grows then,
//! and a futex to sleep on.
//!
//! Who waits reads the number, looks whether there is something to wait for, and sleeps
//! for as long as the number stays. Who changes something calls [`Round::next`] after
//! that. So no change between the look and the sleep is missed.

use core::sync::atomic::{AtomicU32, Ordering};

use super::sys::{self, number};

/// Another number whenever somebody may have to look again.
#[derive(Debug, Default)]
pub struct Round(AtomicU32);

impl Round {
    /// The number: to be read before the look at what is waited for.
    #[must_use]
    pub fn now(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    /// Sleeps for as long as this is the number, or so many nanoseconds, or until a
    /// signal comes: then the caller looks again.
    pub fn sleep(&self, now: u32, nanoseconds: Option<u64>) {
        const FUTEX_WAIT_PRIVATE: u64 = 128;
        let time = [0, nanoseconds.unwrap_or(0)];
        let time = nanoseconds.map_or(0, |_| time.as_ptr() as u64);
        let word = self.0.as_ptr() as u64;
        let arguments = [word, FUTEX_WAIT_PRIVATE, now.into(), time, 0, 0];
        // SAFETY: the kernel reads the word and the time only.
        let _ = unsafe { sys::syscall(number::FUTEX, arguments) };
    }

    /// Whoever sleeps looks again.
    pub fn next(&self) {
        const FUTEX_WAKE_PRIVATE: u64 = 129;
        const ALL: u64 = i32::MAX as u64;
        self.0.fetch_add(1, Ordering::AcqRel);
        let word = self.0.as_ptr() as u64;
        // SAFETY: the kernel reads the word only.
        let _ = unsafe { sys::syscall(number::FUTEX, [word, FUTEX_WAKE_PRIVATE, ALL, 0, 0, 0]) };
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    #[test]
    fn nobody_sleeps_through_a_change() {
        let round = Round::default();
        let before = round.now();
        round.next();
        assert_ne!(round.now(), before);
        // It has changed: this returns at once.
        round.sleep(before, None);
        round.sleep(round.now(), Some(1));
        let now = round.now();
        std::thread::scope(|threads| {
            let waits = threads.spawn(|| {
                while round.now() == now {
                    round.sleep(now, None);
                }
            });
            round.next();
            assert!(waits.join().is_ok());
        });
    }
}
