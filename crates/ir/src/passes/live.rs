//! Which flags are still to be seen: backward liveness over a region.
//!
//! N, Z, C and V are followed one by one ([`Seen`]). Lowering asks about all four together,
//! or about those that an operation has kept apart. Beside live and dead, flags may be
//! *weak*: no instruction will read them before they are set again, but an access may fault
//! before that, and then a signal frame shows them. If lowering drops a weak value, it must
//! be able to compute the value at each such access.

use crate::inst::Op;
use crate::mode::Key;
use crate::region::{Block, Region, Term};
use alloc::vec::Vec;

/// How far a value is needed; ordered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Live {
    /// Set again before anything can see it.
    #[default]
    Dead,
    /// Only a fault may show it.
    Weak,
    /// Read, or alive where the region is left.
    Live,
}

/// How far each flag is needed: sets of N, Z, C and V in bits 3 to 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// Those that are read.
    pub read: u8,
    /// Those that a fault may show.
    pub shown: u8,
    /// Those that an [`Op::MergeFlags`] takes from its [`Op::KeepFlags`].
    pub kept: u8,
}

impl Seen {
    const ALL: u8 = 0b1111;

    /// All flags, so far.
    #[must_use]
    pub const fn all(live: Live) -> Self {
        let (read, shown) = match live {
            Live::Dead => (0, 0),
            Live::Weak => (0, Self::ALL),
            Live::Live => (Self::ALL, 0),
        };
        Self {
            read,
            shown,
            kept: 0,
        }
    }

    /// How far any is needed.
    #[must_use]
    pub const fn any(self) -> Live {
        match self {
            Self { read: 1.., .. } => Live::Live,
            Self { shown: 1.., .. } => Live::Weak,
            _ => Live::Dead,
        }
    }

    /// What is needed in either way.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            read: self.read | other.read,
            shown: self.shown | other.shown,
            kept: self.kept | other.kept,
        }
    }

    /// What is needed before an operation, where this is behind it.
    const fn before(self, op: &Op) -> Self {
        let mut seen = self;
        match op {
            Op::MergeFlags { kept } => {
                seen.kept = (seen.read | seen.shown) & *kept;
                seen.read &= !*kept;
                seen.shown &= !*kept;
            }
            Op::KeepFlags { .. } => {
                seen.read |= seen.kept;
                seen.kept = 0;
            }
            op => {
                if op.sets_flags() {
                    (seen.read, seen.shown) = (0, 0);
                }
                seen.read |= op.reads_flags();
                if op.may_fault() {
                    seen.shown = Self::ALL;
                }
            }
        }
        seen
    }
}

/// Liveness of the flags in one region.
#[derive(Debug, Default)]
pub struct Flags {
    /// After each operation of [`Region::ops`].
    pub after: Vec<Live>,
    /// Which flags are seen after each operation, each flag for itself.
    pub each: Vec<Seen>,
    /// At the start of each block.
    pub live_in: Vec<Live>,
    /// At the end of each block, before its terminator.
    pub live_out: Vec<Live>,
    /// At the start of each block, of each flag.
    pub starts: Vec<Seen>,
}

impl Flags {
    /// Computes it. `outside` says what is live at a key that the region
    /// does not have.
    pub fn compute(&mut self, region: &Region, outside: impl Fn(Key) -> Live) {
        let blocks = region.blocks.len();
        self.live_in.clear();
        self.live_in.resize(blocks, Live::Dead);
        self.live_out.clear();
        self.live_out.resize(blocks, Live::Dead);
        self.after.clear();
        self.after.resize(region.ops.len(), Live::Dead);
        self.each.clear();
        self.each.resize(region.ops.len(), Seen::default());
        self.starts.clear();
        self.starts.resize(blocks, Seen::default());
        let mut changed = true;
        while changed {
            changed = false;
            for (i, block) in region.blocks.iter().enumerate().rev() {
                let out = self.at_end(region, block, &outside);
                let before = self.walk(region, block, out);
                self.live_out[i] = out.any();
                self.live_in[i] = before.any();
                changed |= core::mem::replace(&mut self.starts[i], before) != before;
            }
        }
    }

    /// What is live before a block's terminator.
    fn at_end(&self, region: &Region, block: &Block, outside: &impl Fn(Key) -> Live) -> Seen {
        let outside = |key| Seen::all(outside(key));
        let below = |pc: u64| match region.block_at(pc) {
            Some(i) => self.starts[i],
            None => outside(region.key(pc)),
        };
        match block.term {
            Term::Jump { target } => below(target),
            Term::Branch { cond, taken, fall } => {
                let mut seen = below(taken).or(below(fall));
                seen.read |= cond.flags();
                seen
            }
            Term::BranchZero { taken, fall, .. } | Term::BranchBit { taken, fall, .. } => {
                below(taken).or(below(fall))
            }
            Term::Call { target, .. } => outside(region.key(target)),
            Term::CallInto { to, .. } => outside(to),
            // The interpreter finds the fault.
            Term::IfAligned { to, .. } => outside(to).or(Seen::all(Live::Weak)),
            _ => Seen::all(Live::Live),
        }
    }

    /// Walks a block backwards from what is live at its end.
    fn walk(&mut self, region: &Region, block: &Block, mut seen: Seen) -> Seen {
        // Behind the condition that the operation is under.
        let mut behind = seen;
        for i in (block.start as usize..block.end as usize).rev() {
            match region.ops[i].op {
                Op::EndIf => behind = seen,
                Op::If { .. } => seen = seen.or(behind),
                _ => {}
            }
            self.each[i] = seen;
            self.after[i] = seen.any();
            seen = seen.before(&region.ops[i].op);
        }
        seen
    }
}
