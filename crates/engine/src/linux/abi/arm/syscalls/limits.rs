//! What processes may use, and have used: limits, usage, times, processors, memory.

use alloc::vec::Vec;

use super::narrow;
use super::words::{self, narrowed, with, with_result};
use crate::host::sys::{Errno, number};
use crate::linux::syscalls::{Call, prctl as common, process, ptrace};

type Made = Result<u64, Errno>;

/// No limit.
const INFINITY: u32 = u32::MAX;

/// A limit of more than 32 bits is none.
fn narrow_limit(limit: u64) -> u32 {
    u32::try_from(limit).unwrap_or(INFINITY)
}

pub(super) fn getrlimit(call: &mut Call<'_>) -> Made {
    const GETRLIMIT: u32 = 97;
    with_result::<2>(
        call,
        1,
        |call| call.pass(GETRLIMIT),
        |call, guest, host| words::write(call, guest, &host.map(narrow_limit)),
    )
}

pub(super) fn setrlimit(call: &mut Call<'_>) -> Made {
    let wide = |limit| match limit {
        INFINITY => u64::MAX,
        limit => limit.into(),
    };
    let mut host = words::read::<2>(call.arguments[1])?.map(wide);
    with(call, 1, &mut host, process::setrlimit)
}

/// `struct rusage`: two times and 14 numbers.
pub(super) fn giving_usage(
    call: &mut Call<'_>,
    index: usize,
    make: impl FnOnce(&mut Call<'_>) -> Made,
) -> Made {
    with_result::<18>(call, index, make, |call, guest, host| {
        words::write(call, guest, &narrowed(host))
    })
}

pub(super) fn getrusage(call: &mut Call<'_>) -> Made {
    giving_usage(call, 1, |call| call.pass(number::GETRUSAGE))
}

pub(super) fn wait4(call: &mut Call<'_>) -> Made {
    giving_usage(call, 3, ptrace::wait4)
}

pub(super) fn times(call: &mut Call<'_>) -> Made {
    with_result::<4>(
        call,
        0,
        |call| call.pass(number::TIMES),
        |call, guest, host| words::write(call, guest, &narrowed(host)),
    )
}

/// Memory is told in larger units where it does not fit.
fn system(host: [u64; 14]) -> Vec<u32> {
    const PAGE: u64 = 4096;
    let [
        uptime,
        load,
        load_5,
        load_15,
        memory @ ..,
        processes,
        high,
        free_high,
        unit,
    ] = host;
    let mut unit = unit & 0xffff_ffff;
    let mut shift = 0;
    if memory[0] >> 32 != 0 || memory[4] >> 32 != 0 {
        while unit < PAGE {
            unit <<= 1;
            shift += 1;
        }
    }
    let mut to: Vec<u32> = narrowed([uptime, load, load_5, load_15]).to_vec();
    to.extend(narrowed(memory.map(|bytes| bytes >> shift)));
    to.extend(narrowed([
        processes & 0xffff,
        high >> shift,
        free_high >> shift,
        unit,
    ]));
    // Eight bytes that are none.
    to.extend([0, 0]);
    to
}

pub(super) fn sysinfo(call: &mut Call<'_>) -> Made {
    with_result::<14>(
        call,
        0,
        |call| call.pass(number::SYSINFO),
        |call, guest, host| words::write(call, guest, &system(host)),
    )
}

/// The set may have an odd number of words.
pub(super) fn sched_getaffinity(call: &mut Call<'_>) -> Made {
    /// More processors no machine has.
    const MOST: usize = 1 << 13;
    let [_, length, guest, ..] = call.arguments;
    if length % 4 != 0 {
        return Err(Errno::EINVAL);
    }
    let length = usize::try_from(length).unwrap_or(MOST).min(MOST);
    let mut host = alloc::vec![0_u8; length.next_multiple_of(8)];
    call.arguments[1] = host.len() as u64;
    call.arguments[2] = host.as_mut_ptr() as u64;
    let written = usize::try_from(call.pass(number::SCHED_GETAFFINITY)?).unwrap_or(0);
    let written = written.min(length);
    call.write(guest, &host[..written])?;
    Ok(written as u64)
}

/// Times of a file: seconds and microseconds, of when it was read and changed.
pub(super) fn times_of_file(address: u64) -> Result<[[u64; 2]; 2], Errno> {
    let [a, b, c, d] = words::read::<4>(address)?;
    let time = |seconds: u32, microseconds: u32| {
        if microseconds >= 1_000_000 {
            return Err(Errno::EINVAL);
        }
        Ok([words::signed(seconds), u64::from(microseconds) * 1000])
    };
    Ok([time(a, b)?, time(c, d)?])
}

/// An address that the kernel tells has 32 bits.
pub(super) fn prctl(call: &mut Call<'_>) -> Made {
    const GET_TID_ADDRESS: i32 = 40;
    /// i386's number.
    const PRCTL: u32 = 172;
    if call.int(0) == GET_TID_ADDRESS {
        return narrow::call::<PRCTL>(call);
    }
    common::prctl(call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_memories_are_told_in_pages() {
        let mut host = [0; 14];
        host[0] = 77;
        host[4] = 8 << 30;
        host[5] = 4 << 30;
        host[10] = 5;
        host[13] = 1;
        let to = system(host);
        assert_eq!(to.len(), 16);
        assert_eq!(
            (to[0], to[4], to[5], to[10], to[13]),
            (77, 2 << 20, 1 << 20, 5, 4096)
        );
        host[4] = 1 << 31;
        host[5] = 4096;
        let to = system(host);
        assert_eq!((to[4], to[5], to[13]), (1 << 31, 4096, 1));
    }

    #[test]
    fn limits_that_do_not_fit_are_none() {
        assert_eq!(
            [0, 5, 1 << 32, u64::MAX].map(narrow_limit),
            [0, 5, INFINITY, INFINITY]
        );
    }
}
