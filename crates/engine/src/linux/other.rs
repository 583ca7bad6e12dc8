//! What other processes on the same engine say of themselves.
//!
//! The host's files of a process tell of the engine where they should tell of
//! the guest, and only its own engine knows better. That is asked without its
//! help: a process that runs on the same file has the same statics at the same
//! places of it. One of them ([`PUBLISHED`]) says where the rest is, which is
//! read from its `/proc/PID/mem`. The kernel decides who may.
//!
//! A process may write its engine's memory, so all of this may be wrong, and it
//! may change while it is read. It shapes texts; no address of it is ever
//! used in this process, and there is a limit for all that is counted.

use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use super::own;
use super::process::Process;
use super::ranges::Head;
use super::sys::{self, Errno, Fd, Status};
use super::views::maps;

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
    /// The descriptor of the program's file, plus one.
    Program,
}

const WORDS: usize = Word::Program as usize + 1;

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
    set(Word::StackStart, process.stack.start);
    set(Word::StackEnd, process.stack.end);
    set(Word::VdsoStart, process.vdso.start);
    set(Word::VdsoEnd, process.vdso.end);
    let here = PUBLISHED.as_ptr() as u64;
    PUBLISHED[Word::Here as usize].store(here, Ordering::Release);
}

/// Lets others know the descriptor of the program's file, or that there is
/// none.
pub fn publish_program(descriptor: Option<i32>) {
    let number = descriptor.and_then(|number| u64::try_from(number).ok());
    set(Word::Program, number.map_or(0, |number| number + 1));
}

/// What an engine knows of its guest's memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The engine's ranges.
    pub own: Vec<Range<u64>>,
    /// What the guest may execute, ascending.
    pub executable: Vec<Range<u64>>,
    /// What of that it may not read, though the host lets it, ascending.
    pub unreadable: Vec<Range<u64>>,
    /// Stack, heap and vDSO.
    pub names: Vec<(Range<u64>, &'static str)>,
}

/// Another process on the same engine.
#[derive(Debug)]
pub struct Other {
    memory: Fd,
    words: [u64; WORDS],
}

impl Other {
    /// The process with this directory (`/proc/PID`), whose `maps` these are:
    /// if its memory may be read, and its program has begun.
    #[must_use]
    pub fn find(directory: &Fd, maps: &[u8]) -> Option<Self> {
        let engine = engine_of(directory)?;
        let memory = directory.open_below(c"mem").ok()?;
        // How far the words are into the file's mapping.
        let offset = (PUBLISHED.as_ptr() as u64).checked_sub(own::first()?)?;
        maps::starts_of(maps, engine.ino)
            .take(MOST_STARTS)
            .find_map(|start| {
                let here = start.checked_add(offset)?;
                let words = words(&memory, here)?;
                (words[Word::Here as usize] == here).then_some(words)
            })
            .map(|words| Self { memory, words })
    }

    /// What it knows at this moment.
    #[must_use]
    pub fn known(&self) -> Option<Known> {
        let [heap_start, heap_end] = words(&self.memory, self.word(Word::Heap))?;
        Some(Known {
            own: self.own()?,
            executable: self.ranges(Word::Executable)?,
            unreadable: self.ranges(Word::Unreadable)?,
            names: alloc::vec![
                (
                    self.word(Word::StackStart)..self.word(Word::StackEnd),
                    "[stack]"
                ),
                (heap_start..heap_end, "[heap]"),
                (
                    self.word(Word::VdsoStart)..self.word(Word::VdsoEnd),
                    "[vdso]"
                ),
            ],
        })
    }

    /// The descriptor that it holds of its program's file.
    #[must_use]
    pub fn program(&self) -> Option<i32> {
        i32::try_from(self.word(Word::Program).checked_sub(1)?).ok()
    }

    const fn word(&self, word: Word) -> u64 {
        self.words[word as usize]
    }

    fn own(&self) -> Option<Vec<Range<u64>>> {
        let [used] = words(&self.memory, self.word(Word::Used))?;
        let used = usize::try_from(used).ok()?.min(own::MOST);
        pairs(&self.memory, self.word(Word::Own), used)
    }

    /// Ranges, once they hold still.
    fn ranges(&self, head: Word) -> Option<Vec<Range<u64>>> {
        /// No process has more mappings, unless root said so.
        const MOST: u64 = 1 << 18;
        const TRIES: usize = 100;
        let head = || words::<{ Head::WORDS }>(&self.memory, self.word(head));
        for _ in 0..TRIES {
            let before = head()?;
            let [version, place, count] = before;
            if version % 2 == 0 {
                let count = usize::try_from(count.min(MOST)).ok()?;
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

/// The engine's file, if that is what the process with this directory runs on.
#[must_use]
pub fn engine_of(directory: &Fd) -> Option<Status> {
    let own = own_engine(directory).ok()?;
    let other = directory.status_below(c"exe").ok()?;
    ((own.dev, own.ino) == (other.dev, other.ino)).then_some(other)
}

/// This process's own, as a procfs says that has this directory.
fn own_engine(directory: &Fd) -> Result<Status, Errno> {
    directory
        .status_below(c"../self/exe")
        .or_else(|_| directory.status_below(c"../../../self/exe"))
        .or_else(|_| directory.status_below(c"/proc/self/exe"))
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

impl Known {
    /// What this process knows of its own.
    #[must_use]
    pub fn of(process: &Process) -> Self {
        Self {
            own: own::ranges().collect(),
            executable: process.space.executable_ranges(),
            unreadable: process.space.unreadable_ranges(),
            names: process.names(),
        }
    }
}
