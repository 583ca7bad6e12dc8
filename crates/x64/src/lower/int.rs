//! Integer arithmetic and logic, selection and conditional comparison.

use super::Lowering;
use super::flags::{Compare, Form, Setter, Test, Tracker, Value};
use super::imm32::imm32;
use crate::asm::{Alu, Cond as Cc, Gpr, Mem, RegMem, Shift, Size};
use crate::convention::{RAX, RCX, RDX};
use ir::inst::{SelectOp, ShiftOp};
use ir::{BinOp, Cond, Extend, Op, Operand, Reg, Term, Width};

impl Lowering<'_> {
    pub(crate) fn imm(&mut self, d: Reg, value: u64) {
        let t = self.target(d, RAX);
        self.a.mov_ri(t, value);
        self.write(d, t);
    }

    pub(crate) fn mov(&mut self, w: Width, d: Reg, a: Reg) {
        if a.is_zero() {
            return self.imm(d, 0);
        }
        let t = self.target(d, RAX);
        let source = self.source(a, RAX);
        self.mov_any(w.into(), t, source);
        self.write(d, t);
    }

    pub(crate) fn mov_keep(&mut self, w: Width, d: Reg, value: u16, shift: u8) {
        let hole = !(0xffff_u64 << shift) & w.mask();
        self.clobber();
        let t = self.target(d, RAX);
        if t == RAX {
            self.read_to(d, RAX);
        }
        let size = Size::from(w);
        if let Some(imm) = imm32(w, hole) {
            self.a.alu_ri(size, Alu::And, t, imm);
        } else {
            self.a.mov_ri(RCX, hole);
            self.a.alu_rr(size, Alu::And, t, RCX);
        }
        let bits = u64::from(value) << shift;
        if let Some(imm) = imm32(w, bits) {
            self.a.alu_ri(size, Alu::Or, t, imm);
        } else {
            self.a.mov_ri(RCX, bits);
            self.a.alu_rr(size, Alu::Or, t, RCX);
        }
        self.write(d, t);
    }

    pub(crate) fn bin(&mut self, op: BinOp, w: Width, d: Reg, a: Reg, b: Operand, set: bool) {
        if set {
            return self.bin_set(op, w, d, a, b);
        }
        if matches!(op, BinOp::Add | BinOp::Sub) {
            if self.add_by_lea(op, w, d, a, b) {
                return;
            }
        } else if let (BinOp::Or, true, Operand::Reg(b)) = (op, a.is_zero(), b) {
            return self.mov(w, d, b);
        }
        if op == BinOp::OrNot && a.is_zero() {
            // MVN: NOT leaves the flags alone.
            let free = self.clobber_is_free();
            let b = self.operand(w, b, free);
            let t = self.target(d, RAX);
            self.a.mov_rr(w.into(), t, b);
            self.a.not(Size::from(w), t);
            return self.write(d, t);
        }
        self.clobber();
        let t = self.target(d, RAX);
        self.alu(op, w, t, a, b);
        self.write(d, t);
    }

    /// t = a op b, EFLAGS set by it for Add, Sub and And.
    fn alu(&mut self, op: BinOp, w: Width, t: Gpr, a: Reg, b: Operand) {
        let size = Size::from(w);
        let (alu, not) = match op {
            BinOp::Add => (Alu::Add, false),
            BinOp::Sub => (Alu::Sub, false),
            BinOp::And => (Alu::And, false),
            BinOp::Or => (Alu::Or, false),
            BinOp::Xor => (Alu::Xor, false),
            BinOp::AndNot => (Alu::And, true),
            BinOp::OrNot => (Alu::Or, true),
            BinOp::XorNot => (Alu::Xor, true),
        };
        if let Operand::Imm(value) = b {
            let value = if not { !value } else { value };
            if let Some(imm) = imm32(w, value & w.mask()) {
                self.first_to(size, t, a);
                return self.alu_imm(size, alu, t, imm);
            }
        }
        if not {
            return self.alu_not(op, size, w, t, a, b);
        }
        let b = self.second(w, b);
        match b {
            RegMem::Reg(b) if b == t => {
                // d is b: commute, or take the long way.
                if alu == Alu::Sub {
                    self.a.mov_rr(size, RCX, b);
                    self.first_to(size, t, a);
                    self.a.alu_rr(size, Alu::Sub, t, RCX);
                } else {
                    match self.source(a, RCX) {
                        RegMem::Reg(a) => self.a.alu_rr(size, alu, t, a),
                        RegMem::Mem(a) => self.a.alu_rm(size, alu, t, a),
                    }
                }
            }
            RegMem::Reg(b) => {
                self.first_to(size, t, a);
                self.a.alu_rr(size, alu, t, b);
            }
            RegMem::Mem(b) => {
                self.first_to(size, t, a);
                self.a.alu_rm(size, alu, t, b);
            }
        }
    }

    /// The forms with an inverted second operand.
    fn alu_not(&mut self, op: BinOp, size: Size, w: Width, t: Gpr, a: Reg, b: Operand) {
        let b = self.operand(w, b, true);
        if op == BinOp::AndNot {
            let a = self.read(a, RAX);
            return self.a.andn(size, t, b, a);
        }
        self.a.mov_rr(size, RCX, b);
        self.a.not(size, RCX);
        self.first_to(size, t, a);
        let alu = if op == BinOp::OrNot {
            Alu::Or
        } else {
            Alu::Xor
        };
        self.a.alu_rr(size, alu, t, RCX);
    }

    fn alu_imm(&mut self, size: Size, alu: Alu, t: Gpr, imm: i32) {
        self.a.alu_ri(size, alu, t, imm);
    }

    /// t = a, unless it is.
    fn first_to(&mut self, size: Size, t: Gpr, a: Reg) {
        if self.pinned(a) == Some(t) {
            return;
        }
        let source = self.source(a, t);
        if source != RegMem::Reg(t) {
            self.mov_any(size, t, source);
        }
    }

    /// The second operand where it is: memory allowed.
    fn second(&mut self, w: Width, b: Operand) -> RegMem {
        match b {
            Operand::Reg(reg) => self.source(reg, RCX),
            other => RegMem::Reg(self.operand(w, other, true)),
        }
    }

    /// Additions and subtractions by `lea`, which leaves the flags alone.
    /// False if none does it, or another way is shorter.
    fn add_by_lea(&mut self, op: BinOp, w: Width, d: Reg, a: Reg, b: Operand) -> bool {
        let t = self.target(d, RAX);
        let Some(sum) = self.sum(op, w, d, a, b) else {
            return false;
        };
        self.a.lea(Size::from(w), t, sum);
        self.write(d, t);
        true
    }

    /// The sum or difference as an address, for [`Self::add_by_lea`].
    fn sum(&mut self, op: BinOp, w: Width, d: Reg, a: Reg, b: Operand) -> Option<Mem> {
        let free = self.clobber_is_free();
        Some(match b {
            Operand::Imm(value) => {
                let value = if op == BinOp::Sub {
                    value.wrapping_neg()
                } else {
                    value
                };
                if free && d == a {
                    return None;
                }
                let imm = imm32(w, value & w.mask())?;
                Mem::disp(self.read(a, RAX), imm)
            }
            Operand::Reg(b) if op == BinOp::Add => {
                if free && (d == a || d == b) {
                    return None;
                }
                let a = self.read(a, RAX);
                Mem::index(a, self.read(b, RCX), 1, 0)
            }
            Operand::Ext {
                reg,
                extend: Extend::Lsl,
                amount: amount @ 1..=3,
            } if op == BinOp::Add => {
                let a = self.read(a, RAX);
                Mem::index(a, self.read(reg, RCX), 1 << amount, 0)
            }
            Operand::Ext {
                reg,
                extend: extend @ (Extend::Uxtw | Extend::Sxtw),
                amount: amount @ 0..=3,
            } if op == BinOp::Add && w == Width::W64 => {
                let source = self.source(reg, RCX);
                if extend == Extend::Uxtw {
                    self.mov_any(Size::B32, RCX, source);
                } else {
                    self.a.movsx(Size::B64, Size::B32, RCX, source);
                }
                Mem::index(self.read(a, RAX), RCX, 1 << amount, 0)
            }
            other if !free => {
                // a - b = a + !b + 1
                let size = Size::from(w);
                let b = self.operand(w, other, false);
                let b = if op == BinOp::Sub {
                    self.a.mov_rr(size, RCX, b);
                    self.a.not(size, RCX);
                    RCX
                } else {
                    b
                };
                let a = self.read(a, RAX);
                Mem::index(a, b, 1, i32::from(op == BinOp::Sub))
            }
            _ => return None,
        })
    }

    /// The forms that set the flags.
    fn bin_set(&mut self, op: BinOp, w: Width, d: Reg, a: Reg, b: Operand) {
        let (a, b, late) = match (op, b) {
            (BinOp::Add, Operand::Reg(second)) => {
                let (first, second, late) = self.summands(a, second);
                (first, Operand::Reg(second), late)
            }
            _ => (a, b, false),
        };
        let t = self.target(d, RAX);
        let compare = d.is_zero();
        if compare
            && !late
            && let Some(setter) = setter(op, w, d, a, b)
        {
            return self.flags_later(setter);
        }
        if op == BinOp::Sub && compare {
            self.compare(w, a, b);
        } else {
            // A bit clear by ANDN sets the flags like AND.
            self.alu(op, w, if compare { RAX } else { t }, a, b);
        }
        let form = if op == BinOp::Sub {
            Form::Inverted
        } else {
            Form::Plain
        };
        // A product that was only put into scratch is nowhere afterwards.
        let setter = if late { None } else { setter(op, w, d, a, b) };
        self.flags_set(form, setter);
        if !compare {
            self.write(d, t);
        }
    }

    /// `cmp`, with operands where they are.
    fn compare(&mut self, w: Width, a: Reg, b: Operand) {
        let size = Size::from(w);
        if let Operand::Imm(value) = b
            && let Some(imm) = imm32(w, value & w.mask())
        {
            match self.source(a, RAX) {
                RegMem::Reg(r) if imm == 0 => self.a.test_rr(size, r, r),
                RegMem::Reg(r) => self.a.alu_ri(size, Alu::Cmp, r, imm),
                RegMem::Mem(m) => self.a.alu_mi(size, Alu::Cmp, m, imm),
            }
            return;
        }
        let b = self.second(w, b);
        let a = self.read(a, RAX);
        match b {
            RegMem::Reg(b) => self.a.alu_rr(size, Alu::Cmp, a, b),
            RegMem::Mem(b) => self.a.alu_rm(size, Alu::Cmp, a, b),
        }
    }

    /// A shift that sets N, Z and C as the host's does.
    pub(crate) fn shift_flags(&mut self, op: ShiftOp, d: Reg, a: Reg, amount: u8) {
        let shift = match op {
            ShiftOp::Lsl => Shift::Shl,
            ShiftOp::Lsr => Shift::Shr,
            _ => Shift::Sar,
        };
        let t = self.target(d, RAX);
        self.first_to(Size::B32, t, a);
        self.a.shift_ri(Size::B32, shift, t, amount);
        self.flags_set(Form::Plain, None);
        self.write(d, t);
    }

    pub(crate) fn shift(&mut self, op: ShiftOp, w: Width, d: Reg, a: Reg, b: Reg) {
        let size = Size::from(w);
        if op == ShiftOp::Ror {
            if !self.clobber_is_free() {
                return self.rotate_by_shifts(size, d, a, b);
            }
            self.clobber();
            self.read_to(b, RCX);
            let a = self.source(a, RAX);
            self.mov_any(size, RAX, a);
            self.a.shift_cl(size, Shift::Ror, RAX);
            return self.write(d, RAX);
        }
        let shift = match op {
            ShiftOp::Lsl => Shift::Shl,
            ShiftOp::Lsr => Shift::Shr,
            _ => Shift::Sar,
        };
        let b = self.read(b, RCX);
        let t = self.target(d, RAX);
        let a = self.source(a, RAX);
        self.shift_x(size, shift, t, a, b);
        self.write(d, t);
    }

    /// A rotation that leaves the flags alone: a right by b, plus a left by
    /// 63 - b and one more.
    fn rotate_by_shifts(&mut self, size: Size, d: Reg, a: Reg, b: Reg) {
        if a.is_zero() {
            return self.imm(d, 0);
        }
        self.read_to(b, RCX);
        let a = self.unmoved(a);
        self.a.shrx(size, RAX, a, RCX);
        self.a.not(size, RCX);
        self.a.shlx(size, RCX, a, RCX);
        let t = self.target(d, RAX);
        self.a.lea(size, t, Mem::index(RAX, RCX, 2, 0));
        self.write(d, t);
    }

    pub(super) fn spill_rdx(&mut self) {
        let spill = self.c.state(self.c.layout.spill);
        self.a.mov_mr(Size::B64, spill, RDX);
    }

    pub(super) fn unspill_rdx(&mut self) {
        let spill = self.c.state(self.c.layout.spill);
        self.a.mov_rm(Size::B64, RDX, spill);
    }

    /// x86 faults where the quotient is to be 0 (a zero divisor) and the minimum (the
    /// minimum by -1), so these go another way.
    pub(crate) fn div(&mut self, signed: bool, w: Width, d: Reg, a: Reg, b: Reg) {
        let size = Size::from(w);
        self.clobber();
        self.read_to(b, RCX);
        self.read_to(a, RAX);
        let (zero, done) = (self.a.new_label(), self.a.new_label());
        let minus_one = self.a.new_label();
        self.a.test_rr(size, RCX, RCX);
        self.a.jcc_short(Cc::E, zero);
        if signed {
            self.a.alu_ri(size, Alu::Cmp, RCX, -1);
            self.a.jcc_short(Cc::E, minus_one);
        }
        self.spill_rdx();
        if signed {
            if w == Width::W64 {
                self.a.cqo();
            } else {
                self.a.cdq();
            }
            self.a.idiv(size, RCX);
        } else {
            self.a.mov_ri(RDX, 0);
            self.a.div(size, RCX);
        }
        self.unspill_rdx();
        self.a.jmp_short(done);
        if signed {
            self.a.bind(minus_one);
            self.a.neg(size, RAX);
            self.a.jmp_short(done);
        }
        self.a.bind(zero);
        self.a.mov_ri(RAX, 0);
        self.a.bind(done);
        self.write(d, RAX);
    }

    pub(crate) fn select(&mut self, op: SelectOp, w: Width, d: Reg, a: Reg, b: Reg, cond: Cond) {
        if cond.always() {
            return self.mov(w, d, a);
        }
        let adds_carry = op == SelectOp::Inc && cond == Cond::Cc && a == b && !a.is_zero();
        if adds_carry && self.select_carry(w, d, a) {
            return;
        }
        let test = self.test(cond);
        let size = Size::from(w);
        if a.is_zero() && b.is_zero() && matches!(op, SelectOp::Inc | SelectOp::Inv) {
            return self.select_constant(op, w, d, test);
        }
        let t = self.target(d, RAX);
        if t != RAX && d == a && op == SelectOp::Same {
            let b = self.source(b, RAX);
            self.choose(size, test.invert(), t, b);
        } else if t != RAX && d == a {
            self.other(op, size, RAX, b);
            self.choose(size, test.invert(), t, RegMem::Reg(RAX));
        } else {
            self.other(op, size, t, b);
            let a = self.source(a, RCX);
            self.choose(size, test, t, a);
        }
        self.write(d, t);
    }

    /// CSET and CSETM.
    fn select_constant(&mut self, op: SelectOp, w: Width, d: Reg, test: Test) {
        let otherwise = if op == SelectOp::Inc { 1 } else { w.mask() };
        if op == SelectOp::Inc
            && let Test::One(cc) = test
        {
            self.a.setcc(cc.invert(), RAX);
            let t = self.target(d, RAX);
            self.a.movzx(Size::B32, Size::B8, t, RAX);
            return self.write(d, t);
        }
        self.a.mov_ri(RAX, otherwise);
        self.a.mov_ri(RCX, 0);
        self.choose(Size::B64, test, RAX, RegMem::Reg(RCX));
        self.write(d, RAX);
    }

    /// t = op(b), the flags left alone, for [`Lowering::choose`] behind it.
    fn other(&mut self, op: SelectOp, size: Size, t: Gpr, b: Reg) {
        if op == SelectOp::Inc {
            let b = self.read(b, RAX);
            return self.a.lea(size, t, Mem::disp(b, 1));
        }
        let b = self.source(b, RAX);
        if op == SelectOp::Same && b == RegMem::Reg(t) {
            // What is chosen behind this zeroes the upper half, if that is to be.
            return;
        }
        self.mov_any(size, t, b);
        if op != SelectOp::Same {
            self.a.not(size, t);
        }
        if op == SelectOp::Neg {
            self.a.lea(size, t, Mem::disp(t, 1));
        }
    }

    /// to = test ? from : to. A 32-bit move zeroes the upper half either way.
    pub(crate) fn choose(&mut self, size: Size, test: Test, to: Gpr, from: RegMem) {
        match test {
            Test::One(cc) => self.a.cmov(size, cc, to, from),
            Test::OrP(cc) => {
                self.a.cmov(size, cc, to, from);
                self.a.cmov(size, Cc::P, to, from);
            }
            Test::AndNp(cc) => {
                // By a branch: the condition with parity is the rare one.
                let skip = self.a.new_label();
                if size == Size::B32 {
                    self.a.mov_rr(Size::B32, to, to);
                }
                self.a.jcc_short(Cc::P, skip);
                self.a.cmov(size, cc, to, from);
                self.a.bind(skip);
            }
        }
    }

    pub(crate) fn cond_compare(
        &mut self,
        neg: bool,
        w: Width,
        a: Reg,
        b: Operand,
        cond: Cond,
        nzcv: u8,
    ) {
        let form = if neg { Form::Plain } else { Form::Inverted };
        let size = Size::from(w);
        let alike = if neg { BinOp::Add } else { BinOp::Sub };
        let setter = setter(alike, w, Reg::ZERO, a, b);
        let decided = if cond.always() {
            None
        } else {
            self.decided(nzcv)
        };
        if let Some(setter) = setter
            && (cond.always() || decided.is_some())
        {
            if let Some((nzcv, target)) = decided {
                let test = self.test(cond);
                self.jump_with_constant(test.invert(), nzcv, target);
            }
            return self.flags_later(setter);
        }
        let (fails, done) = (self.a.new_label(), self.a.new_label());
        if !cond.always() {
            let test = self.test(cond);
            self.jump_unless(test, fails);
        }
        if neg {
            let b = self.operand(w, b, true);
            self.read_to(a, RAX);
            self.a.alu_rr(size, Alu::Add, RAX, b);
        } else {
            self.compare(w, a, b);
        }
        if !cond.always() {
            self.a.jmp_short(done);
            self.a.bind(fails);
            self.constant_flags(nzcv, form);
            self.a.bind(done);
        }
        self.flags_set(form, None);
    }

    /// Where the block leads if the flags are these after the operation being
    /// lowered, and what they are then: known if only conditional comparisons
    /// that do not compare and a conditional branch follow.
    fn decided(&self, mut nzcv: u8) -> Option<(u8, u64)> {
        for inst in &self.rest_of_block()[1..] {
            let Op::CondCompare {
                cond, nzcv: next, ..
            } = inst.op
            else {
                return None;
            };
            if cond.holds(nzcv) {
                return None;
            }
            nzcv = next;
        }
        let Term::Branch { cond, taken, fall } = self.region.blocks[self.index].term else {
            return None;
        };
        Some((nzcv, if cond.holds(nzcv) { taken } else { fall }))
    }

    /// EFLAGS = those of the four bits N, Z, C, V. Uses `rax`.
    pub(crate) fn constant_flags(&mut self, nzcv: u8, form: Form) {
        let carry = (nzcv & 2 != 0) != (form == Form::Inverted);
        let ah = u64::from(nzcv & 8 != 0) << 7 | u64::from(nzcv & 4 != 0) << 6 | u64::from(carry);
        // 1 + 0x7f overflows, 0 + 0x7f does not.
        self.a.mov_ri(RAX, ah << 8 | u64::from(nzcv & 1));
        self.a.alu_ri(Size::B8, Alu::Add, RAX, 0x7f);
        self.a.sahf();
    }

    pub(crate) fn read_flags(&mut self, d: Reg) {
        self.flags_to_state();
        self.clobber();
        let home = self.c.state(self.c.layout.flags);
        // From N15 Z14 C8 V0 to N31 Z30 C29 V28.
        self.a.movzx(Size::B32, Size::B16, RAX, home);
        self.a.mov_ri(RCX, 0xc101);
        self.a.pext(Size::B32, RAX, RAX, RCX);
        self.a.shift_ri(Size::B32, Shift::Shl, RAX, 28);
        self.write(d, RAX);
    }

    pub(crate) fn write_flags(&mut self, a: Reg) {
        let source = self.source(a, RAX);
        self.mov_any(Size::B32, RAX, source);
        self.a.shift_ri(Size::B32, Shift::Shr, RAX, 28);
        self.a.mov_ri(RCX, 0xc101);
        self.a.pdep(Size::B32, RAX, RAX, RCX);
        let home = self.c.state(self.c.layout.flags);
        self.a.mov_mr(Size::B16, home, RAX);
        self.flags_in_state();
    }

    pub(crate) fn invert_carry(&mut self) {
        self.flags_to_host();
        self.flags_move(&Tracker::in_host(Form::Plain));
        self.a.cmc();
        self.flags_set(Form::Plain, None);
    }
}

