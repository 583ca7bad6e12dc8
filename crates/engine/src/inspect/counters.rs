//! How often translated code runs: a counter a block, reported by region.
//!
//! Counters lie in one table, which translated code finds through the state. They are
//! never given out again, because translated code raises them as long as there is
//! any; translating again takes new ones, and the report adds them. When none is
//! left, further regions are not counted, and the report says how many.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use ir::Region;

/// One region and its counters.
#[derive(Debug)]
struct Counted {
    head: u64,
    /// Which block the head is.
    first: usize,
    /// The guest instructions of each block.
    insns: Vec<u32>,
    /// Their counters in the table.
    blocks: Range<usize>,
    /// Its host code's length, once it has some.
    bytes: usize,
}

/// The counters of all regions.
#[derive(Debug, Default)]
pub struct Counters {
    regions: Vec<Counted>,
    /// How many counters of the table are given out.
    used: usize,
    /// How many regions found none.
    uncounted: usize,
    /// Whether the last region did.
    last_is_uncounted: bool,
}

/// A line of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Line {
    executed: u64,
    times: u64,
    guest: u64,
    host: usize,
}

impl Counters {
    /// The first of the counters for the blocks of a region that is about to be
    /// translated, if `table` has as many left.
    pub fn prepare(&mut self, head: u64, region: &Region, table: &[AtomicU64]) -> Option<u32> {
        let first = self.used;
        let blocks = first..first + region.blocks.len();
        self.last_is_uncounted = blocks.end > table.len();
        if self.last_is_uncounted {
            self.uncounted += 1;
            return None;
        }
        self.used = blocks.end;
        self.regions.push(Counted {
            head,
            first: region.block_at(head).unwrap_or(0),
            insns: region.blocks.iter().map(|block| block.insns).collect(),
            blocks,
            bytes: 0,
        });
        u32::try_from(first).ok()
    }

    /// The last region has been translated, into that many bytes.
    pub fn placed(&mut self, bytes: usize) {
        if let Some(last) = self.regions.last_mut()
            && !self.last_is_uncounted
        {
            last.bytes = bytes;
        }
    }

    /// By the guest's address.
    fn lines(&self, table: &[AtomicU64]) -> BTreeMap<u64, Line> {
        let mut lines: BTreeMap<u64, Line> = BTreeMap::new();
        for region in &self.regions {
            let count = |block: &AtomicU64| block.load(Ordering::Relaxed);
            let line = lines.entry(region.head).or_default();
            let counters = &table[region.blocks.clone()];
            line.times += counters.get(region.first).map_or(0, count);
            let blocks = counters.iter().zip(&region.insns);
            line.executed += blocks.map(|(b, &n)| count(b) * u64::from(n)).sum::<u64>();
            line.guest = region.insns.iter().map(|&n| u64::from(n)).sum();
            line.host = line.host.max(region.bytes);
        }
        lines
    }

    /// Adds the report to `out`: the regions, those first that most of the
    /// guest's instructions ran in.
    pub fn report(&self, table: &[AtomicU64], out: &mut String) {
        let mut lines: Vec<(u64, Line)> = self.lines(table).into_iter().collect();
        // By address where equal, as they are.
        lines.sort_by_key(|(_, line)| core::cmp::Reverse(line.executed));
        let all: u64 = lines.iter().map(|(_, line)| line.executed).sum();
        let _ = writeln!(
            out,
            "{} regions, {all} guest instructions executed\n\
             {:>16} {:>14} {:>7} {:>7}  region",
            lines.len(),
            "executed",
            "times",
            "guest",
            "host"
        );
        for (head, line) in lines {
            let Line {
                executed,
                times,
                guest,
                host,
            } = line;
            let _ = writeln!(
                out,
                "{executed:>16} {times:>14} {guest:>7} {host:>7}  {head:x}"
            );
        }
        if self.uncounted > 0 {
            let _ = writeln!(out, "{:>16} regions were not counted", self.uncounted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ir::{Block, Term};

    fn region(blocks: &[(u64, u32)]) -> Region {
        let block = |&(pc, insns): &(u64, u32)| Block {
            pc,
            start: 0,
            end: 0,
            insns,
            term: Term::NoFetch { pc },
            entry: true,
            loop_head: false,
            preds: 0,
        };
        Region {
            blocks: blocks.iter().map(block).collect(),
            ..Region::default()
        }
    }

    #[test]
    fn the_report_is_sorted_and_adds_up() {
        let mut counters = Counters::default();
        let table = [4, 100, 7, 1, 0].map(AtomicU64::new);
        let first = counters.prepare(0x2000, &region(&[(0x2000, 3)]), &table);
        assert_eq!(first, Some(0));
        counters.placed(40);
        // The head is not the lowest block.
        let blocks = region(&[(0x1000, 2), (0x1008, 5)]);
        assert_eq!(counters.prepare(0x1008, &blocks, &table), Some(1));
        counters.placed(100);
        // The first one once more.
        let again = counters.prepare(0x2000, &region(&[(0x2000, 3)]), &table);
        assert_eq!(again, Some(3));
        counters.placed(44);
        // There is room for one block more.
        assert_eq!(counters.prepare(0x1008, &blocks, &table), None);
        counters.placed(200);
        let mut text = String::new();
        counters.report(&table, &mut text);
        assert_eq!(
            text,
            "2 regions, 250 guest instructions executed\n        \
             executed          times   guest    host  region\n             \
             235              7       7     100  1008\n              \
             15              5       3      44  2000\n               \
             1 regions were not counted\n"
        );
    }
}
