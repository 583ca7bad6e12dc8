//! What the runs of an item cost, by candidate.

use anyhow::Result;

use super::items::Item;
use super::place::{Candidate, Userlands};
use crate::bench_engine::measure::median;
use crate::measured::Cost;

pub(super) const NATIVE: usize = 0;
pub(super) const QEMU: usize = 1;
pub(super) const CORTEX: usize = 2;
pub(super) const COLD: usize = 3;
pub(super) const WARM: usize = 4;
pub(super) const CANDIDATES: usize = 5;

/// All, and those that are quick.
pub(super) const ALL: &[usize] = &[NATIVE, QEMU, CORTEX, COLD, WARM];
pub(super) const QUICK: &[usize] = &[NATIVE, COLD, WARM];

/// Of one item.
pub(super) struct Samples {
    pub(super) item: &'static Item,
    costs: [Vec<Cost>; CANDIDATES],
    failed: [bool; CANDIDATES],
    /// What went otherwise than natively, for the page and the exit code.
    pub(super) wrong: Vec<String>,
}

/// A cost's part that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Processor,
    Wall,
    Memory,
}

impl Samples {
    pub(super) fn new(item: &'static Item) -> Self {
        Self {
            item,
            costs: Default::default(),
            failed: [false; CANDIDATES],
            wrong: Vec::new(),
        }
    }

    /// One round: each of these candidates once, native first; what that prints
    /// is the measure.
    pub(super) fn round(
        &mut self,
        userlands: &Userlands,
        candidates: &[Candidate],
        who: &[usize],
    ) -> Result<()> {
        let mut expected: Option<String> = None;
        for &n in who {
            let candidate = &candidates[n];
            let wrong = match userlands.run(candidate, self.item)? {
                Ok((printed, cost)) => {
                    let expected = expected.get_or_insert_with(|| printed.clone());
                    if !self.item.compared || *expected == printed {
                        self.costs[n].push(cost);
                        continue;
                    }
                    format!(
                        "prints {:?} instead of {:?}",
                        start(&printed),
                        start(expected)
                    )
                }
                Err(error) => error,
            };
            self.failed[n] = true;
            let line = format!("{}, {}: {wrong}", self.item.name, candidate.name);
            if !self.wrong.contains(&line) {
                self.wrong.push(line);
            }
        }
        Ok(())
    }

    /// A candidate's median, unless a run of it failed: seconds, or KiB.
    pub(super) fn median(&self, candidate: usize, of: Of) -> Option<f64> {
        if self.failed[candidate] {
            return None;
        }
        let value = |cost: &Cost| match of {
            Of::Processor => cost.processor.as_secs_f64(),
            Of::Wall => cost.wall.as_secs_f64(),
            // Below 2^53 KiB it is exact.
            Of::Memory => cost.memory as f64,
        };
        let values: Vec<f64> = self.costs[candidate].iter().map(value).collect();
        median(&values)
    }

    pub(super) fn ratio(&self, over: usize, under: usize, of: Of) -> Option<f64> {
        Some(self.median(over, of)? / self.median(under, of)?)
    }
}

/// Enough to tell texts apart.
fn start(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
impl Samples {
    /// With one cost each, in milliseconds of a processor; none failed.
    pub(super) fn with(item: &'static Item, millis: [u64; CANDIDATES]) -> Self {
        let cost = |millis| Cost {
            wall: std::time::Duration::from_millis(2 * millis),
            processor: std::time::Duration::from_millis(millis),
            memory: 1024,
        };
        Self {
            costs: millis.map(|millis| vec![cost(millis)]),
            ..Self::new(item)
        }
    }

    pub(super) fn fail(&mut self, candidate: usize) {
        self.failed[candidate] = true;
    }
}

#[cfg(test)]
mod tests {
    use super::super::items::ITEMS;
    use super::*;

    #[test]
    fn a_failure_has_no_ratio() {
        let mut samples = Samples::with(&ITEMS[0], [10, 80, 160, 20, 15]);
        assert_eq!(samples.ratio(COLD, NATIVE, Of::Processor), Some(2.0));
        assert_eq!(samples.ratio(QEMU, COLD, Of::Wall), Some(4.0));
        assert_eq!(samples.ratio(WARM, NATIVE, Of::Processor), Some(1.5));
        samples.fail(COLD);
        assert_eq!(samples.ratio(COLD, NATIVE, Of::Processor), None);
        assert_eq!(samples.ratio(CORTEX, NATIVE, Of::Processor), Some(16.0));
    }
}
