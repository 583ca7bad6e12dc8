//! What of a file is awake in this process: where, and who is linked to it.
//!
//! A cluster is at one place at a time; the same code mapped twice has it at the place where
//! it ran first, and live translations at the other.
//!
//! Invariants: the words of data of a cluster that is awake have its base, and for each
//! exit where it leads: its thunk, or an entry that is awake. What is listed by page or
//! image is awake. A base stays in its word after the cluster has been put to sleep, for
//! faults that are still looked at.

use alloc::vec::Vec;
use core::ops::Range;

use hashbrown::HashMap;

use ir::Key;
use ir::live::Live;
use x64::lower::{FaultPoint, Swaps};

use super::file::File;
use super::format::{Cluster, Entry, Exit, FIRST, KEPT, Stretch, hash_of_entry};
use crate::host::page::{PAGE, page_down};
use crate::translator::source::Code;

/// How many entries of one hash are looked at, and how many places of the index.
const PROBES: u32 = 16;

/// A file in use.
#[derive(Debug)]
pub struct Kept {
    file: File,
    /// By the clusters' numbers.
    awake: HashMap<u32, Awake>,
    /// By the clusters' numbers, one more than the base of each that is awake: links are made
    /// by the thousand when a cluster wakes.
    bases: Vec<u64>,
    /// Their numbers by image, so that the changes of a just-in-time compiler's code, of which
    /// there are many, look at none of another image.
    images: Vec<Seen>,
    /// The clusters that can be entered in each page, since their ranges overlap.
    pages: HashMap<u64, Vec<Here>>,
    /// Clusters that were not what is there, and where that was.
    unlike: Vec<(u32, u64)>,
}

/// A cluster that can be entered.
#[derive(Debug)]
struct Awake {
    /// The guest address that its addresses are from.
    base: u64,
    /// Its lowest address and the end.
    range: Range<u64>,
    entries: &'static [Entry],
    /// The exits, of any code, that were linked to it when they were taken.
    incoming: Vec<u32>,
}

/// Where a cluster that is awake can be entered in a page.
#[derive(Clone, Copy, Debug)]
struct Here {
    cluster: u32,
    base: u64,
    /// A bit for each sixty-fourth of the page that has an entry.
    bits: u64,
    /// Its entries in the page.
    entries: &'static [Entry],
}

/// Clusters that are awake and have one base.
#[derive(Debug)]
struct Seen {
    base: u64,
    /// All of them lie in it; it does not shrink when one is put to sleep.
    range: Range<u64>,
    clusters: Vec<u32>,
}

/// How many clusters are remembered that are unlike what is there.
const UNLIKE: usize = 256;

impl Kept {
    /// Nothing is awake.
    #[must_use]
    pub fn new(file: File) -> Self {
        Self {
            file,
            awake: HashMap::new(),
            bases: alloc::vec![0; file.clusters.len()],
            images: Vec::new(),
            pages: HashMap::new(),
            unlike: Vec::new(),
        }
    }

    /// The file.
    #[must_use]
    pub const fn file(&self) -> &File {
        &self.file
    }

    /// The code at a key and what it looks at of the flags, if it is awake.
    #[must_use]
    pub fn find(&self, key: Key) -> Option<(u64, Live)> {
        let bit = bit(key.pc);
        let clusters = self.pages.get(&page_down(key.pc))?.iter();
        let mut here = clusters.filter(|here| here.bits & bit != 0);
        here.find_map(|here| {
            let pc = u32::try_from(key.pc.checked_sub(here.base)?).ok()?;
            let wanted = (pc, key.mode.number());
            let at = here
                .entries
                .binary_search_by_key(&wanted, |entry| (entry.pc, entry.mode.into()));
            self.place(&here.entries[at.ok()?])
        })
    }

    /// Where an entry's code is, and what it looks at of the flags.
    fn place(&self, entry: &Entry) -> Option<(u64, Live)> {
        let inside = u64::from(entry.code) < self.file.code_length;
        inside.then(|| (self.file.code + u64::from(entry.code), live(entry.flags)))
    }

