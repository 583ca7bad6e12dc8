//! Signals: actions and masks are kept here, since the host's are the
//! engine's too; and the calls that wait with another mask.

use super::{Call, Control};
use crate::linux::faults::Action;
use crate::linux::process::AlternateStack;
use crate::linux::signals::{COUNT, SIGKILL, SIGSTOP, TAKEN, TAKEN_LIST, UNBLOCKABLE, bit};
use crate::linux::sys::{Errno, number};

/// Sets of signals have 8 bytes, on both.
const SET: u64 = 8;

pub(super) fn rt_sigaction(call: &mut Call<'_>) -> Result<u64, Errno> {
    let signal = call.int(0);
    let [_, new, old, size, ..] = call.arguments;
    if size != SET || !(1..=COUNT).contains(&signal) {
        return Err(Errno::EINVAL);
    }
    let new = match new {
        0 => None,
        _ if signal == SIGKILL || signal == SIGSTOP => return Err(Errno::EINVAL),
        address => {
            let [handler, flags, restorer, mask] = call.words(address)?;
            Some(Action {
                handler,
                flags,
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
    if old != 0 {
        call.write_words(
            old,
            &[before.handler, before.flags, before.restorer, before.mask],
        )?;
    }
    Ok(0)
}

pub(super) fn rt_sigprocmask(call: &mut Call<'_>) -> Result<u64, Errno> {
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

pub(super) fn rt_sigpending(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [set, size, ..] = call.arguments;
    let result = call.pass(number::RT_SIGPENDING)?;
    let held = held(call, !0);
    if held != 0 && size == SET {
        let [pending] = call.words(set)?;
        call.write_words(set, &[pending | held])?;
    }
    Ok(result)
}

/// Those of the signals in the set that the thread holds.
fn held(call: &Call<'_>, set: u64) -> u64 {
    let held = call.thread.held.iter().zip(TAKEN_LIST);
    held.filter(|(held, _)| held.is_some())
        .fold(0, |bits, (_, signal)| bits | bit(signal))
        & set
}

pub(super) fn sigaltstack(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [new, old, ..] = call.arguments;
    let before = call.thread.alternate_stack.seen_from(call.sp);
    if new != 0 {
        let [base, flags, size] = call.words(new)?;
        let new = AlternateStack { base, flags, size };
        call.thread.alternate_stack.replace(new, call.sp)?;
    }
    if old != 0 {
        call.write_words(old, &[before.base, before.flags, before.size])?;
    }
    Ok(0)
}

pub(super) fn rt_sigreturn(call: &mut Call<'_>) -> Result<u64, Errno> {
    call.control = Some(Control::SignalReturn);
    Ok(0)
}

/// Waits for signals; one that is held is there already.
pub(super) fn rt_sigtimedwait(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [set, info, _, size, ..] = call.arguments;
    if size == SET && held(call, TAKEN) != 0 {
        let [wanted] = call.words(set)?;
        for (n, signal) in TAKEN_LIST.into_iter().enumerate() {
            if wanted & bit(signal) == 0 {
                continue;
            }
            if let Some(held) = call.thread.held[n].take() {
                if info != 0 {
                    call.write(info, &held.bytes())?;
                }
                return Ok(u64::from(signal.unsigned_abs()));
            }
        }
    }
    call.pass(number::RT_SIGTIMEDWAIT)
}

/// Makes a call with another mask for as long as it waits. `pass` is given the
/// address of the mask for the host, or 0 for none.
fn with_mask(
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
    if held(call, !mask) != 0 {
        call.thread.suspended = Some(mask);
        return Err(Errno::EINTR);
    }
    let host = mask & !TAKEN;
    let result = pass(call, &raw const host as u64);
    if result == Err(Errno::EINTR) {
        call.thread.suspended = Some(mask);
    }
    result
}

pub(super) fn rt_sigsuspend(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [set, size, ..] = call.arguments;
    if size != SET {
        return Err(Errno::EINVAL);
    }
    with_mask(call, set, size, |call, mask| {
        call.arguments[0] = mask;
        call.pass(number::RT_SIGSUSPEND)
    })
}

pub(super) fn ppoll(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [_, _, _, set, size, _] = call.arguments;
    with_mask(call, set, size, |call, mask| {
        call.arguments[3] = mask;
        call.pass(number::PPOLL)
    })
}

/// The sixth argument points to the mask's address and its size.
pub(super) fn pselect6(call: &mut Call<'_>) -> Result<u64, Errno> {
    let both = call.arguments[5];
    let [set, size] = match both {
        0 => [0, 0],
        address => call.words(address)?,
    };
    with_mask(call, set, size, |call, mask| {
        let both = [mask, SET];
        call.arguments[5] = if mask == 0 { 0 } else { both.as_ptr() as u64 };
        call.pass(number::PSELECT6)
    })
}

/// `struct epoll_event` has 16 bytes on arm64, and 12 on x86-64, where it is
/// packed.
fn epoll(call: &mut Call<'_>, number: u32) -> Result<u64, Errno> {
    const MOST: u64 = i32::MAX as u64 / 16;
    let [_, events, count, _, set, size] = call.arguments;
    if count == 0 || count > MOST {
        return Err(Errno::EINVAL);
    }
    // Fewer than asked for may come back: no more than one call of the guest
    // usually takes need room here.
    let count = count.min(1024);
    let room = usize::try_from(count).unwrap_or(0) * 12;
    let mut packed = alloc::vec![0_u8; room];
    call.arguments[1] = packed.as_mut_ptr() as u64;
    call.arguments[2] = count;
    let got = with_mask(call, set, size, |call, mask| {
        call.arguments[4] = mask;
        call.pass(number)
    })?;
    for (n, event) in (0..got).zip(packed.chunks_exact(12)) {
        let mut wide = [0; 16];
        wide[..4].copy_from_slice(&event[..4]);
        wide[8..].copy_from_slice(&event[4..]);
        call.write(events.wrapping_add(16 * n), &wide)?;
    }
    Ok(got)
}

pub(super) fn epoll_pwait(call: &mut Call<'_>) -> Result<u64, Errno> {
    epoll(call, number::EPOLL_PWAIT)
}

pub(super) fn epoll_pwait2(call: &mut Call<'_>) -> Result<u64, Errno> {
    epoll(call, number::EPOLL_PWAIT2)
}

/// The kernel's, but for the layout of the event.
pub(super) fn epoll_ctl(call: &mut Call<'_>) -> Result<u64, Errno> {
    const DELETE: i32 = 2;
    let event = call.arguments[3];
    let mut packed = [0_u8; 12];
    if call.int(1) != DELETE {
        let [events, data] = call.words(event)?;
        packed[..4].copy_from_slice(&events.to_le_bytes()[..4]);
        packed[4..].copy_from_slice(&data.to_le_bytes());
        call.arguments[3] = packed.as_mut_ptr() as u64;
    }
    call.pass(number::EPOLL_CTL)
}
