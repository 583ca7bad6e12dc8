//! Guest code that has not run often: it is interpreted, and counted.
//!
//! Most code that a program runs, it runs once or twice. To translate an instruction costs as
//! much as to interpret it some ten times, and a region has more instructions than will run.
//! (Measured with 4, 8, 16 and 32 times: small programs take least with 16, large ones the
//! same.) So code that is not translated is interpreted, block by block, until it has run
//! [`OFTEN`] times; and a region is formed of code that has run at all ([`Heat::has_run`]).
//!
//! The counts are a table of bytes, found by bits of the address: code that
//! shares one is translated a little early, which is no harm as long as it is little. A
//! compiler runs more code than a small table can tell apart, and everything would
//! seem hot. So the first table, small and there from the start, is followed by a large
//! one once an eighth of its counts are used; from then on it says only what is hot
//! already. Nothing depends on them but time, so they are raised
//! without order.

use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, Ordering};

use guest::memory::Memory;
use guest::{Environment, Exception, Guest, Kind};

use super::vcpu::Vcpu;
use crate::host::own;
use crate::host::sys::{self, Errno};

/// How often a block is interpreted before it is translated.
const OFTEN: u8 = 16;
/// The count of what a translation can be entered at.
const ENTRY: u8 = u8::MAX;
/// How many counts there are at first: one for each four instructions of half a
/// mebibyte.
const FEW: usize = 1 << 15;
/// How many of them may be used before there are more: an eighth.
const FULL: u32 = 1 << 12;
/// How many there are then, of 64 MiB. Pages of it are there once they are used.
const MANY: usize = 1 << 22;
const LINE: u32 = 4;

/// How often blocks have run; all count as having run often where there is
/// no table.
#[derive(Debug)]
pub(crate) struct Heat(Option<Counts>);

#[derive(Debug)]
struct Counts {
    few: &'static [AtomicU8; FEW],
    /// How many of them are not 0.
    used: AtomicU32,
    /// The large table, once there is one.
    many: AtomicPtr<[AtomicU8; MANY]>,
}

impl Counts {
    const fn few(&self, pc: u64) -> &AtomicU8 {
        &self.few[index(pc, FEW)]
    }

    /// The count of the large table.
    fn many(&self, pc: u64) -> Option<&'static AtomicU8> {
        // SAFETY: a table that was mapped stays for good.
        let many = unsafe { self.many.load(Ordering::Acquire).as_ref() };
        many.map(|many| &many[index(pc, MANY)])
    }

    fn times(&self, pc: u64) -> u8 {
        let few = self.few(pc).load(Ordering::Relaxed);
        match self.many(pc) {
            Some(many) if few < OFTEN => many.load(Ordering::Relaxed),
            _ => few,
        }
    }

    fn set(&self, pc: u64, times: u8) {
        if let Some(many) = self.many(pc) {
            return many.store(times, Ordering::Relaxed);
        }
        let few = self.few(pc);
        if few.load(Ordering::Relaxed) == 0 {
            let used = self.used.load(Ordering::Relaxed);
            self.used.store(used + 1, Ordering::Relaxed);
            if used + 1 == FULL {
                self.grow();
            }
        }
        few.store(times, Ordering::Relaxed);
    }

    /// Begins the large table. Where there is no memory for it, the small one goes on.
    #[cold]
    fn grow(&self) {
        const FLAGS: u32 = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE;
        let length = MANY as u64;
        let Ok(at) = own::map(length, sys::PROT_READ | sys::PROT_WRITE, FLAGS) else {
            return;
        };
        let new = at as *mut [AtomicU8; MANY];
        let none = core::ptr::null_mut();
        let begun = (self.many).compare_exchange(none, new, Ordering::AcqRel, Ordering::Relaxed);
        if begun.is_err() {
            // Another thread was first.
            // SAFETY: nobody else knows of this one.
            let _ = unsafe { own::unmap(at, length) };
        }
    }
}

/// Where the count of an address lies in a table.
const fn index(pc: u64, counts: usize) -> usize {
    #[allow(clippy::cast_possible_truncation, reason = "the low bits count")]
    let line = (pc >> LINE) as usize;
    line % counts
}

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
            FEW as u64,
            sys::PROT_READ | sys::PROT_WRITE,
            sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_POPULATE,
        )?;
        Ok(Self(Some(Counts {
            // SAFETY: it was just mapped, is as large, and stays for good.
            few: unsafe { &*(at as *const [AtomicU8; FEW]) },
            used: AtomicU32::new(0),
            many: AtomicPtr::default(),
        })))
    }

    fn times(&self, pc: u64) -> u8 {
        self.0.as_ref().map_or(OFTEN, |counts| counts.times(pc))
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
        if let Some(counts) = &self.0 {
            let times = counts.times(pc);
            if times < ENTRY - 1 {
                counts.set(pc, times + 1);
            }
        }
    }

    /// The block at `pc` is translated.
    pub(crate) fn translated(&self, pc: u64) {
        if let Some(counts) = &self.0 {
            counts.set(pc, ENTRY);
        }
    }

    /// Whether the block at `pc` may be translated: most are known not to be.
    pub(crate) fn may_be_translated(&self, pc: u64) -> bool {
        self.0
            .as_ref()
            .is_none_or(|counts| counts.times(pc) == ENTRY)
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
        assert!(!heat.may_be_translated(block) && !heat.may_be_translated(other));
        heat.translated(other);
        heat.raise(other);
        assert!(heat.is_hot(other) && heat.may_be_translated(other));
    }

    #[test]
    fn a_program_with_much_code_does_not_make_all_of_it_hot() {
        let heat = Heat::cold().unwrap();
        // Each line of eight mebibytes, as a compiler runs them at its start.
        let lines = (0x40_0000..0xc0_0000).step_by(1 << LINE);
        for block in lines.clone() {
            heat.raise(block);
        }
        let ran = lines.clone().filter(|&block| heat.has_run(block));
        // All but those that ran before there were more counts.
        assert!(ran.count() + FULL as usize >= lines.clone().count());
        assert_eq!(lines.filter(|&block| heat.is_hot(block)).count(), 0);
        let others = (0xc0_0000..0x140_0000).step_by(1 << LINE);
        let ran = others.filter(|&block| heat.has_run(block));
        assert_eq!(ran.count(), 0, "they share counts of the small table");
    }

    #[test]
    fn what_was_hot_before_there_were_more_counts_stays_so() {
        let heat = Heat::cold().unwrap();
        let block = 0x40_1000;
        heat.translated(block);
        (0x80_0000..0xc0_0000)
            .step_by(1 << LINE)
            .for_each(|other| heat.raise(other));
        assert!(heat.is_hot(block));
        heat.raise(block);
        assert!(heat.is_hot(block));
    }

    #[test]
    fn all_is_hot_where_nothing_is_counted() {
        let heat = Heat::hot();
        heat.raise(0);
        assert!(heat.is_hot(0) && heat.has_run(u64::MAX));
    }
}