    /// The code that an exit leads to, by the exit's number, if the file says which entry that
    /// is: nothing is searched. A cluster that sleeps is woken, if its words are there.
    pub fn led<C: Code>(&mut self, number: u32, key: Key, code: &C) -> Option<(u64, Live)> {
        let exit = self.file.exits.get((number & !KEPT) as usize)?;
        let number = exit.entry.checked_sub(1)?;
        let entry = self.file.entries.get(number as usize)?;
        self.own(number, entry)?.then_some(())?;
        let is_there = match self.awake.get(&entry.cluster) {
            Some(awake) => awake.base.checked_add(entry.pc.into()) == Some(key.pc),
            None => self.try_to_wake(number, key, code),
        };
        let is_it = is_there && usize::from(entry.mode) == key.mode.number();
        is_it.then(|| self.place(entry)).flatten()
    }

    /// Looks in the file for what is at a key, and wakes it. Whether it is awake now.
    pub fn wake<C: Code>(&mut self, key: Key, code: &C) -> bool {
        let mut first = [0; FIRST];
        if is_call(&(key.pc..key.pc + 4), code) || !code.read(key.pc, &mut first) {
            return false;
        }
        let hash = hash_of_entry(&first, key);
        let mask = self.file.index.len().wrapping_sub(1);
        for probe in 0..PROBES {
            let at = (hash.wrapping_add(probe)) as usize & mask;
            let Some(found) = self.file.index.get(at).filter(|found| found.entry != 0) else {
                return false;
            };
            if found.hash == hash && self.try_to_wake(found.entry - 1, key, code) {
                return true;
            }
        }
        false
    }

    fn try_to_wake<C: Code>(&mut self, entry: u32, key: Key, code: &C) -> bool {
        let Some(entry) = self.file.entries.get(entry as usize) else {
            return false;
        };
        let base = key.pc.wrapping_sub(entry.pc.into());
        let number = entry.cluster;
        let same_mode = usize::from(entry.mode) == key.mode.number();
        if !same_mode || self.awake.contains_key(&number) || self.unlike.contains(&(number, base)) {
            return false;
        }
        let Some(sound) = self.sound(number, base) else {
            return false;
        };
        if is_call(&sound.range, code) || !self.is_same(sound.cluster, base, code) {
            if self.unlike.len() >= UNLIKE {
                self.unlike.clear();
            }
            self.unlike.push((number, base));
            return false;
        }
        self.file.set_datum(sound.cluster.data, base);
        if let Some(known) = self.bases.get_mut(number as usize) {
            *known = base + 1;
        }
        for exit in sound.exits {
            match self.leads(exit, base) {
                Some(to) => self.file.set_datum(exit.data, to),
                None => self.unlink(exit),
            }
        }
        self.link_incoming(sound.cluster, base);
        for (page, bits, entries) in pages(sound.entries, base) {
            self.pages.entry(page).or_default().push(Here {
                cluster: number,
                base,
                bits,
                entries,
            });
        }
        self.see(number, base, &sound.range);
        let awake = Awake {
            base,
            range: sound.range,
            entries: sound.entries,
            incoming: Vec::new(),
        };
        self.awake.insert(number, awake);
        true
    }

    /// Whether a cluster is awake and has this base.
    fn is_awake(&self, cluster: u32, base: u64) -> bool {
        self.bases.get(cluster as usize) == Some(&(base + 1))
    }

    /// The code that an exit of a cluster with this base leads to, if the file says which entry
    /// that is, and its cluster is awake there. The address and the mode are the entry's then:
    /// who made the file has compared both, from one base.
    fn leads(&self, exit: &Exit, base: u64) -> Option<u64> {
        let number = exit.entry.checked_sub(1)?;
        let entry = self.file.entries.get(number as usize)?;
        let own = self.own(number, entry)?;
        let is_there = own && self.is_awake(entry.cluster, base);
        is_there
            .then(|| self.place(entry))
            .flatten()
            .map(|(host, _)| host)
    }

