//! One translated region: where its code is, and what it was made of.

use alloc::vec::Vec;
use core::ops::Range;

use guest::Guest;
use ir::live::Live;
use ir::{Key, Mode, Region, Term};
use x64::lower::{Entry, FaultPoint, Swaps};

use super::fault_points::FaultPoints;
use crate::translator::source::{Code, instruction};

/// The length of the longest instruction of a guest.
const LONGEST: u64 = 4;

/// One translated region.
#[derive(Debug)]
pub struct Placed {
    /// The host's addresses of its code.
    pub host: Range<u64>,
    /// Where it can be entered; offsets are from its start.
    pub entries: Vec<Entry>,
    faults: FaultPoints,
    /// What registers hold other slots in it.
    pub swaps: Swaps,
    /// What it relies on: entries of other regions that look at no more of the
    /// flags than this.
    pub relies: Vec<(Key, Live)>,
    /// The exits, of any region, that are linked to it.
    pub incoming: Vec<u32>,
    /// Whether it can be found.
    pub awake: bool,
    mode: Mode,
    /// The guest's addresses of its blocks, and of where nothing could be
    /// fetched.
    blocks: Vec<Range<u64>>,
    /// The instructions of its blocks; none when it cannot be known again,
    /// since it is of an address without code too.
    words: Vec<u32>,
}

impl Placed {
    /// A region whose code has been placed there.
    #[must_use]
    pub fn new<G: Guest>(region: &Region, host: Range<u64>) -> Self {
        let known = !region
            .blocks
            .iter()
            .any(|block| matches!(block.term, Term::NoFetch { .. }));
        let mut words = region.words.iter();
        let blocks = region.blocks.iter().map(|block| {
            let words = words.by_ref().take(block.insns as usize);
            let length: u64 = words.map(|&word| G::length(region.mode, word)).sum();
            let end = match block.term {
                Term::NoFetch { pc } => pc.saturating_add(LONGEST),
                _ => block.pc.saturating_add(length),
            };
            block.pc..end
        });
        Self {
            host,
            entries: Vec::new(),
            faults: FaultPoints::default(),
            swaps: Swaps::default(),
            relies: Vec::new(),
            incoming: Vec::new(),
            awake: true,
            mode: region.mode,
            blocks: blocks.collect(),
            words: if known {
                region.words.clone()
            } else {
                Vec::new()
            },
        }
    }

    /// It can fault there.
    pub fn can_fault(&mut self, points: &[FaultPoint]) {
        self.faults = FaultPoints::new(points, self.origin());
    }

    /// What can fault at an offset of its code.
    #[must_use]
    pub fn fault_point(&self, offset: u32) -> Option<FaultPoint> {
        self.faults.find(offset, self.origin())
    }

    /// The lowest address of its blocks.
    fn origin(&self) -> u64 {
        self.blocks.first().map_or(0, |block| block.start)
    }

    /// What one of its entries is found by.
    #[must_use]
    pub const fn key(&self, entry: &Entry) -> Key {
        Key {
            pc: entry.pc,
            mode: self.mode,
        }
    }

    /// Whether it is of code in the range.
    #[must_use]
    pub fn touches(&self, range: &Range<u64>) -> bool {
        self.blocks
            .iter()
            .any(|block| block.start < range.end && range.start < block.end)
    }

    /// The numbers of the pages that it is of, some of them more than once.
    pub fn pages(&self, page: u64) -> impl Iterator<Item = u64> + '_ {
        self.blocks.iter().flat_map(move |block| {
            let last = block.end.max(block.start + 1) - 1;
            block.start / page..=last / page
        })
    }

    /// Whether the guest's code is what it was.
    pub fn same<G: Guest, C: Code>(&self, code: &C) -> bool {
        let mut words = self.words.iter();
        let block_is_same = |block: &Range<u64>| {
            let mut pc = block.start;
            while pc < block.end {
                let Some(&word) = words.next() else {
                    return false;
                };
                let key = Key {
                    pc,
                    mode: self.mode,
                };
                if instruction::<G>(code, key) != Some(word) {
                    return false;
                }
                pc = pc.wrapping_add(G::length(self.mode, word));
            }
            true
        };
        !self.words.is_empty() && self.blocks.iter().all(block_is_same)
    }

    /// It will never be run again.
    pub fn discard(&mut self) {
        self.entries = Vec::new();
        self.faults = FaultPoints::default();
        self.relies = Vec::new();
        self.blocks = Vec::new();
        self.words = Vec::new();
    }
}
