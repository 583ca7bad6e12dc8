//! Forms regions: follows direct branches from a head, and lifts what it
//! finds.
//!
//! A region takes both ways of a conditional branch, what follows a call
//! (where the return enters it again), and stops at indirect branches, at
//! code that is translated already, at [`Limits`], and at the end of a window
//! around the head. Its blocks lie in the order of their addresses, so that
//! falling through costs nothing and a branch back is a loop.

use crate::inst::Op;
use crate::mode::Mode;
use crate::operand::Slots;
use crate::passes;
use crate::region::{Block, Inst, Region, Term};
use crate::verify::{self, Stage};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Where an instruction leads, without what it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// To the next one.
    Next,
    /// There.
    Jump(u64),
    /// There or to the next one.
    Branch(u64),
    /// Away, to come back to the next one.
    Call,
    /// Away, for good.
    End,
}

/// Where guest code is read from, and what is known of it.
pub trait Source {
    /// The instruction at `pc` as the guest would fetch it: 2 or 4 bytes.
    fn fetch(&self, pc: u64) -> Option<u32>;
    /// Whether there is a translation that starts at `pc`.
    fn translated(&self, pc: u64) -> bool;
    /// Whether what starts at `pc` has ever run; a region is formed of such.
    fn has_run(&self, pc: u64) -> bool {
        let _ = pc;
        true
    }
}

/// Takes the operations that lifting makes.
#[derive(Debug)]
pub struct Sink<'a> {
    ops: &'a mut Vec<Inst>,
    /// How many there were before the block.
    first: usize,
    offset: u32,
    word: u32,
    flushes: bool,
}

impl Sink<'_> {
    /// Adds an operation of the current instruction.
    #[inline]
    pub fn push(&mut self, op: Op) {
        self.ops.push(Inst {
            op,
            offset: self.offset,
            word: self.word,
            flushes: self.flushes,
        });
    }

    /// What is added from now on for the current instruction flushes ([`Inst::flushes`]).
    pub const fn flush(&mut self) {
        self.flushes = true;
    }

    /// What was added last, if anything was.
    #[must_use]
    pub fn last(&self) -> Option<&Op> {
        self.ops.last().map(|inst| &inst.op)
    }

    /// What was added last in this block, to be changed into what it and the
    /// current instruction do together: nobody sees what is between them, if
    /// neither accesses memory.
    pub fn last_of_block(&mut self) -> Option<&mut Op> {
        let ops = self.ops.get_mut(self.first..)?;
        ops.last_mut().map(|inst| &mut inst.op)
    }
}

/// A guest instruction set, as far as forming regions needs it.
pub trait Lifter {
    /// What instructions leave to those behind them, such as conditions that one
    /// instruction sets for others. It goes along within a block; the guest's state has it too, where anybody may
    /// look at it ([`Lifter::settle`]), and a mode
    /// in which it is not the default. Where a block ends with another, the
    /// interpreter goes on.
    type Context: Copy + Default + PartialEq;

    /// The slots that operations may name.
    const SLOTS: Slots = Slots::USUAL;
    /// A bit for each integer slot that an instruction may write before it faults: what means
    /// nothing between two instructions, and where the context is noted.
    const SCRATCH: u32 = 0;

    /// How it is translated.
    fn mode(&self) -> Mode {
        Mode::PLAIN
    }
    /// The instruction's length in bytes, and where it leads. The context becomes that
    /// of the next one.
    fn flow(&self, pc: u64, word: u32, context: &mut Self::Context) -> (u32, Flow);
    /// What it does; an end if it is not [`Flow::Next`].
    fn lift(&self, pc: u64, word: u32, context: Self::Context, out: &mut Sink<'_>) -> Option<Term>;
    /// Brings the state in line with the context, where the interpreter goes on by it. Nothing to
    /// do where lifting has the state right at all times.
    fn settle(&self, context: Self::Context, out: &mut Sink<'_>) {
        let _ = (context, out);
    }
}

/// How large a region may grow.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Guest instructions.
    pub insns: u32,
}

/// Half the window around the head, in bytes.
const REACH: u64 = UNITS as u64;
/// The window in the units of its bit maps: halfwords.
const UNITS: usize = 16 * 1024;

/// Sets of addresses inside the window.
struct Window {
    base: u64,
    bits: Box<[u64]>,
}

