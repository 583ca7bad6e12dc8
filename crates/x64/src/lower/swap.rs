//! Other slots in registers, for a region that multiplies in loops.
//!
//! All regions keep the same slots in registers, so that they are joined by bare
//! jumps. A loop that multiplies big numbers works on more and on others: it
//! spends its time on copies. Such a region swaps: where it is entered, the
//! registers of slots that its loops use little are given to those that they use
//! most, and back where it is left, be it for a call of the interpreter.
//!
//! Meanwhile the evicted slot is in a word of the state of its own: the stub that
//! leaves at a fault stores the register to that slot's home, from where it is
//! brought to the right one, and then the word to the home
//! ([`Swaps::recovered`]).

use super::Lowering;
use crate::asm::{Gpr, Mem, Size};
use crate::convention::{Convention, RDX, SLOTS};
use ir::{Op, Reg, Region, Term};

/// The most registers that are swapped: all but `rdx`, which products take
/// their factors in. Its slot may get another's.
pub const SWAPS: usize = 11;

/// How many products a loop must have to be worth it.
const PRODUCTS: usize = 6;

/// A register that holds another slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Swap {
    /// The slot that it holds otherwise.
    evicted: u8,
    /// The one that it holds here.
    holds: u8,
}

/// What registers of a region hold other slots; number n's evicted slot is in
/// word n.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swaps {
    list: [Option<Swap>; SWAPS],
}

impl Swaps {
    /// The best for a region.
    pub(super) fn choose(region: &Region, c: &Convention) -> Self {
        let mut swaps = Self::default();
        let Some(uses) = uses_in_loops(region) else {
            return swaps;
        };
        let register = |slot: usize| c.int[slot];
        let mut wanted: [usize; SLOTS] = core::array::from_fn(|slot| slot);
        wanted.sort_by_key(|&slot| core::cmp::Reverse(uses[slot]));
        let mut evicted: [usize; SLOTS] = core::array::from_fn(|slot| slot);
        evicted.sort_by_key(|&slot| uses[slot]);
        let wanted = (wanted.into_iter()).filter(|&slot| !register(slot).is_some_and(|r| r != RDX));
        let evicted = evicted
            .into_iter()
            .filter(|&slot| register(slot).is_some_and(|reg| reg != RDX));
        let better = |&(holds, evicted): &(usize, usize)| uses[holds] > uses[evicted] + 1;
        let pairs = wanted.zip(evicted).take_while(better);
        #[allow(clippy::cast_possible_truncation, reason = "one of 32")]
        for (swap, (holds, evicted)) in swaps.list.iter_mut().zip(pairs) {
            *swap = Some(Swap {
                evicted: evicted as u8,
                holds: holds as u8,
            });
        }
        swaps
    }

    fn iter(&self) -> impl Iterator<Item = (usize, Swap)> {
        let list = self.list.into_iter().enumerate();
        list.filter_map(|(n, swap)| Some((n, swap?)))
    }

    /// Whether there is none.
    pub(super) const fn is_empty(&self) -> bool {
        self.list[0].is_none()
    }

    /// The slot whose register holds this one.
    fn register_of(&self, slot: u8) -> Option<u8> {
        let mut swaps = self.iter();
        swaps.find_map(|(_, swap)| (swap.holds == slot).then_some(swap.evicted))
    }

    /// The word that has this slot.
    fn word_of(&self, slot: u8) -> Option<usize> {
        let mut swaps = self.iter();
        swaps.find_map(|(n, swap)| (swap.evicted == slot).then_some(n))
    }

    /// Puts the guest's registers right, after the stub that leaves has stored
    /// them as if none was swapped.
    pub fn recovered(&self, slots: &mut [u64; SLOTS], words: &[u64; SWAPS]) {
        for (n, swap) in self.iter() {
            let (evicted, holds) = (usize::from(swap.evicted), usize::from(swap.holds));
            slots[holds] = slots[evicted];
            slots[evicted] = words[n];
        }
    }
}