    /// Whether an entry is one of its cluster's own: of those more is known ([`Self::sound`]).
    fn own(&self, number: u32, entry: &Entry) -> Option<bool> {
        let cluster = self.file.clusters.get(entry.cluster as usize)?;
        let before = number.checked_sub(cluster.entries.start)?;
        Some(before < cluster.entries.count)
    }

    /// Calls `with` for the exits of awake clusters with this base that lead to a cluster.
    fn incoming(&self, cluster: &Cluster, base: u64, with: impl Fn(&Exit)) {
        let file = &self.file;
        let numbers = cluster.incoming.of(file.incoming).unwrap_or_default();
        // They ascend, so those of one cluster come together.
        let (mut theirs, mut awake) = (0..0, false);
        for &number in numbers {
            if !theirs.contains(&number) {
                let behind = file
                    .clusters
                    .partition_point(|other| other.exits.start <= number);
                let owner = behind.checked_sub(1).and_then(|at| file.clusters.get(at));
                let Some(exits) = owner.map(|owner| owner.exits) else {
                    continue;
                };
                theirs = exits.start..exits.start.saturating_add(exits.count);
                awake = theirs.contains(&number) && self.bases.get(behind - 1) == Some(&(base + 1));
            }
            if awake && let Some(exit) = file.exits.get(number as usize) {
                with(exit);
            }
        }
    }

    /// Links what leads to a cluster that has just been woken, but for what leads to live code.
    fn link_incoming(&self, cluster: &Cluster, base: u64) {
        self.incoming(cluster, base, |exit| {
            let is_unlinked = self.file.datum(exit.data) == self.unlinked(exit);
            if let Some(to) = self.leads(exit, base).filter(|_| is_unlinked) {
                self.file.set_datum(exit.data, to);
            }
        });
    }

    /// The contrary, for a cluster that is still awake.
    fn unlink_incoming(&self, cluster: &Cluster, base: u64) {
        self.incoming(cluster, base, |exit| {
            if self.leads(exit, base) == Some(self.file.datum(exit.data)) {
                self.unlink(exit);
            }
        });
    }

    /// Adds a cluster to those of its image.
    fn see(&mut self, number: u32, base: u64, range: &Range<u64>) {
        let seen = self.images.iter_mut().find(|seen| seen.base == base);
        if let Some(seen) = seen {
            seen.range = seen.range.start.min(range.start)..seen.range.end.max(range.end);
            seen.clusters.push(number);
            return;
        }
        self.images.push(Seen {
            base,
            range: range.clone(),
            clusters: alloc::vec![number],
        });
    }

    /// A cluster, if what it says of itself is in the file and fits to a base.
    fn sound(&self, number: u32, base: u64) -> Option<Sound> {
        let file = &self.file;
        let cluster = file.clusters.get(number as usize)?;
        let entries = cluster.entries.of(file.entries)?;
        let exits = cluster.exits.of(file.exits)?;
        let code = cluster.code..cluster.code_end;
        let stretches = cluster.stretches.of(file.stretches)?;
        cluster.regions.of(file.regions)?;
        cluster.incoming.of(file.incoming)?;
        let range = base.checked_add(cluster.low.into())?..base.checked_add(cluster.high.into())?;
        let sound = base.is_multiple_of(PAGE)
            && cluster.low < cluster.high
            && u64::from(cluster.code_end) <= file.code_length
            && cluster.data < file.data
            && entries
                .iter()
                .all(|entry| entry.cluster == number && code.contains(&entry.code))
            && exits
                .iter()
                .all(|exit| exit.data < file.data && code.contains(&exit.unlinked))
            && stretches.iter().all(|stretch| within(stretch, cluster));
        sound.then_some(Sound {
            cluster,
            entries,
            exits,
            range,
        })
    }

