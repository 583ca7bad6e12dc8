//! Clusters of what a process ran: regions formed anew, now that it is known which
//! blocks run at all, and lowered to be used in place.
//!
//! Regions come in the order that their heads ran in, each followed by those that it leads
//! to, so that what runs together lies together. Within a cluster they are lowered from
//! the last to the first: what a region leads to is known then, and what that looks
//! at of the flags.
//!
//! Invariant: the same blocks and the same code give the same bytes.

use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::Range;

use guest::Guest;
use guest::memory::Size;
use hashbrown::{HashMap, HashSet};
use ir::form::{Former, Source};
use ir::live::Live;
use ir::{Key, Mode, Region, Term};
use x64::lower::{Lowered, Lowerer, Options};

use super::format::{Entry, FIRST, Point, Region as Kept, Span, State, Stretch, hash_of_entry};
use super::learn::Ran;
use crate::host::page::PAGE;
use crate::translator::source::{Code, instruction};
use crate::translator::translations::LIMITS;

/// A cluster is full when it has so many of the guest's instructions: some 30 KiB
/// of code.
const FULL: usize = 2048;
/// Each region starts at a multiple of this, as in code memory.
pub const ALIGN: usize = 64;
/// What lies between regions: breakpoints.
const FILLER: u8 = 0xcc;

/// A cluster whose place in a file is not known yet; numbers count from its own start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Made {
    /// Its code, without displacements to words of data and numbers of exits.
    pub code: Vec<u8>,
    /// Where displacements to the base word are.
    pub base_words: Vec<u32>,
    /// Its ways out.
    pub exits: Vec<Out>,
    /// Ascending by address and mode.
    pub entries: Vec<Entry>,
    /// For each entry, what it is found by.
    pub hashes: Vec<u32>,
    /// The guest code that it is of.
    pub stretches: Vec<Stretch>,
    /// Its words.
    pub words: Vec<u32>,
    /// Ascending by code; their points and states start at those of the cluster.
    pub regions: Vec<Kept>,
    /// All regions'.
    pub points: Vec<Point>,
    /// All regions'.
    pub states: Vec<State>,
}

/// A way out of a cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Out {
    /// Where the displacement of the jump through its word of data is.
    pub slot: u32,
    /// Where its number is.
    pub number: u32,
    /// Where it leads, from the base, and in which mode.
    target: (u32, u16),
    /// The entry there, if another cluster has one.
    pub to: Option<To>,
}

/// An entry of another cluster of the same image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct To {
    /// How many clusters further on.
    pub further: i32,
    /// Which of that cluster's entries.
    pub entry: u32,
}

/// Where blocks are read from.
struct Blocks<'a, G, C> {
    guest: PhantomData<G>,
    mode: Mode,
    image: &'a Range<u64>,
    code: &'a C,
    ran: &'a Ran,
    entries: &'a HashSet<Key>,
}

impl<G: Guest, C: Code> Source for Blocks<'_, G, C> {
    fn fetch(&self, pc: u64) -> Option<u32> {
        let mode = self.mode;
        let inside = self.image.contains(&pc);
        inside
            .then(|| instruction::<G>(self.code, Key { pc, mode }))
            .flatten()
    }

    fn translated(&self, pc: u64) -> bool {
        let mode = self.mode;
        self.entries.contains(&Key { pc, mode })
    }

    fn has_run(&self, pc: u64) -> bool {
        let mode = self.mode;
        self.ran.has(Key { pc, mode })
    }
}

/// The clusters of what ran, without what is there at keys that `have` says.
pub fn clusters<G: Guest, C: Code>(
    ran: &Ran,
    code: &C,
    lowerer: &mut Lowerer,
    have: &dyn Fn(Key) -> bool,
) -> Vec<Made> {
    let mut images: Vec<(Range<u64>, Vec<usize>)> = Vec::new();
    for (number, block) in ran.blocks().iter().enumerate() {
        let pc = block.key.pc;
        if let Some((_, blocks)) = images.iter_mut().find(|(image, _)| image.contains(&pc)) {
            blocks.push(number);
        } else if let Some(image) = code.executable(pc).filter(|image| may_be_kept(image, code)) {
            images.push((image, alloc::vec![number]));
        }
    }
    let mut made = Vec::new();
    for (image, blocks) in images {
        let regions = form::<G, C>(&image, &blocks, ran, code, have);
        let first = made.len();
        let mut from = 0;
        let mut words = 0;
        for to in 0..regions.len() {
            words += regions[to].words.len();
            if words >= FULL || to + 1 == regions.len() {
                made.extend(lower::<G>(&regions[from..=to], image.start, code, lowerer));
                (from, words) = (to + 1, 0);
            }
        }
        lead(&mut made[first..]);
    }
    made
}

