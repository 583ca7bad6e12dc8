//! A `fork`: what has been translated is both processes', what will be is each one's own.

use guest::Guest;

use super::threads::Threads;
use super::translate::Translator;
use super::translations::Translations;
use super::vcpu::Vcpu;
use crate::host::lock::Held;
use crate::host::sys::Errno;

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
        let whole = shared.arena.freeze();
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
    /// In the child, whose only thread this is.
    ///
    /// # Errors
    /// When its code memory cannot be its own; it must not run guest code
    /// then.
    pub fn child(mut self, vcpu: &mut Vcpu<G>) -> Result<(), Errno> {
        let own = vcpu.attention();
        self.threads
            .inside
            .retain(|&thread| core::ptr::eq(thread, own));
        self.threads.one_table = self.one_table;
        let keep = self.translator.stub_bytes;
        let alone = self.threads.is_alone();
        self.shared.arena.inherited(self.whole, keep, alone)?;
        if !self.whole {
            self.shared.clear(keep, alone);
            self.translator.forgotten_by_parent(&mut self.threads, vcpu);
        }
        Ok(())
    }
}
