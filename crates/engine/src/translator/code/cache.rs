//! What has been translated: found by the guest's address, by the host's when
//! it faults, linked, and put to sleep when the guest's code changes.
//!
//! A region that sleeps is found no more, and nothing is linked to it. When its
//! address is wanted again and the guest's code is what it was, it wakes: what
//! was only protected anew, or lies beside what was written, is not translated
//! twice. Its memory is used again only when all is forgotten ([`Cache::clear`]).
//!
//! A region that leaves to an entry which does not look at the flags does not
//! save them: it *relies* on that. The code that comes to be at the entry's
//! address may look at them, so when a region is put to sleep, those that rely
//! on it are too; and they wake only after it.
//!
//! A translation is found by the guest's address and its mode ([`Key`]). Regions of
//! all modes lie here together, as they are linked to each other.
//!
//! Invariants: `entries` has an address for each key that a region
//! which is awake can be entered at; an exit is linked to a region that is
//! awake, or to its own thunk; what a region that is awake relies on is awake.
//! Regions are put to sleep only while no thread runs translated code.

use super::arena::Arena;
use super::placed::Placed;
use crate::host::page::PAGE;
use crate::translator::kept::cluster::Kept;
use crate::translator::kept::format::KEPT;
use crate::translator::source::Code;
use alloc::vec::Vec;
use core::hash::Hash;
use core::ops::Range;
use guest::Guest;
use hashbrown::HashMap;
use ir::live::Live;
use ir::{Key, Region};
use x64::lower::{FaultPoint, Lowered, Swaps};

/// Where a region can be entered.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The host's address.
    pub host: u64,
    /// What of the flags the code there looks at.
    pub flags: Live,
    /// The number of the region; [`KEPT`] where it is not live code.
    region: u32,
}

/// A way out of a region that may be linked.
#[derive(Clone, Copy, Debug)]
struct Exit {
    /// The host address of the branch's displacement.
    patch: u64,
    /// Where the branch goes while it is not linked.
    thunk: u64,
    /// Whether the branch goes to its target.
    linked: bool,
}

/// All translations.
#[derive(Debug, Default)]
pub struct Cache {
    entries: HashMap<Key, Entry>,
    /// The regions that sleep, by where they can be entered.
    asleep: HashMap<Key, u32>,
    exits: Vec<Exit>,
    /// In the order of their code.
    regions: Vec<Placed>,
    /// The regions that are awake, by the numbers of the pages they are of.
    pages: HashMap<u64, Vec<u32>>,
    /// The regions that are awake and rely on an entry, by its key.
    relying: HashMap<Key, Vec<u32>>,
    /// What another process has left to use, if anything: its exits and clusters have
    /// numbers of their own ([`KEPT`]).
    pub kept: Option<Kept>,
}

impl Cache {
    /// Where the code for a guest address is, in a mode.
    #[must_use]
    pub fn find(&self, key: Key) -> Option<Entry> {
        let live = self.entries.get(&key).copied();
        live.or_else(|| self.find_kept(key))
    }

    fn find_kept(&self, key: Key) -> Option<Entry> {
        let (host, flags) = self.kept.as_ref()?.find(key)?;
        Some(Entry {
            host,
            flags,
            region: KEPT,
        })
    }

    /// Looks for what is at a key in what was kept, and wakes it.
    pub fn wake_kept<C: Code>(&mut self, key: Key, code: &C) -> Option<Entry> {
        let kept = self.kept.as_mut()?;
        kept.wake(key, code).then_some(())?;
        self.find_kept(key)
    }

    /// The code for a key that an exit was left for, if the exit is a file's and the file says
    /// to which entry it leads.
    pub fn led<C: Code>(&mut self, number: u32, key: Key, code: &C) -> Option<Entry> {
        let kept = self.kept.as_mut().filter(|_| number & KEPT != 0)?;
        let (host, flags) = kept.led(number, key, code)?;
        let live = self.entries.get(&key).copied();
        Some(live.unwrap_or(Entry {
            host,
            flags,
            region: KEPT,
        }))
    }

    /// Takes over a region whose code has been lowered into `code`. Nothing if
    /// the arena is full.
    pub fn place<G: Guest>(
        &mut self,
        arena: &mut Arena,
        region: &Region,
        code: &mut [u8],
        lowered: &Lowered,
    ) -> Option<&Placed> {
        let first = self.exits.len();
        for (number, exit) in (first..).zip(&lowered.exits) {
            let number = u32::try_from(number).ok()?;
            let at = exit.number as usize;
            code.get_mut(at..at + 4)?
                .copy_from_slice(&number.to_le_bytes());
        }
        let index = u32::try_from(self.regions.len()).ok()?;
        let host = arena.add(code)?;
        for point in &lowered.faults {
            arena.mark(host + u64::from(point.host));
        }
        self.exits.extend(lowered.exits.iter().map(|exit| Exit {
            patch: host + u64::from(exit.patch),
            thunk: host + u64::from(exit.thunk),
            linked: false,
        }));
        let mut placed = Placed::new::<G>(region, host..host + code.len() as u64);
        placed.entries.extend_from_slice(&lowered.entries);
        placed.can_fault(&lowered.faults);
        placed.swaps = lowered.swaps;
        placed.relies = self.relied_on(lowered);
        self.regions.push(placed);
        self.show(index);
        self.regions.last()
    }