/// How often the loops that multiply use each slot; nothing if there is none, or
/// something is called that knows registers.
fn uses_in_loops(region: &Region) -> Option<[u32; SLOTS]> {
    let mut uses = None;
    for (back, block) in region.blocks.iter().enumerate() {
        for target in block.term.targets() {
            let head = region.blocks.binary_search_by_key(&target, |b| b.pc);
            let Some(head) = head.ok().filter(|&head| head <= back) else {
                continue;
            };
            let body = &region.blocks[head..=back];
            if body.iter().any(|block| leaves(&block.term)) {
                continue;
            }
            let ops = (body.iter()).flat_map(|block| region.block_ops(block));
            let products = ops.clone().filter(|inst| is_product(&inst.op));
            if products.count() >= PRODUCTS {
                let uses = uses.get_or_insert([0; SLOTS]);
                ops.for_each(|inst| count(&inst.op, uses));
            }
        }
    }
    let calls = |op: &Op| matches!(op, Op::Call { .. });
    uses.filter(|_| !region.ops.iter().any(|inst| calls(&inst.op)))
}

/// Whether the region is left there whichever way is taken.
const fn leaves(term: &Term) -> bool {
    !matches!(
        term,
        Term::Jump { .. } | Term::Branch { .. } | Term::BranchZero { .. } | Term::BranchBit { .. }
    )
}

const fn is_product(op: &Op) -> bool {
    matches!(op, Op::MulHigh { .. } | Op::MulAdd { .. })
}

/// A slot that is written is loaded and stored again.
fn count(op: &Op, uses: &mut [u32; SLOTS]) {
    let read = op.plain_reads().into_iter().flatten();
    let written = op.written().into_iter().flatten();
    // A product often stays in scratch.
    let weight = if is_product(op) { 0 } else { 2 };
    let all = read
        .map(|reg| (reg, 1))
        .chain(written.map(|reg| (reg, weight)));
    for (reg, weight) in all {
        if let Some(uses) = uses.get_mut(usize::from(reg.0)) {
            *uses += weight;
        }
    }
}

impl Lowering<'_> {
    /// The register that holds a slot here.
    pub(super) fn register(&self, reg: Reg) -> Option<Gpr> {
        let of = |slot: u8| self.c.int.get(usize::from(slot)).copied().flatten();
        if !self.swapped {
            return of(reg.0);
        }
        match self.swaps.register_of(reg.0) {
            Some(evicted) => of(evicted),
            None if self.swaps.word_of(reg.0).is_some() => None,
            None => of(reg.0),
        }
    }

    /// The slot that a register holds here.
    pub(super) fn slot_of(&self, at: Gpr) -> Option<Reg> {
        #[allow(clippy::cast_possible_truncation, reason = "one of 32")]
        let mut slots = (0..SLOTS as u8).map(Reg);
        slots.find(|&slot| self.pinned(slot) == Some(at))
    }

    /// The word that has a slot instead of its home.
    pub(super) fn word_of_evicted(&self, reg: Reg) -> Option<Mem> {
        let n = self.swaps.word_of(reg.0).filter(|_| self.swapped)?;
        Some(self.word_of_swap(n))
    }

    #[allow(clippy::cast_possible_truncation, reason = "one of eleven")]
    fn word_of_swap(&self, n: usize) -> Mem {
        self.c.state(self.c.layout.swapped + 8 * n as u32)
    }

    /// Where the region is entered; leaves the flags alone.
    pub(super) fn swap_in(&mut self) {
        for (n, swap) in self.swaps.iter() {
            let Some(at) = self.c.int[usize::from(swap.evicted)] else {
                continue;
            };
            let word = self.word_of_swap(n);
            self.a.mov_mr(Size::B64, word, at);
            match self.c.int[usize::from(swap.holds)] {
                Some(there) => self.a.mov_rr(Size::B64, at, there),
                None => {
                    let home = self.c.int_home(swap.holds);
                    self.a.mov_rm(Size::B64, at, home);
                }
            }
        }
        self.swapped = !self.swaps.is_empty();
    }

    /// Where it is left; leaves the flags and scratch alone.
    pub(super) fn swap_out(&mut self) {
        for (n, swap) in self.swaps.iter() {
            let Some(at) = self.c.int[usize::from(swap.evicted)] else {
                continue;
            };
            let word = self.word_of_swap(n);
            match self.c.int[usize::from(swap.holds)] {
                Some(there) => self.a.mov_rr(Size::B64, there, at),
                None => {
                    let home = self.c.int_home(swap.holds);
                    self.a.mov_mr(Size::B64, home, at);
                }
            }
            self.a.mov_rm(Size::B64, at, word);
        }
        self.swapped = false;
    }
}
