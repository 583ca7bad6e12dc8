//! Loads and stores that go before other operations.
//!
//! The flags may be in EFLAGS while only a fault could still show them. An operation that
//! overwrites EFLAGS would have to save them, for the sake of the loads behind it. In
//! regions that chose their registers ([`super::swap`]) these loads go first instead.
//!
//! If such a load faults, the state that is told is the one before the operation. The
//! interpreter does the operation, finds nothing wrong with it, comes to the load again, and
//! the load faults there. So whatever lies between must be possible twice: nothing there
//! reads or writes a slot that a load writes, nothing writes a slot that a load reads, and
//! there are no stores.
//!
//! A store goes first where a product in front of it would otherwise have to be in its slot
//! at the store's fault. The product is put off then, and computed where it is added
//! ([`super::product`]). If the store faults, the state that is told is the one before the
//! product, and nothing between has been done.

use super::Lowering;
use ir::live::Live;
use ir::{Op, Reg};

/// How many operations ahead are looked at.
const REACH: usize = 48;

/// How far behind a product a store may be that goes first.
const NEAR: usize = 6;

/// The accesses that were done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Early {
    /// The operation that they went before.
    from: usize,
    /// One bit for each operation from there on that was done, a load or a store.
    loads: u64,
    /// In front of this one, faults show no flags any more.
    calm: usize,
}

impl Early {
    /// Whether an operation was done.
    #[inline]
    pub(super) fn did(&self, at: usize) -> bool {
        self.loads != 0 && at < self.from + REACH && self.loads >> (at - self.from) & 1 != 0
    }

    /// Whether one of them comes at an operation's place or behind it.
    pub(super) fn is_pending(&self, at: usize) -> bool {
        (at..self.from + REACH).any(|at| self.did(at))
    }

    /// Whether no fault shows the flags behind an operation, though the operations
    /// behind it say so.
    #[inline]
    pub(super) fn calms(&self, at: usize) -> bool {
        self.loads != 0 && (self.from..self.calm).contains(&at)
    }
}

impl Lowering<'_> {
    /// Before an operation that overwrites EFLAGS: lets the loads go first whose
    /// faults would show the flags, if they all can.
    pub(super) fn loads_first(&mut self, op: &Op) {
        if !matches!(op, Op::Bin { set: false, .. } | Op::Shift { .. })
            || self.clobber_is_free()
            || self.live_after() != Live::Weak
            || self.products.any_early()
            || self.ahead.is_pending(self.at)
            || !self.begins_instruction()
        {
            return;
        }
        let Some(early) = self.loads_ahead() else {
            return;
        };
        for at in early.from..early.calm + 1 {
            if early.loads >> (at - early.from) & 1 == 0 {
                continue;
            }
            let load = self.region.ops[at].op;
            self.op(&load);
            self.forget_overwritten(&load);
        }
        self.ahead = early;
    }

    /// Before a product that would be put off but for a store in front of its addition:
    /// lets the store go first, if it can.
    pub(super) fn store_first(&mut self, op: &Op) {
        if !self.may_be_put_off(op)
            || self.products.any_early()
            || self.ahead.is_pending(self.at)
            || !self.begins_instruction()
        {
            return;
        }
        let Some((at, Op::Store { size, a, addr })) = self.store_ahead() else {
            return;
        };
        self.store(size, a, addr);
        self.ahead = Early {
            from: self.at,
            loads: 1 << (at - self.at),
            calm: self.at,
        };
    }

    /// The store behind this operation, if nothing between writes what the store reads, may
    /// fault, or sets the flags.
    fn store_ahead(&self) -> Option<(usize, Op)> {
        let from = self.at;
        let near = &self.region.ops[from..self.end.min(from + NEAR)];
        let to = near.iter().position(|inst| inst.op.may_fault())?;
        let store = near[to].op;
        let reads = store.plain_reads()?;
        let known = |reg: &&Reg| !reg.is_zero();
        let apart = |op: &Op| {
            op.plain_reads().is_some()
                && !op.sets_flags()
                && !reads.iter().filter(known).any(|&reg| op.writes(reg))
        };
        let between = near[..to].iter().all(|inst| apart(&inst.op));
        (matches!(store, Op::Store { .. }) && between).then_some((from + to, store))
    }

    /// Whether the guest's instruction has no operation in front of this one.
    fn begins_instruction(&self) -> bool {
        let ops = &self.region.ops;
        self.at == self.start || ops[self.at - 1].offset != ops[self.at].offset
    }

    /// The loads behind this operation up to where no fault shows the flags, if they
    /// can go first.
    fn loads_ahead(&self) -> Option<Early> {
        let from = self.at;
        let mut early = Early {
            from,
            ..Early::default()
        };
        for at in from..self.end.min(from + REACH) {
            let op = &self.region.ops[at].op;
            op.plain_reads()?;
            if op.may_fault() {
                let loads = matches!(op, Op::Load { .. } | Op::LoadPair { .. });
                if !loads || !self.passes(op, from, at) {
                    return None;
                }
                early.loads |= 1 << (at - from);
            }
            if self.live.after[at] == Live::Dead {
                early.calm = at;
                return (early.loads != 0).then_some(early);
            }
        }
        None
    }

    /// Whether a load at `to` may be done at `from`, and all from there on again.
    fn passes(&self, load: &Op, from: usize, to: usize) -> bool {
        let Some(reads) = load.plain_reads() else {
            return false;
        };
        let known = |reg: &Reg| !reg.is_zero();
        let mut written = load.written().into_iter().flatten().filter(known);
        let mut between = self.region.ops[from..to].iter().map(|inst| &inst.op);
        let apart = |reg: Reg| {
            let touches =
                |op: &Op| op.writes(reg) || op.plain_reads().is_none_or(|r| r.contains(&reg));
            !reads.contains(&reg)
                && !self.region.ops[from..to]
                    .iter()
                    .any(|inst| touches(&inst.op))
        };
        written.all(apart)
            && !between.any(|op| {
                reads
                    .iter()
                    .filter(|reg| known(reg))
                    .any(|&reg| op.writes(reg))
            })
    }
}
