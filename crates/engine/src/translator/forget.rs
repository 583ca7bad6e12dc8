//! Forgetting translations: those of code that is another by now, or all.
//!
//! Every thread is told, so that none enters any more; those inside are waited for
//! ([`crate::thread::gate`]); then what is to be forgotten is unlinked, and no longer
//! found. A thread goes on after it has cleared its table of targets of what was forgotten
//! since it last did. All of that is under the lock of `threads`.

use core::ops::Range;
use core::sync::atomic::Ordering;

use guest::Guest;

use super::source::Code;
use super::threads::Threads;
use super::translate::Translator;
use super::vcpu::Vcpu;
use crate::host::cpu;
use crate::thread::attention::FORGET;
use crate::thread::gate::Gated as _;

impl<G: Guest> Translator<G> {
    /// Forgets all translations.
    pub fn forget(&self, vcpu: &mut Vcpu<G>) {
        let mut threads = self.threads.hold();
        threads.stop(vcpu.attention());
        self.forget_all(&mut threads);
        drop(threads);
        self.catch_up(vcpu);
    }

    /// The same, once the threads are stopped.
    fn forget_all(&self, threads: &mut Threads) {
        threads.gone.all();
        // First: exits get other numbers, and whoever has an old one is not to link it.
        self.epoch.store(threads.gone.next(), Ordering::Release);
        self.shared
            .hold()
            .clear(self.stub_bytes, threads.is_alone());
    }

    /// In a child, whose only thread this is: the same, the shared state being
    /// held already.
    pub(super) fn forgotten_by_parent(&self, threads: &mut Threads, vcpu: &mut Vcpu<G>) {
        threads.gone.all();
        self.epoch.store(threads.gone.next(), Ordering::Release);
        vcpu.host.epoch = threads.gone.next();
        vcpu.clear_targets();
    }

    /// Forgets the translations of what the guest has changed of its code.
    #[inline]
    pub fn refresh<C: Code>(&self, vcpu: &mut Vcpu<G>, code: &C) {
        if code.version() != self.version.load(Ordering::Acquire) {
            self.forget_changed(vcpu, code);
        }
    }

    #[cold]
    fn forget_changed<C: Code>(&self, vcpu: &mut Vcpu<G>, code: &C) {
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
    pub(super) fn forget_at<C: Code>(&self, vcpu: &mut Vcpu<G>, code: &C, pc: u64) {
        let mut threads = self.threads.hold();
        // No instruction is longer.
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
        vcpu: &Vcpu<G>,
        code: &C,
        ranges: &[Range<u64>],
    ) {
        let touched = self.shared.hold().touched::<G, C>(ranges, code);
        if touched.is_empty() {
            return;
        }
        threads.stop(vcpu.attention());
        let gone = self.shared.hold().sleep(touched, threads.is_alone());
        let Some(gone) = gone else {
            return self.forget_all(threads);
        };
        threads.gone.add(&gone);
        self.epoch.store(threads.gone.next(), Ordering::Release);
    }

    /// Has code that a `fork` froze copied, so that its exits can be linked, if there is memory.
    #[cold]
    pub(super) fn thaw(&self, vcpu: &mut Vcpu<G>) {
        let threads = self.threads.hold();
        threads.stop(vcpu.attention());
        self.shared.hold().arena.thaw(threads.is_alone());
        drop(threads);
        self.catch_up(vcpu);
    }

    /// The thread forgets what others have forgotten.
    pub(super) fn catch_up(&self, vcpu: &mut Vcpu<G>) {
        // Whoever is forgetting has done so once the lock is free.
        let gate = vcpu.attention().gate();
        let threads = gate.catch_up(FORGET, || self.threads.hold());
        if vcpu.host.epoch == threads.gone.next() {
            return;
        }
        match threads.gone.since(vcpu.host.epoch) {
            Some(gone) => gone.iter().for_each(|&pc| vcpu.clear_target(pc)),
            None => vcpu.clear_targets(),
        }
        // Branches were changed through another mapping: the processor may have
        // read them before.
        cpu::serialize();
        vcpu.host.epoch = threads.gone.next();
    }
}
