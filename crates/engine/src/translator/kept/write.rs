//! Makes a file: what another one has, and new clusters behind that.
//!
//! Code that a file has stays where it is in the section, and its words of data stay as far
//! before that, so nothing of it changes. A file is written under another name, synced, and
//! gets its name when it is whole: one that was cut has none. Nobody writes to it then.

use alloc::vec::Vec;
use core::ffi::CStr;

use super::build::{ALIGN, Made};
use super::file::File;
use super::format::{
    Cluster, Entry, Exit, Found, Header, Identity, KEPT, MAGIC, MOST_CODE, MOST_DATA, Place,
    Places, Point, Record, Region, Span, State, Stretch, bytes, room_for,
};
use crate::host::page::PAGE;
use crate::host::sys::{self, Errno, Fd, number};

/// The sections of a file.
#[derive(Default)]
struct Sections {
    found: Vec<Found>,
    clusters: Vec<Cluster>,
    entries: Vec<Entry>,
    stretches: Vec<Stretch>,
    words: Vec<u32>,
    exits: Vec<Exit>,
    regions: Vec<Region>,
    points: Vec<Point>,
    states: Vec<State>,
    known: Vec<u8>,
    code: Vec<u8>,
    data: u32,
}

/// The bytes of a file with all clusters of `old` and as many new ones as there is room for, and
/// how many new ones are left out; nothing if the file would have no cluster.
#[must_use]
pub fn file(old: Option<&File>, made: &[Made], identity: &Identity) -> Option<(Vec<u8>, usize)> {
    let mut sections = old.map_or_else(Sections::default, Sections::of);
    let (mut entries, mut exits) = (Vec::new(), Vec::new());
    for cluster in made {
        if !sections.has_room(cluster) {
            break;
        }
        entries.push(sections.entries.len());
        exits.push(sections.exits.len());
        sections.add(cluster)?;
    }
    for (number, &first) in exits.iter().enumerate() {
        sections.lead(number, &made[number], first, &entries)?;
    }
    let left_out = made.len() - exits.len();
    Some((sections.write(identity)?, left_out))
}

impl Sections {
    fn of(file: &File) -> Self {
        let taken = file.index.iter().filter(|found| found.entry != 0);
        Self {
            found: taken.copied().collect(),
            clusters: file.clusters.to_vec(),
            entries: file.entries.to_vec(),
            stretches: file.stretches.to_vec(),
            words: file.words.to_vec(),
            exits: file.exits.to_vec(),
            regions: file.regions.to_vec(),
            points: file.points.to_vec(),
            states: file.states.to_vec(),
            known: file.known.to_vec(),
            code: file.bytes().to_vec(),
            data: file.data,
        }
    }

    /// Whether one more may be added.
    fn has_room(&self, made: &Made) -> bool {
        let code = self.code.len() + ALIGN + made.code.len();
        let data = self.data as usize + 1 + made.exits.len();
        code as u64 <= MOST_CODE && data <= MOST_DATA as usize
    }

