//! Times: seconds and nanoseconds or microseconds in words of 32 bits, and those of 64 bits,
//! of which only the low half of the nanoseconds means something.

use super::words::{self, narrowed, signed, with, with_result};
use crate::host::sys::{Errno, number};
use crate::linux::syscalls::{Call, events, observing, signals, time};

/// How a time is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    /// Two words of 32 bits: `timespec`, `timeval`.
    Narrow,
    /// Two of 64 bits: `__kernel_timespec`.
    Wide,
}

use Time::{Narrow, Wide};

type Made = Result<u64, Errno>;

impl Time {
    const fn bytes(self) -> usize {
        match self {
            Narrow => 8,
            Wide => 16,
        }
    }

    /// The host's of one at an address.
    pub(super) fn read(self, address: u64) -> Result<[u64; 2], Errno> {
        match self {
            Narrow => Ok(words::read(address)?.map(signed)),
            Wide => {
                let [low, high, nanoseconds, _] = words::read(address)?;
                Ok([u64::from(low) | u64::from(high) << 32, nanoseconds.into()])
            }
        }
    }

    /// So many of them.
    pub(super) fn read_all<const N: usize>(self, address: u64) -> Result<[[u64; 2]; N], Errno> {
        let mut times = [[0; 2]; N];
        for (at, time) in (address..).step_by(self.bytes()).zip(&mut times) {
            *time = self.read(at)?;
        }
        Ok(times)
    }

    /// Writes the guest's of the host's.
    pub(super) fn write(self, call: &Call<'_>, address: u64, time: [u64; 2]) -> Result<(), Errno> {
        match self {
            Narrow => words::write(call, address, &narrowed(time)),
            Wide => call.write_words(address, &time),
        }
    }
}

