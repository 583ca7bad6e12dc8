//! Slots as operands: in their registers, or by way of scratch.

use super::Lowering;
use crate::asm::{Gpr, Mem, RegMem, Size};
use crate::convention::{RAX, RCX, RDX};
use ir::{Extend, Operand, Reg, Width};

impl From<Width> for Size {
    fn from(w: Width) -> Self {
        match w {
            Width::W32 => Self::B32,
            Width::W64 => Self::B64,
        }
    }
}

impl Lowering<'_> {
    /// The register that holds a slot, if one does.
    pub(crate) fn pinned(&self, reg: Reg) -> Option<Gpr> {
        let pinned = self.register(reg);
        pinned.filter(|&at| at != RDX || !self.products.borrowed())
    }

    /// Where a slot without a register is in memory.
    fn home(&self, reg: Reg) -> Mem {
        self.stand_in(reg)
            .or_else(|| self.word_of_evicted(reg))
            .unwrap_or_else(|| self.c.int_home(reg.0))
    }

    /// A slot's value in a register: its own, or `scratch`.
    pub(crate) fn read(&mut self, reg: Reg, scratch: Gpr) -> Gpr {
        match self.pinned(reg) {
            Some(pinned) => pinned,
            None => {
                self.read_to(reg, scratch);
                scratch
            }
        }
    }

    /// A slot's value in that very register.
    pub(crate) fn read_to(&mut self, reg: Reg, to: Gpr) {
        if reg.is_zero() {
            self.a.mov_ri(to, 0);
        } else if let Some(at) = self.pinned(reg).or_else(|| self.held(reg)) {
            self.a.mov_rr(Size::B64, to, at);
        } else {
            let home = self.home(reg);
            self.a.mov_rm(Size::B64, to, home);
            self.hold(reg, to);
        }
    }

    /// A slot where it is, the zero register in `scratch`; so is what scratch
    /// still holds of a slot in memory.
    pub(crate) fn source(&mut self, reg: Reg, scratch: Gpr) -> RegMem {
        if reg.is_zero() {
            self.a.mov_ri(scratch, 0);
            return RegMem::Reg(scratch);
        }
        if let Some(pinned) = self.pinned(reg) {
            return RegMem::Reg(pinned);
        }
        match self.held(reg) {
            Some(held) => {
                self.a.mov_rr(Size::B64, scratch, held);
                RegMem::Reg(scratch)
            }
            None => RegMem::Mem(self.home(reg)),
        }
    }

    /// Where a slot is, scratch left as it is; not the zero register.
    pub(crate) fn unmoved(&self, reg: Reg) -> RegMem {
        match self.pinned(reg) {
            Some(pinned) => RegMem::Reg(pinned),
            None => RegMem::Mem(self.home(reg)),
        }
    }

    /// The scratch register that still holds a slot's value, which its home
    /// has too.
    fn held(&self, reg: Reg) -> Option<Gpr> {
        let mut scratch = [RAX, RCX].into_iter().zip(self.held);
        let (at, _) = scratch.find(|&(at, of)| of == reg && !self.a.touched(at))?;
        Some(at)
    }

    /// Scratch holds a slot's value.
    pub(crate) fn hold(&mut self, reg: Reg, at: Gpr) {
        for (scratch, of) in [RAX, RCX].into_iter().zip(&mut self.held) {
            if scratch == at {
                *of = reg;
                self.a.watch(at);
            }
        }
    }

    /// Where to compute what a slot is to hold; [`Lowering::write`] ends it.
    pub(crate) fn target(&self, reg: Reg, scratch: Gpr) -> Gpr {
        self.pinned(reg).unwrap_or(scratch)
    }

    /// The slot is what `value` holds, 64 bits.
    pub(crate) fn write(&mut self, reg: Reg, value: Gpr) {
        if reg.is_zero() {
            return;
        }
        self.products.overwritten(reg);
        match self.pinned(reg) {
            Some(pinned) if pinned == value => {}
            Some(pinned) => self.a.mov_rr(Size::B64, pinned, value),
            None => {
                let home = self.home(reg);
                self.a.mov_mr(Size::B64, home, value);
                self.forget_held(reg);
                self.hold(reg, value);
            }
        }
    }

    /// Scratch holds a slot's value no more.
    pub(crate) fn forget_held(&mut self, reg: Reg) {
        for of in &mut self.held {
            if *of == reg {
                *of = Reg::ZERO;
            }
        }
    }

    /// d = the thread pointer.
    pub(crate) fn read_thread(&mut self, d: Reg) {
        let t = self.target(d, RAX);
        let home = self.c.state(self.c.layout.thread);
        self.a.mov_rm(Size::B64, t, home);
        self.write(d, t);
    }

    /// d = how floating point is done.
    pub(crate) fn read_float_control(&mut self, d: Reg) {
        let t = self.target(d, RAX);
        let home = self.c.state(self.c.layout.float_control);
        self.a.mov_rm(Size::B32, t, home);
        self.write(d, t);
    }

    /// The thread pointer = a.
    pub(crate) fn write_thread(&mut self, a: Reg) {
        let a = self.read(a, RAX);
        let home = self.c.state(self.c.layout.thread);
        self.a.mov_mr(Size::B64, home, a);
    }

    /// to = from + constant, the flags left alone.
    pub(crate) fn lea_const(&mut self, to: Gpr, from: Gpr, value: u64) {
        #[allow(clippy::cast_possible_wrap, reason = "two's complement is meant")]
        let signed = value as i64;
        if let Ok(disp) = i32::try_from(signed) {
            self.a.lea(Size::B64, to, Mem::disp(from, disp));
        } else {
            // Only of use when the two differ.
            let other = if from == RCX { RAX } else { RCX };
            self.a.mov_ri(other, value);
            self.a.lea(Size::B64, to, Mem::index(from, other, 1, 0));
        }
    }

    /// The second operand of an integer operation, in a register: a slot's own
    /// or `rcx`. Overwrites EFLAGS only if `free` allows it.
    pub(crate) fn operand(&mut self, w: Width, operand: Operand, free: bool) -> Gpr {
        match operand {
            Operand::Imm(value) => {
                self.a.mov_ri(RCX, value & w.mask());
                RCX
            }
            Operand::Reg(reg) => self.read(reg, RCX),
            Operand::Ext {
                reg,
                extend,
                amount,
            } => {
                self.extended(w, reg, extend, amount, free);
                RCX
            }
        }
    }

    /// `rcx` = a slot, extended and shifted.
    fn extended(&mut self, w: Width, reg: Reg, extend: Extend, amount: u8, free: bool) {
        use crate::asm::Shift;
        let size = Size::from(w);
        let source = self.source(reg, RCX);
        let shift = match extend {
            Extend::Lsl => Shift::Shl,
            Extend::Lsr => Shift::Shr,
            Extend::Asr => Shift::Sar,
            Extend::Ror => {
                return self.a.rorx(size, RCX, source, amount);
            }
            Extend::Uxtb => {
                self.a.movzx(Size::B32, Size::B8, RCX, source);
                Shift::Shl
            }
            Extend::Uxth => {
                self.a.movzx(Size::B32, Size::B16, RCX, source);
                Shift::Shl
            }
            Extend::Uxtw => {
                self.mov_any(Size::B32, RCX, source);
                Shift::Shl
            }
            Extend::Sxtb => {
                self.a.movsx(size, Size::B8, RCX, source);
                Shift::Shl
            }
            Extend::Sxth => {
                self.a.movsx(size, Size::B16, RCX, source);
                Shift::Shl
            }
            Extend::Sxtw if w == Width::W64 => {
                self.a.movsx(Size::B64, Size::B32, RCX, source);
                Shift::Shl
            }
            Extend::Sxtw => {
                self.mov_any(Size::B32, RCX, source);
                Shift::Shl
            }
        };
        let plain = matches!(extend, Extend::Lsl | Extend::Lsr | Extend::Asr);
        let source = if plain { source } else { RegMem::Reg(RCX) };
        if amount == 0 {
            if plain {
                self.mov_any(size, RCX, source);
            }
        } else if free {
            if plain {
                self.mov_any(size, RCX, source);
            }
            self.a.shift_ri(size, shift, RCX, amount);
            self.flags_lost();
        } else {
            // rax is free here: the first operand is read afterwards.
            self.a.mov_ri(RAX, amount.into());
            self.shift_x(size, shift, RCX, source, RAX);
        }
    }

    /// A shift by a register that leaves the flags alone.
    pub(crate) fn shift_x(
        &mut self,
        size: Size,
        shift: crate::asm::Shift,
        to: Gpr,
        from: RegMem,
        count: Gpr,
    ) {
        use crate::asm::Shift;
        match shift {
            Shift::Shl => self.a.shlx(size, to, from, count),
            Shift::Shr => self.a.shrx(size, to, from, count),
            _ => self.a.sarx(size, to, from, count),
        }
    }

    /// A move from wherever it is.
    pub(crate) fn mov_any(&mut self, size: Size, to: Gpr, from: RegMem) {
        match from {
            RegMem::Reg(r) => self.a.mov_rr(size, to, r),
            RegMem::Mem(m) => self.a.mov_rm(size, to, m),
        }
    }
}
