//! Other slots in registers, for a region that multiplies in loops, or that has a long loop
//! of plain integer work.
//!
//! All regions keep the same slots in registers, so that bare jumps join them. A loop that
//! multiplies big numbers, or picks a row of a table in constant time, works on more slots
//! and on others, and would spend its time on copies. Such a region swaps. Where it is
//! entered, slots that its loops use little give their registers to slots that its loops use
//! most. Where the region is left, also for a call of the interpreter, each slot gets its own
//! register back. `rdx`, in which products take one factor, gets the slot that most products
//! share; in a region whose loops do not multiply, it is a register like the others.
//!
//! Meanwhile an evicted slot is in a word of the state of its own. At a fault, the stub that
//! leaves stores each register to the home of the slot that it usually holds. From there the
//! value is brought to the right home, and then the word to the evicted slot's home
//! ([`Swaps::recovered`]). A slot can lose its register and get another slot's: its value
//! then goes through its word.

use super::Lowering;
use crate::asm::{Gpr, Mem, RegMem, Size};
use crate::convention::{Convention, PINNED, RDX, SLOTS};
use alloc::vec::Vec;
use core::cmp::Reverse;
use ir::region::Inst;
use ir::{Op, Reg, Region, Term};

/// The most registers that are swapped.
pub const SWAPS: usize = PINNED.len();

/// How many products a loop must have to be worth it.
const PRODUCTS: usize = 6;

/// How many operations a loop without so many must have, all plain and in one
/// block, and how much more often a slot must be used than the one whose register it
/// gets. Loops of more blocks may leave their region as often as they go round.
const LONG: usize = 20;
const MARGIN: u32 = 2;

/// How often a loop goes round, as far as weights go, and how deep that counts.
const ROUNDS: u32 = 4;
const DEEPEST: u32 = 4;

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
        let Some(mut uses) = Uses::in_loops(region) else {
            return swaps;
        };
        let common = uses.common_factor();
        // The common factor wants no other register. A product's slot gets a register only
        // of a slot that is not used, and easily loses its own.
        for slot in 0..SLOTS {
            if common == Some(slot) {
                uses.slots[slot] = 0;
            } else if uses.is_product[slot] {
                uses.slots[slot] = MARGIN;
            }
        }
        let multiplies = uses.products > 0;
        let margin = if multiplies { 1 } else { MARGIN };
        let uses = &uses.slots;
        let keeps = |&slot: &usize| c.int[slot].is_some_and(|reg| reg != RDX || !multiplies);
        let mut wanted: [usize; SLOTS] = core::array::from_fn(|slot| slot);
        wanted.sort_by_key(|&slot| Reverse(uses[slot]));
        let mut evicted: [usize; SLOTS] = core::array::from_fn(|slot| slot);
        evicted.sort_by_key(|&slot| uses[slot]);
        let wanted = wanted.into_iter().filter(|slot| !keeps(slot));
        let evicted = evicted.into_iter().filter(keeps);
        let better = |&(holds, evicted): &(usize, usize)| uses[holds] > uses[evicted] + margin;
        let first = common.zip(c.spilled_slot());
        let first = first
            .into_iter()
            .filter(|(common, of_rdx)| common != of_rdx);
        let pairs = first.chain(wanted.zip(evicted).take_while(better));
        #[allow(clippy::cast_possible_truncation, reason = "one of SLOTS")]
        for (swap, (holds, evicted)) in swaps.list.iter_mut().zip(pairs) {
            *swap = Some(Swap {
                evicted: evicted as u8,
                holds: holds as u8,
            });
        }
        swaps
    }

    /// As bytes to be kept: two slots a swap, or 0xff twice.
    #[must_use]
    pub fn to_bytes(&self) -> [[u8; 2]; SWAPS] {
        self.list
            .map(|swap| swap.map_or([0xff; 2], |swap| [swap.evicted, swap.holds]))
    }

    /// What such bytes say. A number that is no slot's is none.
    #[must_use]
    pub fn from_bytes(bytes: &[[u8; 2]; SWAPS]) -> Self {
        let is_slot = |slot: u8| usize::from(slot) < SLOTS;
        let list = bytes.map(|[evicted, holds]| {
            (is_slot(evicted) && is_slot(holds)).then_some(Swap { evicted, holds })
        });
        Self { list }
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
    pub fn recovered(&self, slots: &mut [u64], words: &[u64; SWAPS]) {
        let mut words = *words;
        let stored: [u64; SWAPS] = core::array::from_fn(|n| {
            let evicted = self.list[n].map(|swap| usize::from(swap.evicted));
            evicted
                .and_then(|slot| slots.get(slot).copied())
                .unwrap_or(0)
        });
        let mut set = |slot: u8, value| {
            if let Some(place) = slots.get_mut(usize::from(slot)) {
                *place = value;
            }
        };
        for (n, swap) in self.iter() {
            match self.word_of(swap.holds) {
                Some(word) => words[word] = stored[n],
                None => set(swap.holds, stored[n]),
            }
        }
        for (n, swap) in self.iter() {
            set(swap.evicted, words[n]);
        }
    }
}

