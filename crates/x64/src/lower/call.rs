//! Calls of the engine's functions, such as one that reads a clock.
//!
//! The function is called as the host's functions are, `extern "sysv64" fn(argument: u32,
//! values: *mut [u64; 2]) -> u32`, on translated code's own stack, and without leaving
//! translated code. Integer slots in registers that the host's convention does not keep are
//! put into the state meanwhile. Of the vector slots only those are put there that a
//! function of the guest keeps.
//!
//! If a signal handler finds the thread in the function, it only notes the signal, since no
//! rip tells the guest's state there. So the code looks at the attention word when the
//! function returns, and leaves if the word is set. A handler that comes after this look
//! finds translated code, and lets it go on to the next place where the state is known.

use super::Lowering;
use super::cold::Cold;
use super::flags::Tracker;
use crate::asm::{Alu, Cond as Cc, Gpr, Mem, Size, V, Xmm};
use crate::convention::{RAX, RCX};
use alloc::vec::Vec;
use ir::Reg;

const RSI: Gpr = Gpr(6);
const RDI: Gpr = Gpr(7);
/// What of the registers that hold slots the System V convention has a function
/// keep: rbx and r12 to r15.
const KEPT: [Gpr; 5] = [Gpr(3), Gpr(12), Gpr(13), Gpr(14), Gpr(15)];

impl Lowering<'_> {
    pub(crate) fn call(&mut self, function: u8, [d, e, f]: [Reg; 3], a: Reg, otherwise: u64) {
        // Nobody looks at the old flags any more.
        self.flags_are(Tracker::NOWHERE);
        let ints = self.int_to_save([d, e, f]);
        let vecs = self.vec_to_save();
        for &(reg, home) in &ints {
            self.a.mov_mr(Size::B64, home, reg);
        }
        for &(reg, home) in &vecs {
            self.a.vstore(V::MovdquStore, home, reg);
        }
        self.read_to(a, RDI);
        let values = self.c.state(self.c.layout.scratch);
        self.a.lea(Size::B64, RSI, values);
        let at = self.c.layout.functions + 8 * u32::from(function);
        self.a.call_m(self.c.state(at));
        for &(reg, home) in &ints {
            self.a.mov_rm(Size::B64, reg, home);
        }
        for &(reg, home) in &vecs {
            self.a.v2(V::Movdqu, reg, home);
        }
        for (n, reg) in [(0, e), (8, f)] {
            let to = self.target(reg, RCX);
            let value = self.c.state(self.c.layout.scratch + n);
            self.a.mov_rm(Size::B64, to, value);
            self.write(reg, to);
        }
        let to = self.target(d, RCX);
        self.a.mov_ri(to, 0);
        self.write(d, to);
        self.flags_are(Tracker::constant(0));
        self.leave_unless_done(otherwise);
    }

    /// Leaves, to go on at `otherwise`, if the result in `rax` is an error or the
    /// attention word is set.
    fn leave_unless_done(&mut self, otherwise: u64) {
        let cold = self.a.new_label();
        self.cold.push((cold, Cold::Otherwise { pc: otherwise }));
        let attention = self.c.state(self.c.layout.attention);
        self.a.mov_rm(Size::B64, RCX, attention);
        self.a.alu_rm(Size::B32, Alu::Or, RAX, Mem::base(RCX));
        self.a.jcc(Cc::NE, cold);
    }

    /// Registers of slots that the function may overwrite, and that the
    /// operation does not, with the slots' homes.
    fn int_to_save(&self, written: [Reg; 3]) -> Vec<(Gpr, Mem)> {
        let slots = (0_u8..).zip(self.c.int);
        let lost = slots.filter_map(|(slot, reg)| Some((slot, reg?)));
        lost.filter(|&(slot, reg)| !KEPT.contains(&reg) && !written.contains(&Reg(slot)))
            .map(|(slot, reg)| (reg, self.c.int_home(slot)))
            .collect()
    }

    /// The vector slots that a call loses, with their homes. The host's convention keeps none, but those
    /// from xmm16 on are named by AVX-512's instructions alone, and such functions
    /// are built for every processor of the architecture.
    fn vec_to_save(&self) -> Vec<(Xmm, Mem)> {
        let slots = self.c.layout.kept_vec.iter();
        let kept = slots.filter_map(|&slot| Some((self.c.vec[usize::from(slot)]?, slot)));
        kept.filter(|(reg, _)| reg.0 < 16)
            .map(|(reg, slot)| (reg, self.c.vec_home(slot)))
            .collect()
    }
}