/// Makes a call with a time that it takes, in the place of an argument.
pub(super) fn taking(
    call: &mut Call<'_>,
    index: usize,
    time: Time,
    make: impl FnOnce(&mut Call<'_>) -> Made,
) -> Made {
    taking_all::<1>(call, index, time, make)
}

/// The same with as many as there are behind one another.
pub(super) fn taking_all<const N: usize>(
    call: &mut Call<'_>,
    index: usize,
    time: Time,
    make: impl FnOnce(&mut Call<'_>) -> Made,
) -> Made {
    let guest = call.arguments[index];
    if guest == 0 {
        return make(call);
    }
    let host: [[u64; 2]; N] = time.read_all(guest)?;
    call.arguments[index] = host.as_ptr() as u64;
    let result = make(call);
    call.arguments[index] = guest;
    result
}

/// With one that is what is left of it afterwards, whatever the result.
fn spending(
    call: &mut Call<'_>,
    index: usize,
    time: Time,
    make: impl FnOnce(&mut Call<'_>) -> Made,
) -> Made {
    let guest = call.arguments[index];
    if guest == 0 {
        return make(call);
    }
    let before = time.read(guest)?;
    let mut host = before;
    let result = with(call, index, &mut host, make);
    if host != before {
        // The kernel says nothing either of memory that can't be written.
        let _ = time.write(call, guest, host);
    }
    result
}

/// With one that the call gives.
fn giving(
    call: &mut Call<'_>,
    index: usize,
    time: Time,
    make: impl FnOnce(&mut Call<'_>) -> Made,
) -> Made {
    with_result::<2>(call, index, make, |call, guest, host| {
        time.write(call, guest, host)
    })
}

/// With two: how a timer repeats, and when it expires.
fn giving_two(
    call: &mut Call<'_>,
    index: usize,
    time: Time,
    make: impl FnOnce(&mut Call<'_>) -> Made,
) -> Made {
    with_result::<4>(call, index, make, |call, guest, [a, b, c, d]| {
        time.write(call, guest, [a, b])?;
        time.write(call, guest + time.bytes() as u64, [c, d])
    })
}

const SETTIMEOFDAY: u32 = 164;
const SCHED_RR_GET_INTERVAL: u32 = 148;
const CLOCK_SETTIME: u32 = 227;
const MQ_TIMEDSEND: u32 = 242;
const MQ_TIMEDRECEIVE: u32 = 243;
const SEMTIMEDOP: u32 = 220;
const FUTEX_WAITV: u32 = 449;
const FUTEX_WAIT2: u32 = 455;

/// Functions of calls: how the time is converted, in which argument it is, how it is written, and
/// what makes the call.
macro_rules! calls {
    ($($name:ident = $way:ident($($argument:expr),*);)*) => {
        $(pub(super) fn $name(call: &mut Call<'_>) -> Made {
            $way(call, $($argument),*)
        })*
    };
}

calls! {
    clock_gettime = giving(1, Narrow, time::clock_gettime);
    clock_gettime64 = giving(1, Wide, time::clock_gettime);
    clock_getres = giving(1, Narrow, |call| call.pass(number::CLOCK_GETRES));
    clock_getres_time64 = giving(1, Wide, |call| call.pass(number::CLOCK_GETRES));
    gettimeofday = giving(0, Narrow, time::gettimeofday);
    sched_rr_get_interval = giving(1, Narrow, |call| call.pass(SCHED_RR_GET_INTERVAL));
    sched_rr_get_interval_time64 = giving(1, Wide, |call| call.pass(SCHED_RR_GET_INTERVAL));

    getitimer = giving_two(1, Narrow, |call| call.pass(number::GETITIMER));
    timer_gettime = giving_two(1, Narrow, |call| call.pass(number::TIMER_GETTIME));
    timer_gettime64 = giving_two(1, Wide, |call| call.pass(number::TIMER_GETTIME));
    timerfd_gettime = giving_two(1, Narrow, |call| call.pass(number::TIMERFD_GETTIME));
    timerfd_gettime64 = giving_two(1, Wide, |call| call.pass(number::TIMERFD_GETTIME));

    setitimer = set_timer(1, Narrow, number::SETITIMER);
    timer_settime = set_timer(2, Narrow, number::TIMER_SETTIME);
    timer_settime64 = set_timer(2, Wide, number::TIMER_SETTIME);
    timerfd_settime = set_timer(2, Narrow, number::TIMERFD_SETTIME);
    timerfd_settime64 = set_timer(2, Wide, number::TIMERFD_SETTIME);

    settimeofday = taking(0, Narrow, |call| call.pass(SETTIMEOFDAY));
    clock_settime = taking(1, Narrow, |call| call.pass(CLOCK_SETTIME));
    clock_settime64 = taking(1, Wide, |call| call.pass(CLOCK_SETTIME));
    mq_timedsend = taking(4, Narrow, |call| call.pass(MQ_TIMEDSEND));
    mq_timedsend_time64 = taking(4, Wide, |call| call.pass(MQ_TIMEDSEND));
    mq_timedreceive = taking(4, Narrow, |call| call.pass(MQ_TIMEDRECEIVE));
    mq_timedreceive_time64 = taking(4, Wide, |call| call.pass(MQ_TIMEDRECEIVE));
    semtimedop = taking(3, Narrow, |call| call.pass(SEMTIMEDOP));
    semtimedop_time64 = taking(3, Wide, |call| call.pass(SEMTIMEDOP));
    futex_waitv = taking(3, Wide, |call| call.pass(FUTEX_WAITV));
    futex_wait = taking(4, Wide, |call| call.pass(FUTEX_WAIT2));
    epoll_pwait2 = taking(3, Wide, events::epoll_pwait2);
    io_pgetevents = taking(4, Narrow, signals::io_pgetevents);
    io_pgetevents_time64 = taking(4, Wide, signals::io_pgetevents);
    rt_sigtimedwait = taking(2, Narrow, sigtimedwait);
    rt_sigtimedwait_time64 = taking(2, Wide, sigtimedwait);

    futex = wait_for(Narrow);
    futex_time64 = wait_for(Wide);

    nanosleep = sleep(0, Narrow, time::nanosleep);
    clock_nanosleep = sleep(2, Narrow, time::clock_nanosleep);
    clock_nanosleep_time64 = sleep(2, Wide, time::clock_nanosleep);

    ppoll = spending(2, Narrow, signals::ppoll);
    ppoll_time64 = spending(2, Wide, signals::ppoll);
    pselect6 = spending(4, Narrow, with_sets);
    pselect6_time64 = spending(4, Wide, with_sets);
}

fn sigtimedwait(call: &mut Call<'_>) -> Made {
    super::signals::giving_info(call, 1, observing::rt_sigtimedwait)
}

/// Of operations that wait, the fourth argument is a time; else it is a number.
fn wait_for(call: &mut Call<'_>, time: Time) -> Made {
    const COMMAND: i32 = 0x7f;
    /// `WAIT`, `LOCK_PI`, `WAIT_BITSET`, `WAIT_REQUEUE_PI`, `LOCK_PI2`.
    const WAITING: [i32; 5] = [0, 6, 9, 11, 13];
    if WAITING.contains(&(call.int(1) & COMMAND)) {
        return taking(call, 3, time, |call| call.pass(number::FUTEX));
    }
    call.pass(number::FUTEX)
}

/// What is left is told where a signal ends it. Of an absolute time nothing is, and `left` stays 0;
/// of a relative time something always is left.
fn sleep(
    call: &mut Call<'_>,
    index: usize,
    time: Time,
    make: impl FnOnce(&mut Call<'_>) -> Made,
) -> Made {
    let guest = call.arguments[index + 1];
    let mut left = [0; 2];
    let result = with(call, index + 1, &mut left, |call| {
        let mut wanted = time.read(call.arguments[index])?;
        with(call, index, &mut wanted, make)
    });
    if result == Err(Errno::EINTR) && left != [0; 2] {
        time.write(call, guest, left)?;
    }
    result
}

/// The new times in one argument, the old in the next.
fn set_timer(call: &mut Call<'_>, index: usize, time: Time, number: u32) -> Made {
    giving_two(call, index + 1, time, |call| {
        taking_all::<2>(call, index, time, |call| call.pass(number))
    })
}

/// `poll` has milliseconds and no mask.
pub(super) fn poll(call: &mut Call<'_>) -> Made {
    let limit = call.int(2);
    let time = u64::try_from(limit).map(|limit| [limit / 1000, limit % 1000 * 1_000_000]);
    call.arguments[2..].fill(0);
    let Ok(mut time) = time else {
        return signals::ppoll(call);
    };
    call.arguments[2] = time.as_mut_ptr() as u64;
    signals::ppoll(call)
}

/// `select` has microseconds, more of which than a second has are seconds.
pub(super) fn select(call: &mut Call<'_>) -> Made {
    let guest = call.arguments[4];
    call.arguments[5] = 0;
    if guest == 0 {
        return with_sets(call);
    }
    let [seconds, microseconds] = Narrow.read(guest)?.map(u64::cast_signed);
    let whole = seconds.saturating_add(microseconds / 1_000_000);
    if whole < 0 || microseconds < 0 {
        return Err(Errno::EINVAL);
    }
    let before = [whole, microseconds % 1_000_000 * 1000].map(i64::cast_unsigned);
    let mut host = before;
    let result = with(call, 4, &mut host, with_sets);
    if host != before {
        let _ = Narrow.write(call, guest, [host[0], host[1] / 1000]);
    }
    result
}

/// Sets of descriptors have whole words of the guest's, and copies have whole words of the
/// host's.
fn with_sets(call: &mut Call<'_>) -> Made {
    /// More descriptors a process cannot have.
    const MOST: usize = 1 << 30;
    let count = usize::try_from(call.int(0)).map_err(|_| Errno::EINVAL)?;
    let guests = [1, 2, 3].map(|index| call.arguments[index]);
    let length = count.min(MOST).div_ceil(32) * 4;
    let mut sets: [alloc::vec::Vec<u8>; 3] = Default::default();
    for ((index, set), &guest) in (1..).zip(&mut sets).zip(&guests) {
        if guest == 0 {
            continue;
        }
        set.try_reserve_exact(length + 4)
            .map_err(|_| Errno::ENOMEM)?;
        set.resize(length.next_multiple_of(8), 0);
        crate::memory::guest_memory::read(guest, &mut set[..length])?;
        call.arguments[index] = set.as_mut_ptr() as u64;
    }
    let result = signals::pselect6(call);
    for (index, &guest) in (1..).zip(&guests) {
        call.arguments[index] = guest;
    }
    let found = result?;
    for (set, &guest) in sets.iter().zip(&guests).filter(|(_, guest)| **guest != 0) {
        call.write(guest, &set[..length])?;
    }
    Ok(found)
}