    fn add(&mut self, made: &Made) -> Option<()> {
        let number = count(&self.clusters)?;
        self.code
            .resize(self.code.len().next_multiple_of(ALIGN), 0xcc);
        let start = count(&self.code)?;
        let base = self.data;
        let (points, states) = (count(&self.points)?, count(&self.states)?);
        let cluster = Cluster {
            entries: span(&self.entries, &made.entries)?,
            stretches: span(&self.stretches, &made.stretches)?,
            words: span(&self.words, &made.words)?,
            exits: span(&self.exits, &made.exits)?,
            incoming: Span::default(),
            regions: span(&self.regions, &made.regions)?,
            low: made.stretches.first()?.start,
            high: made
                .stretches
                .last()
                .map(|last| last.start + 4 * last.words)?,
            data: base,
            code: start,
            code_end: start + count(&made.code)?,
        };
        let mut code = made.code.clone();
        for &at in &made.base_words {
            fill(&mut code, at, displacement(base, start + at))?;
        }
        for (n, out) in (0..).zip(&made.exits) {
            let data = base + 1 + n;
            fill(&mut code, out.slot, displacement(data, start + out.slot))?;
            fill(&mut code, out.number, (cluster.exits.start + n) | KEPT)?;
            self.exits.push(Exit {
                unlinked: start + out.slot + 4,
                data,
                entry: 0,
            });
        }
        self.data = base + 1 + count(&made.exits)?;
        for (entry, &hash) in made.entries.iter().zip(&made.hashes) {
            self.found.push(Found {
                hash,
                entry: count(&self.entries)? + 1,
            });
            self.entries.push(Entry {
                code: start + entry.code,
                cluster: number,
                ..*entry
            });
        }
        for region in &made.regions {
            self.regions.push(Region {
                code: start + region.code,
                points: moved(region.points, points),
                states: moved(region.states, states),
                ..*region
            });
        }
        self.stretches.extend_from_slice(&made.stretches);
        self.words.extend_from_slice(&made.words);
        self.points.extend_from_slice(&made.points);
        self.states.extend_from_slice(&made.states);
        self.code.append(&mut code);
        self.clusters.push(cluster);
        self.know(made, start);
        Some(())
    }

    /// Writes to which entries a new cluster's exits lead. Its exits are in the section from
    /// `first` on; `entries` has the first entry of each new cluster that has found room.
    fn lead(&mut self, number: usize, made: &Made, first: usize, entries: &[usize]) -> Option<()> {
        let exits = self.exits.get_mut(first..)?;
        for (exit, out) in exits.iter_mut().zip(&made.exits) {
            let there = out.to.and_then(|to| {
                let further = isize::try_from(to.further).ok()?;
                let start = entries.get(number.checked_add_signed(further)?)?;
                u32::try_from(*start).ok()?.checked_add(to.entry + 1)
            });
            exit.entry = there.unwrap_or(0);
        }
        Some(())
    }

    /// Sets the bits of a cluster's points.
    fn know(&mut self, made: &Made, start: u32) {
        self.known.resize(self.code.len().div_ceil(8), 0);
        for region in &made.regions {
            for point in region.points.of(&made.points).unwrap_or_default() {
                let at = (start + region.code + point.host) as usize;
                self.known[at / 8] |= 1 << (at % 8);
            }
        }
    }

    fn index(&self) -> Option<Vec<Found>> {
        let size = (2 * self.found.len()).next_power_of_two().max(16);
        let mut index = alloc::vec![Found::default(); size];
        for found in &self.found {
            let places = (0..size).map(|n| (found.hash as usize).wrapping_add(n) % size);
            let free = places.into_iter().find(|&at| index[at].entry == 0)?;
            index[free] = *found;
        }
        Some(index)
    }

    /// The numbers of the exits that lead to another cluster's entries, by that cluster; the
    /// clusters, each with its part of them.
    fn incoming(&self) -> Option<(Vec<u32>, Vec<Cluster>)> {
        let mut leading: Vec<(u32, u32)> = Vec::new();
        for (number, exit) in (0..).zip(&self.exits) {
            let to = exit.entry.checked_sub(1);
            let to = to.and_then(|entry| self.entries.get(entry as usize));
            leading.extend(to.map(|entry| (entry.cluster, number)));
        }
        leading.sort_unstable();
        let mut clusters = self.clusters.clone();
        for (number, cluster) in (0..).zip(&mut clusters) {
            let before = |wanted| leading.partition_point(|&(to, _)| to < wanted);
            let (start, end) = (before(number), before(number + 1));
            cluster.incoming = Span {
                start: u32::try_from(start).ok()?,
                count: u32::try_from(end - start).ok()?,
            };
        }
        let exits = leading.into_iter().map(|(_, exit)| exit);
        Some((exits.collect(), clusters))
    }

