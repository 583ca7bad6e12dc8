//! How often translated code runs: a counter a block, reported by region.
//!
//! Counters are never freed, because translated code raises them as long as
//! there is any; translating again makes new ones, and the report adds them.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
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
    blocks: &'static [AtomicU64],
    /// Its host code's length, once it has some.
    bytes: usize,
}

/// The counters of all regions.
#[derive(Debug, Default)]
pub struct Counters {
    regions: Vec<Counted>,
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
    /// Counters for the blocks of a region that is about to be translated.
    pub fn prepare(&mut self, head: u64, region: &Region) -> &'static [AtomicU64] {
        let blocks: Vec<AtomicU64> = region.blocks.iter().map(|_| AtomicU64::new(0)).collect();
        let blocks = &*Box::leak(blocks.into_boxed_slice());
        self.regions.push(Counted {
            head,
            first: region.block_at(head).unwrap_or(0),
            insns: region.blocks.iter().map(|block| block.insns).collect(),
            blocks,
            bytes: 0,
        });
        blocks
    }

    /// The last region has been translated, into that many bytes.
    pub fn placed(&mut self, bytes: usize) {
        if let Some(last) = self.regions.last_mut() {
            last.bytes = bytes;
        }
    }

    /// By the guest's address.
    fn lines(&self) -> BTreeMap<u64, Line> {
        let mut lines: BTreeMap<u64, Line> = BTreeMap::new();
        for region in &self.regions {
            let count = |block: &AtomicU64| block.load(Ordering::Relaxed);
            let line = lines.entry(region.head).or_default();
            line.times += region.blocks.get(region.first).map_or(0, count);
            let blocks = region.blocks.iter().zip(&region.insns);
            line.executed += blocks.map(|(b, &n)| count(b) * u64::from(n)).sum::<u64>();
            line.guest = region.insns.iter().map(|&n| u64::from(n)).sum();
            line.host = line.host.max(region.bytes);
        }
        lines
    }

    /// Adds the report to `out`: the regions, those first that most of the
    /// guest's instructions ran in.
    pub fn report(&self, out: &mut String) {
        let mut lines: Vec<(u64, Line)> = self.lines().into_iter().collect();
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
            mode: ir::Mode::PLAIN,
            blocks: blocks.iter().map(block).collect(),
            ops: Vec::new(),
            words: Vec::new(),
        }
    }

    #[test]
    fn the_report_is_sorted_and_adds_up() {
        let mut counters = Counters::default();
        let cold = counters.prepare(0x2000, &region(&[(0x2000, 3)]));
        counters.placed(40);
        // The head is not the lowest block.
        let hot = counters.prepare(0x1008, &region(&[(0x1000, 2), (0x1008, 5)]));
        counters.placed(100);
        // The first one once more.
        let again = counters.prepare(0x2000, &region(&[(0x2000, 3)]));
        counters.placed(44);
        for (counter, count) in [(&cold[0], 4), (&hot[0], 100), (&hot[1], 7), (&again[0], 1)] {
            counter.store(count, Ordering::Relaxed);
        }
        let mut text = String::new();
        counters.report(&mut text);
        assert_eq!(
            text,
            "2 regions, 250 guest instructions executed\n        \
             executed          times   guest    host  region\n             \
             235              7       7     100  1008\n              \
             15              5       3      44  2000\n"
        );
    }
}
