//! Signals: actions and masks are kept here, since the host's are the
//! engine's too; and the calls that wait with another mask.

use super::observing::SET;
use super::{Call, Control, descriptors, observing};
use crate::host::signal::{Action, SIG_IGN, SIGKILL, SIGSTOP, UNBLOCKABLE, bit, is_signal};
use crate::host::sys::{Errno, number};
use crate::linux::process::AlternateStack;
use crate::thread::taken::TAKEN;

pub(in crate::linux) fn rt_sigaction(call: &mut Call<'_>) -> Result<u64, Errno> {
    let signal = call.int(0);
    let [_, new, old, size, ..] = call.arguments;
    if size != SET || !is_signal(signal) {
        return Err(Errno::EINVAL);
    }
    let known = call.process.platform.action_flags;
    let new = match new {
        0 => None,
        _ if signal == SIGKILL || signal == SIGSTOP => return Err(Errno::EINVAL),
        address => {
            // The set has 64 bits, however wide words are.
            let [handler, flags, restorer] = call.longs(address)?;
            let [mask] = call.words(address.wrapping_add(call.long_bytes(3)))?;
            Some(Action {
                handler,
                flags: flags & known,
                restorer,
                mask: mask & !UNBLOCKABLE,
            })
        }
    };
    let before = call.thread.actions.with(|actions| {
        let before = actions.of(signal).ok_or(Errno::EINVAL)?;
        if let Some(new) = new {
            actions.set(signal, new)?;
        }
        Ok::<_, Errno>(before)
    })?;
    if TAKEN & bit(signal) != 0 && new.is_some_and(|new| new.handler == SIG_IGN) {
        call.thread.pending.discard(signal);
    }
    if old != 0 {
        call.write_longs(old, &[before.handler, before.flags, before.restorer])?;
        call.write_words(old.wrapping_add(call.long_bytes(3)), &[before.mask])?;
    }
    Ok(0)
}

pub(in crate::linux) fn rt_sigprocmask(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [_, set, old, size, ..] = call.arguments;
    if size != SET {
        return Err(Errno::EINVAL);
    }
    let before = call.thread.mask;
    if set != 0 {
        let [set] = call.words(set)?;
        let mask = match call.int(0) {
            0 => before | set,
            1 => before & !set,
            2 => set,
            _ => return Err(Errno::EINVAL),
        };
        // One that has arrived was not blocked, and is told first.
        if call.thread.attention().wanted() {
            return Err(Errno::RESTART);
        }
        call.thread.set_mask(mask);
    }
    if old != 0 {
        call.write_words(old, &[before])?;
    }
    Ok(0)
}

pub(in crate::linux) fn rt_sigpending(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [set, size, ..] = call.arguments;
    let result = call.pass(number::RT_SIGPENDING)?;
    let kept = call.thread.pending.bits(call.thread.attention()) & call.thread.mask;
    if kept != 0 && size == SET {
        let [pending] = call.words(set)?;
        call.write_words(set, &[pending | kept])?;
    }
    Ok(result)
}

pub(in crate::linux) fn sigaltstack(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [new, old, ..] = call.arguments;
    let before = call.thread.alternate_stack.seen_from(call.sp);
    if new != 0 {
        let [base, flags, size] = call.longs(new)?;
        let new = AlternateStack { base, flags, size };
        let smallest = call.process.platform.smallest_stack;
        call.thread
            .alternate_stack
            .replace(new, call.sp, smallest)?;
    }
    if old != 0 {
        call.write_longs(old, &[before.base, before.flags, before.size])?;
    }
    Ok(0)
}

pub(in crate::linux) fn rt_sigreturn(call: &mut Call<'_>) -> Result<u64, Errno> {
    call.control = Some(Control::SignalReturn);
    Ok(0)
}

/// Makes a call with another mask for as long as it waits. `pass` is given the
/// address of the mask for the host, or 0 for none.
pub(in crate::linux) fn with_mask(
    call: &mut Call<'_>,
    set: u64,
    size: u64,
    pass: impl FnOnce(&mut Call<'_>, u64) -> Result<u64, Errno>,
) -> Result<u64, Errno> {
    if set == 0 {
        return pass(call, 0);
    }
    if size != SET {
        return Err(Errno::EINVAL);
    }
    let [wanted] = call.words(set)?;
    let mask = wanted & !UNBLOCKABLE;
    if call.thread.attention().wanted() {
        return Err(Errno::RESTART);
    }
    let host = mask & !TAKEN;
    call.thread.block(mask);
    let result = if call.thread.lets_through() == 0 {
        pass(call, &raw const host as u64)
    } else {
        Err(Errno::EINTR)
    };
    if result == Err(Errno::EINTR) {
        call.thread.suspended = Some(mask);
    } else {
        call.thread.block(call.thread.mask);
    }
    result
}

pub(in crate::linux) fn rt_sigsuspend(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [set, size, ..] = call.arguments;
    if size != SET {
        return Err(Errno::EINVAL);
    }
    with_mask(call, set, size, |call, mask| {
        call.arguments[0] = mask;
        call.pass(number::RT_SIGSUSPEND)
    })
}

pub(in crate::linux) fn ppoll(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [_, _, _, set, size, _] = call.arguments;
    with_mask(call, set, size, |call, mask| {
        call.arguments[3] = mask;
        observing::poll(call)
    })
}

pub(in crate::linux) fn pselect6(call: &mut Call<'_>) -> Result<u64, Errno> {
    if descriptors::in_sets(call) {
        return Err(Errno::EBADF);
    }
    with_mask_of_sixth(call, observing::select)
}

pub(in crate::linux) fn io_pgetevents(call: &mut Call<'_>) -> Result<u64, Errno> {
    with_mask_of_sixth(call, |call| call.pass(number::IO_PGETEVENTS))
}

/// Makes a call whose sixth argument points to the mask's address and its size.
fn with_mask_of_sixth(
    call: &mut Call<'_>,
    pass: impl FnOnce(&mut Call<'_>) -> Result<u64, Errno>,
) -> Result<u64, Errno> {
    let both = call.arguments[5];
    let [set, size] = match both {
        0 => [0, 0],
        address => call.longs(address)?,
    };
    with_mask(call, set, size, |call, mask| {
        let both = [mask, SET];
        call.arguments[5] = if mask == 0 { 0 } else { both.as_ptr() as u64 };
        pass(call)
    })
}
