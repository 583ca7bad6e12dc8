//! Floating point that takes denormals for zeros. A NaN is always the default NaN then.
//!
//! MXCSR has such modes, too, and they differ: they tell of no denormal source, and find a result
//! tiny after rounding. So the host computes with denormals, and tells by its exceptions
//! where that may differ from the guest's. These are looked at together with the result, and then
//! the interpreter does the instruction, or the run, again:
//! - Denormal: a source was one, or a result was, since each result is compared with something;
//! - Underflow: a product has become zero or a denormal;
//! - Invalid and Divide-by-zero: they hide a denormal source.
//!
//! What the host has raised is then taken back, by MXCSR as it was before. Where conversions and
//! rounding tell of no denormal, their sources are compared first.
//!
//! Invariants: a detour that takes MXCSR back clears its exceptions, and gathers those of before in
//! the state. Where one of these may have been the reason, which other instructions leave, the
//! host begins once more.

use crate::asm::{Alu, Cond as Cc, Label, Size as Host};
use crate::convention::{RAX, RCX};
use crate::lower::Lowering;

/// MXCSR's bits of Invalid, Denormal, Divide-by-zero and Underflow.
const DIFFERS: i32 = 0x17;
/// Of all exceptions.
const EXCEPTIONS: i32 = 0x3f;

impl Lowering<'_> {
    /// Where the instruction flushes: keeps MXCSR as it is before it, or before a run. EFLAGS
    /// has no flags behind this, so that it can be begun here again.
    pub(crate) fn keep_status(&mut self) {
        if self.flushes && self.status_kept.is_none() {
            self.clobber();
            let begin = self.a.new_label();
            self.a.bind(begin);
            let before = self.c.state(self.c.layout.status_before);
            self.a.stmxcsr(before);
            self.status_kept = Some(begin);
        }
    }

    /// Where the instruction flushes: leaves if an exception says that the guest's result may be
    /// another. Overwrites EFLAGS.
    pub(crate) fn look_at_status(&mut self, cold: Label) {
        if self.flushes {
            let after = self.c.state(self.c.layout.status_after);
            self.a.stmxcsr(after);
            self.a.test_mi(Host::B8, after, DIFFERS);
            self.a.jcc(Cc::NE, cold);
        }
    }

    /// MXCSR as it was before, its exceptions gathered in the state. If that had some, goes back
    /// to where it was kept. Overwrites EFLAGS, `rax` and `rcx`.
    pub(crate) fn restore_status(&mut self, begin: Label) {
        let before = self.c.state(self.c.layout.status_before);
        self.a.mov_rm(Host::B32, RCX, before);
        let gathered = self.c.state(self.c.layout.status);
        self.a.alu_mr(Host::B32, Alu::Or, gathered, RCX);
        self.a.mov_rr(Host::B32, RAX, RCX);
        self.a.alu_ri(Host::B32, Alu::And, RAX, !EXCEPTIONS);
        self.a.mov_mr(Host::B32, before, RAX);
        self.a.ldmxcsr(before);
        self.a.test_ri(Host::B8, RCX, DIFFERS);
        self.a.jcc(Cc::NE, begin);
    }
}
