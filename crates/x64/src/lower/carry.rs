//! Additions and subtractions with carry.
//!
//! In a chain of them the carry stays in EFLAGS from the first to the last. An operation
//! that only reads the carry, while somebody may still see the flags, leaves EFLAGS alone:
//! `setcc` takes the carry, and `lea` adds it.

use super::Lowering;
use super::flags::{Form, Tracker};
use crate::asm::{Alu, Cond as Cc, Mem, RegMem, Size};
use crate::convention::{RAX, RCX};
use ir::live::Live;
use ir::{Op, Reg, Width};

impl Lowering<'_> {
    pub(crate) fn carry(&mut self, sub: bool, w: Width, d: Reg, a: Reg, b: Reg, set: bool) {
        if !set && !self.clobber_is_free() && !self.access_first(d, a, b) {
            return self.carry_by_lea(sub, w.into(), d, a, b);
        }
        self.carry_in_place(sub, w, d, a, b, set);
    }

    /// d = a + C, as a selection says it, where that is one addition with carry: the
    /// carry is in CF as it is, and nobody but a fault sees the flags from here on.
    /// Returns whether that was so. Compilers end a sum of two words so.
    pub(super) fn select_carry(&mut self, w: Width, d: Reg, a: Reg) -> bool {
        let is_in_place = self.flags_here().is_in_host(Form::Plain) && !d.is_zero();
        let is_free = self.live_after() == Live::Dead;
        if !is_in_place || !(is_free || self.access_first(d, a, Reg::ZERO)) {
            return false;
        }
        self.carry_in_place(false, w, d, a, Reg::ZERO, false);
        true
    }

    /// By the host's addition or subtraction, with the flags where they are read.
    fn carry_in_place(&mut self, sub: bool, w: Width, d: Reg, a: Reg, b: Reg, set: bool) {
        let size = Size::from(w);
        let form = if sub { Form::Inverted } else { Form::Plain };
        self.flags_move(&Tracker::in_host(form));
        let (a, b, _) = self.summands(a, b);
        let alu = if sub { Alu::Sbb } else { Alu::Adc };
        // The first operand moves to the result's register, unless that is the
        // second's. Of two summands the one in memory moves: `adc` with a memory operand
        // takes the processor as much as a load and an `adc`.
        let t = self.target(d, RAX);
        let (t, a, b) = match (self.pinned(a), self.pinned(b)) {
            (_, Some(at)) if at == t && !sub => (t, b, a),
            (_, Some(at)) if at == t => (RAX, a, b),
            (Some(at), None) if at != t && !sub && !b.is_zero() => (t, b, a),
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

    /// Does the access behind the addition first, or a load and a store, if only their
    /// faults would show the flags, and none has what another writes. They tell of the
    /// state before the addition, which is done again then: the interpreter finds
    /// nothing wrong with it, and the access, tried alone, faults again.
    fn access_first(&mut self, d: Reg, a: Reg, b: Reg) -> bool {
        let at = self.at + 1;
        let ops = &self.region.ops[at.min(self.end)..self.end];
        if d.is_zero()
            || self.products.any_late()
            || self.ahead.is_pending(at)
            || self.live_after() != Live::Weak
        {
            return false;
        }
        let apart = |op: &Op| op.plain_reads().is_some_and(|slots| !slots.contains(&d));
        let done_after = |n: usize| self.live.after[at + n] == Live::Dead;
        match *ops {
            [first, ..] if done_after(0) && apart(&first.op) => match first.op {
                Op::Load {
                    size,
                    fill,
                    d: into,
                    addr,
                } if ![d, a, b].contains(&into) => self.load(size, fill, into, addr),
                Op::Store { size, a, addr } => self.store(size, a, addr),
                _ => return false,
            },
            [first, second, ..] if done_after(1) && apart(&first.op) && apart(&second.op) => {
                let (
                    Op::Load {
                        size,
                        fill,
                        d: into,
                        addr,
                    },
                    Op::Store {
                        size: stored,
                        a: value,
                        addr: to,
                    },
                ) = (first.op, second.op)
                else {
                    return false;
                };
                // What is loaded waits in scratch, which the store must not need.
                let [base, index] = to.slots();
                let in_registers = [value, base].iter().all(|&reg| self.pinned(reg).is_some());
                let clash = [d, a, b, value, base].contains(&into);
                if clash || !in_registers || !index.is_zero() || !to.is_near() {
                    return false;
                }
                let from = self.address(addr);
                self.load_to(size, fill, RAX, from);
                self.store(stored, value, to);
                self.write(into, RAX);
                self.early = at + 2;
                return true;
            }
            _ => return false,
        }
        self.early = at + 1;
        true
    }

    /// d = a + b + C, or a + !b + C; the flags stay.
    fn carry_by_lea(&mut self, sub: bool, size: Size, d: Reg, a: Reg, b: Reg) {
        let mut form = self.flags_to_host();
        if form == Form::Float {
            self.flags_move(&Tracker::in_host(Form::Plain));
            form = Form::Plain;
        }
        let (a, b, late) = self.summands(a, b);
        if b.is_zero() && !late {
            return self.carry_alone(sub, size, d, a, form);
        }
        if sub || late {
            let b = self.source(b, RCX);
            self.mov_any(Size::B64, RCX, b);
        }
        if sub {
            self.a.not(Size::B64, RCX);
        }
        self.carry_to_rax(form);
        let b = if sub || late { RCX } else { self.read(b, RCX) };
        self.a.lea(size, RCX, Mem::index(b, RAX, 1, 0));
        if a.is_zero() {
            return self.write(d, RCX);
        }
        let a = self.read(a, RAX);
        let t = self.target(d, RAX);
        self.a.lea(size, t, Mem::index(a, RCX, 1, 0));
        self.write(d, t);
    }

    /// d = a + C, or a + C - 1, as comparisons of three ways end; the flags stay.
    fn carry_alone(&mut self, sub: bool, size: Size, d: Reg, a: Reg, form: Form) {
        self.carry_to_rax(form);
        let less = -i32::from(sub);
        let sum = if a.is_zero() {
            Mem::disp(RAX, less)
        } else {
            let a = self.read(a, RCX);
            Mem::index(a, RAX, 1, less)
        };
        let t = self.target(d, RAX);
        self.a.lea(size, t, sum);
        self.write(d, t);
    }

    /// `rax` = C, from EFLAGS, which stay.
    fn carry_to_rax(&mut self, form: Form) {
        let carry = if form == Form::Plain { Cc::B } else { Cc::AE };
        self.a.setcc(carry, RAX);
        self.a.movzx(Size::B32, Size::B8, RAX, RAX);
    }
}