/// How often the loops that multiply use each slot.
struct Uses {
    /// In other ways than as a factor.
    slots: [u32; SLOTS],
    /// As a factor.
    factors: [u32; SLOTS],
    /// Whether a product is put there: it is added from scratch or memory.
    is_product: [bool; SLOTS],
    /// How many products there are.
    products: u32,
}

impl Uses {
    /// Nothing if there is no such loop, or something is called that knows
    /// registers.
    fn in_loops(region: &Region) -> Option<Self> {
        let loops = loops(region);
        let calls = |op: &Op| matches!(op, Op::Call { .. });
        if loops.is_empty() || region.ops.iter().any(|inst| calls(&inst.op)) {
            return None;
        }
        let mut uses = Self {
            slots: [0; SLOTS],
            factors: [0; SLOTS],
            is_product: [false; SLOTS],
            products: 0,
        };
        for (index, block) in region.blocks.iter().enumerate() {
            let around = loops
                .iter()
                .filter(|(head, back)| (*head..=*back).contains(&index));
            let around = u32::try_from(around.count()).unwrap_or(DEEPEST);
            let Some(depth) = around.checked_sub(1) else {
                continue;
            };
            let rounds = ROUNDS.pow(depth.min(DEEPEST));
            for inst in region.block_ops(block) {
                uses.count(&inst.op, rounds);
            }
            if let Term::BranchZero { reg, .. } | Term::BranchBit { reg, .. } = block.term {
                add(&mut uses.slots, reg, rounds);
            }
        }
        Some(uses)
    }

    /// A slot that is written is loaded and stored again. A factor can be in
    /// memory, and a product often stays in scratch.
    fn count(&mut self, op: &Op, rounds: u32) {
        let product = is_half(op);
        self.products += rounds * u32::from(product);
        let into = if product {
            &mut self.factors
        } else {
            &mut self.slots
        };
        for reg in op.plain_reads().into_iter().flatten() {
            add(into, reg, rounds);
        }
        for reg in op.written().into_iter().flatten() {
            if !product {
                add(&mut self.slots, reg, 2 * rounds);
            } else if let Some(is_product) = self.is_product.get_mut(usize::from(reg.0)) {
                *is_product = true;
            }
        }
    }

    /// The factor that at least half of the products have.
    fn common_factor(&self) -> Option<usize> {
        let most = (0..SLOTS).max_by_key(|&slot| self.factors[slot])?;
        let often = self.products > 0 && 2 * self.factors[most] >= self.products;
        often.then_some(most)
    }
}

fn add(uses: &mut [u32; SLOTS], reg: Reg, times: u32) {
    if let Some(uses) = uses.get_mut(usize::from(reg.0)) {
        *uses += times;
    }
}

