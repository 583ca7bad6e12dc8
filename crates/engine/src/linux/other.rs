//! What other processes on the same engine say of themselves.
//!
//! The host's files of a process tell of the engine where they should tell of
//! the guest, and only its own engine knows better. That is asked without its
//! help: a process that runs on the same file has the same statics at the same
//! places of it. One of them (`PUBLISHED`) says where the rest is, which is
//! read from its `/proc/PID/mem`. The kernel decides who may.
//!
//! A process may write its engine's memory, so all of this may be wrong, and it
//! may change while it is read. It shapes texts; no address of it is ever
//! used in this process, and there is a limit for all that is counted.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use super::abi::platform::Guests;
use super::known::Known;
use super::process::Process;
use super::views::maps;
use crate::host::own::{self, room};
use crate::host::page::END;
use crate::host::sys::{self, AT_FDCWD, Fd, status_at};
use crate::memory::ranges::Head;

/// The words of [`PUBLISHED`].
#[derive(Clone, Copy)]
enum Word {
    /// Their own address, once the others are there.
    Here,
    /// The first of the engine's ranges, and how many were ever used.
    Own,
    Used,
    /// The heads of what is executable and of what of that can't be read.
    Executable,
    Unreadable,
    /// The heap's two ends.
    Heap,
    /// The first thread's stack.
    StackStart,
    StackEnd,
    /// The vDSO's page.
    VdsoStart,
    VdsoEnd,
    /// Where the addresses above the guest's begin; 0 where it has all.
    Room,
    /// Which guest it is: `e_machine` of its programs.
    Machine,
}

const WORDS: usize = Word::Machine as usize + 1;

static PUBLISHED: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];

fn set(word: Word, value: u64) {
    PUBLISHED[word as usize].store(value, Ordering::Relaxed);
}

/// Lets others know the process, which has to stay where it is.
pub fn publish(process: &'static Process) {
    let [executable, unreadable] = process.space.heads();
    let (own, used) = own::places();
    set(Word::Own, own);
    set(Word::Used, used);
    set(Word::Executable, executable);
    set(Word::Unreadable, unreadable);
    set(Word::Heap, process.heap.place());
    set(Word::Room, room::range().map_or(0, |room| room.start));
    set(Word::Machine, process.platform.elf.machine.into());
    for (range, name) in process.names() {
        let (start, end) = match name {
            "[stack]" => (Word::StackStart, Word::StackEnd),
            _ if range == process.vdso => (Word::VdsoStart, Word::VdsoEnd),
            // The heap grows, and other pages never move.
            _ => continue,
        };
        set(start, range.start);
        set(end, range.end);
    }
    let here = PUBLISHED.as_ptr() as u64;
    PUBLISHED[Word::Here as usize].store(here, Ordering::Release);
}

/// Another process on the same engine.
#[derive(Debug)]
pub struct Other {
    memory: Fd,
    words: [u64; WORDS],
}

impl Other {
    /// The process with this directory in a procfs (`12`, `12/task/13`), whose
    /// `maps` these are and which runs on the engine's file with this inode: if its
    /// memory may be read, and its program has begun.
    #[must_use]
    pub fn find(procfs: &[u8], task: &[u8], maps: &[u8], engine: u64) -> Option<Self> {
        let memory = Fd::open(&below(procfs, task, "mem")?).ok()?;
        // How far the words are into the file's mapping.
        let offset = (PUBLISHED.as_ptr() as u64).checked_sub(own::first()?)?;
        maps::starts_of(maps, engine)
            .take(MOST_STARTS)
            .find_map(|start| {
                let here = start.checked_add(offset)?;
                let words = words(&memory, here)?;
                (words[Word::Here as usize] == here).then_some(words)
            })
            .map(|words| Self { memory, words })
    }

    /// What it knows at this moment. Its guest is one of the caller's, since its engine is.
    #[must_use]
    pub fn known(&self, guests: Guests) -> Option<Known> {
        let platform = guests.of_machine(self.word(Word::Machine))?;
        let [heap_start, heap_end] = words(&self.memory, self.word(Word::Heap))?;
        let vdso = self.word(Word::VdsoStart)..self.word(Word::VdsoEnd);
        let mut names = alloc::vec![
            (
                self.word(Word::StackStart)..self.word(Word::StackEnd),
                "[stack]"
            ),
            (heap_start..heap_end, "[heap]"),
        ];
        names.extend(platform.names_of_pages(vdso));
        let known = Known {
            own: self.own()?,
            executable: self.ranges(Word::Executable)?,
            unreadable: self.ranges(Word::Unreadable)?,
            names,
        };
        Some(known.ascending())
    }

    const fn word(&self, word: Word) -> u64 {
        self.words[word as usize]
    }

    fn own(&self) -> Option<Vec<Range<u64>>> {
        let [used] = words(&self.memory, self.word(Word::Used))?;
        let used = usize::try_from(used).ok()?.min(own::MOST);
        let mut own = pairs(&self.memory, self.word(Word::Own), used)?;
        let room = self.word(Word::Room);
        own.extend((room != 0).then_some(room..END));
        Some(own)
    }

