//! What has been translated: found by the guest's address, by the host's when
//! it faults, and linked.
//!
//! Invariants: `entries` has an address for each guest address that a region
//! can be entered at; an exit is linked to an entry that exists, or to its own
//! thunk. Forgetting forgets everything ([`Cache::clear`]): the code that is
//! never entered again needs no unlinking.

use super::arena::Arena;
use alloc::vec::Vec;
use hashbrown::HashMap;
use ir::live::Live;
use x64::lower::{FaultPoint, Lowered};

/// Where a region can be entered.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The host's address.
    pub host: u64,
    /// What of the flags the code there looks at.
    pub flags: Live,
}

/// A way out of a region that may be linked.
#[derive(Clone, Copy, Debug)]
struct Exit {
    /// The host address of the branch's displacement.
    patch: u64,
    /// Whether the branch goes to its target.
    linked: bool,
}

/// One translated region.
#[derive(Debug)]
pub struct Placed {
    /// The host's addresses of its code.
    pub host: core::ops::Range<u64>,
    /// The guest's head.
    pub pc: u64,
    /// Where it can fault, ascending.
    pub faults: Vec<FaultPoint>,
}

/// All translations for one way of translating.
#[derive(Debug, Default)]
pub struct Cache {
    entries: HashMap<u64, Entry>,
    exits: Vec<Exit>,
    regions: Vec<Placed>,
}

impl Cache {
    /// Where the code for a guest address is.
    #[must_use]
    pub fn find(&self, pc: u64) -> Option<Entry> {
        self.entries.get(&pc).copied()
    }

    /// Takes over a region whose code has been lowered into `code`. Nothing if
    /// the arena is full.
    pub fn place(
        &mut self,
        arena: &mut Arena,
        pc: u64,
        code: &mut [u8],
        lowered: &Lowered,
    ) -> Option<&Placed> {
        for exit in &lowered.exits {
            let number = u32::try_from(self.exits.len()).ok()?;
            let at = exit.number as usize;
            code.get_mut(at..at + 4)?
                .copy_from_slice(&number.to_le_bytes());
            self.exits.push(Exit {
                patch: u64::from(exit.patch),
                linked: false,
            });
        }
        let host = arena.add(code)?;
        for point in &lowered.faults {
            arena.mark(host + u64::from(point.host));
        }
        let first = self.exits.len() - lowered.exits.len();
        for exit in &mut self.exits[first..] {
            exit.patch += host;
        }
        for entry in &lowered.entries {
            let host = host + u64::from(entry.offset);
            self.entries.entry(entry.pc).or_insert(Entry {
                host,
                flags: entry.flags,
            });
        }
        self.regions.push(Placed {
            host: host..host + code.len() as u64,
            pc,
            faults: lowered.faults.clone(),
        });
        self.regions.last()
    }

    /// Links an exit to an entry.
    pub fn link(&mut self, arena: &mut Arena, exit: u32, to: u64) {
        let Some(exit) = self.exits.get_mut(exit as usize) else {
            return;
        };
        let distance = to.wrapping_sub(exit.patch + 4).cast_signed();
        if let Ok(distance) = i32::try_from(distance)
            && !exit.linked
        {
            arena.patch(exit.patch, distance);
            exit.linked = true;
        }
    }

    /// What can fault at a host address.
    #[must_use]
    pub fn fault_point(&self, host: u64) -> Option<&FaultPoint> {
        let after = self.regions.partition_point(|r| r.host.start <= host);
        let region = self.regions.get(after.checked_sub(1)?)?;
        let offset = u32::try_from(host - region.host.start).ok()?;
        let at = region
            .faults
            .binary_search_by_key(&offset, |f| f.host)
            .ok()?;
        region.faults.get(at)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.exits.clear();
        self.regions.clear();
    }
}