/// The loops that multiply or are long, and call nothing: their first and last
/// blocks.
fn loops(region: &Region) -> Vec<(usize, usize)> {
    let mut loops = Vec::new();
    for (back, block) in region.blocks.iter().enumerate() {
        for target in block.term.targets() {
            let Some(head) = region.block_at(target).filter(|&head| head <= back) else {
                continue;
            };
            let body = &region.blocks[head..=back];
            if body.iter().any(|block| leaves(&block.term)) {
                continue;
            }
            let ops = || (body.iter()).flat_map(|block| region.block_ops(block));
            let products = ops().filter(|inst| is_product(&inst.op)).count();
            let plain = |inst: &Inst| inst.op.plain_reads().is_some();
            let long = head == back && ops().count() >= LONG && ops().all(plain);
            if products >= PRODUCTS || long {
                loops.push((head, back));
            }
        }
    }
    loops
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

/// Whether it is a product alone, half of it.
const fn is_half(op: &Op) -> bool {
    match op {
        Op::MulAdd { sub, c, .. } => !*sub && c.is_zero(),
        Op::MulHigh { signed, .. } => !*signed,
        _ => false,
    }
}

impl Lowering<'_> {
    /// The register that holds a slot here.
    #[inline]
    pub(super) fn register(&self, reg: Reg) -> Option<Gpr> {
        if self.swapped {
            return self.register_while_swapped(reg);
        }
        self.c.int.get(usize::from(reg.0)).copied().flatten()
    }

    #[cold]
    fn register_while_swapped(&self, reg: Reg) -> Option<Gpr> {
        let of = |slot: u8| self.c.int.get(usize::from(slot)).copied().flatten();
        match self.swaps.register_of(reg.0) {
            Some(evicted) => of(evicted),
            None if self.swaps.word_of(reg.0).is_some() => None,
            None => of(reg.0),
        }
    }

    /// The slot that a register holds here.
    pub(super) fn slot_of(&self, at: Gpr) -> Option<Reg> {
        let mut slots = (0..self.c.layout.slots.ints).map(Reg);
        slots.find(|&slot| self.pinned(slot) == Some(at))
    }

    /// The word that has a slot instead of its home.
    pub(super) fn word_of_evicted(&self, reg: Reg) -> Option<Mem> {
        if !self.swapped {
            return None;
        }
        Some(self.word_of_swap(self.swaps.word_of(reg.0)?))
    }

    #[allow(clippy::cast_possible_truncation, reason = "one of twelve")]
    fn word_of_swap(&self, n: usize) -> Mem {
        self.c.state(self.c.layout.swapped + 8 * n as u32)
    }

    /// Where the region is entered; leaves the flags alone.
    pub(super) fn swap_in(&mut self) {
        if self.swaps.is_empty() {
            return;
        }
        for (n, evicted, _) in self.swapped_registers() {
            let word = self.word_of_swap(n);
            self.a.mov_mr(Size::B64, word, evicted);
        }
        for (_, at, holds) in self.swapped_registers() {
            match self.outside_place(holds) {
                RegMem::Reg(there) => self.a.mov_rr(Size::B64, at, there),
                RegMem::Mem(there) => self.a.mov_rm(Size::B64, at, there),
            }
        }
        self.swapped = true;
    }

    /// Where it is left; leaves the flags and scratch alone.
    pub(super) fn swap_out(&mut self) {
        if self.swaps.is_empty() {
            return;
        }
        for (_, at, holds) in self.swapped_registers() {
            match self.outside_place(holds) {
                RegMem::Reg(there) => self.a.mov_rr(Size::B64, there, at),
                RegMem::Mem(there) => self.a.mov_mr(Size::B64, there, at),
            }
        }
        for (n, evicted, _) in self.swapped_registers() {
            let word = self.word_of_swap(n);
            self.a.mov_rm(Size::B64, evicted, word);
        }
        self.swapped = false;
    }

    /// The swaps' words, registers, and the slots that these hold here.
    fn swapped_registers(&self) -> impl Iterator<Item = (usize, Gpr, u8)> + use<> {
        let ints = self.c.int;
        let swaps = self.swaps;
        (0..SWAPS).filter_map(move |n| {
            let swap = swaps.list[n]?;
            Some((n, ints[usize::from(swap.evicted)]?, swap.holds))
        })
    }

    /// Where a slot that a register is to hold comes from and goes to, while the
    /// words have what is evicted: the word, if that is the slot itself.
    fn outside_place(&self, holds: u8) -> RegMem {
        match (self.swaps.word_of(holds), self.c.int[usize::from(holds)]) {
            (Some(n), _) => RegMem::Mem(self.word_of_swap(n)),
            (None, Some(there)) => RegMem::Reg(there),
            (None, None) => RegMem::Mem(self.c.int_home(holds)),
        }
    }
}
