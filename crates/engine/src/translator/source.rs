//! Where a translator reads the guest's code, and who looks at what it makes of it.

use alloc::vec::Vec;
use core::ops::Range;

use guest::Guest;
use guest::memory::Size;
use ir::{Key, Region};
use x64::lower::Lowered;

/// Where guest instructions are read from.
pub trait Code {
    /// 2 or 4 bytes at `pc` as the guest would fetch them, of an instruction or of a
    /// part of one.
    fn fetch(&self, pc: u64, size: Size) -> Option<u32>;

    /// Whether a debugger has the guest stop at the instruction at an address.
    fn has_breakpoint(&self, pc: u64) -> bool {
        let _ = pc;
        false
    }

    /// A number that grows whenever what was fetched may be another word now.
    fn version(&self) -> u64 {
        0
    }

    /// The page where instructions may call functions ([`guest::surroundings`]).
    fn calls(&self) -> Option<u64> {
        None
    }

    /// Words from `pc` on, as the guest would fetch them; whether all could be.
    fn read(&self, pc: u64, words: &mut [u32]) -> bool {
        (0..).zip(words).all(|(n, word)| {
            let fetched = self.fetch(pc.wrapping_add(4 * n), Size::Word);
            fetched.map(|fetched| *word = fetched).is_some()
        })
    }

    /// Whether the guest would fetch these words from `pc` on.
    fn is(&self, pc: u64, words: &[u32]) -> bool {
        let mut all = (0..).zip(words);
        all.all(|(n, &word)| self.fetch(pc.wrapping_add(4 * n), Size::Word) == Some(word))
    }

    /// The same of several parts, each of words from an address on.
    fn are(&self, parts: &[(u64, &[u32])]) -> bool {
        parts.iter().all(|&(pc, words)| self.is(pc, words))
    }

    /// The range around an address that the guest may execute, if that is known.
    fn executable(&self, pc: u64) -> Option<Range<u64>> {
        let _ = pc;
        None
    }

    /// The ranges that changed since the last call.
    fn changed(&self) -> Vec<Range<u64>> {
        Vec::new()
    }
}

/// The instruction at an address, in a mode.
pub(super) fn instruction<G: Guest>(code: &impl Code, key: Key) -> Option<u32> {
    let word = G::fetch(key.mode, key.pc, |pc, size| code.fetch(pc, size).ok_or(())).ok()?;
    if code.has_breakpoint(key.pc) {
        return Some(G::breakpoint(key.mode));
    }
    Some(word)
}

/// Looks at what is translated.
pub trait Observer {
    /// The code that all regions share lies there.
    fn started(&mut self, stubs: Range<u64>) {
        let _ = stubs;
    }

    /// A region has been formed, and is about to be translated. Gives the first of
    /// the counters of its blocks, if it is to count.
    fn formed(&mut self, head: u64, region: &Region) -> Option<u32> {
        let _ = (head, region);
        None
    }

    /// A region has been translated and placed.
    fn translated(&mut self, region: &Region, lowered: &Lowered, host: u64, code: &[u8]);
}

/// Looks at nothing.
#[derive(Debug)]
pub struct Nobody;

impl Observer for Nobody {
    fn translated(&mut self, _: &Region, _: &Lowered, _: u64, _: &[u8]) {}
}
