//! What has been translated, and making more of it: found, woken or translated.

use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::Range;

use guest::Guest;
use ir::form::{Former, Limits, Source};
use ir::live::Live;
use ir::{Key, Mode, Region};
use x64::lower::{Lowered, Lowerer, Options};

use super::code::arena::Arena;
use super::code::cache::{Cache, Entry};
use super::cold::Heat;
use super::source::{Code, Observer, instruction};

/// How large a region may be.
pub(super) const LIMITS: Limits = Limits { insns: 512 };

/// How many regions are woken or translated for one that is wanted and relies on
/// them, one on the other; behind that it is translated anew.
pub(super) const WAKING: u32 = 32;

/// Everything that has been translated, and what makes more of it. One thread at a
/// time uses it.
#[derive(Debug)]
pub(super) struct Translations {
    pub(super) lowerer: Lowerer,
    former: Former,
    region: Region,
    lowered: Lowered,
    pub(super) arena: Arena,
    pub(super) cache: Cache,
}

struct Fetcher<'a, G, C> {
    guest: PhantomData<G>,
    mode: Mode,
    code: &'a C,
    cache: &'a Cache,
    heat: &'a Heat,
}

impl<G: Guest, C: Code> Source for Fetcher<'_, G, C> {
    fn fetch(&self, pc: u64) -> Option<u32> {
        let mode = self.mode;
        instruction::<G>(self.code, Key { pc, mode })
    }

    fn translated(&self, pc: u64) -> bool {
        let mode = self.mode;
        self.heat.may_be_translated(pc) && self.cache.find(Key { pc, mode }).is_some()
    }

    fn has_run(&self, pc: u64) -> bool {
        self.heat.has_run(pc)
    }
}

impl Translations {
    /// Nothing but the stubs, which lie in the arena.
    pub(super) fn new(lowerer: Lowerer, arena: Arena) -> Self {
        Self {
            lowerer,
            former: Former::default(),
            region: Region::default(),
            lowered: Lowered::default(),
            arena,
            cache: Cache::default(),
        }
    }

    /// Forgets all but the stubs. No thread may be running translated code; `alone`: there is one.
    pub(super) fn clear(&mut self, stub_bytes: u64, alone: bool) {
        self.cache.clear();
        self.arena.clear(stub_bytes, alone);
    }

    /// The regions that are of code in one of the ranges, and not of what is
    /// there now.
    pub(super) fn touched<G: Guest, C: Code>(&self, ranges: &[Range<u64>], code: &C) -> Vec<u32> {
        self.cache.touched::<G, C>(ranges, code)
    }

    /// Puts regions to sleep, and gives the guest addresses that have lost their
    /// code; nothing where there is no memory to do that. No thread may be running translated
    /// code; `alone`: there is one.
    pub(super) fn sleep(&mut self, regions: Vec<u32>, alone: bool) -> Option<Vec<u64>> {
        self.arena.thaw(alone).then_some(())?;
        let mut gone = Vec::new();
        self.cache.sleep(&mut self.arena, regions, &mut gone);
        Some(gone)
    }

    /// What can be entered at a key, awake or kept.
    pub(super) fn find<C: Code>(&mut self, key: Key, code: &C) -> Option<Entry> {
        let awake = self.cache.find(key);
        awake.or_else(|| self.cache.wake_kept(key, code))
    }

    /// The code for a guest address in a mode: found, woken or translated. Nothing
    /// if the arena is full.
    pub(super) fn make<G: Guest, C: Code>(
        &mut self,
        key: Key,
        from: (&C, &Heat),
        observer: &mut dyn Observer,
        waking: u32,
    ) -> Option<u64> {
        if let Some(entry) = self.find(key, from.0) {
            return Some(entry.host);
        }
        let Some(left) = waking.checked_sub(1) else {
            return self.translate::<G, C>(key, from, observer);
        };
        if let Some(region) = self.cache.sleeping::<G, C>(key, from.0) {
            while let Some(other) = self.cache.missing(region) {
                self.make::<G, C>(other, from, observer, left)?;
            }
            if let Some(entry) = self.cache.wake(region, key) {
                return Some(entry.host);
            }
        }
        self.translate::<G, C>(key, from, observer)
    }

    fn translate<G: Guest, C: Code>(
        &mut self,
        key: Key,
        (code, heat): (&C, &Heat),
        observer: &mut dyn Observer,
    ) -> Option<u64> {
        let Self {
            lowerer,
            former,
            region,
            lowered,
            arena,
            cache,
        } = self;
        let mode = key.mode;
        let lifter = G::lifter(mode, code.calls());
        let fetcher = Fetcher {
            guest: PhantomData::<G>,
            mode,
            code,
            cache,
            heat,
        };
        former.form(&lifter, &fetcher, key.pc, LIMITS, region);
        let outside = |key| cache.find(key).map_or(Live::Live, |entry| entry.flags);
        let counters = observer.formed(key.pc, region);
        lowerer.lower(
            region,
            Options {
                counters,
                base: None,
            },
            outside,
            lowered,
        );
        let placed = cache.place::<G>(arena, region, lowerer.asm.code_mut(), lowered)?;
        observer.translated(region, lowered, placed.host.start, lowerer.asm.code());
        for entry in &lowered.entries {
            heat.translated(entry.pc);
        }
        cache.find(key).map(|entry| entry.host)
    }
}
