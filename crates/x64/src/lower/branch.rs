//! The ends of blocks: jumps inside the region, and exits from it.
//!
//! A branch whose condition is in EFLAGS tests them as they are. An exit to a known place is a jump
//! that is patched when its target is translated, an exit to a computed one looks in the table of
//! targets. Invariant: at an exit the state is whole: slots and flags are where the next region
//! looks for them.

use super::cold::Cold;
use super::flags::{Test, Tracker};
use super::{Leave, Lowering};
use crate::asm::{Alu, Cond as Cc, Label, Mem, RegMem, Size};
use crate::convention::{BIAS, RAX, RCX};
use ir::live::Live;
use ir::{Block, Key, Reg, Term, Width};

/// When one of two ways is taken.
#[derive(Clone, Copy)]
enum When {
    /// If EFLAGS say so.
    Flags(Test),
    /// If `rcx` is zero, or is not; EFLAGS are left alone.
    Counter { zero: bool },
}

impl When {
    fn invert(self) -> Self {
        match self {
            Self::Flags(test) => Self::Flags(test.invert()),
            Self::Counter { zero } => Self::Counter { zero: !zero },
        }
    }
}

impl Lowering<'_> {
    pub(crate) fn term(&mut self, index: usize, block: &Block) {
        self.pc = block.pc;
        match block.term {
            Term::Jump { target } => self.go(index, target),
            Term::Branch { cond, taken, fall } => {
                if cond.always() {
                    return self.go(index, taken);
                }
                let test = self.test(cond);
                self.fork(index, When::Flags(test), taken, fall);
            }
            Term::BranchZero {
                w,
                reg,
                nonzero,
                taken,
                fall,
            } => {
                self.branch_zero(index, w, reg, nonzero, taken, fall);
            }
            Term::BranchBit {
                reg,
                bit,
                nonzero,
                taken,
                fall,
            } => {
                self.branch_bit(index, reg, bit, nonzero, taken, fall);
            }
            Term::Call { target, .. } => self.go_outside(self.region.key(target)),
            Term::CallInto { to, .. } => self.call_into(to),
            Term::Indirect { reg, link, ret, .. } => self.indirect(reg, link, ret),
            Term::IndirectIf {
                cond, reg, fall, ..
            } => {
                let test = self.test(cond);
                let here = self.flags_here();
                self.jump_to(When::Flags(test.invert()), fall, here);
                self.flags_are(here);
                self.indirect(reg, Reg::ZERO, fall);
            }
            Term::Supervisor { imm, next } => {
                self.flags_to_state();
                self.swap_out();
                self.set_pc(next);
                self.leave(Leave::Supervisor, imm);
            }
            Term::Breakpoint { imm, pc } => self.stop(Leave::Breakpoint, imm.into(), pc),
            Term::Undefined { word, pc } => self.stop(Leave::Undefined, word, pc),
            Term::NoFetch { pc } => self.stop(Leave::NoFetch, 0, pc),
            Term::Interpret { word, pc } => self.stop(Leave::Interpret, word, pc),
            Term::IfAligned { reg, word, to } => self.if_aligned(reg, word, to),
        }
    }

    pub(crate) fn stop(&mut self, why: Leave, payload: u32, pc: u64) {
        self.flags_to_state();
        self.swap_out();
        self.set_pc(pc);
        self.leave(why, payload);
    }

    fn find(&self, target: u64) -> Option<usize> {
        self.region.block_at(target)
    }

    /// Goes to an address; the next block in order is fallen into.
    fn go(&mut self, index: usize, target: u64) {
        let Some(block) = self.find(target) else {
            return self.go_outside(self.region.key(target));
        };
        let here = self.flags_here();
        let wanted = self.settle_in(block, Some(here));
        self.flags_move(&wanted);
        if block != index + 1 {
            self.a.jmp(self.labels[block]);
        }
    }

    pub(crate) fn go_outside(&mut self, target: Key) {
        if (self.outside)(target) != Live::Dead {
            self.flags_to_state();
        }
        self.exit(target);
    }

    /// To code of another mode, which the state gets as an indirect branch would tell it.
    fn call_into(&mut self, to: Key) {
        if let Some((at, bit)) = self.c.layout.by_target {
            let at = self.c.state(at);
            self.a.mov_mi(Size::B32, at, i32::from(to.mode.has(bit)));
        }
        self.go_outside(to);
    }

    /// A direct branch out of the region, the flags being in place.
    pub(crate) fn exit(&mut self, target: Key) {
        self.swap_out();
        let patch = self.a.jmp_rel32_aligned();
        let label = self.a.new_label();
        self.cold.push((label, Cold::Thunk { patch, target }));
    }

    /// Goes one of two ways.
    fn fork(&mut self, index: usize, when: When, taken: u64, fall: u64) {
        let here = self.flags_here();
        // The way that is fallen into needs no jump.
        if self.find(taken) == Some(index + 1) && self.find(fall) != Some(index + 1) {
            self.jump_to(when.invert(), fall, here);
            self.flags_are(here);
            self.go(index, taken);
        } else {
            self.jump_to(when, taken, here);
            self.flags_are(here);
            self.go(index, fall);
        }
    }

    /// Goes to an address if the test says so.
    fn jump_to(&mut self, when: When, target: u64, here: Tracker) {
        match self.find(target) {
            Some(block) => {
                let wanted = self.settle_in(block, Some(here));
                let label = if self.flags_fit(&wanted) {
                    self.labels[block]
                } else {
                    let pc = self.pc;
                    self.behind(Cold::Edge {
                        flags: here,
                        pc,
                        block,
                    })
                };
                self.jump_when(when, label);
            }
            None => {
                let target = self.region.key(target);
                let seen = (self.outside)(target) != Live::Dead;
                let in_place = !seen || self.flags_fit(&Tracker::default());
                match when {
                    When::Flags(Test::One(cc)) if in_place && self.swaps.is_empty() => {
                        let patch = self.a.jcc_rel32_aligned(cc);
                        let label = self.a.new_label();
                        self.cold.push((label, Cold::Thunk { patch, target }));
                    }
                    _ => {
                        let pc = self.pc;
                        let flags = if in_place { Tracker::default() } else { here };
                        let label = self.behind(Cold::Away { flags, pc, target });
                        self.jump_when(when, label);
                    }
                }
            }
        }
    }

    /// Goes to an address with these flags if the test says so: an edge beside
    /// those of the terminator.
    pub(crate) fn jump_with_constant(&mut self, test: Test, nzcv: u8, target: u64) {
        let before = self.flags_here();
        let constant = Tracker::constant(nzcv);
        if let Some(block) = self.find(target) {
            self.settle_joined(block);
        }
        self.flags_are(constant);
        self.jump_to(When::Flags(test), target, constant);
        self.flags_are(before);
    }

    pub(crate) fn behind(&mut self, cold: Cold) -> Label {
        let label = self.a.new_label();
        self.cold.push((label, cold));
        label
    }

    /// Jumps if the test holds.
    pub(crate) fn jump_if(&mut self, test: Test, label: Label) {
        match test {
            Test::One(cc) => self.a.jcc(cc, label),
            Test::OrP(cc) => {
                self.a.jcc(Cc::P, label);
                self.a.jcc(cc, label);
            }
            Test::AndNp(cc) => {
                let skip = self.a.new_label();
                self.a.jcc_short(Cc::P, skip);
                self.a.jcc(cc, label);
                self.a.bind(skip);
            }
        }
    }

    fn jump_when(&mut self, when: When, label: Label) {
        let zero = match when {
            When::Flags(test) => return self.jump_if(test, label),
            When::Counter { zero } => zero,
        };
        let (is_zero, skip) = (self.a.new_label(), self.a.new_label());
        self.a.jrcxz(if zero { is_zero } else { skip });
        if zero {
            self.a.jmp_short(skip);
        }
        self.a.bind(is_zero);
        self.a.jmp(label);
        self.a.bind(skip);
    }

    /// Jumps unless the test holds.
    pub(crate) fn jump_unless(&mut self, test: Test, label: Label) {
        self.jump_if(test.invert(), label);
    }

    /// A test overwrites EFLAGS: where the guest's flags are there and seen later,
    /// `rcx` is looked at instead.
    fn branch_zero(
        &mut self,
        index: usize,
        w: Width,
        reg: Reg,
        nonzero: bool,
        taken: u64,
        fall: u64,
    ) {
        if !self.clobbered_at_end(index, [taken, fall]) {
            let source = self.source(reg, RCX);
            self.mov_any(w.into(), RCX, source);
            return self.fork(index, When::Counter { zero: !nonzero }, taken, fall);
        }
        match self.source(reg, RAX) {
            RegMem::Reg(r) => self.a.test_rr(w.into(), r, r),
            RegMem::Mem(m) => self.a.alu_mi(w.into(), Alu::Cmp, m, 0),
        }
        let cc = if nonzero { Cc::NE } else { Cc::E };
        self.fork(index, When::Flags(Test::One(cc)), taken, fall);
    }

    fn branch_bit(
        &mut self,
        index: usize,
        reg: Reg,
        bit: u8,
        nonzero: bool,
        taken: u64,
        fall: u64,
    ) {
        if !self.clobbered_at_end(index, [taken, fall]) {
            self.bit_alone(reg, bit);
            return self.fork(index, When::Counter { zero: !nonzero }, taken, fall);
        }
        let (yes, no) = if bit < 31 {
            let mask = 1 << bit;
            match self.source(reg, RAX) {
                RegMem::Reg(r) if bit < 7 => self.a.test_ri(Size::B8, r, mask),
                RegMem::Reg(r) => self.a.test_ri(Size::B32, r, mask),
                RegMem::Mem(m) => self.a.test_mi(Size::B32, m, mask),
            }
            (Cc::NE, Cc::E)
        } else {
            let r = self.read(reg, RAX);
            self.a.bt_ri(Size::B64, r, bit);
            (Cc::B, Cc::AE)
        };
        self.fork(
            index,
            When::Flags(Test::One(if nonzero { yes } else { no })),
            taken,
            fall,
        );
    }

    /// `rcx` = one bit of a slot, the flags left alone: shifted to the top, then
    /// to the bottom.
    fn bit_alone(&mut self, reg: Reg, bit: u8) {
        let source = self.source(reg, RCX);
        self.a.mov_ri(RAX, u64::from(63 - bit));
        self.a.shlx(Size::B64, RCX, source, RAX);
        self.a.mov_ri(RAX, 63);
        self.a.shrx(Size::B64, RCX, RCX, RAX);
    }

    /// Before a terminator with these ways: whether EFLAGS may be overwritten.
    fn clobbered_at_end(&mut self, index: usize, ways: [u64; 2]) -> bool {
        if self.live.live_out[index] == Live::Dead {
            self.flags_are(Tracker::NOWHERE);
        } else if self.clobber_is_free() || ways.iter().any(|&way| self.saved_further_up(way)) {
            self.clobber();
        } else {
            return false;
        }
        true
    }

    /// Whether an address is where a loop goes round that has the flags in the state:
    /// to keep them until then would be to save them all the same, on a detour.
    fn saved_further_up(&self, target: u64) -> bool {
        let head = self.find(target).filter(|&head| head <= self.index);
        head.and_then(|head| self.block_in[head]) == Some(Tracker::default())
    }

    /// Looks the target up in the table of the state; its entries are pairs of
    /// guest and host address, indexed by bits of the former. Where bit 0 is one of the
    /// mode, the guest's address has it there, too.
    fn indirect(&mut self, reg: Reg, link: Reg, ret: u64) {
        self.flags_to_state();
        self.read_to(reg, RCX);
        if !link.is_zero() {
            let mode = self
                .c
                .layout
                .by_target
                .map(|(_, bit)| self.region.mode.has(bit));
            self.address_to(link, ret | u64::from(mode.unwrap_or(false)));
        }
        self.swap_out();
        if let Some((at, _)) = self.c.layout.by_target {
            let at = self.c.state(at);
            self.a.mov_rr(Size::B32, RAX, RCX);
            self.a.alu_ri(Size::B32, Alu::And, RAX, 1);
            self.a.mov_mr(Size::B32, at, RAX);
        }
        let layout = &self.c.layout;
        #[allow(clippy::cast_possible_wrap, reason = "the state is a megabyte at most")]
        let table = layout.targets[self.region.mode.number()] as i32 - BIAS;
        let mask = ((1 << layout.targets_log2) - 1) << layout.unit_log2;
        let scale = 16 >> layout.unit_log2;
        let entry = |disp| Mem::index(crate::convention::RBP, RAX, scale, disp);
        self.a.mov_rr(Size::B32, RAX, RCX);
        self.a.alu_ri(Size::B32, Alu::And, RAX, mask);
        self.a.alu_rm(Size::B64, Alu::Cmp, RCX, entry(table));
        let miss = self.behind(Cold::Miss);
        self.a.jcc(Cc::NE, miss);
        self.a.jmp_m(entry(table + 8));
    }
}
