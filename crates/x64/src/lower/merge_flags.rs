//! Operations that set some of the flags and leave others: a guest's logic, moves and shifts.
//!
//! They are a [`Op::KeepFlags`], an operation that sets all flags, and a [`Op::MergeFlags`]. There are
//! three ways:
//! - If only a fault may show N and Z, they are left until one does ([`Compare::Signs`]).
//! - If all is in registers, the three are one run of host instructions: C and V wait in `cl` and
//!   `al`, and come back behind the operation, which gave EFLAGS the others. Invariant: that
//!   operation writes no scratch.
//! - Otherwise each of the three is lowered by itself, by way of the state.

use super::Lowering;
use super::flags::{C, Compare, Form, Setter, Tracker, V, Value, packed};
use super::imm32::imm32;
use super::int;
use crate::asm::{Alu, Cond as Cc, Gpr, Mem, Shift, Size};
use crate::convention::{RAX, RCX};
use ir::inst::ShiftOp;
use ir::live::Live;
use ir::{BinOp, Op, Operand, Reg, Term, Width};

/// What comes between the two.
enum Middle {
    /// A constant that a slot, or none, becomes; with so many bits.
    Constant(Reg, u64, Width),
    /// An operation in registers.
    InPlace(Op),
}

impl Lowering<'_> {
    /// Does the three operations that begin here as one, if that is done so, and says where they end.
    pub(crate) fn keep_and_merge(&mut self, at: usize) -> Option<usize> {
        let Op::KeepFlags { kept } = self.region.ops[at].op else {
            return None;
        };
        let seen = self.live.each[at + 2];
        let seen = seen.read | seen.shown;
        let is_early = at < self.early || self.ahead.is_pending(at);
        if is_early || self.products.any_late() || self.products.borrowed() {
            return None;
        }
        let op = self.region.ops[at + 1].op;
        self.at = at;
        if let (0, Some((d, value, _))) = (seen & !kept, constant(&op)) {
            // Nobody looks at its N and Z.
            self.at = at + 2;
            let op = Op::Imm { d, value };
            self.keep_flags(&op);
            self.imm(d, value);
            self.forget_overwritten(&op);
        } else if seen & kept == 0 || seen & !kept == 0 {
            return None;
        } else if !self.signs_later(kept, &op) {
            let middle = self.middle(kept, op)?;
            let in_host = self.flags_here().form().is_some();
            let form = if !in_host && self.flags_here().carry_is_saved() {
                if self.only_leave(at + 3) {
                    return None;
                }
                None
            } else {
                self.flags_compared();
                Some(self.flags_to_host())
            };
            match middle {
                Middle::Constant(d, value, w) => self.constant_apart(form, d, value, w),
                Middle::InPlace(op) => self.around(kept, seen, form, &op),
            }
        }
        self.at = at + 2;
        for inst in &self.region.ops[at..at + 3] {
            self.known.after(&inst.op);
        }
        Some(at + 3)
    }

    /// Whether the flags as they are at an operation only leave the region: the state is the place
    /// for them then.
    fn only_leave(&self, at: usize) -> bool {
        let mut rest = self.region.ops[at..self.end].iter();
        let term = &self.region.blocks[self.index].term;
        let is_read = matches!(term, Term::Branch { .. } | Term::IndirectIf { .. });
        let stays = |target| self.region.block_at(target).is_some();
        !is_read
            && !term.targets().any(stays)
            && rest.all(|inst| !inst.op.sets_flags() && inst.op.reads_flags() == 0)
    }

    /// Does an operation whose N and Z only a fault may show, and C and V as they were, without
    /// these. Returns whether it is one.
    fn signs_later(&mut self, kept: u8, middle: &Op) -> bool {
        let Op::Bin { op, w, d, a, b, .. } = *middle else {
            return false;
        };
        let is_sum = matches!(op, BinOp::Add | BinOp::Sub);
        if is_sum || kept != C | V || self.live.after[self.at + 2] != Live::Weak {
            return false;
        }
        let constant = constant(middle);
        let signs = match constant {
            // In EFLAGS they cost less than where C and V would have to be saved.
            Some(_) if !self.flags_here().carry_is_saved() => None,
            Some((_, value, _)) => Some([Value::Const(value); 2]),
            None => int::setter(op, w, d, a, b).map(|setter| [setter.a, setter.b]),
        };
        let Some([first, second]) = signs else {
            return false;
        };
        if !self.flags_here().carry_is_saved() {
            self.flags_to_state();
        }
        self.flags_are(Tracker::default());
        self.at += 1;
        match constant {
            Some((d, value, _)) => self.imm(d, value),
            None if d.is_zero() => {}
            None => self.bin(op, w, d, a, b, false),
        }
        self.flags_later(Setter {
            op: Compare::Signs,
            w,
            a: first,
            b: second,
        });
        true
    }

    /// The operation, if it can be done so.
    fn middle(&self, kept: u8, op: Op) -> Option<Middle> {
        let is_pinned = |reg: Reg| self.pinned(reg).is_some();
        if let Some((d, value, w)) = constant(&op) {
            let is_done = kept == C | V && (is_pinned(d) || d.is_zero());
            return is_done.then_some(Middle::Constant(d, value, w));
        }
        match op {
            Op::Bin {
                op: how,
                w,
                d,
                a,
                b,
                ..
            } => {
                // N and Z of a conjunction alone are tested.
                let to = is_pinned(d) || (how == BinOp::And && d.is_zero());
                let is_done = to && is_pinned(a) && (kept == C | V || kept == V);
                let is_done = is_done && self.is_second(how, w, b);
                is_done.then_some(Middle::InPlace(op))
            }
            Op::ShiftFlags { op: how, d, a, .. } => {
                let is_done = kept == V && how != ShiftOp::Ror && is_pinned(d) && is_pinned(a);
                is_done.then_some(Middle::InPlace(op))
            }
            _ => None,
        }
    }

    /// Whether a logical operation takes this as it is.
    fn is_second(&self, op: BinOp, w: Width, b: Operand) -> bool {
        match (op, b) {
            (BinOp::And | BinOp::Or | BinOp::Xor | BinOp::AndNot, Operand::Reg(b)) => {
                self.pinned(b).is_some()
            }
            (BinOp::And | BinOp::Or | BinOp::Xor, Operand::Imm(value)) => {
                imm32(w, value & w.mask()).is_some()
            }
            (BinOp::AndNot, Operand::Imm(value)) => imm32(w, !value & w.mask()).is_some(),
            _ => false,
        }
    }

    /// d = a constant, whose N and Z EFLAGS get. They have the others in this form; without one,
    /// the state has them.
    fn constant_apart(&mut self, form: Option<Form>, d: Reg, value: u64, w: Width) {
        let is_negative = value >> (w.bits() - 1) & 1 == 1;
        let signs = i32::from(is_negative) << 15 | i32::from(value == 0) << 14;
        match form {
            // `ah` as `sahf` takes it: N, Z, and CF as it is.
            Some(_) => self.a.setcc_ah(Cc::B),
            None => {
                let home = self.c.state(self.c.layout.flags);
                self.a.movzx(Size::B32, Size::B16, RAX, home);
                self.a.alu_ri(Size::B32, Alu::And, RAX, packed(C | V));
                // 1 + 0x7f overflows: OF = V.
                self.a.alu_ri(Size::B8, Alu::Add, RAX, 0x7f);
            }
        }
        if signs != 0 {
            self.a.lea(Size::B32, RAX, Mem::disp(RAX, signs));
        }
        self.a.sahf();
        self.flags_set(form.unwrap_or(Form::Plain), None);
        if !d.is_zero() {
            self.imm(d, value);
        }
    }

    /// An operation, and C and V that are kept as far as they are seen. EFLAGS have them in this
    /// form; without one, the state has them.
    fn around(&mut self, kept: u8, seen: u8, form: Option<Form>, op: &Op) {
        let (carry, overflow) = (kept & seen & C != 0, kept & seen & V != 0);
        if form.is_some() {
            if overflow {
                self.a.setcc(Cc::O, RAX);
            }
            if carry {
                self.a.setcc(Cc::B, RCX);
            }
        } else {
            self.wait_from_state(carry, overflow);
        }
        self.held = [Reg::ZERO; 2];
        for scratch in [RAX, RCX] {
            self.a.watch(scratch);
        }
        self.at += 1;
        self.op(op);
        self.flags_to_host();
        let lost = |scratch: Gpr| self.a.touched(scratch);
        debug_assert!(!lost(RAX) && !lost(RCX), "{op:?} writes scratch");
        self.a.lahf();
        if carry {
            self.a.or_ah_cl();
        }
        if overflow {
            // 1 + 0x7f overflows: OF = V.
            self.a.alu_ri(Size::B8, Alu::Add, RAX, 0x7f);
        }
        self.a.sahf();
        let form = form.filter(|_| kept & C != 0).unwrap_or(Form::Plain);
        self.flags_set(form, None);
    }

    /// `cl` and `al` = C and V of the state.
    fn wait_from_state(&mut self, carry: bool, overflow: bool) {
        let home = self.c.state(self.c.layout.flags);
        if overflow {
            // Its low byte is V alone.
            self.a.movzx(Size::B32, Size::B8, RAX, home);
        }
        if carry {
            self.a.movzx(Size::B32, Size::B16, RCX, home);
            self.a.shift_ri(Size::B32, Shift::Shr, RCX, 8);
            self.a.alu_ri(Size::B32, Alu::And, RCX, 1);
        }
    }

    /// Flags that are to be merged with others are in the state, if they are seen then.
    pub(crate) fn flags_kept(&mut self) {
        if self.live.each[self.at].kept != 0 {
            self.flags_to_state();
        }
    }

    /// Some flags are again what the state has, as far as they are seen. Uses `rax` and
    /// `rcx`.
    pub(crate) fn flags_merged(&mut self, kept: u8) {
        let seen = self.live.each[self.at];
        let seen = seen.read | seen.shown;
        if seen & kept == 0 {
            return;
        }
        if seen & !kept != 0 {
            let home = self.c.state(self.c.layout.flags);
            match self.flags_to_host() {
                Form::Float => self.packed_float_flags(),
                form => {
                    if form == Form::Inverted {
                        self.a.cmc();
                    }
                    self.a.lahf();
                    self.a.setcc(Cc::O, RAX);
                }
            }
            self.merge_with_state(kept);
            self.a.mov_mr(Size::B16, home, RAX);
        }
        self.flags_in_state();
    }

    /// `rax` = the packed flags that it has, but those kept are the state's. Uses EFLAGS and
    /// `rcx`.
    pub(super) fn merge_with_state(&mut self, kept: u8) {
        let home = self.c.state(self.c.layout.flags);
        self.a.alu_ri(Size::B32, Alu::And, RAX, packed(!kept & 15));
        self.a.movzx(Size::B32, Size::B16, RCX, home);
        self.a.alu_ri(Size::B32, Alu::And, RCX, packed(kept));
        self.a.alu_rr(Size::B32, Alu::Or, RAX, RCX);
    }
}

/// The slot that becomes a constant, that, and its width, if an operation does only this.
const fn constant(op: &Op) -> Option<(Reg, u64, Width)> {
    match *op {
        Op::Bin {
            op: BinOp::Or,
            w,
            d,
            a: Reg::ZERO,
            b: Operand::Imm(value),
            ..
        } => Some((d, value & w.mask(), w)),
        _ => None,
    }
}
