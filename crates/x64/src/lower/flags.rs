//! Where the guest's flags are, and how they come from there.
//!
//! In the state the flags are packed as `lahf; seto al` leave them, with C not inverted:
//! N in bit 15, Z in bit 14, C in bit 8, V in bit 0. In EFLAGS, N, Z and V are SF, ZF and
//! OF, and C is CF or its opposite ([`Form`]). The flags may also be in neither place, if
//! they can be computed from slots that still hold the comparison's operands ([`Setter`]):
//! that is the cheapest way to keep flags that only a fault can show.

use super::Lowering;
use super::imm32::imm32;
use crate::asm::{Alu, Cond as Cc, Gpr, RegMem, Size};
use crate::convention::{RAX, RCX};
use ir::live::Live;
use ir::{BinOp, Block, Cond, Op, Operand, Reg, Term, Width};

/// In a set of flags, N, Z, C and V in bits 3 to 0.
pub(super) const C: u8 = 0b0010;
pub(super) const V: u8 = 0b0001;

/// How EFLAGS stands for N, Z, C and V.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// CF is C: after additions and logic.
    Plain,
    /// CF is !C: after subtractions.
    Inverted,
    /// ZF, PF and CF as `ucomisd` sets them for the guest's FCMP.
    Float,
}

/// A value that a comparison had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// What a slot holds.
    Slot(Reg),
    /// What a slot holds, plus a constant.
    Plus(Reg, u64),
    /// A constant.
    Const(u64),
}

impl Value {
    pub(super) const fn slot(self) -> Option<Reg> {
        match self {
            Self::Slot(reg) | Self::Plus(reg, _) => Some(reg),
            Self::Const(_) => None,
        }
    }

    /// A constant as an instruction takes it: 32 bits, sign-extended.
    fn immediate(self, w: Width) -> Option<i32> {
        let Self::Const(c) = self else { return None };
        imm32(w, c & w.mask())
    }

    /// A constant to be tested with, and of what size the test may be: N of a
    /// shorter one is 0 only if the constant's sign is.
    #[allow(clippy::cast_possible_truncation, reason = "compared before")]
    fn mask(self, w: Width) -> Option<(Size, i32)> {
        let Self::Const(c) = self else { return None };
        match c & w.mask() {
            c @ 0..=0x7f => Some((Size::B8, c as i32)),
            c @ 0x80..=0x7fff_ffff => Some((Size::B32, c as i32)),
            c => imm32(w, c).map(|imm| (w.into(), imm)),
        }
    }

    /// The four bits of a constant that are flags.
    pub const fn nzcv(self) -> u8 {
        match self {
            Self::Const(c) => (c & 15) as u8,
            Self::Slot(_) | Self::Plus(..) => 0,
        }
    }

    /// The value in terms of what an operation leaves in `d` that adds `by`;
    /// nothing if the difference is no displacement.
    fn after_adding(self, d: Reg, by: u64) -> Option<Self> {
        let c = match self {
            Self::Slot(reg) if reg == d => 0,
            Self::Plus(reg, c) if reg == d => c,
            other => return Some(other),
        };
        let c = c.wrapping_sub(by);
        i32::try_from(c.cast_signed()).ok()?;
        Some(if c == 0 {
            Self::Slot(d)
        } else {
            Self::Plus(d, c)
        })
    }
}

/// Which operation's flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compare {
    /// a - b
    Sub,
    /// a + b
    Add,
    /// a & b (C and V zero)
    And,
    /// Nothing compared: N, Z, C and V are the four bits of the constant a.
    Constant,
    /// N and Z are those of a & b, C and V what the state has.
    Signs,
}

/// A comparison whose operands are still there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setter {
    /// What it computed.
    pub op: Compare,
    /// Its width.
    pub w: Width,
    /// Its first operand.
    pub a: Value,
    /// Its second operand.
    pub b: Value,
}

/// Where the flags are at a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlagsAt {
    /// In the state.
    State,
    /// In EFLAGS.
    Host(Form),
    /// To be computed.
    Setter(Setter),
}

/// Where the flags are known to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tracker {
    /// The state has them.
    saved: bool,
    /// EFLAGS has them.
    host: Option<Form>,
    /// They can be computed.
    setter: Option<Setter>,
}