    /// Ranges, once they hold still.
    fn ranges(&self, head: Word) -> Option<Vec<Range<u64>>> {
        /// No process has more mappings, unless root said so.
        const MOST: usize = 1 << 16;
        const TRIES: usize = 100;
        let head = || words::<{ Head::WORDS }>(&self.memory, self.word(head));
        for _ in 0..TRIES {
            let before = head()?;
            let [version, place, count] = before;
            if version % 2 == 0 {
                let count = usize::try_from(count).ok().filter(|&count| count <= MOST)?;
                let all = pairs(&self.memory, place, count);
                if head()? == before {
                    return all;
                }
            }
            sys::yield_processor();
        }
        None
    }
}

/// How often a file is looked for that may be mapped many times.
const MOST_STARTS: usize = 16;

/// The inode of the engine's file, if the process with this directory in a
/// procfs runs on it. Who may not follow its link can still tell by its `maps`.
#[must_use]
pub fn engine_of(procfs: &[u8], task: &[u8], maps: &[u8]) -> Option<u64> {
    let status = |task| status_at(AT_FDCWD, &below(procfs, task, "exe")?, 0).ok();
    let own = status(b"self")?;
    let is_it = match status(task) {
        Some(other) => (own.dev, own.ino) == (other.dev, other.ino),
        None => maps::starts_of(maps, own.ino).next().is_some(),
    };
    is_it.then_some(own.ino)
}

/// A file of a process's.
#[must_use]
pub fn below(procfs: &[u8], task: &[u8], file: &str) -> Option<CString> {
    CString::new([procfs, b"/", task, b"/", file.as_bytes()].concat()).ok()
}

/// Words of another process's memory.
fn words<const N: usize>(memory: &Fd, address: u64) -> Option<[u64; N]> {
    let mut words = [0; N];
    let all = list(memory, address, N)?;
    words.copy_from_slice(&all);
    Some(words)
}

/// Ranges of another process's, without the empty ones.
fn pairs(memory: &Fd, address: u64, count: usize) -> Option<Vec<Range<u64>>> {
    if count == 0 {
        return Some(Vec::new());
    }
    let words = list(memory, address, 2 * count)?;
    let ranges = words.as_chunks().0.iter().map(|&[start, end]| start..end);
    Some(ranges.filter(|range| !range.is_empty()).collect())
}

fn list(memory: &Fd, address: u64, count: usize) -> Option<Vec<u64>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(8 * count).ok()?;
    bytes.resize(8 * count, 0);
    // Positions from the middle of all on are none.
    i64::try_from(address).ok()?;
    let length = memory.read_at(&mut bytes, address).ok()?;
    (length == bytes.len()).then(|| {
        let words = bytes.as_chunks().0.iter();
        words.map(|&word| u64::from_le_bytes(word)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::abi::arm64::platform::PLATFORM;
    use crate::memory::ranges::Ranges;
    use core::ptr;

    const GUESTS: Guests = Guests {
        own: &PLATFORM,
        other: &PLATFORM,
    };

    /// This process, as another would read it.
    fn other(words: &[(Word, u64)]) -> Other {
        let memory = Fd::open(c"/proc/self/mem").unwrap();
        let mut all = [0; WORDS];
        all[Word::Machine as usize] = PLATFORM.elf.machine.into();
        for &(word, value) in words {
            all[word as usize] = value;
        }
        Other { memory, words: all }
    }

    #[test]
    fn ranges_of_another() {
        let mut ranges = Ranges::new();
        ranges.join(0x1000..0x2000);
        ranges.join(0x5000..0x6000);
        let head = ptr::from_ref(&ranges) as u64;
        let words = other(&[(Word::Executable, head)]);
        let found = words.ranges(Word::Executable);
        assert_eq!(found, Some(alloc::vec![0x1000..0x2000, 0x5000..0x6000]));
        let heap = [7_u64, 9];
        let own = [5_u64, 6, 0, 0, 4, 3, 1, 2];
        let used = 4_u64;
        let all = other(&[
            (Word::Executable, head),
            (Word::Unreadable, head),
            (Word::Heap, heap.as_ptr() as u64),
            (Word::Own, own.as_ptr() as u64),
            (Word::Used, ptr::from_ref(&used) as u64),
        ]);
        let known = all.known(GUESTS).unwrap();
        assert_eq!(known.own, [1..2, 5..6]);
        assert_eq!(known.names[1], (7..9, "[heap]"));
    }

    /// What is wrong is found to be nothing, or little.
    #[test]
    fn what_another_says_may_be_wrong() {
        for head in [0, 1, 0x1000, u64::MAX, 1 << 63, u64::MAX - 7] {
            let words = other(&[(Word::Executable, head), (Word::Heap, head)]);
            assert_eq!(words.ranges(Word::Executable), None, "{head:#x}");
            assert_eq!(words.known(GUESTS), None);
        }
        assert_eq!(other(&[(Word::Machine, 0)]).known(GUESTS), None);
        let pair = [9_u64, 4];
        let heads = [
            // It changes for ever.
            ([1, pair.as_ptr() as u64, 1], None),
            // There is not so much.
            ([2, pair.as_ptr() as u64, u64::MAX], None),
            ([2, 16, 1], None),
            ([2, u64::MAX, 1], None),
            // It ends before it begins.
            ([2, pair.as_ptr() as u64, 1], Some(Vec::new())),
            ([2, 0, 0], Some(Vec::new())),
        ];
        for (head, found) in heads {
            let words = other(&[(Word::Executable, head.as_ptr() as u64)]);
            assert_eq!(words.ranges(Word::Executable), found, "{head:x?}");
        }
    }
}
