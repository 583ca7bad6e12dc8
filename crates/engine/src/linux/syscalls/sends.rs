//! Sending those signals that the engine keeps itself ([`crate::linux::pending`])
//! within the process: as in the kernel, whoever has sent one finds it there,
//! and it is the process's or a thread's as it was sent. All others are the
//! kernel's to send, as are those to other processes.

use core::sync::atomic::Ordering;

use super::Call;
use crate::host::signal::{SI_TKILL, SIGBUS, SIGSEGV, SIGTRAP, SignalInfo, bit, is_signal};
use crate::host::sys::{self, Errno, number};
use crate::memory::guest_memory;
use crate::thread::taken::TAKEN;

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

/// The calling thread's number.
fn thread(call: &Call<'_>) -> i32 {
    let thread = &call.thread.attention().thread;
    thread.load(Ordering::Relaxed).cast_signed()
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
    let mut info = copied(address)?;
    let number = u64::from(signal.cast_unsigned());
    info.0[0] = info.0[0] & !0xffff_ffff | number;
    Ok(info)
}

/// A `siginfo` of the guest's.
fn copied(address: u64) -> Result<SignalInfo, Errno> {
    let mut bytes = [0; 128];
    guest_memory::read(address, &mut bytes)?;
    let mut info = SignalInfo([0; 16]);
    for (word, bytes) in info.0.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    Ok(info)
}

/// What the kernel refuses in what a thread is to send: something behind what
/// codes that the kernel does not know have, and what is said in the name of the
/// kernel or of `tkill`, but to the number of the thread itself.
fn check(call: &Call<'_>, whom: i32, info: &SignalInfo) -> Result<(), Errno> {
    check_length(info)?;
    if is_forged(info) && thread(call) != whom {
        return Err(Errno::EPERM);
    }
    Ok(())
}

fn check_length(info: &SignalInfo) -> Result<(), Errno> {
    /// The words of the kernel's own `siginfo`.
    const WORDS: usize = 6;
    let longer = info.0[WORDS..].iter().any(|&word| word != 0);
    if longer && !is_known(info.signal(), info.code()) {
        return Err(Errno::E2BIG);
    }
    Ok(())
}

/// Whether a code is one that only the kernel gives to others.
const fn is_forged(info: &SignalInfo) -> bool {
    info.code() >= SI_USER || info.code() == SI_TKILL
}

