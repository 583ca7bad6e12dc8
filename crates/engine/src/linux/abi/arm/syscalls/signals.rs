//! Signals: the calls with sets of 32 signals, and `siginfo` and `sigevent` with words of 32
//! bits.

use super::super::siginfo;
use super::words::{self, with};
use crate::host::signal::SignalInfo;
use crate::host::sys::Errno;
use crate::linux::syscalls::{Call, ptrace, sends, signals};
use crate::memory::guest_memory;

/// Bytes of a set.
const SET: u64 = 8;

type Made = Result<u64, Errno>;

/// `sigaction`, whose structure has the mask before the flags, and 32 signals in it.
pub(super) fn sigaction(call: &mut Call<'_>) -> Made {
    let [_, new, old, ..] = call.arguments;
    // As `rt_sigaction` has it: handler, flags, restorer, mask.
    let host;
    if new != 0 {
        let [handler, mask, flags, restorer] = words::read(new)?;
        host = [handler, flags, restorer, mask, 0_u32];
        call.arguments[1] = host.as_ptr() as u64;
    }
    let mut before = [0_u32; 5];
    if old != 0 {
        call.arguments[2] = before.as_mut_ptr() as u64;
    }
    call.arguments[3] = SET;
    let result = signals::rt_sigaction(call)?;
    if old != 0 {
        let [handler, flags, restorer, mask, _] = before;
        words::write(call, old, &[handler, mask, flags, restorer])?;
    }
    Ok(result)
}

/// `sigprocmask`: the signals from 33 on stay as they are.
pub(super) fn sigprocmask(call: &mut Call<'_>) -> Made {
    const SIG_SETMASK: i32 = 2;
    let [_, new, old, ..] = call.arguments;
    let before = call.thread.mask;
    let mut host = [0_u64];
    if new != 0 {
        let [set] = words::read(new)?;
        let kept = if call.int(0) == SIG_SETMASK {
            before >> 32 << 32
        } else {
            0
        };
        host = [kept | u64::from(set)];
    }
    (call.arguments[2], call.arguments[3]) = (0, SET);
    let result = with(call, 1, &mut host, signals::rt_sigprocmask)?;
    if old != 0 {
        words::write(call, old, &words::narrowed([before]))?;
    }
    Ok(result)
}

pub(super) fn sigpending(call: &mut Call<'_>) -> Made {
    let guest = call.arguments[0];
    let mut host = [0_u64];
    call.arguments[1] = SET;
    call.arguments[0] = host.as_mut_ptr() as u64;
    let result = signals::rt_sigpending(call)?;
    words::write(call, guest, &words::narrowed(host))?;
    Ok(result)
}

/// The mask is the third argument, and not a pointer.
pub(super) fn sigsuspend(call: &mut Call<'_>) -> Made {
    let host = [call.arguments[2]];
    (call.arguments[0], call.arguments[1]) = (host.as_ptr() as u64, SET);
    signals::rt_sigsuspend(call)
}

/// The host's `siginfo` of one of the guest's, in the place of an argument.
fn taking_info(
    call: &mut Call<'_>,
    index: usize,
    make: impl FnOnce(&mut Call<'_>) -> Made,
) -> Made {
    let guest = call.arguments[index];
    if guest == 0 {
        return make(call);
    }
    let mut bytes = [0; siginfo::SIZE];
    guest_memory::read(guest, &mut bytes)?;
    let mut host = siginfo::to_host(&bytes).0;
    with(call, index, &mut host, make)
}

/// One that the call gives.
pub(super) fn giving_info(
    call: &mut Call<'_>,
    index: usize,
    make: impl FnOnce(&mut Call<'_>) -> Made,
) -> Made {
    super::words::with_result::<16>(call, index, make, |call, guest, host| {
        call.write(guest, &siginfo::to_guest(&SignalInfo(host)))
    })
}

pub(super) fn rt_sigqueueinfo(call: &mut Call<'_>) -> Made {
    taking_info(call, 2, sends::rt_sigqueueinfo)
}

pub(super) fn rt_tgsigqueueinfo(call: &mut Call<'_>) -> Made {
    taking_info(call, 3, sends::rt_tgsigqueueinfo)
}

pub(super) fn pidfd_send_signal(call: &mut Call<'_>) -> Made {
    taking_info(call, 2, sends::pidfd_send_signal)
}

/// A `sigevent`: a value, a signal, how, and a thread or a function and its attributes.
fn taking_event(
    call: &mut Call<'_>,
    index: usize,
    make: impl FnOnce(&mut Call<'_>) -> Made,
) -> Made {
    let guest = call.arguments[index];
    if guest == 0 {
        return make(call);
    }
    let [value, signal, how, thread] = words::read(guest)?;
    let mut host = [0; 8];
    host[0] = value.into();
    host[1] = u64::from(signal) | u64::from(how) << 32;
    host[2] = thread.into();
    with(call, index, &mut host, make)
}

pub(super) fn timer_create(call: &mut Call<'_>) -> Made {
    taking_event(call, 1, sends::timer_create)
}

pub(super) fn mq_notify(call: &mut Call<'_>) -> Made {
    const MQ_NOTIFY: u32 = 244;
    taking_event(call, 1, |call| call.pass(MQ_NOTIFY))
}

/// `siginfo` has the child's status where it has one, whatever its code.
pub(super) fn waitid(call: &mut Call<'_>) -> Made {
    let guest = call.arguments[2];
    let mut host = [0; 16];
    let result =
        super::limits::giving_usage(call, 4, |call| with(call, 2, &mut host, ptrace::waitid));
    if guest != 0 && result != Err(Errno::RESTART) {
        // A signal of 0, where no child has anything to tell, or the call fails.
        let info = SignalInfo(host);
        let told = siginfo::to_guest(&info);
        // The kernel writes the fields of a child and no others.
        call.write(guest, &told[..24])?;
    }
    result
}

/// `epoll_wait` has no mask.
pub(super) fn epoll_wait(call: &mut Call<'_>) -> Made {
    (call.arguments[4], call.arguments[5]) = (0, 0);
    crate::linux::syscalls::events::epoll_pwait(call)
}
