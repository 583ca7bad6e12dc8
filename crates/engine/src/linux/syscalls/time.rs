//! Clocks: read by the host's vDSO, so that asking costs no system call.

use super::Call;
use crate::linux::clock;
use crate::linux::sys::Errno;

pub(super) fn clock_gettime(call: &mut Call<'_>) -> Result<u64, Errno> {
    let time = clock::time(call.int(0))?;
    call.write_words(call.arguments[1], &time)?;
    Ok(0)
}

pub(super) fn gettimeofday(call: &mut Call<'_>) -> Result<u64, Errno> {
    const CLOCK_REALTIME: i32 = 0;
    let [time, zone, ..] = call.arguments;
    if zone != 0 {
        // Nobody asks for the zone but to see whether there is one.
        return call.pass(crate::linux::sys::number::GETTIMEOFDAY);
    }
    if time != 0 {
        let [seconds, nanoseconds] = clock::time(CLOCK_REALTIME)?;
        call.write_words(time, &[seconds, nanoseconds / 1000])?;
    }
    Ok(0)
}
