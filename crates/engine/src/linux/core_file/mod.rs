//! The core file of a guest that a signal ends: the guest's, as a kernel of its architecture
//! writes it, and not the engine's.
//!
//! ```text
//! facts ─┬─ name                   core_pattern to a file's name
//!        ├─ parking ─── notes ─┐   the threads' registers
//!        └─ contents ──────────┴─ write     mappings, and the file
//! death ─ nowhere                  dying with the core flag
//! ```
//!
//! The engine writes such a file where `core_pattern` is the name of a file. Where
//! `core_pattern` names a program or a socket, there is no core file: only the host's kernel
//! can start such a program as root and outside of containers, and the kernel could only give
//! it the engine's core.
//!
//! Nobody else writes the file: the host's own goes nowhere (`death`). Signals
//! that somebody sends have to come to the engine for that, also where the guest
//! leaves them to the default ([`heed`]).

mod calls;
mod contents;
mod death;
mod facts;
mod name;
mod notes;
mod nowhere;
mod parking;
mod write;

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering};

pub use self::death::wait_for_the_end;
use self::parking::Parked;
pub use self::parking::Parking;
use self::write::Memory;
use super::known::Known;
use super::process::{Process, Thread};
use super::signals;
use super::views::maps;
use crate::host::signal;
use crate::host::sys::{self, AT_FDCWD, Errno, Fd, fd_argument, number};
use crate::thread::register_sets::RegisterSets;

/// `RLIMIT_CORE`.
pub const RLIMIT_CORE: u64 = 4;
/// With less there is none.
const SMALLEST: u64 = 4096;

/// How a process dies by a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Death {
    /// The host's kernel does what it does.
    AsTheHost,
    /// Without a core file of the host's.
    WithoutFile,
    /// The parent is told of a core file.
    WithFile {
        /// The file's path, as `core_pattern` says it.
        path: CString,
        /// Whether all other threads have stopped, and the first is still one of all.
        may_be_alone: bool,
    },
}

impl Death {
    /// Dies by the signal.
    pub fn by(self, signal: i32) -> ! {
        match self {
            Self::AsTheHost => signals::die(signal),
            Self::WithoutFile => death::without_file(signal),
            Self::WithFile { path, may_be_alone } => death::with_file(signal, path, may_be_alone),
        }
    }
}

/// Whether core files are wanted, and here: then their limit.
fn limit() -> Option<u64> {
    sys::limit(RLIMIT_CORE).filter(|&limit| limit >= SMALLEST)
}

/// Whether nobody could be told before it is another process, since this is the
/// first of a PID namespace: the kernel lets those ignore what they leave to the
/// default.
static IS_FIRST: AtomicBool = AtomicBool::new(false);

/// Lets signals that write a core file come to the engine, if a core file is
/// wanted, or somebody gets one whatever the limit says.
pub fn heed() {
    if limit().is_none() && !facts::has_handler() {
        return;
    }
    // SAFETY: the call touches no memory.
    let is_first = unsafe { sys::syscall(number::GETPID, [0; 6]) } == Ok(1);
    IS_FIRST.store(is_first, Ordering::Relaxed);
    if !is_first {
        signals::follow(signals::CORES);
    }
}

/// In a child of `fork`: what its parent could not.
pub fn heed_in_child() {
    if IS_FIRST.load(Ordering::Relaxed) {
        heed();
    }
}

/// The process dies by a signal: writes its core file if it is to have one.
/// `others` gives the numbers of its other threads, which do not go on.
pub fn write(
    process: &Process,
    thread: &Thread,
    registers: impl FnOnce() -> RegisterSets,
    signal: i32,
    others: impl Fn() -> Vec<u32>,
) -> Death {
    let dumpable = facts::dumpable();
    if signals::CORES & signal::bit(signal) == 0 || dumpable == 0 {
        return Death::AsTheHost;
    }
    if facts::has_handler() {
        return Death::WithoutFile;
    }
    let Some(limit) = limit() else {
        return Death::AsTheHost;
    };
    allow_files();
    let Some(pattern) = facts::pattern() else {
        return Death::WithoutFile;
    };
    // A file of who has changed rights is root's, and nobody's choice where: the
    // kernel makes it so whoever dies.
    let is_kept = dumpable != 1;
    if is_kept && !(pattern.starts_with(b"/") && facts::is_root()) {
        return Death::WithoutFile;
    }
    let own = thread.attention().process.load(Ordering::Relaxed);
    if !process.parking.begin(own) {
        // Another thread dies already.
        if process
            .parking
            .park(thread.attention(), thread.mask, registers)
        {
            wait_for_the_end()
        }
        return Death::WithoutFile;
    }
    // Nothing is to come between.
    let _ = signal::set_whole_mask(!0);
    let (threads, all) = stopped(
        process,
        Parked::new(thread.attention(), thread.mask, registers()),
        own,
        others,
    );
    let Some(path) = facts::name(&pattern, process, thread, signal) else {
        return Death::WithoutFile;
    };
    let place = Place {
        path: &path,
        is_kept,
    };
    match fill(process, thread, &threads, limit, &place) {
        // Where that one goes the kernel would write its own: not below a root
        // that is the process's.
        Ok(()) if is_kept => Death::WithoutFile,
        Ok(()) => Death::WithFile {
            may_be_alone: all && threads.iter().any(|parked| parked.thread == own),
            path,
        },
        Err(_) => Death::WithoutFile,
    }
}