impl Default for Tracker {
    /// In the state, as at every entry.
    fn default() -> Self {
        Self {
            saved: true,
            host: None,
            setter: None,
        }
    }
}

impl Tracker {
    /// Computable from these operands, and nowhere else.
    pub(crate) const fn computable(setter: Setter) -> Self {
        Self {
            saved: false,
            host: None,
            setter: Some(setter),
        }
    }

    /// Known to be these four bits.
    pub(crate) const fn constant(nzcv: u8) -> Self {
        let value = Value::Const(nzcv as u64);
        Self::computable(Setter {
            op: Compare::Constant,
            w: Width::W32,
            a: value,
            b: value,
        })
    }

    /// Nowhere: nobody will look.
    pub(crate) const NOWHERE: Self = Self {
        saved: false,
        host: None,
        setter: None,
    };

    pub(crate) const fn in_host(form: Form) -> Self {
        Self {
            saved: false,
            host: Some(form),
            setter: None,
        }
    }

    /// Whether EFLAGS have them so.
    pub(crate) fn is_in_host(&self, form: Form) -> bool {
        self.host == Some(form)
    }

    /// Whether a block that assumes this can be entered from outside.
    pub(crate) fn fits_entry(&self) -> bool {
        self.saved || *self == Self::NOWHERE
    }

    /// How EFLAGS have them, if these do.
    pub(crate) const fn form(&self) -> Option<Form> {
        self.host
    }

    /// Where two ways both have them.
    pub(crate) fn both(self, other: Self) -> Self {
        Self {
            saved: self.saved && other.saved,
            host: self.host.filter(|_| self.host == other.host),
            setter: self.setter.filter(|_| self.setter == other.setter),
        }
    }

    /// What they can be computed from.
    pub(crate) const fn setter(&self) -> Option<Setter> {
        self.setter
    }

    /// Whether the state has C and V.
    pub(super) fn carry_is_saved(&self) -> bool {
        let is_signs = |setter: Setter| setter.op == Compare::Signs;
        self.saved || self.setter.is_some_and(is_signs)
    }

    /// Where a fault finds them.
    fn at_fault(&self) -> FlagsAt {
        match (self.saved, self.host, self.setter) {
            (false, Some(form), _) => FlagsAt::Host(form),
            (false, None, Some(setter)) => FlagsAt::Setter(setter),
            _ => FlagsAt::State,
        }
    }
}

/// A guest condition on the host: one test, or one with the parity test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Test {
    One(Cc),
    /// The condition, and no parity.
    AndNp(Cc),
    /// The condition, or parity.
    OrP(Cc),
}

impl Test {
    /// The opposite test.
    pub(crate) fn invert(self) -> Self {
        match self {
            Self::One(cc) => Self::One(cc.invert()),
            Self::AndNp(cc) => Self::OrP(cc.invert()),
            Self::OrP(cc) => Self::AndNp(cc.invert()),
        }
    }
}

