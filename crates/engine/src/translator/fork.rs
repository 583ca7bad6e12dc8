//! A `fork`: what has been translated is both processes', what will be is each one's own.

use core::sync::atomic::Ordering;

use guest::Guest;

use super::threads::Threads;
use super::translate::Translator;
use super::translations::Translations;
use super::vcpu::Vcpu;
use crate::host::lock::Held;

/// Everything of a translator held, so that a `fork` finds it sound.
#[derive(Debug)]
pub struct Forking<'a, G: Guest> {
    translator: &'a Translator<G>,
    threads: Held<'a, Threads>,
    shared: Held<'a, Translations>,
    /// The child has the code that there is.
    whole: bool,
    /// Parent and child have one table of descriptors.
    one_table: bool,
}

impl<G: Guest> Translator<G> {
    /// To be called before a `fork`; `one_table`: it copies no descriptors.
    #[must_use]
    pub fn before_fork(&self, one_table: bool) -> Forking<'_, G> {
        let mut threads = self.threads.hold();
        threads.one_table |= one_table;
        let mut shared = self.shared.hold();
        let whole = !self.without_code.load(Ordering::Relaxed) && shared.arena.freeze();
        Forking {
            translator: self,
            threads,
            shared,
            whole,
            one_table,
        }
    }
}

impl<G: Guest> Forking<'_, G> {
    /// In the child, whose only thread this is. Where there is no memory for code of its own, as
    /// below a limit that was lowered meanwhile, everything is interpreted.
    pub fn child(mut self, vcpu: &mut Vcpu<G>) {
        let own = vcpu.attention();
        self.threads
            .inside
            .retain(|&thread| core::ptr::eq(thread, own));
        self.threads.one_table = self.one_table;
        let keep = self.translator.stub_bytes;
        let alone = self.threads.is_alone();
        let inherited = self.shared.arena.inherited(self.whole, keep, alone);
        let without_code = inherited.is_err();
        let flag = &self.translator.without_code;
        flag.store(without_code, Ordering::Relaxed);
        if without_code {
            self.shared.cache.clear();
            self.shared.arena.shut();
        } else if !self.whole {
            self.shared.clear(keep, alone);
        }
        if without_code || !self.whole {
            self.translator.forgotten_by_parent(&mut self.threads, vcpu);
        }
    }
}