/// The threads, the one that dies first, and whether these are all. Others may just
/// have begun, and be known to nobody yet.
fn stopped(
    process: &Process,
    dies: Parked,
    own: u32,
    others: impl Fn() -> Vec<u32>,
) -> (Vec<Parked>, bool) {
    const ROUNDS: u32 = 200;
    const ROUND: u64 = 5_000_000;
    let mut threads = alloc::vec![dies];
    for _ in 0..ROUNDS {
        let mut rest = others();
        rest.retain(|&other| threads.iter().all(|parked| parked.thread != other));
        let (parked, came) = process.parking.gather(own, rest);
        threads.extend(parked);
        if !came {
            break;
        }
        if facts::threads().is_none_or(|count| count <= threads.len()) {
            return (threads, true);
        }
        sys::pause(ROUND);
    }
    (threads, false)
}

/// A process that has used up its descriptors needs some more: it may have more,
/// or else the last ones are closed, a moment before all are.
fn allow_files() {
    const RLIMIT_NOFILE: u64 = 7;
    /// As many as are open at a time here and in [`death`].
    const NEEDED: u64 = 12;
    let Some([_, most]) = sys::limits(RLIMIT_NOFILE) else {
        return;
    };
    let _ = sys::set_limits(RLIMIT_NOFILE, [most; 2]);
    if let Err(Errno::EMFILE) = Fd::open(c"/") {
        let first = most.saturating_sub(NEEDED);
        // SAFETY: the call touches no memory, and whose descriptors these are does
        // not go on.
        let _ = unsafe { sys::syscall(number::CLOSE_RANGE, [first, most, 0, 0, 0, 0]) };
    }
}

fn fill(
    process: &Process,
    thread: &Thread,
    threads: &[Parked],
    limit: u64,
    place: &Place<'_>,
) -> Result<(), Errno> {
    let memory = Memory::open()?;
    let about = facts::about(process, thread, &memory);
    let filter = facts::filter();
    // First the mappings, then what the engine's are: those are in both.
    let host = Fd::open(c"/proc/self/smaps")?.read_all()?;
    let known = Known::of(process);
    let mappings = maps::mappings(&host, &known);
    let notes = notes::all(&about, threads, &mappings, process.platform);
    let file = create(place)?;
    write::write(
        &file,
        (&process.platform.elf, limit),
        &notes,
        &mappings,
        (filter, &memory),
    );
    Ok(())
}

/// Where a file goes.
struct Place<'a> {
    path: &'a CStr,
    /// What is there already stays.
    is_kept: bool,
}

/// A new file in the place of an old one, as the kernel makes it: no link is
/// followed, and the user may read and write it and nobody else.
fn create(place: &Place<'_>) -> Result<Fd, Errno> {
    /// `O_RDWR`, `O_CREAT`, `O_EXCL`, `O_NOFOLLOW`, `O_CLOEXEC` of x86-64.
    const FLAGS: u64 = 2 | 0o100 | 0o200 | 0o400_000 | 0o2_000_000;
    const MODE: u64 = 0o600;
    let here = fd_argument(AT_FDCWD);
    let path = place.path.as_ptr() as u64;
    if !place.is_kept {
        // SAFETY: the kernel reads the string only.
        let _ = unsafe { sys::syscall(number::UNLINKAT, [here, path, 0, 0, 0, 0]) };
    }
    // SAFETY: the kernel reads the string only.
    let file = unsafe { sys::syscall(number::OPENAT, [here, path, FLAGS, MODE, 0, 0]) }?;
    let file = Fd::new(i32::try_from(file).map_err(|_| Errno::EBADF)?);
    let status = file.status()?;
    // The umask may have taken what is the user's.
    if status.is_regular() && status.nlink == 1 && status.mode & 0o677 == MODE_KEPT {
        Ok(file)
    } else {
        Err(Errno::EACCES)
    }
}

/// What the file's mode has to be, without the bits that do not matter.
const MODE_KEPT: u32 = 0o600;
