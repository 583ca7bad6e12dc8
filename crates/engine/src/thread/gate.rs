//! The protocol by which a thread enters translated code, others tell it to forget
//! something of that code, and wait until it is outside.
//!
//! It has two words of the thread's: `word`, whose bits say what the thread is told, and
//! `inside`, which is not zero while the thread may be in translated code.
//!
//! - The thread says that it is inside, then looks whether it is told anything. It enters
//!   only if it is not ([`Gate::enter`]). It says that it is outside once it needs nothing
//!   of the code any more ([`Gate::leave`]).
//! - Whoever is to change code first takes a lock, then tells all other threads, then waits
//!   for each that is inside ([`stop`]). The code is changed, and what has changed is
//!   written down, before the lock is given back.
//! - A thread that was told takes the same lock, and only with that takes back what it was
//!   told and reads what has changed ([`Gate::catch_up`]). Then it may enter again.
//!
//! The thread writes `inside` and reads `word`; the others write `word` and read `inside`.
//! Between its write and its read each has a full fence, so that one of the two at least
//! sees what the other wrote: the thread does not enter, or it is waited for.
//!
//! All of this is generic over the words, for the sake of `tests/gate.rs`: there, loom
//! runs it in every order that the memory model allows.

use core::sync::atomic::{AtomicU32, Ordering, fence};

/// A word that threads share: the processor's, or a model's.
pub trait Word {
    /// Reads it.
    fn load(&self, order: Ordering) -> u32;
    /// Writes it.
    fn store(&self, value: u32, order: Ordering);
    /// Sets bits.
    fn set(&self, bits: u32, order: Ordering);
    /// Clears bits.
    fn clear(&self, bits: u32, order: Ordering);
    /// A full fence between an access of this word and one of another.
    fn fence(&self);
}

impl Word for AtomicU32 {
    #[inline]
    fn load(&self, order: Ordering) -> u32 {
        Self::load(self, order)
    }

    #[inline]
    fn store(&self, value: u32, order: Ordering) {
        Self::store(self, value, order);
    }

    #[inline]
    fn set(&self, bits: u32, order: Ordering) {
        self.fetch_or(bits, order);
    }

    #[inline]
    fn clear(&self, bits: u32, order: Ordering) {
        self.fetch_and(!bits, order);
    }

    #[inline]
    fn fence(&self) {
        fence(Ordering::SeqCst);
    }
}

/// A thread that has a gate.
pub trait Gated {
    /// What its words are.
    type Word: Word;

    /// The gate.
    fn gate(&self) -> Gate<'_, Self::Word>;
}

/// A thread's way into translated code.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a, W> {
    /// Not zero when the thread is told something.
    pub word: &'a W,
    /// Not zero while the thread may be in translated code.
    pub inside: &'a W,
}

impl<W: Word> Gate<'_, W> {
    /// The thread enters, unless it is told something. It has to leave in either case.
    ///
    /// In translated code's stub (`x64::stubs`) this is `xchg`, which is a full fence, and
    /// `cmp`: here it is for the model, and says what those two have to do.
    #[must_use]
    pub fn enter(&self) -> bool {
        self.inside.store(1, Ordering::Relaxed);
        self.inside.fence();
        self.word.load(Ordering::Acquire) == 0
    }

    /// The thread is outside, and needs nothing of the code any more.
    #[inline]
    pub fn leave(&self) {
        self.inside.store(0, Ordering::Release);
    }

    /// The thread, which was told by these bits, learns what of the code has changed: it
    /// reads that while what `lock` returns is held, which `stop`'s callers hold too.
    #[must_use]
    pub fn catch_up<G>(&self, bits: u32, lock: impl FnOnce() -> G) -> G {
        // Before the lock is held, another change may be under way, or come.
        let held = lock();
        self.word.clear(bits, Ordering::AcqRel);
        held
    }

    fn tell(&self, bits: u32) {
        self.word.set(bits, Ordering::Release);
    }

    fn is_inside(&self) -> bool {
        self.word.fence();
        self.inside.load(Ordering::Acquire) != 0
    }
}

/// Tells threads something, and waits until all of them are outside: none enters before it
/// has caught up. While one is inside, `wait` is called, with how often it was before, and
/// says whether that thread is still there.
pub fn stop<'a, T: Gated + 'a>(
    threads: impl Iterator<Item = &'a T> + Clone,
    bits: u32,
    wait: impl Fn(&'a T, u32) -> bool,
) {
    for thread in threads.clone() {
        thread.gate().tell(bits);
    }
    for thread in threads {
        let mut round = 0_u32;
        while thread.gate().is_inside() && wait(thread, round) {
            round = round.wrapping_add(1);
        }
    }
}