impl Window {
    fn index(&self, pc: u64) -> Option<(usize, u64)> {
        let offset = pc.wrapping_sub(self.base) / 2;
        let word = usize::try_from(offset / 64).ok()?;
        (word < self.bits.len()).then(|| (word, 1 << (offset % 64)))
    }

    fn contains(&self, pc: u64) -> bool {
        self.index(pc)
            .is_some_and(|(i, bit)| self.bits[i] & bit != 0)
    }

    /// Adds `pc`; false if it was there, or is outside.
    fn insert(&mut self, pc: u64) -> bool {
        match self.index(pc) {
            Some((i, bit)) if self.bits[i] & bit == 0 => {
                self.bits[i] |= bit;
                true
            }
            _ => false,
        }
    }

    fn reset(&mut self, head: u64) {
        self.base = head.wrapping_sub(REACH) & !1;
        self.bits.fill(0);
    }

    /// The members, ascending.
    fn iter(&self) -> impl Iterator<Item = u64> {
        self.bits.iter().enumerate().flat_map(move |(i, &word)| {
            let base = self.base.wrapping_add(i as u64 * 128);
            core::iter::successors((word != 0).then_some(word), |w| {
                let rest = w & (w - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |w| base.wrapping_add(u64::from(w.trailing_zeros()) * 2))
        })
    }
}

/// Forms regions; keeps its memory from one to the next.
pub struct Former {
    visited: Window,
    leaders: Window,
    entries: Window,
    work: Vec<u64>,
}

impl core::fmt::Debug for Former {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Former").finish_non_exhaustive()
    }
}

impl Default for Former {
    fn default() -> Self {
        let window = || Window {
            base: 0,
            bits: alloc::vec![0; UNITS / 64].into_boxed_slice(),
        };
        Self {
            visited: window(),
            leaders: window(),
            entries: window(),
            work: Vec::new(),
        }
    }
}

impl Former {
    /// Forms the region whose head is `head` into `region`.
    pub fn form<L: Lifter, S: Source>(
        &mut self,
        guest: &L,
        source: &S,
        head: u64,
        limits: Limits,
        region: &mut Region,
    ) {
        region.clear();
        region.mode = guest.mode();
        (region.slots, region.scratch) = (L::SLOTS, L::SCRATCH);
        for set in [&mut self.visited, &mut self.leaders, &mut self.entries] {
            set.reset(head);
        }
        self.discover(guest, source, head, limits);
        self.lift(guest, source, region);
        verify::assert(region, || verify::region(region, Stage::Lifted));
        passes::link::link(region);
        verify::assert(region, || verify::region(region, Stage::Linked));
    }

    /// Finds the instructions of the region and where its blocks start.
    fn discover<L: Lifter, S: Source>(&mut self, guest: &L, source: &S, head: u64, limits: Limits) {
        let mut left = limits.insns;
        self.leaders.insert(head);
        self.entries.insert(head);
        self.work.clear();
        self.work.push(head);
        while let Some(start) = self.work.pop() {
            let mut pc = start;
            let mut context = L::Context::default();
            loop {
                // Nobody else can take a context over.
                let free = context == L::Context::default();
                if free && (left == 0 || pc != head && source.translated(pc)) {
                    break;
                }
                let Some(word) = source.fetch(pc) else { break };
                if !self.visited.insert(pc) {
                    break;
                }
                left = left.saturating_sub(1);
                let (len, flow) = guest.flow(pc, word, &mut context);
                let next = pc.wrapping_add(len.into());
                match flow {
                    Flow::Next => {}
                    Flow::Jump(target) => {
                        self.leader(source, target);
                        break;
                    }
                    Flow::Branch(target) => {
                        self.leader(source, target);
                        self.leaders.insert(next);
                        if !source.has_run(next) {
                            break;
                        }
                    }
                    Flow::Call => {
                        self.entries.insert(next);
                        self.leader(source, next);
                        break;
                    }
                    Flow::End => break,
                }
                pc = next;
            }
        }
    }

    fn leader<S: Source>(&mut self, source: &S, pc: u64) {
        if self.leaders.insert(pc) && !self.visited.contains(pc) && source.has_run(pc) {
            self.work.push(pc);
        }
    }