impl Lowering<'_> {
    /// EFLAGS has been overwritten.
    pub(crate) fn flags_lost(&mut self) {
        self.flags.host = None;
    }

    /// Whether EFLAGS has them.
    pub(crate) const fn flags_in_host(&self) -> bool {
        self.flags.host.is_some()
    }

    /// The flags are now in EFLAGS.
    pub(crate) fn flags_set(&mut self, form: Form, setter: Option<Setter>) {
        self.flags = Tracker {
            saved: false,
            host: Some(form),
            setter,
        };
    }

    /// The flags are now in the state only.
    pub(crate) fn flags_in_state(&mut self) {
        self.flags = Tracker::default();
    }

    /// The flags are those of a comparison that is left until somebody looks.
    pub(crate) fn flags_later(&mut self, setter: Setter) {
        self.flags = Tracker::computable(setter);
    }

    /// To be called before an instruction that overwrites EFLAGS, unless the
    /// operation sets the flags itself. May use `rax` and `rcx`.
    pub(crate) fn clobber(&mut self) {
        if self.flags.host.is_none() {
            return;
        }
        if !self.clobber_is_free() {
            self.save_flags();
        }
        self.flags.host = None;
    }

    /// Whether EFLAGS may be overwritten for nothing.
    pub(crate) fn clobber_is_free(&self) -> bool {
        self.flags.host.is_none()
            || self.flags.saved
            || self.live_from_here() == Live::Dead
            || self.setter_survives()
    }

    /// Whether the flags can be computed as long as they are seen: by the
    /// fault of the operation being lowered, and after it.
    fn setter_survives(&self) -> bool {
        let Some(setter) = self.flags.setter else {
            return false;
        };
        let op = self.rest_of_block().first().map(|inst| &inst.op);
        op.is_none_or(|op| !writes_any(op, &setter)) || self.live_after() == Live::Dead
    }

    /// Before an operation: flags that only its operands tell are brought to
    /// EFLAGS if it overwrites these, and to who only looks at faults told
    /// by how much it moves them. May use `rax` and `rcx`.
    pub(crate) fn keep_flags(&mut self, op: &Op) {
        let Tracker {
            saved: false,
            host: None,
            setter: Some(setter),
        } = self.flags
        else {
            return;
        };
        if op.sets_flags() || !writes_any(op, &setter) {
            return;
        }
        match self.live_after() {
            Live::Dead => {}
            Live::Weak if moved(op, &setter).is_some() => {}
            _ => {
                self.flags_to_host();
            }
        }
    }

    /// After an operation: what it wrote can't be computed from any more,
    /// unless it only added a constant.
    pub(crate) fn forget_overwritten(&mut self, op: &Op) {
        if let Some(setter) = self.flags.setter
            && !op.sets_flags()
            && writes_any(op, &setter)
        {
            self.flags.setter = moved(op, &setter);
        }
    }

    /// Brings the flags to EFLAGS. May use `rax` and `rcx`.
    pub(crate) fn flags_to_host(&mut self) -> Form {
        if let Some(form) = self.flags.host {
            return form;
        }
        let form = if self.flags.saved || self.flags.setter.is_none() {
            self.load_flags();
            Form::Plain
        } else {
            let setter = self.flags.setter;
            setter.map_or(Form::Plain, |s| self.compute(&s))
        };
        self.flags.host = Some(form);
        form
    }

    /// Brings the flags to EFLAGS in a form that a comparison of integers leaves. May use `rax`
    /// and `rcx`.
    pub(crate) fn flags_compared(&mut self) {
        if self.flags_to_host() == Form::Float {
            self.save_flags();
            self.load_flags();
            self.flags.host = Some(Form::Plain);
        }
    }

    /// EFLAGS from the state, C plain. Uses `rax`.
    pub(crate) fn load_flags(&mut self) {
        let home = self.c.state(self.c.layout.flags);
        self.a.movzx(Size::B32, Size::B16, RAX, home);
        // 1 + 0x7f overflows: OF = V.
        self.a.alu_ri(Size::B8, Alu::Add, RAX, 0x7f);
        self.a.sahf();
    }

    /// What they can be computed from is forgotten: they stay where they are.
    pub(crate) const fn flags_from_nothing(&mut self) {
        self.flags.setter = None;
    }

    /// Makes the state have them.
    pub(crate) fn flags_to_state(&mut self) {
        if self.flags.saved || self.flags == Tracker::NOWHERE {
            return;
        }
        if let Tracker {
            host: None,
            setter:
                Some(Setter {
                    op: Compare::Constant,
                    a,
                    ..
                }),
            ..
        } = self.flags
        {
            let home = self.c.state(self.c.layout.flags);
            self.a.mov_mi(Size::B16, home, packed(a.nzcv()));
            self.flags.saved = true;
            return;
        }
        if let Tracker {
            host: None,
            setter:
                Some(
                    setter @ Setter {
                        op: Compare::Signs, ..
                    },
                ),
            ..
        } = self.flags
        {
            let home = self.c.state(self.c.layout.flags);
            self.packed_signs(&setter);
            self.a.mov_mr(Size::B16, home, RAX);
            self.flags.saved = true;
            return;
        }
        self.flags_to_host();
        self.save_flags();
    }

    /// The state from EFLAGS. Uses `rax`, and `rcx` for floats.
    fn save_flags(&mut self) {
        let Some(form) = self.flags.host else { return };
        let home = self.c.state(self.c.layout.flags);
        if form == Form::Float {
            self.packed_float_flags();
        } else {
            if form == Form::Inverted {
                self.a.cmc();
                self.flags.host = Some(Form::Plain);
            }
            self.a.lahf();
            self.a.setcc(Cc::O, RAX);
        }
        self.a.mov_mr(Size::B16, home, RAX);
        self.flags.saved = true;
    }

    /// `rax` = the packed flags that a comparison of floats has left in EFLAGS.
    /// Uses `rcx`.
    pub(crate) fn packed_float_flags(&mut self) {
        self.a.mov_ri(RAX, 0x0100);
        for (image, cc) in [(0x8000, Cc::B), (0x4100, Cc::E), (0x0101, Cc::P)] {
            self.a.mov_ri(RCX, image);
            self.a.cmov(Size::B32, cc, RAX, RCX);
        }
    }

    /// Does a comparison. Uses `rax` and `rcx`.
    fn compute(&mut self, setter: &Setter) -> Form {
        match setter.op {
            Compare::Sub => {
                self.compute_sub(setter);
                Form::Inverted
            }
            Compare::And => {
                self.compute_and(setter);
                Form::Plain
            }
            Compare::Add => {
                let size = Size::from(setter.w);
                let a = self.value(setter.a, RAX);
                self.a.mov_rr(Size::B64, RAX, a);
                match setter.b.immediate(setter.w) {
                    Some(imm) => self.a.alu_ri(size, Alu::Add, RAX, imm),
                    None => match self.place(setter.b, RCX) {
                        RegMem::Reg(b) => self.a.alu_rr(size, Alu::Add, RAX, b),
                        RegMem::Mem(b) => self.a.alu_rm(size, Alu::Add, RAX, b),
                    },
                }
                Form::Plain
            }
            Compare::Constant => {
                self.constant_flags(setter.a.nzcv(), Form::Inverted);
                Form::Inverted
            }
            Compare::Signs => {
                self.packed_signs(setter);
                // 1 + 0x7f overflows: OF = V.
                self.a.alu_ri(Size::B8, Alu::Add, RAX, 0x7f);
                self.a.sahf();
                Form::Plain
            }
        }
    }

    /// `rax` = the packed flags of a [`Compare::Signs`]. Uses EFLAGS and `rcx`.
    fn packed_signs(&mut self, setter: &Setter) {
        self.compute_and(setter);
        self.a.lahf();
        self.merge_with_state(C | V);
    }

    fn compute_sub(&mut self, setter: &Setter) {
        let size = Size::from(setter.w);
        if let Some(imm) = setter.b.immediate(setter.w) {
            return match self.place(setter.a, RAX) {
                RegMem::Reg(a) if imm == 0 => self.a.test_rr(size, a, a),
                RegMem::Reg(a) => self.a.alu_ri(size, Alu::Cmp, a, imm),
                RegMem::Mem(a) => self.a.alu_mi(size, Alu::Cmp, a, imm),
            };
        }
        let a = self.value(setter.a, RAX);
        match self.place(setter.b, RCX) {
            RegMem::Reg(b) => self.a.alu_rr(size, Alu::Cmp, a, b),
            RegMem::Mem(b) => self.a.alu_rm(size, Alu::Cmp, a, b),
        }
    }

    fn compute_and(&mut self, setter: &Setter) {
        let size = Size::from(setter.w);
        let a = self.place(setter.a, RAX);
        if let Some((size, imm)) = setter.b.mask(setter.w) {
            return match a {
                RegMem::Reg(a) => self.a.test_ri(size, a, imm),
                RegMem::Mem(a) => self.a.test_mi(size, a, imm),
            };
        }
        if setter.a == setter.b {
            return match a {
                RegMem::Reg(a) => self.a.test_rr(size, a, a),
                // The same N and Z; C and V zero, too.
                RegMem::Mem(a) => self.a.alu_mi(size, Alu::Cmp, a, 0),
            };
        }
        let b = self.value(setter.b, RCX);
        match a {
            RegMem::Reg(a) => self.a.test_rr(size, a, b),
            RegMem::Mem(a) => self.a.test_mr(size, a, b),
        }
    }

    /// A value in a register: a slot's own, or `scratch`.
    fn value(&mut self, value: Value, scratch: Gpr) -> Gpr {
        match self.place(value, scratch) {
            RegMem::Reg(reg) => reg,
            RegMem::Mem(mem) => {
                self.a.mov_rm(Size::B64, scratch, mem);
                scratch
            }
        }
    }

    /// A value where it is, or in `scratch`.
    fn place(&mut self, value: Value, scratch: Gpr) -> RegMem {
        match value {
            Value::Const(c) => self.a.mov_ri(scratch, c),
            Value::Slot(reg) => return self.source(reg, scratch),
            Value::Plus(reg, c) => {
                let r = self.read(reg, scratch);
                self.lea_const(scratch, r, c);
            }
        }
        RegMem::Reg(scratch)
    }

    /// The host's test for a condition. May change EFLAGS' form, and use `rax`
    /// and `rcx`.
    pub(crate) fn test(&mut self, cond: Cond) -> Test {
        let form = self.flags_to_host();
        if form == Form::Plain && matches!(cond, Cond::Hi | Cond::Ls) {
            self.a.cmc();
            self.flags.host = Some(Form::Inverted);
            return Test::One(inverted(cond));
        }
        match form {
            Form::Inverted => Test::One(inverted(cond)),
            Form::Plain => Test::One(match cond {
                Cond::Cs => Cc::B,
                Cond::Cc => Cc::AE,
                other => inverted(other),
            }),
            Form::Float => float(cond),
        }
    }

    /// Where a fault at the next instruction finds the flags.
    pub(crate) fn flags_at_fault(&self) -> FlagsAt {
        self.flags.at_fault()
    }

    /// Where the flags are at a block's start; settled at its first mention,
    /// from the flags' place on that edge if there is one.
    pub(crate) fn settle_in(&mut self, block: usize, edge: Option<Tracker>) -> Tracker {
        if let Some(settled) = self.block_in[block] {
            return settled;
        }
        let b = &self.region.blocks[block];
        let settled = if self.live.live_in[block] == Live::Dead {
            Tracker::NOWHERE
        } else if b.loop_head {
            self.home_at_loop(block)
        } else if b.preds == 0 {
            Tracker::default()
        } else {
            match edge {
                None => Tracker::default(),
                Some(edge) if b.preds == 1 && !b.entry => edge,
                // Other edges, and whoever enters, could not bring them into a
                // comparison's form.
                Some(
                    Tracker { saved: true, .. }
                    | Tracker {
                        host: Some(Form::Float),
                        ..
                    },
                ) => Tracker::default(),
                Some(Tracker {
                    host: Some(form), ..
                }) => Tracker::in_host(form),
                Some(_) => Tracker::in_host(Form::Inverted),
            }
        };
        self.block_in[block] = Some(settled);
        settled
    }

    /// Settles where a block finds the flags that more edges lead to than the
    /// region counts: on one edge alone they could be anywhere.
    pub(crate) fn settle_joined(&mut self, block: usize) {
        let b = &self.region.blocks[block];
        let alone = b.preds == 1 && !b.loop_head && !b.entry;
        if alone && self.block_in[block].is_none() && self.live.live_in[block] != Live::Dead {
            self.block_in[block] = Some(Tracker::in_host(Form::Inverted));
        }
    }

    /// Where the flags are best at a loop's head: where its jumps back have
    /// them, the last that sets any. In the state if the body sets none.
    fn home_at_loop(&self, head: usize) -> Tracker {
        let region = self.region;
        let pc = region.blocks[head].pc;
        let back = |block: &&Block| block.term.targets().any(|target| target == pc);
        let backs = region.blocks[head..].iter().rev().filter(back);
        let mut homes = backs.map(|block| self.home_at_back(block));
        homes.find_map(|home| home).unwrap_or_default()
    }

    /// Where a loop's jump back has the flags, if its block sets them.
    fn home_at_back(&self, back: &Block) -> Option<Tracker> {
        let setter = (self.region.block_ops(back).iter().rev()).find(|inst| inst.op.sets_flags());
        let form = match setter.map(|inst| &inst.op) {
            Some(Op::Bin { op: BinOp::Sub, .. } | Op::CondCompare { neg: false, .. }) => {
                Form::Inverted
            }
            Some(Op::Carry { sub: true, .. }) => Form::Inverted,
            Some(Op::Bin { .. } | Op::CondCompare { .. } | Op::Carry { .. }) => Form::Plain,
            // Compared in the block before, or as floats.
            None if matches!(back.term, Term::Branch { .. }) => Form::Inverted,
            _ => return None,
        };
        match back.term {
            Term::Branch { .. }
            | Term::Jump { .. }
            | Term::BranchZero { .. }
            | Term::BranchBit { .. } => Some(Tracker::in_host(form)),
            _ => None,
        }
    }

    /// Whether the flags are already where `wanted` says.
    pub(crate) fn flags_fit(&self, wanted: &Tracker) -> bool {
        (!wanted.saved || self.flags.saved)
            && (wanted.host.is_none() || wanted.host == self.flags.host)
            && (wanted.setter.is_none() || wanted.setter == self.flags.setter)
    }

    /// Brings the flags to where `wanted` says. May use `rax` and `rcx`.
    pub(crate) fn flags_move(&mut self, wanted: &Tracker) {
        if wanted.saved {
            self.flags_to_state();
        }
        let Some(form) = wanted.host else { return };
        if self.flags == Tracker::NOWHERE {
            return;
        }
        if self.flags_to_host() == form {
            return;
        }
        debug_assert_ne!(form, Form::Float, "nothing converts to it");
        self.flags_compared();
        if self.flags.host != Some(form) {
            self.a.cmc();
            self.flags.host = Some(form);
        }
    }

    pub(crate) fn flags_here(&self) -> Tracker {
        self.flags
    }

    pub(crate) fn flags_are(&mut self, tracker: Tracker) {
        self.flags = tracker;
    }
}

