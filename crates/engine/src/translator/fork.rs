//! A `fork`: the child's translations become its own.

use guest::Guest;

use super::code::arena::CodeCopy;
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
    copy: CodeCopy,
}

impl<G: Guest> Translator<G> {
    /// To be called before a `fork`.
    #[must_use]
    pub fn before_fork(&self) -> Forking<'_, G> {
        let threads = self.threads.hold();
        let shared = self.shared.hold();
        let copy = shared.arena.copy(self.stub_bytes);
        Forking {
            translator: self,
            threads,
            shared,
            copy,
        }
    }
}

impl<G: Guest> Forking<'_, G> {
    /// In the parent, after it.
    pub fn parent(self) {
        self.copy.release();
    }

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
        if !self.shared.arena.replace(&self.copy)? {
            self.shared.clear(self.translator.stub_bytes);
            self.translator.forgotten_by_parent(&mut self.threads, vcpu);
        }
        Ok(())
    }
}
