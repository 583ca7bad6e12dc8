//! Forgetting translations: those of code that is another by now, or all.
//!
//! It takes three steps: every thread's attention word is set, so that none
//! enters any more; those inside are waited for; then what is to be forgotten
//! is unlinked, and no longer found. A thread goes on after it has cleared its
//! table of targets of what was forgotten since it last did.

use alloc::vec::Vec;
use core::arch::x86_64::__cpuid;
use core::ops::Range;
use core::sync::atomic::{Ordering, fence};

use super::translate::{Code, Engine};
use super::vcpu::Vcpu;
use crate::host::sys;
use crate::thread::attention::{Attention, FORGET};
use crate::thread::handlers;

/// The guest addresses that had code and lost it, numbered from the engine's
/// beginning; only the last ones are kept.
#[derive(Debug, Default)]
pub struct Gone {
    /// The number of the first that is kept.
    first: u64,
    addresses: Vec<u64>,
}

impl Gone {
    /// How many are kept: where a thread would have to look at more, clearing
    /// its table is cheaper.
    const MOST: usize = 4096;

    /// The number of the next one.
    const fn next(&self) -> u64 {
        self.first + self.addresses.len() as u64
    }

    fn add(&mut self, addresses: &[u64]) {
        if self.addresses.len() + addresses.len() > Self::MOST {
            self.first = self.next() + addresses.len() as u64;
            self.addresses.clear();
        } else {
            self.addresses.extend_from_slice(addresses);
        }
    }

    /// All have lost theirs.
    fn all(&mut self) {
        self.first = self.next() + 1;
        self.addresses.clear();
    }

    /// Those from a number on, unless they are not kept any more.
    fn since(&self, number: u64) -> Option<&[u64]> {
        let skip = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.addresses.get(skip..)
    }
}

/// The threads of an engine.
#[derive(Debug, Default)]
pub struct Threads {
    /// Those that may be inside, each until it parts.
    pub inside: Vec<&'static Attention>,
    /// What they have to forget.
    pub gone: Gone,
}

impl Threads {
    /// Waits until all others are outside, which will not enter again before
    /// they have caught up.
    fn stop(&self, own: &'static Attention) {
        let others = || {
            self.inside
                .iter()
                .filter(|&&thread| !core::ptr::eq(thread, own))
        };
        for thread in others() {
            thread.word.fetch_or(FORGET, Ordering::SeqCst);
        }
        fence(Ordering::SeqCst);
        for thread in others() {
            wait_until_outside(thread);
        }
    }
}

impl Engine {
    /// The numbers of a thread's process's other threads.
    pub fn others(&self, own: &'static Attention) -> Vec<u32> {
        let process = own.process.load(Ordering::Relaxed);
        let threads = self.threads.hold();
        let others = threads.inside.iter().filter(|thread| {
            !core::ptr::eq(**thread, own) && thread.process.load(Ordering::Relaxed) == process
        });
        others
            .map(|thread| thread.thread.load(Ordering::Relaxed))
            .collect()
    }

    /// Forgets all translations.
    pub fn forget(&self, vcpu: &mut Vcpu) {
        let mut threads = self.threads.hold();
        threads.stop(vcpu.attention());
        self.shared.hold().clear(self.stub_bytes);
        threads.gone.all();
        self.epoch.store(threads.gone.next(), Ordering::Release);
        drop(threads);
        self.catch_up(vcpu);
    }

    /// In a child, whose only thread this is: the same, the shared state being
    /// held already.
    pub(crate) fn forgotten_by_parent(&self, threads: &mut Threads, vcpu: &mut Vcpu) {
        threads.gone.all();
        self.epoch.store(threads.gone.next(), Ordering::Release);
        vcpu.host.epoch = threads.gone.next();
        vcpu.clear_targets();
    }

