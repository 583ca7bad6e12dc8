//! Where the guest's flags are, and how they come from there.
//!
//! In the state they lie packed as `lahf; seto al` leave them, C not inverted:
//! N in bit 15, Z in bit 14, C in bit 8, V in bit 0. In EFLAGS, N, Z and V are
//! SF, ZF and OF, and C is CF or its opposite ([`Form`]). Instead of either
//! they may be computable from slots that still hold what the comparison had
//! ([`Setter`]): the cheapest way to keep what only a fault can show.

use super::Lowering;
use crate::asm::{Alu, Cond as Cc, Gpr, Size};
use crate::convention::{RAX, RCX};
use ir::live::Live;
use ir::{Cond, Op, Reg, Width};

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
    const fn slot(self) -> Option<Reg> {
        match self {
            Self::Slot(reg) | Self::Plus(reg, _) => Some(reg),
            Self::Const(_) => None,
        }
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

    /// Whether a block that assumes this can be entered from outside.
    pub(crate) fn fits_entry(&self) -> bool {
        self.saved || *self == Self::NOWHERE
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

    /// To be called before an instruction that overwrites EFLAGS, unless the
    /// operation sets the flags itself. May use `rax` and `rcx`.
    pub(crate) fn clobber(&mut self) {
        let live = self.live_from_here();
        if self.flags.host.is_none() {
            return;
        }
        if live != Live::Dead && !self.flags.saved && !self.setter_will_do() {
            self.save_flags();
        }
        self.flags.host = None;
    }

    /// Whether EFLAGS may be overwritten for nothing.
    pub(crate) fn clobber_is_free(&self) -> bool {
        self.flags.host.is_none()
            || self.flags.saved
            || self.live_from_here() == Live::Dead
            || self.setter_will_do()
    }

    /// Whether the setter is enough for the rest of the block.
    fn setter_will_do(&self) -> bool {
        let end = self.at + self.rest_of_block().len();
        self.flags
            .setter
            .is_some_and(|setter| self.lasts(&setter, self.at, end))
    }

    /// Whether a setter's slots keep their values through these operations, the
    /// first of which is being lowered or still to come, or until the flags are
    /// set again.
    fn lasts(&self, setter: &Setter, from: usize, to: usize) -> bool {
        for (i, inst) in self.region.ops[from..to].iter().enumerate() {
            if (i > 0 || self.at != from) && inst.op.sets_flags() && !inst.op.uses_flags() {
                return true;
            }
            if writes_any(&inst.op, setter) {
                // Harmless if nothing looks afterwards.
                return self.live.after[from + i] == Live::Dead;
            }
        }
        true
    }

    /// After an operation: what it wrote can't be computed from any more.
    pub(crate) fn forget_overwritten(&mut self, op: &Op) {
        if let Some(setter) = self.flags.setter
            && !op.sets_flags()
            && writes_any(op, &setter)
        {
            self.flags.setter = None;
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

    /// EFLAGS from the state, C plain. Uses `rax`.
    pub(crate) fn load_flags(&mut self) {
        let home = self.c.state(self.c.layout.flags);
        self.a.movzx(Size::B32, Size::B16, RAX, home);
        // 1 + 0x7f overflows: OF = V.
        self.a.alu_ri(Size::B8, Alu::Add, RAX, 0x7f);
        self.a.sahf();
    }

    /// Makes the state have them.
    pub(crate) fn flags_to_state(&mut self) {
        if self.flags.saved || self.flags == Tracker::NOWHERE {
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

    /// Does a comparison again. Uses `rax` and `rcx`.
    fn compute(&mut self, setter: &Setter) -> Form {
        let size = Size::from(setter.w);
        let a = self.value(setter.a, RAX);
        let b = self.value(setter.b, RCX);
        match setter.op {
            Compare::Sub => {
                self.a.alu_rr(size, Alu::Cmp, a, b);
                Form::Inverted
            }
            Compare::And => {
                self.a.test_rr(size, a, b);
                Form::Plain
            }
            Compare::Add => {
                if a != RAX {
                    self.a.mov_rr(size, RAX, a);
                }
                self.a.alu_rr(size, Alu::Add, RAX, b);
                Form::Plain
            }
        }
    }

    fn value(&mut self, value: Value, scratch: Gpr) -> Gpr {
        match value {
            Value::Const(c) => {
                self.a.mov_ri(scratch, c);
                scratch
            }
            Value::Slot(reg) => self.read(reg, scratch),
            Value::Plus(reg, c) => {
                let r = self.read(reg, scratch);
                self.lea_const(scratch, r, c);
                scratch
            }
        }
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
            Tracker::in_host(Form::Inverted)
        } else if b.preds == 0 || b.entry {
            Tracker::default()
        } else {
            match edge {
                None => Tracker::default(),
                Some(Tracker {
                    saved: false,
                    host: None,
                    setter: Some(setter),
                }) if !self.lasts(&setter, b.start as usize, b.end as usize) => Tracker::default(),
                Some(edge) if b.preds == 1 => edge,
                // Other edges could not bring them into a comparison's form.
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
        let have = self.flags_to_host();
        if have == form {
            return;
        }
        debug_assert_ne!(form, Form::Float, "nothing converts to it");
        if have == Form::Float {
            self.save_flags();
            self.load_flags();
            self.flags.host = Some(Form::Plain);
        }
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
