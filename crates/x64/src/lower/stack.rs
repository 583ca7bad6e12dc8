//! Checks of alignment: of the guest's stack pointer to 16, of another slot to an access's
//! size.
//!
//! A check stands between two instructions of the guest, or before one, and leaves on one of
//! its two ways. So the flags need not be kept, but the way that leaves must find them. Where
//! overwriting EFLAGS costs nothing, the check is a `test`; elsewhere a shift and a branch
//! that leave EFLAGS alone.

use super::Lowering;
use super::cold::Cold;
use super::flags::Tracker;
use crate::asm::{Cond as Cc, RegMem, Size};
use crate::convention::{RAX, RCX};
use ir::live::Live;
use ir::{Key, Reg};

impl Lowering<'_> {
    /// Leaves for another mode unless the slot is a multiple of 16.
    pub(crate) fn check_stack(&mut self, a: Reg, to: Key) {
        let seen = (self.outside)(to) != Live::Dead;
        let pc = self.pc;
        self.unless_aligned(a, ir::Size::B16, |here| Cold::Away {
            flags: if seen { here } else { Tracker::default() },
            pc,
            target: to,
        });
    }

    /// Goes on in another mode if the slot is a multiple of 16; else the
    /// interpreter does the instruction.
    pub(crate) fn if_aligned(&mut self, a: Reg, word: u32, to: Key) {
        let pc = to.pc;
        self.unless_aligned(a, ir::Size::B16, |flags| Cold::Stop { flags, pc, word });
        self.go_outside(to);
    }

    /// The interpreter does the instruction unless the slot is a multiple of the size.
    pub(crate) fn check_aligned(&mut self, size: ir::Size, a: Reg) {
        let (pc, word) = (self.pc, self.word());
        if size != ir::Size::B1 {
            self.unless_aligned(a, size, |flags| Cold::Stop { flags, pc, word });
        }
    }

    /// Does something cold, which is told where the flags are, unless the slot is
    /// a multiple of that. Uses `rax` and `rcx`.
    fn unless_aligned(&mut self, a: Reg, size: ir::Size, cold: impl FnOnce(Tracker) -> Cold) {
        let free = self.clobber_is_free();
        let mask = i32::from(size.bytes()) - 1;
        if free {
            self.clobber();
            match self.source(a, RAX) {
                RegMem::Reg(a) => self.a.test_ri(Size::B8, a, mask),
                RegMem::Mem(a) => self.a.test_mi(Size::B8, a, mask),
            }
        } else {
            // All but the low bits are shifted out.
            self.a.mov_ri(RAX, 64 - u64::from(size.log2()));
            let a = self.source(a, RCX);
            self.a.shlx(Size::B64, RCX, a, RAX);
        }
        let cold = cold(self.flags_here());
        let label = self.behind(cold);
        if free {
            self.a.jcc(Cc::NE, label);
        } else {
            let aligned = self.a.new_label();
            self.a.jrcxz(aligned);
            self.a.jmp(label);
            self.a.bind(aligned);
        }
    }
}
