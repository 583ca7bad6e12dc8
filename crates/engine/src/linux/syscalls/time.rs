//! Clocks: read by the host's vDSO, so that asking costs no system call.

use super::Call;
use crate::host::clock;
use crate::host::sys::{Errno, number};

pub(in crate::linux) fn clock_gettime(call: &mut Call<'_>) -> Result<u64, Errno> {
    let time = clock::time(call.int(0))?;
    call.write_words(call.arguments[1], &time)?;
    Ok(0)
}

pub(in crate::linux) fn gettimeofday(call: &mut Call<'_>) -> Result<u64, Errno> {
    const CLOCK_REALTIME: i32 = 0;
    let [time, zone, ..] = call.arguments;
    if zone != 0 {
        // Nobody asks for the zone but to see whether there is one.
        return call.pass(crate::host::sys::number::GETTIMEOFDAY);
    }
    if time != 0 {
        let [seconds, nanoseconds] = clock::time(CLOCK_REALTIME)?;
        call.write_words(time, &[seconds, nanoseconds / 1000])?;
    }
    Ok(0)
}

pub(in crate::linux) fn nanosleep(call: &mut Call<'_>) -> Result<u64, Errno> {
    sleep(call, number::NANOSLEEP, 0)
}

pub(in crate::linux) fn clock_nanosleep(call: &mut Call<'_>) -> Result<u64, Errno> {
    const TIMER_ABSTIME: i32 = 1;
    if call.int(1) & TIMER_ABSTIME != 0 {
        return call.pass(number::CLOCK_NANOSLEEP);
    }
    sleep(call, number::CLOCK_NANOSLEEP, 2)
}

/// Sleeps for the time that the argument leads to. What the guest is not told
/// does not make it longer: the kernel says what is left of it.
fn sleep(call: &mut Call<'_>, kernels: u32, argument: usize) -> Result<u64, Errno> {
    let left = call.arguments[argument + 1];
    let mut time: [u64; 2] = call.words(call.arguments[argument])?;
    let mut rest = time;
    loop {
        call.arguments[argument] = time.as_ptr() as u64;
        call.arguments[argument + 1] = rest.as_mut_ptr() as u64;
        let result = call.pass(kernels);
        match result {
            Err(Errno::EINTR) if left != 0 => call.write_words(left, &rest)?,
            Err(Errno::RESTART) if !call.thread.is_wanted() => {
                time = rest;
                continue;
            }
            _ => {}
        }
        return result;
    }
}
