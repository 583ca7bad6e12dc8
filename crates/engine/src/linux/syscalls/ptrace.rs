//! `ptrace`, for children that share their maker's memory, and what they wait
//! for ([`crate::thread::holds`]): `PTRACE_ATTACH`, `PTRACE_GETREGSET` and
//! `PTRACE_DETACH`. For all others there is none.

use core::sync::atomic::Ordering;

use super::Call;
use crate::host::sys::{Errno, number};
use crate::thread::holds::Stop;

const ATTACH: u64 = 16;
const DETACH: u64 = 17;
const GETREGSET: u64 = 0x4204;

/// The sets of registers.
const NT_PRSTATUS: u64 = 1;
const NT_FPREGSET: u64 = 2;

/// The number of a thread or a process, an `int`.
#[allow(clippy::cast_possible_truncation, reason = "an int is the low half")]
const fn id(argument: u64) -> u32 {
    argument as u32
}

fn own(call: &Call<'_>) -> u32 {
    call.thread.attention().process.load(Ordering::Relaxed)
}

pub(in crate::linux) fn ptrace(call: &mut Call<'_>) -> Result<u64, Errno> {
    let Some(maker) = call.thread.maker else {
        return Err(Errno::ENOSYS);
    };
    let [request, thread, address, data, ..] = call.arguments;
    let (thread, own) = (id(thread), own(call));
    let holds = &call.process.holds;
    if request == ATTACH {
        return holds.want(maker, thread, own).map(|()| 0);
    }
    let registers = holds.registers(thread, own).ok_or(Errno::ESRCH)?;
    match request {
        DETACH => holds.release(thread, own),
        GETREGSET => {
            let set = match address {
                NT_PRSTATUS => &registers.general,
                NT_FPREGSET => &registers.float,
                _ => return Err(Errno::EINVAL),
            };
            // An `iovec`: where to, and how much at most.
            let [to, room] = call.words(data)?;
            let length = usize::try_from(room).unwrap_or(usize::MAX).min(set.len());
            call.write(to, &set[..length])?;
            call.write_words(data.wrapping_add(8), &[length as u64])?;
        }
        _ => return Err(Errno::EIO),
    }
    Ok(0)
}

/// A thread that was stopped by `ptrace` is waited for by its number.
pub(in crate::linux) fn wait4(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// Stopped by `SIGSTOP`.
    const STOPPED: u32 = 19 << 8 | 0x7f;
    const WNOHANG: u64 = 1;
    /// Of `struct rusage`.
    const USAGE: usize = 144;
    let [thread, status, options, usage, ..] = call.arguments;
    let (thread, own) = (id(thread), own(call));
    let holds = &call.process.holds;
    if call.thread.maker.is_none() || !holds.is_wanted(thread, own) {
        return call.pass(number::WAIT4);
    }
    loop {
        match holds.state(thread, own) {
            Stop::None => return Err(Errno::ECHILD),
            Stop::Stopped => break,
            Stop::Wanted if options & WNOHANG != 0 => return Ok(0),
            Stop::Wanted if call.thread.attention().wanted() => return Err(Errno::RESTART),
            Stop::Wanted => holds.sleep_until_changed(thread, own),
        }
    }
    if status != 0 {
        call.write(status, &STOPPED.to_le_bytes())?;
    }
    if usage != 0 {
        call.write(usage, &[0; USAGE])?;
    }
    holds.told(thread);
    Ok(thread.into())
}