/// Notes to which entries of an image's clusters their exits lead.
fn lead(made: &mut [Made]) {
    let mut places = HashMap::new();
    for (number, cluster) in (0_i32..).zip(made.iter()) {
        for (entry, at) in (0_u32..).zip(&cluster.entries) {
            places.entry((at.pc, at.mode)).or_insert((number, entry));
        }
    }
    for (number, cluster) in (0_i32..).zip(made) {
        for out in &mut cluster.exits {
            let place = places.get(&out.target);
            out.to = place.map(|&(other, entry)| To {
                further: other - number,
                entry,
            });
        }
    }
}

/// Whether code there may be kept: not of the page whose instructions call functions,
/// and near enough for its offsets.
fn may_be_kept(image: &Range<u64>, code: &impl Code) -> bool {
    let calls = code.calls().is_some_and(|page| image.contains(&page));
    !calls && image.start.is_multiple_of(PAGE) && image.end - image.start < u32::MAX.into()
}

/// Forms the regions of an image.
fn form<G: Guest, C: Code>(
    image: &Range<u64>,
    blocks: &[usize],
    ran: &Ran,
    code: &C,
    have: &dyn Fn(Key) -> bool,
) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    let mut entries = HashSet::new();
    let mut inside = HashSet::new();
    let mut former = Former::default();
    let all = || blocks.iter().map(|&number| ran.blocks()[number]);
    let heads = all()
        .filter(|block| block.head)
        .map(|block| (block.key, true));
    let rest = all().map(|block| (block.key, false));
    let mut work = Vec::new();
    for (key, head) in heads.chain(rest) {
        if !head && inside.contains(&key) {
            continue;
        }
        work.push(key);
        while let Some(key) = work.pop() {
            if entries.contains(&key) || have(key) {
                continue;
            }
            let mut region = Region::default();
            let source = Blocks {
                guest: PhantomData::<G>,
                mode: key.mode,
                image,
                code,
                ran,
                entries: &entries,
            };
            let lifter = G::lifter(key.mode, code.calls());
            former.form(&lifter, &source, key.pc, LIMITS, &mut region);
            if region.blocks.iter().any(|block| unknown(&block.term)) {
                continue;
            }
            for block in &region.blocks {
                inside.insert(region.key(block.pc));
                if block.entry {
                    entries.insert(region.key(block.pc));
                }
            }
            let targets = region.blocks.iter().rev().flat_map(|block| {
                let targets = block.term.targets();
                targets
                    .into_iter()
                    .filter(|&to| region.block_at(to).is_none())
            });
            let calls = region.blocks.iter().filter_map(|block| match block.term {
                Term::Call { target, .. } => Some(region.key(target)),
                Term::CallInto { to, .. } => Some(to),
                _ => None,
            });
            let more = targets.map(|pc| region.key(pc)).chain(calls);
            work.extend(more.filter(|&key| ran.has(key) && image.contains(&key.pc)));
            regions.push(region);
        }
    }
    regions
}

/// Whether code can't be known again by its words alone.
const fn unknown(term: &Term) -> bool {
    matches!(term, Term::NoFetch { .. })
}

/// One region that is lowered, and where its code starts.
struct Part {
    lowered: Lowered,
    code: Vec<u8>,
    start: u32,
}

/// Lowers the regions of a cluster; nothing if its code can't be read any more.
fn lower<G: Guest>(
    regions: &[Region],
    base: u64,
    code: &impl Code,
    lowerer: &mut Lowerer,
) -> Option<Made> {
    let options = Options {
        counters: None,
        base: Some(base),
    };
    let mut flags: HashMap<Key, Live> = HashMap::new();
    let mut parts: Vec<Part> = Vec::new();
    for region in regions.iter().rev() {
        let mut lowered = Lowered::default();
        let outside = |key| flags.get(&key).copied().unwrap_or(Live::Live);
        lowerer.lower(region, options, outside, &mut lowered);
        for entry in &lowered.entries {
            flags.insert(region.key(entry.pc), entry.flags);
        }
        parts.push(Part {
            lowered,
            code: lowerer.asm.code().to_vec(),
            start: 0,
        });
    }
    parts.reverse();
    let mut made = Made::default();
    made.stretches::<G>(regions, base, code)?;
    let mut places = HashMap::new();
    for (region, part) in regions.iter().zip(&mut parts) {
        made.code
            .resize(made.code.len().next_multiple_of(ALIGN), FILLER);
        part.start = u32::try_from(made.code.len()).ok()?;
        made.code.extend_from_slice(&part.code);
        for entry in &part.lowered.entries {
            let key = region.key(entry.pc);
            places.insert(key, part.start + entry.offset);
            made.entry(key, base, part.start + entry.offset, entry.flags, code)?;
        }
        made.region(part, base)?;
    }
    made.entries.sort_by_key(|entry| (entry.pc, entry.mode));
    made.hashes = hashes(&made.entries, base, code)?;
    for part in &parts {
        made.exits(part, &places, base);
    }
    Some(made)
}

