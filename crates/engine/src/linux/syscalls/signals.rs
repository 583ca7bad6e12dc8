//! Signals: actions and masks are kept here, since the host's are the
//! engine's.

use super::Call;
use crate::linux::faults::Action;
use crate::linux::process::AlternateStack;
use crate::linux::signals::{self, COUNT, SIGKILL, SIGSTOP, bit};
use crate::linux::sys::Errno;

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
                mask,
            })
        }
    };
    let before = call.process.actions.with(|actions| {
        let action = actions.of(signal)?;
        let before = *action;
        if let Some(new) = new {
            *action = new;
        }
        Some(before)
    });
    let before = before.ok_or(Errno::EINVAL)?;
    if let Some(new) = new {
        signals::apply(signal, &new);
    }
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
        call.thread.mask = mask & !(bit(SIGKILL) | bit(SIGSTOP));
        signals::set_mask(call.thread.mask);
    }
    if old != 0 {
        call.write_words(old, &[before])?;
    }
    Ok(0)
}

pub(super) fn sigaltstack(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// `SS_AUTODISARM`.
    const AUTODISARM: u64 = 1 << 31;
    /// arm64's `MINSIGSTKSZ`.
    const SMALLEST: u64 = 5120;
    let [new, old, ..] = call.arguments;
    let before = call.thread.alternate_stack;
    if new != 0 {
        let [base, flags, size] = call.words(new)?;
        // An int, with padding behind it.
        let flags = flags & 0xffff_ffff;
        call.thread.alternate_stack = match flags & !AUTODISARM {
            AlternateStack::DISABLED => AlternateStack {
                base: 0,
                flags,
                size: 0,
            },
            // 0 and SS_ONSTACK both set it.
            0 | 1 if size < SMALLEST => return Err(Errno::ENOMEM),
            0 | 1 => AlternateStack {
                base,
                flags: flags & AUTODISARM,
                size,
            },
            _ => return Err(Errno::EINVAL),
        };
    }
    if old != 0 {
        call.write_words(old, &[before.base, before.flags, before.size])?;
    }
    Ok(0)
}