    /// Lifts each block.
    fn lift<L: Lifter, S: Source>(&self, guest: &L, source: &S, region: &mut Region) {
        let Region {
            blocks, ops, words, ..
        } = region;
        for start in self.leaders.iter().filter(|&pc| self.visited.contains(pc)) {
            let first = count(ops.len());
            let (mut pc, mut offset, mut insns) = (start, 0, 0);
            let mut context = L::Context::default();
            let mut sink = Sink {
                ops,
                first: first as usize,
                offset: 0,
                word: 0,
                flushes: false,
            };
            let term = loop {
                let ends = !self.visited.contains(pc) || (insns > 0 && self.leaders.contains(pc));
                let free = context == L::Context::default();
                if ends && free {
                    break Term::Jump { target: pc };
                }
                let Some(word) = source.fetch(pc) else {
                    // By operations of the instruction before, which left the context.
                    guest.settle(context, &mut sink);
                    break Term::NoFetch { pc };
                };
                words.push(word);
                insns += 1;
                if ends {
                    // Blocks begin without a context: it goes on by what the state says.
                    guest.settle(context, &mut sink);
                    break Term::Interpret { word, pc };
                }
                (sink.offset, sink.word, sink.flushes) = (offset, word, false);
                if let Some(term) = guest.lift(pc, word, context, &mut sink) {
                    break term;
                }
                let (len, _) = guest.flow(pc, word, &mut context);
                pc = pc.wrapping_add(len.into());
                offset += len;
            };
            blocks.push(Block {
                pc: start,
                start: first,
                end: count(ops.len()),
                insns,
                term,
                entry: self.entries.contains(start),
                loop_head: false,
                preds: 0,
            });
        }
        if blocks.is_empty() {
            let pc = self.visited.base.wrapping_add(REACH);
            blocks.push(unfetchable(pc));
        }
    }
}

/// The region of a head that can't be fetched.
const fn unfetchable(pc: u64) -> Block {
    Block {
        pc,
        start: 0,
        end: 0,
        insns: 0,
        term: Term::NoFetch { pc },
        entry: true,
        loop_head: false,
        preds: 0,
    }
}

/// A count of things that [`Limits`] keep far below 2^32.
#[allow(clippy::cast_possible_truncation, reason = "bounded by Limits")]
const fn count(n: usize) -> u32 {
    n as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cond;

    /// Instructions of four bytes: a zero goes on, 1 ends, and any other
    /// branches to that address.
    struct Toy;

    impl Lifter for Toy {
        type Context = ();

        fn flow(&self, _: u64, word: u32, (): &mut ()) -> (u32, Flow) {
            let flow = match word {
                0 => Flow::Next,
                1 => Flow::End,
                to => Flow::Branch(to.into()),
            };
            (4, flow)
        }

        fn lift(&self, pc: u64, word: u32, (): (), _: &mut Sink<'_>) -> Option<Term> {
            match word {
                0 => None,
                1 => Some(Term::Undefined { word, pc }),
                to => Some(Term::Branch {
                    cond: Cond::from_bits(0),
                    taken: to.into(),
                    fall: pc + 4,
                }),
            }
        }
    }

    struct Words(&'static [u32], &'static [u64]);

    impl Source for Words {
        fn fetch(&self, pc: u64) -> Option<u32> {
            self.0.get(usize::try_from(pc / 4).ok()?).copied()
        }

        fn translated(&self, _: u64) -> bool {
            false
        }

        fn has_run(&self, pc: u64) -> bool {
            !self.1.contains(&pc)
        }
    }

    fn blocks(words: &'static [u32], cold: &'static [u64]) -> Vec<(u64, u32)> {
        let mut region = Region::default();
        let limits = Limits { insns: 100 };
        Former::default().form(&Toy, &Words(words, cold), 0, limits, &mut region);
        region.blocks.iter().map(|b| (b.pc, b.insns)).collect()
    }

    #[test]
    fn a_region_is_of_what_has_run() {
        // A branch over two others, which meet at the end.
        const WORDS: &[u32] = &[0, 0x10, 0, 0x14, 0, 1];
        let all = [(0, 2), (8, 2), (16, 1), (20, 1)];
        assert_eq!(blocks(WORDS, &[]), all);
        // The way that is taken, the one that is not, and both.
        assert_eq!(blocks(WORDS, &[16]), [(0, 2), (8, 2), (20, 1)]);
        assert_eq!(blocks(WORDS, &[8]), [(0, 2), (16, 2)]);
        assert_eq!(blocks(WORDS, &[8, 16]), [(0, 2)]);
    }
}
