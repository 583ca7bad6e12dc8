//! Sending those signals that the engine keeps itself ([`crate::linux::pending`])
//! within the process: as in the kernel, whoever has sent one finds it there,
//! and it is the process's or a thread's as it was sent. All others are the
//! kernel's to send, as are those to other processes.

use core::sync::atomic::Ordering;

use super::Call;
use crate::linux::attention::{SI_TKILL, SignalInfo};
use crate::linux::guest_memory;
use crate::linux::signals::{TAKEN, bit, is_signal};
use crate::linux::sys::{self, Errno, number};

const SI_USER: i32 = 0;

/// Whom a signal is for, within the process.
#[derive(Clone, Copy)]
enum To {
    Process,
    Thread(u32),
}

/// The calling process's number.
fn process(call: &Call<'_>) -> i32 {
    let process = &call.thread.attention().process;
    process.load(Ordering::Relaxed).cast_signed()
}

/// Whether the engine keeps the signal.
fn is_kept(signal: i32) -> bool {
    is_signal(signal) && TAKEN & bit(signal) != 0
}

/// What `kill` and `tgkill` say of the sender.
fn sender(call: &Call<'_>, signal: i32, code: i32) -> SignalInfo {
    // SAFETY: asking for the user changes nothing.
    let user = unsafe { sys::syscall(number::GETUID, [0; 6]) }.unwrap_or(0);
    let process = process(call).cast_unsigned();
    SignalInfo::fault(signal, code, u64::from(process) | user << 32)
}

/// What `rt_sigqueueinfo` is given.
fn given(signal: i32, address: u64) -> Result<SignalInfo, Errno> {
    let mut bytes = [0; 128];
    guest_memory::read(address, &mut bytes)?;
    let mut info = SignalInfo([0; 16]);
    for (word, bytes) in info.0.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    let number = u64::from(signal.cast_unsigned());
    info.0[0] = info.0[0] & !0xffff_ffff | number;
    Ok(info)
}

/// Sends it, or lets the kernel say why not.
fn send(call: &mut Call<'_>, to: To, info: &SignalInfo, kernels: u32) -> Result<u64, Errno> {
    let thread = &call.thread;
    let (attention, ignored) = (thread.attention(), thread.ignores(info.signal()));
    let sent = match to {
        To::Process => {
            thread.pending.send(attention, info, ignored);
            true
        }
        To::Thread(number) => thread.pending.send_to(number, attention, info, ignored),
    };
    if sent { Ok(0) } else { call.pass(kernels) }
}

pub(super) fn kill(call: &mut Call<'_>) -> Result<u64, Errno> {
    let (whom, signal) = (call.int(0), call.int(1));
    if !is_kept(signal) || whom != process(call) {
        return call.pass(number::KILL);
    }
    let info = sender(call, signal, SI_USER);
    send(call, To::Process, &info, number::KILL)
}

pub(super) fn tkill(call: &mut Call<'_>) -> Result<u64, Errno> {
    let (whom, signal) = (call.int(0), call.int(1));
    if !is_kept(signal) || whom <= 0 {
        return call.pass(number::TKILL);
    }
    let info = sender(call, signal, SI_TKILL);
    let to = To::Thread(whom.cast_unsigned());
    send(call, to, &info, number::TKILL)
}

pub(super) fn tgkill(call: &mut Call<'_>) -> Result<u64, Errno> {
    let (group, whom, signal) = (call.int(0), call.int(1), call.int(2));
    if !is_kept(signal) || group != process(call) || whom <= 0 {
        return call.pass(number::TGKILL);
    }
    let info = sender(call, signal, SI_TKILL);
    let to = To::Thread(whom.cast_unsigned());
    send(call, to, &info, number::TGKILL)
}

pub(super) fn rt_sigqueueinfo(call: &mut Call<'_>) -> Result<u64, Errno> {
    let (whom, signal) = (call.int(0), call.int(1));
    if !is_kept(signal) || whom != process(call) {
        return call.pass(number::RT_SIGQUEUEINFO);
    }
    let info = given(signal, call.arguments[2])?;
    send(call, To::Process, &info, number::RT_SIGQUEUEINFO)
}

pub(super) fn rt_tgsigqueueinfo(call: &mut Call<'_>) -> Result<u64, Errno> {
    let (group, whom, signal) = (call.int(0), call.int(1), call.int(2));
    if !is_kept(signal) || group != process(call) || whom <= 0 {
        return call.pass(number::RT_TGSIGQUEUEINFO);
    }
    let info = given(signal, call.arguments[3])?;
    let to = To::Thread(whom.cast_unsigned());
    send(call, to, &info, number::RT_TGSIGQUEUEINFO)
}

/// The signal of a timer does not say whether it is for a thread.
pub(super) fn timer_create(call: &mut Call<'_>) -> Result<u64, Errno> {
    const SIGEV_THREAD_ID: u64 = 4;
    let [_, event, timer, ..] = call.arguments;
    let (signal, how) = match event {
        0 => (0, 0),
        address => {
            // The value, then two ints.
            let [_, both] = call.words(address)?;
            #[allow(clippy::cast_possible_truncation, reason = "an int is the low half")]
            let signal = both as i32;
            (signal, both >> 32)
        }
    };
    let result = call.pass(number::TIMER_CREATE)?;
    if is_kept(signal) {
        let mut number = [0; 4];
        guest_memory::read(timer, &mut number)?;
        let for_thread = how & SIGEV_THREAD_ID != 0;
        let pending = &call.thread.pending;
        pending.timer_made(u32::from_le_bytes(number), for_thread);
    }
    Ok(result)
}
