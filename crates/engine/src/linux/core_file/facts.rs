//! What the kernel is asked about a process that dies, for its core file.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use super::RLIMIT_CORE;
use super::calls::call;
use super::contents::DEFAULT_FILTER;
use super::name::{self, Facts};
use super::notes::About;
use super::write::Memory;
use crate::host::sys::{self, AT_FDCWD, Fd, number};
use crate::linux::process::{Process, Thread};

/// A file of procfs, without the end of its line.
fn line(path: &core::ffi::CStr) -> Option<Vec<u8>> {
    let mut text = Fd::open(path).ok()?.read_all().ok()?;
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    Some(text)
}

/// A system call's result, or 0 where it has none.
fn ask(number: u32, arguments: [u64; 6]) -> u64 {
    call(number, arguments).unwrap_or(0)
}

/// `core_pattern`.
pub(super) fn pattern() -> Option<Vec<u8>> {
    line(c"/proc/sys/kernel/core_pattern")
}

/// How `core_pattern` begins.
fn first_of_pattern() -> Option<u8> {
    let mut first = [0];
    let file = Fd::open(c"/proc/sys/kernel/core_pattern").ok()?;
    (file.read_at(&mut first, 0) == Ok(1)).then_some(first[0])
}

/// Whether `core_pattern` names something else than a file.
pub(super) fn has_handler() -> bool {
    !name::is_file(first_of_pattern())
}

/// Whether it names a socket.
pub(super) fn has_socket() -> bool {
    first_of_pattern() == Some(b'@')
}

/// `coredump_filter` of the process.
pub(super) fn filter() -> u64 {
    let text = line(c"/proc/self/coredump_filter");
    let number = text.and_then(|text| {
        let text = core::str::from_utf8(&text).ok()?.trim();
        u64::from_str_radix(text.trim_start_matches("0x"), 16).ok()
    });
    number.unwrap_or(DEFAULT_FILTER)
}

/// The process's dumpable mode.
pub(super) fn dumpable() -> u64 {
    const PR_GET_DUMPABLE: u64 = 3;
    ask(number::PRCTL, [PR_GET_DUMPABLE, 0, 0, 0, 0, 0])
}

/// How many threads the process has: its folder of them has two links more.
pub(super) fn threads() -> Option<usize> {
    const O_PATH: u64 = 0o10_000_000;
    let folder = Fd::open_at(AT_FDCWD, c"/proc/self/task", O_PATH).ok()?;
    usize::try_from(folder.status().ok()?.nlink)
        .ok()?
        .checked_sub(2)
}

/// Whether files that the thread makes are root's.
pub(super) fn is_root() -> bool {
    // The call returns who it is so far, and this is no user.
    ask(number::SETFSUID, [u32::MAX.into(), 0, 0, 0, 0, 0]) == 0
}

/// The name of the process's core file.
pub(super) fn name(
    pattern: &[u8],
    process: &Process,
    thread: &Thread,
    signal: i32,
) -> Option<CString> {
    const PR_GET_NAME: u64 = 16;
    const NAME: usize = 65;
    let attention = thread.attention();
    let own = |number: u32| u64::from(number);
    let process_number = own(attention.process.load(Ordering::Relaxed));
    let thread_number = own(attention.thread.load(Ordering::Relaxed));
    let status = line(c"/proc/thread-self/status").unwrap_or_default();
    let mut command = [0_u8; 16];
    ask(
        number::PRCTL,
        [PR_GET_NAME, command.as_mut_ptr() as u64, 0, 0, 0, 0],
    );
    // The second of six names is the host's.
    let mut names = [0_u8; 6 * NAME];
    ask(number::UNAME, [names.as_mut_ptr() as u64, 0, 0, 0, 0, 0]);
    let mut time = [0_u64; 2];
    ask(
        number::CLOCK_GETTIME,
        [0, time.as_mut_ptr() as u64, 0, 0, 0, 0],
    );
    let mut processor = [0_u64; 1];
    ask(
        number::GETCPU,
        [processor.as_mut_ptr() as u64, 0, 0, 0, 0, 0],
    );
    let facts = Facts {
        process: [
            process_number,
            first(&status, b"NStgid:").unwrap_or(process_number),
        ],
        thread: [
            thread_number,
            first(&status, b"NSpid:").unwrap_or(thread_number),
        ],
        user: ask(number::GETUID, [0; 6]),
        group: ask(number::GETGID, [0; 6]),
        signal: signal.unsigned_abs().into(),
        processor: processor[0],
        time: time[0],
        host: string(&names[NAME..2 * NAME]),
        command: string(&command),
        path: &process.executable,
        limit: sys::limit(RLIMIT_CORE).unwrap_or(0),
        dumpable: dumpable(),
        with_process: line(c"/proc/sys/kernel/core_uses_pid").is_some_and(|text| text != b"0"),
    };
    let name = CString::new(name::expand(pattern, &facts)).ok()?;
    (!name.is_empty()).then_some(name)
}

/// What comes before a string's end.
fn string(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// The first number of a line of `status`.
fn first(status: &[u8], name: &[u8]) -> Option<u64> {
    let mut lines = status.split(|&byte| byte == b'\n');
    let numbers = lines.find_map(|line| line.strip_prefix(name))?;
    let number = core::str::from_utf8(numbers).ok()?;
    number.split_ascii_whitespace().next()?.parse().ok()
}

/// What the notes say of the process.
pub(super) fn about(process: &Process, thread: &Thread, memory: &Memory) -> About {
    const ARGUMENTS: usize = 80;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "numbers of processes are ints"
    )]
    let id = |number: u32| ask(number, [0; 6]) as u32;
    let mut name = [0; 16];
    let command = line(c"/proc/self/comm").unwrap_or_default();
    copy(&mut name[..15], &command);
    let mut arguments = [0; ARGUMENTS];
    let mut text = memory.read(&process.places.arguments, ARGUMENTS - 1);
    for end in text.iter_mut().filter(|byte| **byte == 0) {
        *end = b' ';
    }
    copy(&mut arguments[..ARGUMENTS - 1], &text);
    let auxiliary = &process.places.auxiliary;
    About {
        numbers: [
            id(number::GETPID),
            id(number::GETPPID),
            id(number::GETPGID),
            id(number::GETSID),
        ],
        user: id(number::GETUID),
        group: id(number::GETGID),
        nice: nice(),
        name,
        arguments,
        auxiliary: memory.read(auxiliary, 4096),
        times: times(),
        signal: thread.cause,
    }
}

fn copy(to: &mut [u8], from: &[u8]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = from;
    }
}

/// The nice value, as a signed byte. The kernel's call has 20 less it.
fn nice() -> u8 {
    let value = 20_i64 - ask(number::GETPRIORITY, [0; 6]).cast_signed();
    i8::try_from(value).unwrap_or(0).cast_unsigned()
}

/// User and system time of the process, then of its children.
fn times() -> [[u64; 2]; 4] {
    const CHILDREN: u64 = -1_i64 as u64;
    let mut times = [[0; 2]; 4];
    for (who, times) in [0, CHILDREN].into_iter().zip(times.chunks_exact_mut(2)) {
        // `struct rusage` begins with the two.
        let mut usage = [0_u64; 18];
        ask(
            number::GETRUSAGE,
            [who, usage.as_mut_ptr() as u64, 0, 0, 0, 0],
        );
        for (time, found) in times.iter_mut().zip(usage.as_chunks().0) {
            *time = *found;
        }
    }
    times
}
