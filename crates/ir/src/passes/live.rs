//! Which flags are still to be seen: backward liveness over a region.
//!
//! Flags count as one value. Besides live and dead there is *weak*: no
//! instruction will read them before they are set again, but an access may
//! fault before that, and then a signal frame shows them. Whoever drops a weak
//! value must be able to compute it at each such access.

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

/// Liveness of the flags in one region.
#[derive(Debug, Default)]
pub struct Flags {
    /// After each operation of [`Region::ops`].
    pub after: Vec<Live>,
    /// At the start of each block.
    pub live_in: Vec<Live>,
    /// At the end of each block, before its terminator.
    pub live_out: Vec<Live>,
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
        let mut changed = true;
        while changed {
            changed = false;
            for (i, block) in region.blocks.iter().enumerate().rev() {
                let out = self.at_end(region, block, &outside);
                let before = self.walk(region, block, out);
                self.live_out[i] = out;
                changed |= core::mem::replace(&mut self.live_in[i], before) != before;
            }
        }
    }

    /// What is live before a block's terminator.
    fn at_end(&self, region: &Region, block: &Block, outside: &impl Fn(Key) -> Live) -> Live {
        let below = |pc: u64| match region.block_at(pc) {
            Some(i) => self.live_in[i],
            None => outside(region.key(pc)),
        };
        match block.term {
            Term::Jump { target } => below(target),
            Term::Branch { .. } => Live::Live,
            Term::BranchZero { taken, fall, .. } | Term::BranchBit { taken, fall, .. } => {
                below(taken).max(below(fall))
            }
            Term::Call { target, .. } => outside(region.key(target)),
            // The interpreter finds the fault.
            Term::IfAligned { to, .. } => outside(to).max(Live::Weak),
            _ => Live::Live,
        }
    }

    /// Walks a block backwards from what is live at its end.
    fn walk(&mut self, region: &Region, block: &Block, mut live: Live) -> Live {
        for i in (block.start as usize..block.end as usize).rev() {
            self.after[i] = live;
            let op = &region.ops[i].op;
            if op.sets_flags() {
                live = Live::Dead;
            }
            if op.uses_flags() {
                live = Live::Live;
            } else if op.may_fault() {
                live = live.max(Live::Weak);
            }
        }
        live
    }
}