    fn write(&self, identity: &Identity) -> Option<Vec<u8>> {
        if self.code.is_empty() || self.code.len() as u64 > MOST_CODE || self.data > MOST_DATA {
            return None;
        }
        let mut out = alloc::vec![0; size_of::<Header>()];
        let index = self.index()?;
        let (incoming, clusters) = self.incoming()?;
        let places = Places {
            index: add(&mut out, &index)?,
            clusters: add(&mut out, &clusters)?,
            entries: add(&mut out, &self.entries)?,
            stretches: add(&mut out, &self.stretches)?,
            words: add(&mut out, &self.words)?,
            exits: add(&mut out, &self.exits)?,
            incoming: add(&mut out, &incoming)?,
            known: add(&mut out, &self.known)?,
            regions: add(&mut out, &self.regions)?,
            points: add(&mut out, &self.points)?,
            states: add(&mut out, &self.states)?,
        };
        #[allow(clippy::cast_possible_truncation, reason = "a power of two")]
        out.resize(out.len().next_multiple_of(PAGE as usize), 0);
        let meta = out.len() as u64;
        let code = meta + room_for(self.data);
        out.resize(usize::try_from(code).ok()?, 0);
        out.extend_from_slice(&self.code);
        let header = Header {
            magic: MAGIC,
            identity: *identity,
            data: self.data,
            length: out.len() as u64,
            meta,
            code,
            code_length: self.code.len() as u64,
            places,
        };
        out[..size_of::<Header>()].copy_from_slice(bytes(core::slice::from_ref(&header)));
        Some(out)
    }
}

/// A section at the end of the file so far.
fn add<T: Record>(out: &mut Vec<u8>, records: &[T]) -> Option<Place> {
    out.resize(out.len().next_multiple_of(ALIGN), 0);
    let place = Place {
        offset: count(out)?,
        count: count(records)?,
    };
    out.extend_from_slice(bytes(records));
    Some(place)
}

fn count<T>(records: &[T]) -> Option<u32> {
    u32::try_from(records.len()).ok()
}

fn span<T, U>(section: &[T], new: &[U]) -> Option<Span> {
    Some(Span {
        start: count(section)?,
        count: count(new)?,
    })
}

const fn moved(span: Span, by: u32) -> Span {
    Span {
        start: span.start + by,
        count: span.count,
    }
}

/// What an instruction has whose last four bytes are at an offset of the code, to reach a
/// word of data.
const fn displacement(data: u32, at: u32) -> u32 {
    0_u32.wrapping_sub(8 * (data + 1)).wrapping_sub(at + 4)
}

fn fill(code: &mut [u8], at: u32, value: u32) -> Option<()> {
    let bytes = code.get_mut(at as usize..at as usize + 4)?;
    bytes.copy_from_slice(&value.to_le_bytes());
    Some(())
}

/// Makes a file of this mode and gives it its name, in place of what has it.
///
/// # Errors
/// The kernel's; nothing is left behind then.
pub fn publish(path: &CStr, content: &[u8], mode: u64) -> Result<(), Errno> {
    const WRONLY: u64 = 1;
    const CREAT: u64 = 0o100;
    const EXCL: u64 = 0o200;
    const CLOEXEC: u64 = 0o2_000_000;
    // SAFETY: the call touches no memory.
    let pid = unsafe { sys::syscall(number::GETPID, [0; 6]) }?;
    let mut name = path.to_bytes().to_vec();
    name.extend_from_slice(alloc::format!(".{pid}\0").as_bytes());
    let name = CStr::from_bytes_with_nul(&name).map_err(|_| Errno::EINVAL)?;
    let file = Fd::create(name, WRONLY | CREAT | EXCL | CLOEXEC, mode)?;
    let done = sys::write_all(file.number(), content).and_then(|()| {
        let arguments = [file.number().cast_unsigned().into(), 0, 0, 0, 0, 0];
        // SAFETY: the call touches no memory.
        unsafe { sys::syscall(number::FSYNC, arguments) }?;
        sys::rename(name, path)
    });
    done.inspect_err(|_| sys::unlink(name))
}