    /// What a region relies on that leaves so.
    fn relied_on(&self, lowered: &Lowered) -> Vec<(Key, Live)> {
        let mut relies = Vec::new();
        for exit in &lowered.exits {
            let flags = self
                .find(exit.target)
                .map_or(Live::Live, |entry| entry.flags);
            if flags < Live::Live && !relies.contains(&(exit.target, flags)) {
                relies.push((exit.target, flags));
            }
        }
        relies
    }

    /// A region can be found from now on.
    fn show(&mut self, index: u32) {
        let region = &mut self.regions[index as usize];
        region.awake = true;
        for entry in &region.entries {
            let key = region.key(entry);
            // Others may rely on what the one says that is kept.
            if self
                .kept
                .as_ref()
                .is_some_and(|kept| kept.find(key).is_some())
            {
                continue;
            }
            let host = region.host.start + u64::from(entry.offset);
            self.entries.entry(key).or_insert(Entry {
                host,
                flags: entry.flags,
                region: index,
            });
        }
        for &(key, _) in &region.relies {
            self.relying.entry(key).or_default().push(index);
        }
        for page in region.pages(PAGE) {
            let here = self.pages.entry(page).or_default();
            if here.last() != Some(&index) {
                here.push(index);
            }
        }
    }

    /// Links an exit to an entry that is awake.
    pub fn link(&mut self, arena: &mut Arena, number: u32, to: Entry) {
        let linked = match self.kept.as_ref().filter(|_| number & KEPT != 0) {
            Some(kept) => kept.link(number, to.host),
            None => self.exits.get_mut(number as usize).is_some_and(|exit| {
                if arena.is_frozen(exit.patch) {
                    arena.miss();
                    return false;
                }
                let linked = !exit.linked && exit.go_to(arena, to.host);
                exit.linked |= linked;
                linked
            }),
        };
        if !linked {
            return;
        }
        match self.kept.as_mut().filter(|_| to.region & KEPT != 0) {
            Some(kept) => kept.linked(number, to.host),
            None => self.regions[to.region as usize].incoming.push(number),
        }
    }

    /// What can fault at a host address, and what is swapped there.
    #[must_use]
    pub fn fault_point(&self, host: u64) -> Option<(FaultPoint, Swaps)> {
        if let Some(kept) = &self.kept
            && kept.file().range().contains(&host)
        {
            return kept.fault_point(host);
        }
        let after = self.regions.partition_point(|r| r.host.start <= host);
        let region = self.regions.get(after.checked_sub(1)?)?;
        let offset = u32::try_from(host - region.host.start).ok()?;
        Some((region.fault_point(offset)?, region.swaps))
    }

    /// The regions that are of code in one of the ranges, and not of what is
    /// there now. Where much may have changed, that is not looked at.
    #[must_use]
    pub fn touched<G: Guest, C: Code>(&self, ranges: &[Range<u64>], code: &C) -> Vec<u32> {
        const FEW: usize = 64;
        let mut found = Vec::new();
        for range in ranges {
            let pages = range.start / PAGE..range.end.div_ceil(PAGE);
            let mut look = |here: &[u32]| {
                let regions = &self.regions;
                let touching = |&&index: &&u32| regions[index as usize].touches(range);
                found.extend(here.iter().filter(touching));
            };
            if pages.end - pages.start > self.pages.len() as u64 {
                let inside = self.pages.iter().filter(|(page, _)| pages.contains(page));
                inside.for_each(|(_, here)| look(here));
            } else {
                pages
                    .filter_map(|page| self.pages.get(&page))
                    .for_each(|here| look(here));
            }
            if let Some(kept) = &self.kept {
                found.extend(kept.touched(range));
            }
        }
        found.sort_unstable();
        found.dedup();
        if found.len() <= FEW {
            found.retain(|&index| match &self.kept {
                Some(kept) if index & KEPT != 0 => !kept.same(index, code),
                _ => !self.regions[index as usize].same::<G, C>(code),
            });
        }
        found
    }

