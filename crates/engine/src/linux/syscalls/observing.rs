//! Calls in which a thread may see signals that it blocks, of those that the
//! engine keeps ([`crate::linux::pending`]): it waits for one, or reads or polls
//! a signalfd.
//!
//! The engine first looks at the signals that it keeps already. A signalfd sees such a signal
//! while it is lent to the kernel, in a call that does not wait. Then the thread waits as
//! always; whoever keeps another signal tells the thread to look again. So these calls cost
//! nothing more while nothing is kept.

use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use guest::memory::Size;

use super::Call;
use crate::host::clock;
use crate::host::signal::{self, SignalInfo, UNBLOCKABLE, bit};
use crate::host::sys::{self, Errno, Fd, number};
use crate::linux::signals::{self, OTHER_FAULTS};
use crate::memory::guest_memory;
use crate::thread::attention::{KEPT, TAKE, TAKEN_ALL, WAITS};
use crate::thread::handlers;
use crate::thread::taken::{TAKEN, TAKEN_LIST};

/// Sets of signals have 8 bytes, on both.
pub(super) const SET: u64 = 8;

/// `struct signalfd_siginfo`.
const RECORD: usize = 128;
/// The most vectors that one call takes.
const VECTORS: u64 = 1024;

/// Makes a call that may see signals of the set. `look` says what comes of those
/// that are kept, if anything does; `wait` makes the call.
pub(in crate::linux) fn observe(
    call: &mut Call<'_>,
    set: u64,
    mut look: impl FnMut(&mut Call<'_>) -> Option<Result<u64, Errno>>,
    mut wait: impl FnMut(&mut Call<'_>) -> Result<u64, Errno>,
) -> Result<u64, Errno> {
    if set == 0 {
        return wait(call);
    }
    let attention = call.thread.attention();
    attention.observes.store(set, Ordering::SeqCst);
    let result = loop {
        if call.thread.pending.bits(attention) & set != 0
            && let Some(result) = look(call)
        {
            break result;
        }
        let result = wait(call);
        if result != Err(Errno::RESTART) || !may_look_again(call) {
            break result;
        }
    };
    attention.observes.store(0, Ordering::Release);
    result
}

/// The call was given up. Whether that was only because something is kept that
/// the guest is not told.
fn may_look_again(call: &Call<'_>) -> bool {
    let word = call.thread.attention().word.load(Ordering::Acquire);
    word & !(KEPT | TAKE | TAKEN_ALL) == 0 && !call.thread.is_interrupted()
}

/// What the thread blocks of the signals that are kept.
fn blocked(call: &Call<'_>) -> u64 {
    call.thread.blocked() & TAKEN
}

/// Polls without waiting, with what is kept lent to the kernel. Returns what it
/// has found, if anything.
fn lent(call: &Call<'_>, number: u32, arguments: [u64; 6]) -> Option<Result<u64, Errno>> {
    let thread = &call.thread;
    let result = thread.pending.lend(thread.attention(), blocked(call), || {
        // SAFETY: the caller has the arguments of a call of the guest's, or
        // ones of its own that live until this returns.
        let result = unsafe { sys::syscall(number, arguments) };
        (result, 0)
    });
    result.filter(|result| result.is_ok_and(|count| count > 0))
}

/// How long a call may still wait that is made anew.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Option<u64>);

impl Deadline {
    /// In this many nanoseconds; without, never.
    pub(super) fn after(time: Option<u64>) -> Self {
        Self(time.map(|time| now().saturating_add(time)))
    }

    /// The nanoseconds that are left.
    pub(super) fn left(self) -> Option<u64> {
        self.0.map(|end| end.saturating_sub(now()))
    }
}

/// `CLOCK_MONOTONIC` in nanoseconds.
fn now() -> u64 {
    const CLOCK_MONOTONIC: i32 = 1;
    nanoseconds(clock::time(CLOCK_MONOTONIC).unwrap_or_default())
}

pub(in crate::linux) const fn nanoseconds([seconds, nanoseconds]: [u64; 2]) -> u64 {
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds)
}

pub(in crate::linux) const fn time_of(nanoseconds: u64) -> [u64; 2] {
    [nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000]
}

/// Waits for signals. The kernel is not asked for those that the engine keeps:
/// they come to the handler, are kept, and are found here.
pub(in crate::linux) fn rt_sigtimedwait(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [set, info, time, size, ..] = call.arguments;
    if size != SET {
        return call.pass(number::RT_SIGTIMEDWAIT);
    }
    let [wanted] = call.words(set)?;
    let time = match time {
        0 => None,
        address => Some(call.words(address)?),
    };
    let kept = wanted & TAKEN;
    let others = wanted & !(TAKEN | UNBLOCKABLE);
    let concerned = kept | blocked(call);
    let valid = time.is_none_or(|[seconds, nanoseconds]| {
        seconds.cast_signed() >= 0 && nanoseconds < 1_000_000_000
    });
    if concerned == 0 || !valid {
        return call.pass(number::RT_SIGTIMEDWAIT);
    }
    let deadline = Deadline::after(time.map(nanoseconds));
    call.arguments[0] = &raw const others as u64;
    // What it waits for is not told meanwhile.
    call.thread.block(call.thread.mask | kept);
    let result = observe(
        call,
        kept | WAITS,
        |call| waited_for(call, kept, others, info),
        |call| {
            let left = deadline.left().map(time_of);
            call.arguments[2] = left.as_ref().map_or(0, |left| left.as_ptr() as u64);
            call.pass(number::RT_SIGTIMEDWAIT)
        },
    );
    // Others were not told of what the first thread waits for.
    let pending = &call.thread.pending;
    pending.offer_again(call.thread.attention(), kept);
    call.thread.block(call.thread.mask);
    result
}

/// The first of the kept signals that a thread waits for, or what the kernel
/// has that comes before it.
fn waited_for(
    call: &mut Call<'_>,
    kept: u64,
    others: u64,
    address: u64,
) -> Option<Result<u64, Errno>> {
    let attention = call.thread.attention();
    let here = call.thread.pending.bits(attention) & kept;
    let first = TAKEN_LIST
        .into_iter()
        .find(|&signal| here & bit(signal) != 0)?;
    let before = others & OTHER_FAULTS & (bit(first) - 1);
    let info = (before != 0)
        .then(|| signals::without_waiting(before))
        .flatten()
        .or_else(|| call.thread.pending.take(attention, kept))?;
    if address != 0
        && let Err(error) = call.write(address, &info.bytes())
    {
        return Some(Err(error));
    }
    Some(Ok(u64::from(info.signal().unsigned_abs())))
}

/// `ppoll`, with the mask set.
pub(in crate::linux) fn poll(call: &mut Call<'_>) -> Result<u64, Errno> {
    observe(
        call,
        blocked(call),
        |call| {
            let [files, count, ..] = call.arguments;
            let time = [0_u64; 2];
            let arguments = [files, count, time.as_ptr() as u64, 0, 0, 0];
            lent(call, number::PPOLL, arguments)
        },
        // The kernel writes how much time is left.
        |call| call.pass(number::PPOLL),
    )
}

/// `pselect6`, with the mask set.
pub(in crate::linux) fn select(call: &mut Call<'_>) -> Result<u64, Errno> {
    observe(call, blocked(call), select_now, |call| {
        call.pass(number::PSELECT6)
    })
}

/// Looks with copies of the sets, since the kernel empties them.
fn select_now(call: &mut Call<'_>) -> Option<Result<u64, Errno>> {
    /// More descriptors a process cannot have.
    const MOST: usize = 1 << 30;
    let count = usize::try_from(call.int(0)).ok().filter(|&n| n <= MOST)?;
    let length = count.div_ceil(64) * 8;
    let mut sets: [Vec<u8>; 3] = Default::default();
    let mut arguments = [call.arguments[0], 0, 0, 0, 0, 0];
    for (n, set) in sets.iter_mut().enumerate() {
        let address = call.arguments[n + 1];
        if address != 0 {
            set.try_reserve_exact(length).ok()?;
            set.resize(length, 0);
            guest_memory::read(address, set).ok()?;
            arguments[n + 1] = set.as_mut_ptr() as u64;
        }
    }
    let time = [0_u64; 2];
    arguments[4] = time.as_ptr() as u64;
    let result = lent(call, number::PSELECT6, arguments)?;
    for (n, set) in sets.iter().enumerate().filter(|(_, set)| !set.is_empty()) {
        if let Err(error) = call.write(call.arguments[n + 1], set) {
            return Some(Err(error));
        }
    }
    Some(result)
}

/// `epoll_pwait`, or `epoll_pwait2` with its time in `time`, with the mask set.
pub(in crate::linux) fn epoll(call: &mut Call<'_>, kernels: u32) -> Result<u64, Errno> {
    const MILLISECOND: u64 = 1_000_000;
    let set = blocked(call);
    let long = kernels == number::EPOLL_PWAIT2;
    let limit = call.arguments[3];
    let time = match (set, long) {
        (0, _) => None,
        (_, true) if limit == 0 => None,
        (_, true) => Some(nanoseconds(call.words(limit)?)),
        (_, false) => u64::try_from(call.int(3)).ok().map(|n| n * MILLISECOND),
    };
    let deadline = Deadline::after(time.filter(|&time| time > 0));
    let mut first = true;
    observe(
        call,
        set,
        |call| {
            let [epoll, events, most, ..] = call.arguments;
            let arguments = [epoll, events, most, 0, 0, 0];
            lent(call, number::EPOLL_PWAIT, arguments)
        },
        |call| {
            if core::mem::take(&mut first) {
                return call.pass(kernels);
            }
            let left = deadline.left();
            let words = left.map(time_of);
            match (&words, left) {
                (Some(words), _) if long => call.arguments[3] = words.as_ptr() as u64,
                (_, Some(left)) => call.arguments[3] = left.div_ceil(MILLISECOND),
                _ => {}
            }
            call.pass(kernels)
        },
    )
}

pub(in crate::linux) fn read(call: &mut Call<'_>) -> Result<u64, Errno> {
    read_from(call, number::READ)
}

pub(in crate::linux) fn readv(call: &mut Call<'_>) -> Result<u64, Errno> {
    read_from(call, number::READV)
}

/// A read, maybe of a signalfd.
fn read_from(call: &mut Call<'_>, kernels: u32) -> Result<u64, Errno> {
    observe(
        call,
        blocked(call),
        |call| {
            let shown = watched_by(call.int(0))? & blocked(call);
            let here = call.thread.pending.bits(call.thread.attention());
            (here & shown != 0)
                .then(|| read_lent(call, shown, kernels))
                .flatten()
        },
        |call| {
            let length = call.pass(kernels)?;
            let (result, _) = without_own(call, kernels, length);
            if result == Err(Errno::RESTART) {
                // As if nothing had been read.
                call.called = false;
            }
            result
        },
    )
}

/// Reads from a signalfd what is kept of the signals that it shows. Those are
/// the thread's own then, so it does not wait.
fn read_lent(call: &Call<'_>, set: u64, kernels: u32) -> Option<Result<u64, Errno>> {
    let thread = &call.thread;
    let result = thread.pending.lend(thread.attention(), set, || {
        // SAFETY: the guest's call, with its arguments.
        match unsafe { sys::syscall(kernels, call.arguments) } {
            Ok(length) => without_own(call, kernels, length),
            error => (error, 0),
        }
    });
    result.filter(|&result| result != Err(Errno::RESTART))
}

/// The signals that a descriptor shows, if it is a signalfd.
fn watched_by(fd: i32) -> Option<u64> {
    let path = CString::new(format!("/proc/thread-self/fdinfo/{fd}")).ok()?;
    let mut text = [0; 1024];
    let length = Fd::open(&path).ok()?.read_at(&mut text, 0).ok()?;
    let mut lines = text.get(..length)?.split(|&byte| byte == b'\n');
    let mask = lines.find_map(|line| line.strip_prefix(b"sigmask:\t"))?;
    u64::from_str_radix(core::str::from_utf8(mask).ok()?, 16).ok()
}

/// A signalfd shows also those signals by which the engine wakes the thread:
/// the guest does not see them. Returns what of it is left, and which signals
/// were such; without any left, the call is to be made again.
fn without_own(call: &Call<'_>, kernels: u32, length: u64) -> (Result<u64, Errno>, u64) {
    match usize::try_from(length) {
        Ok(whole)
            if whole >= RECORD
                && whole.is_multiple_of(RECORD)
                && begins_with_fault(call, kernels) =>
        {
            own_taken_out(call, kernels, whole).unwrap_or((Ok(length), 0))
        }
        _ => (Ok(length), 0),
    }
}

/// Whether what was read begins with the number of a signal that faults have:
/// those are the first in every signalfd.
fn begins_with_fault(call: &Call<'_>, kernels: u32) -> bool {
    let address = match kernels {
        number::READ => Ok(call.arguments[1]),
        _ => call.words(call.arguments[1]).map(|[first]| first),
    };
    let load = |address| guest_memory::load(address, Size::Word).map_err(Errno::from);
    address.and_then(load).is_ok_and(|number| {
        let number = i32::try_from(number).unwrap_or(0);
        signal::is_signal(number) && (TAKEN | OTHER_FAULTS) & bit(number) != 0
    })
}

/// The same of so many bytes; nothing, where all is to stay as it is.
fn own_taken_out(
    call: &Call<'_>,
    kernels: u32,
    length: usize,
) -> Option<(Result<u64, Errno>, u64)> {
    let pieces = pieces(call, kernels)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).ok()?;
    bytes.resize(length, 0);
    gather(&pieces, &mut bytes).ok()?;
    if !bytes
        .chunks(RECORD)
        .any(|one| handlers::is_own(&record(one)))
    {
        return None;
    }
    watched_by(call.int(0))?;
    let (mut rest, mut own) = (Vec::new(), 0);
    for one in bytes.chunks(RECORD) {
        let info = record(one);
        if handlers::is_own(&info) {
            handlers::note(call.thread.attention(), &info);
            own |= bit(info.signal());
        } else {
            rest.extend_from_slice(one);
        }
    }
    let result = if rest.is_empty() {
        Err(Errno::RESTART)
    } else {
        scatter(call, &pieces, &rest).map(|()| rest.len() as u64)
    };
    Some((result, own))
}

