//! Products.
//!
//! `mulx` gives both halves of a product and leaves EFLAGS alone, so a chain of additions
//! with carry can live there while its words are multiplied. One factor has to be in `rdx`,
//! which holds a slot. That slot goes to the state's spill word, and `rdx` is *borrowed*
//! until the block ends or until an operation comes that is no plain integer work
//! ([`ir::Op::plain_reads`]). Big numbers are multiplied by one word at a time, so `rdx`
//! mostly has the factor already.
//!
//! Two operations that give the halves of one product are one `mulx`. If the second comes later, its
//! half waits in a word of the state's scratch, unless its slot may be written at once. Two
//! copies are left out where nobody can see that they were: a slot whose half waited is read
//! from the word, and a lower half that is to be added once is computed when it is added.
//!
//! All of that is inside a block. Fault points tell that `rdx` is spilled, and which words
//! stand in for slots. No access that faults comes between a product that is put off and its
//! addition, or between a half that is written early and its operation.

use super::Lowering;
use super::flags::Setter;
use crate::asm::{Alu, Gpr, Mem, RegMem, Size};
use crate::convention::{RAX, RCX, RDX};
use ir::{BinOp, Op, Operand, Reg, Width};

/// How many operations ahead are looked at.
const REACH: usize = 48;

/// What a word of the state's scratch has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Word {
    #[default]
    Free,
    /// What the operation of this number gives.
    Waits(usize),
    /// Nothing: the operation's slot has been written already.
    Written(usize),
    /// Nothing: what the operation gives waits in its slot's home already, which
    /// nobody looks at before.
    AtHome(usize),
    /// What this slot holds, whose home is out of date.
    StandsFor(Reg),
}

/// What is borrowed and put aside.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Products {
    /// The slot of `rdx` is in the spill word.
    spilled: bool,
    /// The slot whose value is in `rdx`, beside its own register or home.
    factor: Option<Reg>,
    words: [Word; 8],
    /// Whether a word was ever taken in this region: few regions multiply so.
    used: bool,
    /// The operations whose lower halves are computed when they are added.
    late: [Option<usize>; 8],
}

/// One half of the product of two slots.
#[derive(Clone, Copy)]
struct Half {
    high: bool,
    d: Reg,
    a: Reg,
    b: Reg,
}

impl Half {
    /// What an operation gives, if that is half a product of 64 bits.
    fn of(op: &Op) -> Option<Self> {
        match *op {
            Op::MulAdd {
                sub: false,
                w: Width::W64,
                d,
                a,
                b,
                c: Reg::ZERO,
            } => Some(Self {
                high: false,
                d,
                a,
                b,
            }),
            Op::MulHigh {
                signed: false,
                d,
                a,
                b,
            } => Some(Self {
                high: true,
                d,
                a,
                b,
            }),
            _ => None,
        }
    }

    /// Whether these are both halves of one product.
    fn completes(&self, other: &Self) -> bool {
        self.high != other.high
            && ((self.a, self.b) == (other.a, other.b) || (self.a, self.b) == (other.b, other.a))
    }
}

impl Products {
    /// Whether `rdx` is borrowed.
    pub(super) const fn borrowed(&self) -> bool {
        self.spilled
    }

    /// Whether a product is put off, or half of one is written before its operation.
    pub(super) fn any_early(&self) -> bool {
        let early = |word: &Word| matches!(word, Word::Written(_) | Word::AtHome(_));
        self.any_late() || self.words.iter().any(early)
    }

    /// Whether a product is put off.
    pub(super) fn any_late(&self) -> bool {
        self.late.iter().any(Option::is_some)
    }

    /// The slots that words stand in for.
    #[inline]
    pub(super) fn stand_ins(&self) -> [Reg; 8] {
        if !self.used {
            return [Reg::ZERO; 8];
        }
        self.words.map(|word| match word {
            Word::StandsFor(reg) => reg,
            _ => Reg::ZERO,
        })
    }

    /// A slot is written: nothing that had its value has it any more.
    pub(super) fn overwritten(&mut self, reg: Reg) {
        if self.factor == Some(reg) {
            self.factor = None;
        }
        if !self.used {
            return;
        }
        for word in &mut self.words {
            if *word == Word::StandsFor(reg) {
                *word = Word::Free;
            }
        }
    }

    fn find(&self, word: Word) -> Option<usize> {
        if !self.used && word != Word::Free {
            return None;
        }
        self.words.iter().position(|&w| w == word)
    }

    fn take(&mut self, n: usize, word: Word) {
        self.words[n] = word;
        self.used = true;
    }
}