    /// Puts regions to sleep, and those that rely on them. The guest addresses
    /// that have lost code are added to `gone`. No thread may be running
    /// translated code.
    pub fn sleep(&mut self, arena: &mut Arena, mut regions: Vec<u32>, gone: &mut Vec<u64>) {
        while let Some(index) = regions.pop() {
            if index & KEPT != 0 {
                self.sleep_kept(arena, index, &mut regions, gone);
                continue;
            }
            let region = &mut self.regions[index as usize];
            if !core::mem::take(&mut region.awake) {
                continue;
            }
            for entry in &region.entries {
                let key = region.key(entry);
                let found = self.entries.get(&key);
                if found.is_some_and(|found| region.host.contains(&found.host)) {
                    self.entries.remove(&key);
                    gone.push(key.pc);
                    self.asleep.insert(key, index);
                    regions.extend(self.relying.remove(&key).into_iter().flatten());
                }
            }
            for &(key, _) in &region.relies {
                take_out(&mut self.relying, key, index);
            }
            for page in region.pages(PAGE) {
                take_out(&mut self.pages, page, index);
            }
            for number in core::mem::take(&mut region.incoming) {
                self.part(arena, number);
            }
        }
    }

    /// Puts a cluster to sleep; those that rely on it are to be put to sleep too.
    fn sleep_kept(
        &mut self,
        arena: &mut Arena,
        number: u32,
        regions: &mut Vec<u32>,
        gone: &mut Vec<u64>,
    ) {
        let asleep = self.kept.as_mut().and_then(|kept| kept.sleep(number));
        let Some((keys, incoming)) = asleep else {
            return;
        };
        for key in keys {
            gone.push(key.pc);
            regions.extend(self.relying.remove(&key).into_iter().flatten());
        }
        for number in incoming {
            self.part(arena, number);
        }
    }

    /// An exit leads to its thunk again.
    fn part(&mut self, arena: &mut Arena, number: u32) {
        if let Some(kept) = self.kept.as_ref().filter(|_| number & KEPT != 0) {
            return kept.part(number);
        }
        let exit = &mut self.exits[number as usize];
        let thunk = exit.thunk;
        exit.linked = !exit.go_to(arena, thunk);
    }

    /// The region that sleeps at a key, if its code is what it was;
    /// else it is forgotten.
    pub fn sleeping<G: Guest, C: Code>(&mut self, key: Key, code: &C) -> Option<u32> {
        let index = *self.asleep.get(&key)?;
        if self.regions[index as usize].same::<G, C>(code) {
            return Some(index);
        }
        self.discard(index);
        None
    }

    /// An entry that a region relies on, and that is not awake.
    #[must_use]
    pub fn missing(&self, index: u32) -> Option<Key> {
        let relies = &self.regions[index as usize].relies;
        let mut keys = relies.iter().map(|&(key, _)| key);
        keys.find(|&key| self.find(key).is_none())
    }

    /// Wakes a region that sleeps at a key, if what it relies on is
    /// so; else it is forgotten.
    pub fn wake(&mut self, index: u32, key: Key) -> Option<Entry> {
        if self.regions[index as usize].awake {
            return self.find(key);
        }
        let so = |&(key, most): &(Key, Live)| {
            let entry = self.find(key);
            entry.is_some_and(|entry| entry.flags <= most)
        };
        if !self.regions[index as usize].relies.iter().all(so) {
            self.discard(index);
            return None;
        }
        self.remember_not(index);
        self.show(index);
        self.find(key)
    }

    /// A region that sleeps is not found as such any more.
    fn remember_not(&mut self, index: u32) {
        let region = &self.regions[index as usize];
        for key in region.entries.iter().map(|entry| region.key(entry)) {
            if self.asleep.get(&key) == Some(&index) {
                self.asleep.remove(&key);
            }
        }
    }

    /// A region that sleeps will never wake.
    fn discard(&mut self, index: u32) {
        self.remember_not(index);
        self.regions[index as usize].discard();
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.asleep.clear();
        self.exits.clear();
        self.regions.clear();
        self.pages.clear();
        self.relying.clear();
        if let Some(kept) = &mut self.kept {
            kept.clear();
        }
    }
}

/// Takes a region out of the list of a key.
fn take_out<K: Copy + Eq + Hash>(lists: &mut HashMap<K, Vec<u32>>, key: K, index: u32) {
    if let Some(list) = lists.get_mut(&key) {
        list.retain(|&other| other != index);
        if list.is_empty() {
            lists.remove(&key);
        }
    }
}

impl Exit {
    /// Makes the branch go there; not if that is too far.
    fn go_to(&self, arena: &mut Arena, to: u64) -> bool {
        let distance = to.wrapping_sub(self.patch + 4).cast_signed();
        let Ok(distance) = i32::try_from(distance) else {
            return false;
        };
        arena.patch(self.patch, distance);
        true
    }
}
