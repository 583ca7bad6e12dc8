//! Additions and subtractions with carry.
//!
//! A chain of them lives in EFLAGS from its first to its last. One that only
//! reads the carry, while somebody may still see the flags, leaves them there:
//! the carry comes by `setcc`, and `lea` adds it.

use super::Lowering;
use super::flags::{Form, Tracker};
use crate::asm::{Alu, Cond as Cc, Mem, RegMem, Size};
use crate::convention::{RAX, RCX};
use ir::{Reg, Width};

impl Lowering<'_> {
    pub(crate) fn carry(&mut self, sub: bool, w: Width, d: Reg, a: Reg, b: Reg, set: bool) {
        let size = Size::from(w);
        let form = if sub { Form::Inverted } else { Form::Plain };
        if !set && !self.clobber_is_free() {
            return self.carry_by_lea(sub, size, d, a, b);
        }
        self.flags_move(&Tracker::in_host(form));
        let (a, b, _) = self.summands(a, b);
        let alu = if sub { Alu::Sbb } else { Alu::Adc };
        // The first operand moves to the result's register, unless that is the
        // second's.
        let t = self.target(d, RAX);
        let (t, a, b) = match (self.pinned(a), self.pinned(b)) {
            (_, Some(at)) if at == t && !sub => (t, b, a),
            (_, Some(at)) if at == t => (RAX, a, b),
            _ => (t, a, b),
        };
        if self.pinned(a) != Some(t) {
            let a = self.source(a, t);
            if a != RegMem::Reg(t) {
                self.mov_any(Size::B64, t, a);
            }
        }
        if b.is_zero() {
            self.a.alu_ri(size, alu, t, 0);
        } else {
            match self.source(b, RCX) {
                RegMem::Reg(b) => self.a.alu_rr(size, alu, t, b),
                RegMem::Mem(b) => self.a.alu_rm(size, alu, t, b),
            }
        }
        if set {
            self.flags_set(form, None);
        } else {
            self.flags_lost();
        }
        self.write(d, t);
    }

    /// d = a + b + C, or a + !b + C; the flags stay.
    fn carry_by_lea(&mut self, sub: bool, size: Size, d: Reg, a: Reg, b: Reg) {
        let mut form = self.flags_to_host();
        if form == Form::Float {
            self.flags_move(&Tracker::in_host(Form::Plain));
            form = Form::Plain;
        }
        let (a, b, late) = self.summands(a, b);
        if sub || late {
            let b = self.source(b, RCX);
            self.mov_any(Size::B64, RCX, b);
        }
        if sub {
            self.a.not(Size::B64, RCX);
        }
        let carry = if form == Form::Plain { Cc::B } else { Cc::AE };
        self.a.setcc(carry, RAX);
        self.a.movzx(Size::B32, Size::B8, RAX, RAX);
        let (mut sum, mut spare) = (RAX, RCX);
        if sub || late || !b.is_zero() {
            let b = if sub || late { RCX } else { self.read(b, RCX) };
            self.a.lea(size, RCX, Mem::index(b, RAX, 1, 0));
            (sum, spare) = (RCX, RAX);
        }
        if a.is_zero() {
            return self.write(d, sum);
        }
        let a = self.read(a, spare);
        let t = self.target(d, spare);
        self.a.lea(size, t, Mem::index(a, sum, 1, 0));
        self.write(d, t);
    }
}