/// Four flags as the state has them.
pub(super) fn packed(nzcv: u8) -> i32 {
    let bit = |n: u8| i32::from(nzcv >> n & 1);
    bit(3) << 15 | bit(2) << 14 | bit(1) << 8 | bit(0)
}

/// The comparison after an operation that writes a slot of its, if that can
/// still be said: it added a constant.
fn moved(op: &Op, setter: &Setter) -> Option<Setter> {
    let Op::Bin {
        op: op @ (BinOp::Add | BinOp::Sub),
        w,
        d,
        a,
        b: Operand::Imm(by),
        set: false,
    } = *op
    else {
        return None;
    };
    // Half a register tells nothing of the whole.
    if d != a || (w == Width::W32 && setter.w == Width::W64) {
        return None;
    }
    let by = if op == BinOp::Sub {
        by.wrapping_neg()
    } else {
        by
    };
    Some(Setter {
        a: setter.a.after_adding(d, by)?,
        b: setter.b.after_adding(d, by)?,
        ..*setter
    })
}

/// Whether an operation writes a slot of the setter's.
fn writes_any(op: &Op, setter: &Setter) -> bool {
    let hit = |d: Reg| !d.is_zero() && (setter.a.slot() == Some(d) || setter.b.slot() == Some(d));
    op.written().into_iter().any(|d| d.is_some_and(hit)) || matches!(op, Op::Interpret { .. })
}