    /// Forgets the translations of what the guest has changed of its code.
    pub fn refresh<C: Code>(&self, vcpu: &mut Vcpu, code: &C) {
        if code.version() == self.version.load(Ordering::Acquire) {
            return;
        }
        let mut threads = self.threads.hold();
        // Another thread may have done it meanwhile.
        let version = code.version();
        if version != self.version.load(Ordering::Relaxed) {
            self.forget_ranges(&mut threads, vcpu, code, &code.changed());
            self.version.store(version, Ordering::Release);
        }
        drop(threads);
        self.catch_up(vcpu);
    }

    /// There is code where there was none when this was translated.
    pub(crate) fn forget_at<C: Code>(&self, vcpu: &mut Vcpu, code: &C, pc: u64) {
        let mut threads = self.threads.hold();
        let here = pc..pc.saturating_add(4);
        self.forget_ranges(&mut threads, vcpu, code, &[here]);
        drop(threads);
        self.catch_up(vcpu);
    }

    /// Forgets what is of code in one of the ranges. What is translated while
    /// the threads stop is of the code as it is by now.
    fn forget_ranges<C: Code>(
        &self,
        threads: &mut Threads,
        vcpu: &Vcpu,
        code: &C,
        ranges: &[Range<u64>],
    ) {
        let touched = self.shared.hold().touched(ranges, code);
        if touched.is_empty() {
            return;
        }
        threads.stop(vcpu.attention());
        let gone = self.shared.hold().sleep(touched);
        threads.gone.add(&gone);
        self.epoch.store(threads.gone.next(), Ordering::Release);
    }

    /// The thread forgets what others have forgotten.
    pub fn catch_up(&self, vcpu: &mut Vcpu) {
        // Whoever is forgetting has done so once the lock is free.
        let threads = self.threads.hold();
        let attention = vcpu.attention();
        attention.word.fetch_and(!FORGET, Ordering::AcqRel);
        if vcpu.host.epoch == threads.gone.next() {
            return;
        }
        match threads.gone.since(vcpu.host.epoch) {
            Some(gone) => gone.iter().for_each(|&pc| vcpu.clear_target(pc)),
            None => vcpu.clear_targets(),
        }
        // Branches were changed through another mapping: the processor may have
        // read them before. This instruction lets it read them again.
        let _ = __cpuid(0);
        vcpu.host.epoch = threads.gone.next();
    }
}

/// Waits until a thread that may not enter any more is outside.
fn wait_until_outside(thread: &Attention) {
    /// It usually leaves within microseconds; a kick can get lost when there is
    /// no memory for it.
    const KICK_EVERY: u32 = 1000;
    let mut round = 0_u32;
    while thread.inside.load(Ordering::SeqCst) != 0 {
        if round.is_multiple_of(KICK_EVERY) && !handlers::kick(thread) {
            // It died inside.
            return;
        }
        round = round.wrapping_add(1);
        // It may have less priority: yielding is not enough then.
        if round.is_multiple_of(100) {
            sys::pause(50_000);
        } else {
            sys::yield_processor();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_told_what_it_missed_or_that_it_missed_too_much() {
        let mut gone = Gone::default();
        let start = gone.next();
        gone.add(&[4, 8]);
        assert_eq!(gone.since(start), Some(&[4, 8][..]));
        let later = gone.next();
        gone.add(&[12]);
        assert_eq!(gone.since(later), Some(&[12][..]));
        assert_eq!(gone.since(gone.next()), Some(&[][..]));
        gone.all();
        assert_eq!(gone.since(later), None);
        assert_eq!(gone.since(gone.next()), Some(&[][..]));
        let before = gone.next();
        gone.add(&[16; Gone::MOST]);
        gone.add(&[20]);
        assert_eq!(gone.since(before), None);
        assert_eq!(gone.since(gone.next()), Some(&[][..]));
        // Whoever is at the last number before everything went must not take
        // what came after it for all.
        let last = gone.next();
        gone.all();
        gone.add(&[24]);
        assert_eq!(gone.since(last), None);
    }
}