/// What the entries are found by.
fn hashes(entries: &[Entry], base: u64, code: &impl Code) -> Option<Vec<u32>> {
    let hash = |entry: &Entry| {
        let mut first = [0; FIRST];
        let key = Key {
            pc: base + u64::from(entry.pc),
            mode: super::format::mode(entry),
        };
        code.read(key.pc, &mut first)
            .then(|| hash_of_entry(&first, key))
    };
    entries.iter().map(hash).collect()
}

/// A key as entries have it. For a key of another image, no entry of this one has the same.
fn target(key: Key, base: u64) -> (u32, u16) {
    let pc = u32::try_from(key.pc.wrapping_sub(base)).unwrap_or(u32::MAX);
    let mode = u16::try_from(key.mode.number()).unwrap_or(u16::MAX);
    (pc, mode)
}

impl Made {
    /// Takes over what the regions are of: whole words, of which an instruction of 2 bytes is a
    /// half. Nothing if an instruction is not there any more.
    fn stretches<G: Guest>(
        &mut self,
        regions: &[Region],
        base: u64,
        code: &impl Code,
    ) -> Option<()> {
        let mut all: Vec<(u32, u32)> = Vec::new();
        let mut part = |pc: u64, size: Size| {
            let at = pc & !3;
            let word = code.fetch(at, Size::Word)?;
            all.push((u32::try_from(at.checked_sub(base)?).ok()?, word));
            match size {
                Size::Half => Some(word >> (8 * (pc & 2)) & 0xffff),
                _ => (pc == at).then_some(word),
            }
        };
        for region in regions {
            let mut instructions = region.words.iter();
            for block in &region.blocks {
                let mut pc = block.pc;
                for &word in instructions.by_ref().take(block.insns as usize) {
                    let there = G::fetch(region.mode, pc, |pc, size| part(pc, size).ok_or(()));
                    if there != Ok(word) {
                        return None;
                    }
                    pc += G::length(region.mode, word);
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        for (pc, word) in all {
            match self.stretches.last_mut() {
                Some(last) if last.start + 4 * last.words == pc => last.words += 1,
                // Two words at one place: it was written meanwhile.
                Some(last) if last.start + 4 * last.words > pc => return None,
                _ => self.stretches.push(Stretch {
                    start: pc,
                    words: 1,
                }),
            }
            self.words.push(word);
        }
        Some(())
    }

    fn entry(&mut self, key: Key, base: u64, at: u32, flags: Live, code: &impl Code) -> Option<()> {
        // One whose first words can't be read would not be found.
        let mut first = [0; FIRST];
        if !code.read(key.pc, &mut first) {
            return Some(());
        }
        self.entries.push(Entry {
            pc: u32::try_from(key.pc.checked_sub(base)?).ok()?,
            mode: u16::try_from(key.mode.number()).ok()?,
            flags: match flags {
                Live::Dead => 0,
                Live::Weak => 1,
                Live::Live => 2,
            },
            code: at,
            cluster: 0,
        });
        Some(())
    }

    fn region(&mut self, part: &Part, base: u64) -> Option<()> {
        let lowered = &part.lowered;
        let (first_point, first_state) = (self.points.len(), self.states.len());
        for point in &lowered.faults {
            let state = State::of(point);
            let states = &self.states[first_state..];
            let from = states.len().saturating_sub(8);
            let known = states[from..].iter().rposition(|&other| other == state);
            let row = known.map_or(states.len(), |at| from + at);
            if row == states.len() {
                self.states.push(state);
            }
            self.points.push(Point {
                host: point.host,
                pc: u32::try_from(point.pc.checked_sub(base)?).ok()?,
                state: u32::try_from(row).ok()?,
            });
        }
        let span = |start: usize, end: usize| {
            Some(Span {
                start: u32::try_from(start).ok()?,
                count: u32::try_from(end - start).ok()?,
            })
        };
        self.regions.push(Kept {
            code: part.start,
            length: u32::try_from(part.code.len()).ok()?,
            points: span(first_point, self.points.len())?,
            states: span(first_state, self.states.len())?,
            swaps: lowered.swaps.to_bytes(),
        });
        self.base_words
            .extend(lowered.base_words.iter().map(|at| part.start + at));
        Some(())
    }

    /// Links a region's exits within the cluster, and lists the others.
    fn exits(&mut self, part: &Part, places: &HashMap<Key, u32>, base: u64) {
        for exit in &part.lowered.exits {
            let patch = part.start + exit.patch;
            match (places.get(&exit.target), exit.slot) {
                (Some(&to), _) => {
                    let distance = to.wrapping_sub(patch + 4);
                    let at = patch as usize;
                    self.code[at..at + 4].copy_from_slice(&distance.to_le_bytes());
                }
                (None, Some(slot)) => self.exits.push(Out {
                    slot: part.start + slot,
                    number: part.start + exit.number,
                    target: target(exit.target, base),
                    to: None,
                }),
                (None, None) => {}
            }
        }
    }
}
