//! What is counted while the program runs: of each instruction that translated code
//! left to the interpreter how often, how much of code that was not translated yet,
//! and how often blocks of translated code ran.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::sync::atomic::{AtomicU64, Ordering};

use guest::Guest;

/// How many blocks can be counted.
const BLOCKS: usize = 1 << 19;

/// The counts; threads share them.
#[derive(Debug)]
pub struct Tally {
    /// By the rows of the guest's tables.
    left: Vec<AtomicU64>,
    name: fn(usize) -> &'static str,
    cold: AtomicU64,
    /// What translated code counts in: one for each block. Who looks at translations
    /// gives them out ([`super::source::Observer::formed`]).
    pub blocks: Vec<AtomicU64>,
}

impl Tally {
    /// Nothing yet. It is never freed, because threads may count as long as
    /// they run.
    #[must_use]
    pub fn new<G: Guest>() -> &'static Self {
        Box::leak(Box::new(Self {
            left: (0..G::ROWS).map(|_| AtomicU64::new(0)).collect(),
            name: G::row_name,
            cold: AtomicU64::new(0),
            blocks: (0..BLOCKS).map(|_| AtomicU64::new(0)).collect(),
        }))
    }

    /// Translated code left an instruction to the interpreter.
    pub fn left(&self, row: usize) {
        self.left[row].fetch_add(1, Ordering::Relaxed);
    }

    /// A block of so many instructions was not translated yet.
    pub fn cold(&self, insns: u64) {
        self.cold.fetch_add(insns, Ordering::Relaxed);
    }

    /// Adds the report to `out`, if there is anything to say.
    pub fn report(&self, out: &mut String) {
        let cold = self.cold.load(Ordering::Relaxed);
        if cold > 0 {
            let _ = writeln!(out, "{cold:>16} interpreted before they were translated");
        }
        let counts = self.left.iter().enumerate();
        let mut lines: Vec<(u64, &'static str)> = counts
            .map(|(row, count)| (count.load(Ordering::Relaxed), (self.name)(row)))
            .filter(|&(count, _)| count > 0)
            .collect();
        if lines.is_empty() {
            return;
        }
        lines.sort_by_key(|&(count, _)| core::cmp::Reverse(count));
        let all: u64 = lines.iter().map(|(count, _)| count).sum();
        let _ = writeln!(out, "{all:>16} left to the interpreter by translated code");
        for (count, name) in lines {
            let _ = writeln!(out, "{count:>16} {name}");
        }
    }
}