    /// Whether all words of a cluster are there.
    fn is_same<C: Code>(&self, cluster: &Cluster, base: u64, code: &C) -> bool {
        let file = &self.file;
        let all = cluster.stretches.of(file.stretches);
        let words = cluster.words.of(file.words);
        let Some((stretches, mut words)) = all.zip(words) else {
            return false;
        };
        let split = |stretch: &Stretch| {
            let (here, rest) = words.split_at_checked(stretch.words as usize)?;
            words = rest;
            Some((base + u64::from(stretch.start), here))
        };
        let Some(parts) = stretches.iter().map(split).collect::<Option<Vec<_>>>() else {
            return false;
        };
        words.is_empty() && !parts.is_empty() && code.are(&parts)
    }

    /// An exit leads to its thunk.
    fn unlink(&self, exit: &Exit) {
        self.file.set_datum(exit.data, self.unlinked(exit));
    }

    /// The exit's thunk.
    fn unlinked(&self, exit: &Exit) -> u64 {
        self.file.code + u64::from(exit.unlinked)
    }

    /// Links an exit, by its number, and says whether there is such.
    pub fn link(&self, number: u32, to: u64) -> bool {
        let exit = self.file.exits.get((number & !KEPT) as usize);
        let exit = exit.filter(|exit| exit.data < self.file.data);
        exit.inspect(|exit| self.file.set_datum(exit.data, to))
            .is_some()
    }

    /// An exit, by its number, leads to its thunk again.
    pub fn part(&self, number: u32) {
        if let Some(exit) = self.file.exits.get((number & !KEPT) as usize) {
            self.unlink(exit);
        }
    }

    /// An exit is linked to code of the file's.
    pub fn linked(&mut self, number: u32, to: u64) {
        let offset = u32::try_from(to.wrapping_sub(self.file.code));
        let cluster = offset.ok().and_then(|offset| self.cluster_at(offset));
        if let Some(awake) = cluster.and_then(|cluster| self.awake.get_mut(&cluster)) {
            awake.incoming.push(number);
        }
    }

    /// The cluster that code of the file is of, by its offset.
    fn cluster_at(&self, offset: u32) -> Option<u32> {
        let clusters = self.file.clusters;
        let behind = clusters.partition_point(|cluster| cluster.code <= offset);
        u32::try_from(behind.checked_sub(1)?).ok()
    }

    /// What can fault at an address of the file's code, and what is swapped there.
    #[must_use]
    pub fn fault_point(&self, host: u64) -> Option<(FaultPoint, Swaps)> {
        let file = &self.file;
        let offset = u32::try_from(host.checked_sub(file.code)?).ok()?;
        let cluster = file.clusters.get(self.cluster_at(offset)? as usize)?;
        let regions = cluster.regions.of(file.regions)?;
        let behind = regions.partition_point(|region| region.code <= offset);
        let region = regions.get(behind.checked_sub(1)?)?;
        let points = region.points.of(file.points)?;
        let within = offset - region.code;
        let at = points.binary_search_by_key(&within, |point| point.host);
        let point = points.get(at.ok()?)?;
        let state = region.states.of(file.states)?.get(point.state as usize)?;
        if cluster.data >= file.data {
            return None;
        }
        let base = file.datum(cluster.data);
        let point = state.point(point.host, base.wrapping_add(point.pc.into()))?;
        Some((point, Swaps::from_bytes(&region.swaps)))
    }

    /// The clusters that are awake and of code in a range, by their numbers.
    pub fn touched<'a>(&'a self, range: &'a Range<u64>) -> impl Iterator<Item = u32> + 'a {
        let meets = |start: u64, end: u64| start < range.end && range.start < end;
        let images = self.images.iter();
        let images = images.filter(move |seen| meets(seen.range.start, seen.range.end));
        let numbers = images.flat_map(|seen| seen.clusters.iter().copied());
        numbers
            .filter(move |number| {
                let of = |awake: &&Awake| meets(awake.range.start, awake.range.end);
                let Some(awake) = self.awake.get(number).filter(of) else {
                    return false;
                };
                let cluster = self.file.clusters.get(*number as usize);
                cluster
                    .and_then(|cluster| cluster.stretches.of(self.file.stretches))
                    .is_some_and(|stretches| {
                        stretches.iter().any(|stretch| {
                            let start = awake.base + u64::from(stretch.start);
                            meets(start, start + 4 * u64::from(stretch.words))
                        })
                    })
            })
            .map(|number| number | KEPT)
    }