/// Whether the kernel knows what comes with a code.
fn is_known(signal: i32, code: i32) -> bool {
    const SI_KERNEL: i32 = 0x80;
    const SI_ASYNCNL: i32 = -60;
    const SI_DETHREAD: i32 = -7;
    /// The last of each signal's codes.
    const LAST: [(i32, i32); 3] = [(SIGSEGV, 10), (SIGBUS, 5), (SIGTRAP, 6)];
    let last = LAST.iter().find(|&&(one, _)| one == signal);
    let last = last.map_or(SI_USER, |&(_, last)| last);
    code == SI_KERNEL || code == SI_ASYNCNL || (SI_DETHREAD..=last).contains(&code)
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

pub(in crate::linux) fn kill(call: &mut Call<'_>) -> Result<u64, Errno> {
    let (whom, signal) = (call.int(0), call.int(1));
    if !is_kept(signal) || whom != process(call) {
        return call.pass(number::KILL);
    }
    let info = sender(call, signal, SI_USER);
    send(call, To::Process, &info, number::KILL)
}

pub(in crate::linux) fn tkill(call: &mut Call<'_>) -> Result<u64, Errno> {
    let (whom, signal) = (call.int(0), call.int(1));
    if !is_kept(signal) || whom <= 0 {
        return call.pass(number::TKILL);
    }
    let info = sender(call, signal, SI_TKILL);
    let to = To::Thread(whom.cast_unsigned());
    send(call, to, &info, number::TKILL)
}

pub(in crate::linux) fn tgkill(call: &mut Call<'_>) -> Result<u64, Errno> {
    let (group, whom, signal) = (call.int(0), call.int(1), call.int(2));
    if !is_kept(signal) || group != process(call) || whom <= 0 {
        return call.pass(number::TGKILL);
    }
    let info = sender(call, signal, SI_TKILL);
    let to = To::Thread(whom.cast_unsigned());
    send(call, to, &info, number::TGKILL)
}

pub(in crate::linux) fn rt_sigqueueinfo(call: &mut Call<'_>) -> Result<u64, Errno> {
    let (whom, signal) = (call.int(0), call.int(1));
    // A thread's number is a process's here, and what a thread sends to its own
    // may look as if the kernel had found a fault.
    if !is_kept(signal) || whom != process(call) && whom != thread(call) {
        return call.pass(number::RT_SIGQUEUEINFO);
    }
    let info = given(signal, call.arguments[2])?;
    check(call, whom, &info)?;
    send(call, To::Process, &info, number::RT_SIGQUEUEINFO)
}

pub(in crate::linux) fn rt_tgsigqueueinfo(call: &mut Call<'_>) -> Result<u64, Errno> {
    let (group, whom, signal) = (call.int(0), call.int(1), call.int(2));
    if !is_kept(signal) || group != process(call) || whom <= 0 {
        return call.pass(number::RT_TGSIGQUEUEINFO);
    }
    let info = given(signal, call.arguments[3])?;
    check(call, whom, &info)?;
    let to = To::Thread(whom.cast_unsigned());
    send(call, to, &info, number::RT_TGSIGQUEUEINFO)
}

/// `pidfd_send_signal`: only what looks as if the kernel had found a fault does
/// the engine send itself, which the kernel lets a thread do to itself alone.
pub(in crate::linux) fn pidfd_send_signal(call: &mut Call<'_>) -> Result<u64, Errno> {
    const PIDFD_SIGNAL_THREAD: u64 = 1;
    const PIDFD_SIGNAL_THREAD_GROUP: u64 = 2;
    let [fd, _, address, flags, ..] = call.arguments;
    let signal = call.int(1);
    if !is_kept(signal) || address == 0 {
        return call.pass(number::PIDFD_SEND_SIGNAL);
    }
    let Ok(info) = copied(address) else {
        return call.pass(number::PIDFD_SEND_SIGNAL);
    };
    // A copy, that another thread cannot change behind a look.
    let bytes = info.bytes();
    call.arguments[2] = bytes.as_ptr() as u64;
    if !is_forged(&info) || info.signal() != signal {
        return call.pass(number::PIDFD_SEND_SIGNAL);
    }
    check_length(&info)?;
    let mut nothing = info;
    nothing.0[0] &= !0xffff_ffff;
    nothing.0[2..].fill(0);
    let bytes = nothing.bytes();
    let arguments = [fd, 0, bytes.as_ptr() as u64, flags, 0, 0];
    // SAFETY: the kernel checks whether it may be sent, and sends nothing.
    unsafe { sys::syscall(number::PIDFD_SEND_SIGNAL, arguments) }?;
    let one = match flags {
        PIDFD_SIGNAL_THREAD => true,
        PIDFD_SIGNAL_THREAD_GROUP => false,
        _ => is_of_a_thread(fd),
    };
    let to = if one {
        To::Thread(thread(call).cast_unsigned())
    } else {
        To::Process
    };
    send(call, to, &info, number::PIDFD_SEND_SIGNAL)
}

/// Whether a descriptor of a process was opened for one thread (`PIDFD_THREAD`).
fn is_of_a_thread(fd: u64) -> bool {
    const F_GETFL: u64 = 3;
    const O_EXCL: u64 = 0x80;
    // SAFETY: asking for the flags changes nothing.
    let flags = unsafe { sys::syscall(number::FCNTL, [fd, F_GETFL, 0, 0, 0, 0]) };
    flags.is_ok_and(|flags| flags & O_EXCL != 0)
}

/// The signal of a timer does not say whether it is for a thread.
pub(in crate::linux) fn timer_create(call: &mut Call<'_>) -> Result<u64, Errno> {
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
