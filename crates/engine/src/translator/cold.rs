//! Guest code that has not run often: it is interpreted, and counted.
//!
//! Most code that a program runs, it runs once or twice. To translate an instruction costs as
//! much as to interpret it some ten times, and a region has more instructions than will run.
//! (Measured with 4, 8, 16 and 32 times: small programs take least with 16, large ones the
//! same.) So code that is not translated is interpreted, block by block, until it has run
//! [`OFTEN`] times; and a region is formed of code that has run at all ([`Heat::has_run`]).
//!
//! The counts are a table of bytes, found by bits of the address: code that
//! shares one is translated a little early, which is no harm. Nothing depends
//! on them but time, so they are raised without order.

use core::sync::atomic::{AtomicU8, Ordering};

use guest::memory::Memory;
use guest::{Environment, Exception, Guest, Kind};

use super::vcpu::Vcpu;
use crate::host::own;
use crate::host::sys::{self, Errno};

/// How often a block is interpreted before it is translated.
const OFTEN: u8 = 16;
/// How many counts there are: one for each four instructions of half a
/// mebibyte.
const COUNTS: usize = 1 << 15;
const LINE: u32 = 4;

/// How often blocks have run; all count as having run often where there is
/// no table.
#[derive(Debug)]
pub(crate) struct Heat(Option<&'static [AtomicU8; COUNTS]>);

impl Heat {
    /// Everything is hot: it is translated before it runs.
    pub(crate) const fn hot() -> Self {
        Self(None)
    }

    /// Nothing has run yet.
    ///
    /// # Errors
    /// When there is no memory for the counts.
    pub(crate) fn cold() -> Result<Self, Errno> {
        // Zeros. Most of it is used soon: the pages at once cost less than one
        // by one.
        let at = own::map(
            COUNTS as u64,
            sys::PROT_READ | sys::PROT_WRITE,
            sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_POPULATE,
        )?;
        // SAFETY: it was just mapped, is as large, and stays for good.
        Ok(Self(Some(unsafe { &*(at as *const [AtomicU8; COUNTS]) })))
    }

    fn count(&self, pc: u64) -> Option<&AtomicU8> {
        #[allow(clippy::cast_possible_truncation, reason = "the low bits count")]
        let index = (pc >> LINE) as usize % COUNTS;
        self.0.map(|counts| &counts[index])
    }

    fn times(&self, pc: u64) -> u8 {
        self.count(pc)
            .map_or(OFTEN, |count| count.load(Ordering::Relaxed))
    }

    /// Whether the block at `pc` is to be translated, if it is not.
    pub(crate) fn is_hot(&self, pc: u64) -> bool {
        self.times(pc) >= OFTEN
    }

    /// Whether the block at `pc` has ever run.
    pub(crate) fn has_run(&self, pc: u64) -> bool {
        self.times(pc) > 0
    }

    /// The block at `pc` is about to run once more.
    fn raise(&self, pc: u64) {
        if let Some(count) = self.count(pc) {
            let times = count.load(Ordering::Relaxed);
            count.store(times.saturating_add(1), Ordering::Relaxed);
        }
    }

    /// The block at `pc` is translated.
    pub(crate) fn translated(&self, pc: u64) {
        if let Some(count) = self.count(pc) {
            count.fetch_max(OFTEN, Ordering::Relaxed);
        }
    }
}

/// Where a block has led.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Led {
    /// Up, to a function, out of one, or far away: where regions may begin.
    Head,
    /// On, or further down: to what belongs to the region of what was before. As
    /// a head it would split that, often between a comparison and its branch.
    On,
}

/// Runs the block at the PC in the interpreter: up to its first branch, or to
/// an exception.
pub(crate) fn run<G: Guest, M: Memory + Environment>(
    heat: &Heat,
    vcpu: &mut Vcpu<G>,
    memory: &mut M,
) -> Result<Led, Exception> {
    heat.raise(G::pc(&vcpu.cpu));
    let mut insns = 0;
    let result = block::<G, M>(&mut vcpu.cpu, memory, &mut insns);
    if let Some(tally) = vcpu.host.tally {
        tally.cold(insns);
    }
    result
}

fn block<G: Guest, M: Memory + Environment>(
    cpu: &mut G::State,
    memory: &mut M,
    insns: &mut u64,
) -> Result<Led, Exception> {
    loop {
        let (pc, mode) = (G::pc(cpu), G::mode(cpu));
        let word = guest::fetch::<G>(mode, pc, memory)?;
        let insn = G::decode(mode, word).ok_or(Exception::Undefined)?;
        *insns += 1;
        G::step(cpu, memory, insn)?;
        let up = G::pc(cpu) <= pc;
        match G::kind(insn) {
            Kind::Branch | Kind::Jump => return Ok(if up { Led::Head } else { Led::On }),
            Kind::Away => return Ok(Led::Head),
            // Such as copying memory: it may have to be done again.
            Kind::Straight if G::pc(cpu) != pc.wrapping_add(G::length(mode, word)) => {
                return Ok(Led::Head);
            }
            Kind::Straight => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_has_run_often_is_hot() {
        let heat = Heat::cold().unwrap();
        let (block, other) = (0x40_1000, 0x40_1010);
        assert!(!heat.has_run(block) && !heat.is_hot(block));
        for times in 1..=u16::from(OFTEN) * 20 {
            heat.raise(block);
            assert!(heat.has_run(block));
            assert_eq!(heat.is_hot(block), times >= u16::from(OFTEN), "{times}");
        }
        assert!(!heat.has_run(other));
        heat.translated(other);
        assert!(heat.is_hot(other));
    }

    #[test]
    fn all_is_hot_where_nothing_is_counted() {
        let heat = Heat::hot();
        heat.raise(0);
        assert!(heat.is_hot(0) && heat.has_run(u64::MAX));
    }
}