/// The condition after a subtraction, where CF is !C.
const fn inverted(cond: Cond) -> Cc {
    match cond {
        Cond::Eq => Cc::E,
        Cond::Ne => Cc::NE,
        Cond::Cs => Cc::AE,
        Cond::Cc => Cc::B,
        Cond::Mi => Cc::S,
        Cond::Pl => Cc::NS,
        Cond::Vs => Cc::O,
        Cond::Vc => Cc::NO,
        Cond::Hi => Cc::A,
        Cond::Ls => Cc::BE,
        Cond::Ge => Cc::GE,
        Cond::Lt => Cc::L,
        Cond::Gt => Cc::G,
        // Al and Nv are not tested.
        Cond::Le | Cond::Al | Cond::Nv => Cc::LE,
    }
}

/// The condition after `ucomisd`: unordered sets ZF, PF and CF, less CF,
/// equal ZF.
const fn float(cond: Cond) -> Test {
    match cond {
        Cond::Eq => Test::AndNp(Cc::E),
        Cond::Ne => Test::OrP(Cc::NE),
        Cond::Cs | Cond::Pl => Test::OrP(Cc::AE),
        Cond::Cc | Cond::Mi => Test::AndNp(Cc::B),
        Cond::Vs => Test::One(Cc::P),
        Cond::Vc => Test::One(Cc::NP),
        Cond::Hi => Test::OrP(Cc::A),
        Cond::Ls => Test::AndNp(Cc::BE),
        Cond::Ge => Test::One(Cc::AE),
        Cond::Lt => Test::One(Cc::B),
        Cond::Gt => Test::One(Cc::A),
        Cond::Le | Cond::Al | Cond::Nv => Test::One(Cc::BE),
    }
}