/// What of a `signalfd_siginfo` a `siginfo` starts with.
fn record(bytes: &[u8]) -> SignalInfo {
    let word = |at: usize| {
        let bytes = bytes
            .get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok());
        i32::from_le_bytes(bytes.unwrap_or_default())
    };
    SignalInfo::fault(word(0), word(8), 0)
}

/// Where a read puts what it reads.
fn pieces(call: &Call<'_>, kernels: u32) -> Option<Vec<[u64; 2]>> {
    let [_, address, count, ..] = call.arguments;
    if kernels == number::READ {
        return Some(alloc::vec![[address, count]]);
    }
    (0..count.min(VECTORS))
        .map(|n| call.words(address.wrapping_add(16 * n)).ok())
        .collect()
}

/// Reads as many bytes from the pieces as there is space for.
fn gather(pieces: &[[u64; 2]], bytes: &mut [u8]) -> Result<(), Errno> {
    let mut rest = bytes;
    for &[address, length] in pieces {
        let length = usize::try_from(length)
            .unwrap_or(usize::MAX)
            .min(rest.len());
        let (now, later) = rest.split_at_mut(length);
        guest_memory::read(address, now)?;
        rest = later;
    }
    Ok(())
}

/// Writes the bytes to the pieces.
fn scatter(call: &Call<'_>, pieces: &[[u64; 2]], bytes: &[u8]) -> Result<(), Errno> {
    let mut rest = bytes;
    for &[address, length] in pieces {
        let length = usize::try_from(length)
            .unwrap_or(usize::MAX)
            .min(rest.len());
        let (now, later) = rest.split_at(length);
        call.write(address, now)?;
        rest = later;
    }
    Ok(())
}