/// What a fault, or a rare reader, computes the flags from.
pub(super) fn setter(op: BinOp, w: Width, d: Reg, a: Reg, b: Operand) -> Option<Setter> {
    let op = match op {
        BinOp::Sub => Compare::Sub,
        BinOp::Add => Compare::Add,
        _ => {
            // N and Z of the result, C and V zero.
            let (a, b) = match b {
                _ if !d.is_zero() => (Value::Slot(d), Value::Slot(d)),
                Operand::Reg(b) if op == BinOp::And => (Value::Slot(a), Value::Slot(b)),
                Operand::Imm(b) if op == BinOp::And => (Value::Slot(a), Value::Const(b)),
                _ => return None,
            };
            return Some(Setter {
                op: Compare::And,
                w,
                a,
                b,
            });
        }
    };
    let second = match b {
        Operand::Imm(c) => Value::Const(c & w.mask()),
        Operand::Reg(reg) if reg.is_zero() => Value::Const(0),
        Operand::Reg(reg) => Value::Slot(reg),
        Operand::Ext { .. } => return None,
    };
    let first = if a.is_zero() {
        Value::Const(0)
    } else if d == a {
        // a = d ∓ b
        let Operand::Imm(c) = b else { return None };
        Value::Plus(
            d,
            if op == Compare::Sub {
                c
            } else {
                c.wrapping_neg()
            },
        )
    } else {
        Value::Slot(a)
    };
    if matches!(second, Value::Slot(b) if b == d && !d.is_zero()) {
        return None;
    }
    Some(Setter {
        op,
        w,
        a: first,
        b: second,
    })
}