impl Lowering<'_> {
    /// The word that stands in for a slot's home.
    pub(super) fn stand_in(&self, reg: Reg) -> Option<Mem> {
        if let Some(n) = self.products.find(Word::StandsFor(reg)) {
            return Some(self.word_of_scratch(n));
        }
        let spilled = self.products.borrowed() && self.register(reg) == Some(RDX);
        spilled.then(|| self.c.state(self.c.layout.spill))
    }

    #[allow(clippy::cast_possible_truncation, reason = "one of eight")]
    fn word_of_scratch(&self, n: usize) -> Mem {
        self.c.state(self.c.layout.scratch + 8 * n as u32)
    }

    /// Gives `rdx` back to its slot; leaves the flags alone.
    pub(super) fn give_back(&mut self) {
        self.products.factor = None;
        if core::mem::take(&mut self.products.spilled) {
            self.unspill_rdx();
        }
        debug_assert!(self.products.late.iter().all(Option::is_none));
    }

    /// `rdx` may be overwritten: its slot is spilled.
    fn borrow(&mut self) {
        if let Some(slot) = self.slot_of(RDX) {
            self.spill_rdx();
            self.products.spilled = true;
            self.products.factor = Some(slot);
        }
    }

    /// `rdx` = a slot's value.
    fn borrow_for(&mut self, factor: Reg) {
        if self.pinned(factor) == Some(RDX) {
            return;
        }
        self.borrow();
        if self.products.factor != Some(factor) {
            self.read_to(factor, RDX);
            self.products.factor = Some(factor);
        }
    }

    /// d = c ± a * b
    pub(crate) fn mul_add(&mut self, sub: bool, w: Width, d: Reg, a: Reg, b: Reg, c: Reg) {
        let op = &self.region.ops[self.at].op;
        if let Some(half) = Half::of(op)
            && self.half(&half)
        {
            return;
        }
        let size = Size::from(w);
        if !self.clobber_is_free() {
            let b = self.read(b, RCX);
            self.times_slot(size, a, b);
            return self.accumulate(size, sub, d, c);
        }
        self.clobber();
        let t = self.target(d, RAX);
        if c.is_zero() && !sub {
            let a = self.read(a, RAX);
            let b = self.source(b, RCX);
            if RegMem::Reg(t) == b {
                self.a.imul_rr(size, t, a);
            } else {
                self.a.mov_rr(size, t, a);
                self.a.imul_rr(size, t, b);
            }
            return self.write(d, t);
        }
        self.read_to(a, RAX);
        let b = self.source(b, RCX);
        self.a.imul_rr(size, RAX, b);
        self.accumulate(size, sub, d, c);
    }

    /// `rax` = the low half of a slot and a register but `rax`, the flags left
    /// alone.
    fn times_slot(&mut self, size: Size, a: Reg, b: Gpr) {
        // What rdx holds may be the register.
        if b == RDX {
            self.a.mov_rr(Size::B64, RCX, RDX);
        }
        let b = if b == RDX { RCX } else { b };
        self.borrow_for(a);
        self.a.mulx(size, RCX, RAX, b);
    }

    /// d = c ± rax; leaves the flags alone where they are seen.
    fn accumulate(&mut self, size: Size, sub: bool, d: Reg, c: Reg) {
        if c.is_zero() && !sub {
            // A product of 32 bits has zeros above.
            self.write(d, RAX);
        } else if !sub {
            let t = self.target(d, RAX);
            let c = self.read(c, RCX);
            self.a.lea(size, t, Mem::index(c, RAX, 1, 0));
            self.write(d, t);
        } else if self.clobber_is_free() {
            self.read_to(c, RCX);
            self.a.alu_rr(size, Alu::Sub, RCX, RAX);
            self.write(d, RCX);
        } else {
            // c - p = c + !p + 1
            self.a.not(size, RAX);
            let t = self.target(d, RAX);
            let c = self.read(c, RCX);
            self.a.lea(size, t, Mem::index(c, RAX, 1, 1));
            self.write(d, t);
        }
    }

    pub(crate) fn mul_long(&mut self, signed: bool, sub: bool, d: Reg, a: Reg, b: Reg, c: Reg) {
        let free = self.clobber_is_free();
        if free {
            self.clobber();
        }
        for (reg, to) in [(a, RAX), (b, RCX)] {
            let source = self.source(reg, to);
            if signed {
                self.a.movsx(Size::B64, Size::B32, to, source);
            } else {
                self.mov_any(Size::B32, to, source);
            }
        }
        if free {
            self.a.imul_rr(Size::B64, RAX, RCX);
        } else {
            self.borrow();
            self.products.factor = None;
            self.a.mov_rr(Size::B64, RDX, RAX);
            self.a.mulx(Size::B64, RCX, RAX, RCX);
        }
        self.accumulate(Size::B64, sub, d, c);
    }

    pub(crate) fn mul_high(&mut self, signed: bool, d: Reg, a: Reg, b: Reg) {
        if !signed {
            let half = Half {
                high: true,
                d,
                a,
                b,
            };
            self.half(&half);
            return;
        }
        self.give_back();
        self.clobber();
        self.read_to(b, RCX);
        self.read_to(a, RAX);
        self.spill_rdx();
        self.a.imul1(Size::B64, RCX);
        self.a.mov_rr(Size::B64, RAX, RDX);
        self.unspill_rdx();
        self.write(d, RAX);
    }

    /// Half a product by `mulx`; false if another way is better.
    fn half(&mut self, half: &Half) -> bool {
        if let Some(n) = self.products.find(Word::Written(self.at)) {
            self.products.words[n] = Word::Free;
            return true;
        }
        if let Some(n) = self.products.find(Word::Waits(self.at)) {
            self.take_word(n, half.d);
            return true;
        }
        if let Some(n) = self.products.find(Word::AtHome(self.at)) {
            self.products.words[n] = Word::Free;
            self.forget_held(half.d);
            self.products.overwritten(half.d);
            return true;
        }
        if self.with_late_half(half) {
            return true;
        }
        let other = self.other_half(half);
        if !half.high && other.is_none() && self.clobber_is_free() {
            return false;
        }
        if other.is_none() && self.in_place_of_factor(half) {
            return true;
        }
        if !self.put_off(half) {
            let own = self.both_halves(half, other, Reg::ZERO);
            self.write(half.d, own);
        }
        true
    }

    /// Half a product that goes to `rdx`, whose old value nobody multiplies: the factor
    /// is brought over that, and the half over the factor. A chain of products, each of
    /// the last, need not wait for memory then.
    fn in_place_of_factor(&mut self, &Half { high, d, a, b }: &Half) -> bool {
        let own = self.pinned(d) == Some(RDX) && ![a, b].contains(&d);
        let kept = |setter: Setter| setter.a.slot() == Some(d) || setter.b.slot() == Some(d);
        let late = self.late_halves().into_iter().flatten();
        let needed = late.into_iter().any(|(_, half)| half.a == d || half.b == d);
        if !own || needed || self.flags_here().setter().is_some_and(kept) {
            return false;
        }
        self.products.overwritten(d);
        let (factor, by) = self.factor_first(a, b);
        self.read_to(factor, RDX);
        let by = self.source(by, RCX);
        let (hi, lo) = if high { (RDX, RAX) } else { (RAX, RDX) };
        self.a.mulx(Size::B64, hi, lo, by);
        self.write(d, RDX);
        true
    }

    /// d = what waited for this operation.
    fn take_word(&mut self, n: usize, d: Reg) {
        self.products.words[n] = Word::Free;
        let word = self.word_of_scratch(n);
        if self.pinned(d).is_none() && !d.is_zero() && self.overwritten_unseen(d) {
            // What had its old value has it no more.
            self.forget_held(d);
            self.products.overwritten(d);
            self.products.take(n, Word::StandsFor(d));
            return;
        }
        let t = self.target(d, RAX);
        self.a.mov_rm(Size::B64, t, word);
        self.write(d, t);
    }

    /// Both halves: the one that is wanted in the register that is given back,
    /// its slot's or `rcx`; the other where operation `other` will find it. `read`:
    /// what the operation that wants it reads beside.
    fn both_halves(&mut self, half: &Half, other: Option<usize>, read: Reg) -> Gpr {
        let (factor, by) = self.factor_first(half.a, half.b);
        self.borrow_for(factor);
        let by = self.source(by, RCX);
        let own = self.target(half.d, RCX);
        let word = other.and_then(|at| Some((at, self.products.find(Word::Free)?)));
        let early = other.and_then(|at| self.may_be_written(at));
        let spare = match (word, early) {
            (Some(_), Some(d)) => self.target(d, RAX),
            _ => RAX,
        };
        let (hi, lo) = if half.high {
            (own, spare)
        } else {
            (spare, own)
        };
        self.a.mulx(Size::B64, hi, lo, by);
        if let Some((at, n)) = word {
            if let Some(d) = early {
                self.products.take(n, Word::Written(at));
                self.write(d, spare);
            } else if let Some(home) = self.may_wait_at_home(at, read) {
                self.products.take(n, Word::AtHome(at));
                self.a.mov_mr(Size::B64, home, spare);
            } else {
                self.products.take(n, Word::Waits(at));
                let word = self.word_of_scratch(n);
                self.a.mov_mr(Size::B64, word, spare);
            }
        }
        own
    }

    /// The factor that is to be in `rdx`, then the other: the one that is there,
    /// or will be multiplied by more often.
    fn factor_first(&self, a: Reg, b: Reg) -> (Reg, Reg) {
        let there = |reg: Reg| self.products.factor == Some(reg) || self.pinned(reg) == Some(RDX);
        if there(a) || (!there(b) && self.factor_for(a) > self.factor_for(b)) {
            (a, b)
        } else {
            (b, a)
        }
    }

    /// How often a slot is a factor from here on.
    fn factor_for(&self, reg: Reg) -> usize {
        let ahead = self.ahead().take_while(|op| !op.writes(reg));
        let halves = ahead.filter_map(Half::of);
        halves.filter(|half| half.a == reg || half.b == reg).count()
    }

    /// The operations behind the one being lowered, as far as they are plain.
    fn ahead(&self) -> impl Iterator<Item = &Op> {
        let ops = self.rest_of_block().iter().map(|inst| &inst.op);
        ops.skip(1)
            .take(REACH)
            .take_while(|op| op.plain_reads().is_some())
    }

    /// The operation that gives the other half, if nothing is written before that
    /// it multiplies.
    fn other_half(&self, half: &Half) -> Option<usize> {
        let writes = |op: &Op| op.writes(half.a) || op.writes(half.b);
        if writes(&self.region.ops[self.at].op) {
            return None;
        }
        for (at, op) in (self.at + 1..).zip(self.ahead()) {
            if let Some(other) = Half::of(op)
                && other.completes(half)
            {
                let claimed = [Word::Waits(at), Word::Written(at), Word::AtHome(at)];
                let claimed = claimed
                    .iter()
                    .any(|&word| self.products.find(word).is_some());
                return (!claimed && !other.d.is_zero()).then_some(at);
            }
            if writes(op) {
                return None;
            }
        }
        None
    }

    /// The slot that operation `at` writes, half a product, if it may be written
    /// now: nobody looks at it before, and no fault can show it.
    fn may_be_written(&self, at: usize) -> Option<Reg> {
        let Half { d, .. } = Half::of(&self.region.ops[at].op)?;
        let here = &self.region.ops[self.at].op;
        let looks = |op: &Op| op.plain_reads().is_none_or(|slots| slots.contains(&d));
        let mut between = self.region.ops[self.at + 1..at].iter().map(|inst| &inst.op);
        let kept = |setter: Setter| setter.a.slot() == Some(d) || setter.b.slot() == Some(d);
        let late = self.late_halves();
        let seen = here.writes(d)
            || (Half::of(here).is_none() && looks(here))
            || between.any(|op| looks(op) || op.writes(d) || op.may_fault())
            || self.flags_here().setter().is_some_and(kept)
            || late
                .into_iter()
                .flatten()
                .any(|(_, half)| half.a == d || half.b == d);
        (!seen).then_some(d)
    }

    /// The home of the slot that operation `at` writes, if what it gives may wait
    /// there: no register is the slot's, and until then its value is either in a
    /// word that stands for it, or seen by nobody. `read`: what is still to be
    /// read by the operation that is being lowered.
    fn may_wait_at_home(&self, at: usize, read: Reg) -> Option<Mem> {
        let Half { d, .. } = Half::of(&self.region.ops[at].op)?;
        let kept = |setter: Setter| setter.a.slot() == Some(d) || setter.b.slot() == Some(d);
        let late = self.late_halves();
        let needed = |half: &Half| half.a == d || half.b == d || half.d == d;
        let mut away = self.products.find(Word::StandsFor(d)).is_some();
        if self.register(d).is_some()
            || self.region.ops[self.at].op.writes(d)
            || (!away && read == d)
            || self.flags_here().setter().is_some_and(kept)
            || late.into_iter().flatten().any(|(_, half)| needed(&half))
        {
            return None;
        }
        for index in self.at + 1..at {
            let op = &self.region.ops[index].op;
            let looks = op.plain_reads().is_none_or(|slots| slots.contains(&d));
            if !away && (looks || op.may_fault()) {
                return None;
            }
            if op.writes(d) {
                // What waits for it in a word stays there, until `at` writes.
                self.products.find(Word::Waits(index))?;
                away = true;
            }
        }
        let word = self.word_of_evicted(d);
        Some(word.unwrap_or_else(|| self.c.int_home(d.0)))
    }

    /// Whether a slot is written again before anything can see it that does not
    /// know of stand-ins.
    fn overwritten_unseen(&self, d: Reg) -> bool {
        self.ahead().any(|op| op.writes(d))
    }

    /// Puts a lower half off until it is added, if that is the one time it is
    /// looked at.
    fn put_off(&mut self, half: &Half) -> bool {
        let &Half { high, d, a, b } = half;
        if high || d.is_zero() || d == a || d == b || self.pinned(d).is_some() {
            return false;
        }
        let Some(free) = self.products.late.iter().position(Option::is_none) else {
            return false;
        };
        if !self.added_once(half) {
            return false;
        }
        self.forget_held(d);
        self.products.overwritten(d);
        self.products.late[free] = Some(self.at);
        true
    }

    /// Whether an operation is a lower half that could be put off.
    pub(super) fn may_be_put_off(&self, op: &Op) -> bool {
        Half::of(op).is_some_and(|half| !half.high && self.pinned(half.d).is_none())
    }

    /// Whether a product is added once, before anything else happens to it or
    /// what is multiplied, and is overwritten then.
    fn added_once(&self, &Half { d, a, b, .. }: &Half) -> bool {
        let numbered = (self.at + 1..).zip(self.ahead());
        let ahead = numbered.filter(|&(at, _)| !self.ahead.did(at));
        let mut ahead = ahead.map(|(_, op)| op).take_while(|op| !op.may_fault());
        let looks = |op: &Op| op.plain_reads().is_none_or(|slots| slots.contains(&d));
        let ends = |op: &&Op| looks(op) || op.writes(d) || op.writes(a) || op.writes(b);
        let Some(adds) = ahead.find(ends) else {
            return false;
        };
        let Some(other) = other_summand(adds, d) else {
            return false;
        };
        let mut late = self.late_halves().into_iter().flatten();
        if late.any(|(_, half)| half.d == other) {
            return false;
        }
        let next = |op: &&Op| looks(op) || op.writes(d);
        adds.writes(d) || ahead.find(next).is_some_and(|op| !looks(op))
    }

    /// The products that are put off.
    fn late_halves(&self) -> [Option<(usize, Half)>; 8] {
        self.products.late.map(|at| {
            let at = at?;
            Some((at, Half::of(&self.region.ops[at].op)?))
        })
    }

    fn take_late(&mut self, wanted: impl Fn(&Half) -> bool) -> Option<Half> {
        let late = self.late_halves();
        let n = (late.iter()).position(|late| late.is_some_and(|(_, half)| wanted(&half)))?;
        self.products.late[n] = None;
        late[n].map(|(_, half)| half)
    }

    /// A product whose lower half was put off is wanted by its upper one first.
    fn with_late_half(&mut self, half: &Half) -> bool {
        let Some(late) = self.take_late(|late| late.completes(half)) else {
            return false;
        };
        let (factor, by) = self.factor_first(half.a, half.b);
        self.borrow_for(factor);
        let by = self.source(by, RCX);
        let own = self.target(half.d, RCX);
        self.a.mulx(Size::B64, own, RAX, by);
        self.write(late.d, RAX);
        self.write(half.d, own);
        true
    }

    /// Before two slots are added: computes one that was put off, to `rcx`, where
    /// it is found as what that register still holds. Gives the summands, that
    /// one second, and whether there was one. Uses `rax`, too; leaves the flags
    /// alone.
    pub(super) fn summands(&mut self, a: Reg, b: Reg) -> (Reg, Reg, bool) {
        let Some(late) = self.take_late(|late| late.d == a || late.d == b) else {
            return (a, b, false);
        };
        let other = self.other_half(&late);
        let read = if late.d == a { b } else { a };
        let at = self.both_halves(&late, other, read);
        debug_assert_eq!(at, RCX);
        self.hold(late.d, RCX);
        if late.d == b {
            (a, b, true)
        } else {
            (b, a, true)
        }
    }
}

/// What an operation adds to this slot, if it can add a product that is in
/// scratch.
fn other_summand(op: &Op, d: Reg) -> Option<Reg> {
    let (sub, a, b) = match *op {
        Op::Carry {
            sub,
            w: Width::W64,
            a,
            b,
            ..
        } => (sub, a, b),
        Op::Bin {
            op: BinOp::Add,
            w: Width::W64,
            a,
            b: Operand::Reg(b),
            set: true,
            ..
        } => (false, a, b),
        _ => return None,
    };
    match (a == d, b == d) {
        (true, false) if !sub => Some(b),
        (false, true) => Some(a),
        _ => None,
    }
}