    /// Whether the guest's code is what a cluster that is awake was made of.
    pub fn same<C: Code>(&self, number: u32, code: &C) -> bool {
        let number = number & !KEPT;
        let awake = self.awake.get(&number);
        let cluster = self.file.clusters.get(number as usize);
        awake
            .zip(cluster)
            .is_some_and(|(awake, cluster)| self.is_same(cluster, awake.base, code))
    }

    /// A cluster can be entered no more: where it could, and the exits that are linked to
    /// it.
    pub fn sleep(&mut self, number: u32) -> Option<(Vec<Key>, Vec<u32>)> {
        let number = number & !KEPT;
        let awake = self.awake.remove(&number)?;
        let cluster = self.file.clusters.get(number as usize)?;
        self.unlink_incoming(cluster, awake.base);
        if let Some(known) = self.bases.get_mut(number as usize) {
            *known = 0;
        }
        self.images.retain_mut(|seen| {
            if seen.base == awake.base {
                seen.clusters.retain(|&other| other != number);
            }
            !seen.clusters.is_empty()
        });
        for (page, ..) in pages(awake.entries, awake.base) {
            if let Some(clusters) = self.pages.get_mut(&page) {
                clusters.retain(|here| here.cluster != number);
                if clusters.is_empty() {
                    self.pages.remove(&page);
                }
            }
        }
        let key = |entry: &Entry| Key {
            pc: awake.base + u64::from(entry.pc),
            mode: super::format::mode(entry),
        };
        Some((awake.entries.iter().map(key).collect(), awake.incoming))
    }

    /// None can be entered.
    pub fn clear(&mut self) {
        self.awake.clear();
        self.bases.fill(0);
        self.images.clear();
        self.pages.clear();
        self.unlike.clear();
    }
}

/// A cluster whose numbers were looked at.
struct Sound {
    cluster: &'static Cluster,
    entries: &'static [Entry],
    exits: &'static [Exit],
    range: Range<u64>,
}

/// Whether a stretch lies where its cluster says that it is.
fn within(stretch: &Stretch, cluster: &Cluster) -> bool {
    let end = u64::from(stretch.start) + 4 * u64::from(stretch.words);
    stretch.start >= cluster.low && end <= cluster.high.into()
}

/// The bit of a place in its page.
const fn bit(pc: u64) -> u64 {
    1 << (pc % PAGE * 64 / PAGE)
}

/// The pages of entries, which ascend, each with the bits of those in it, and these.
fn pages(
    entries: &'static [Entry],
    base: u64,
) -> impl Iterator<Item = (u64, u64, &'static [Entry])> {
    let page = move |entry: &Entry| page_down(base.wrapping_add(entry.pc.into()));
    let same = entries.chunk_by(move |one, next| page(one) == page(next));
    same.map(move |entries| {
        let bits = entries
            .iter()
            .fold(0, |bits, entry| bits | bit(entry.pc.into()));
        (entries.first().map_or(0, page), bits, entries)
    })
}

/// Whether a range has a part of the page whose instructions call functions.
fn is_call(range: &Range<u64>, code: &impl Code) -> bool {
    code.calls().is_some_and(|page| touches(range, page))
}

/// Whether a range has a part of a page.
const fn touches(range: &Range<u64>, page: u64) -> bool {
    range.start < page + PAGE && page < range.end
}

const fn live(flags: u16) -> Live {
    match flags {
        0 => Live::Dead,
        1 => Live::Weak,
        _ => Live::Live,
    }
}
