//! What a guest asks for of a thread that it traces, but for attaching and waiting.

use super::host::{self, request};
use super::numbers::options;
use super::tracees::{Stop, Traced};
use super::{call_info, queue, registers};
use crate::host::key;
use crate::host::signal::{COUNT, SignalInfo, UNBLOCKABLE};
use crate::host::sys::Errno;
use crate::linux::abi::platform::Width;
use crate::linux::abi::tracing::Special;
use crate::linux::seccomp::carrier;
use crate::linux::syscalls::call::Call;
use crate::linux::views;
use crate::memory::guest_memory;
use crate::thread::traced::{Mode, Set, sets};

/// A request to a thread that stands.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// `PTRACE_...`.
    pub number: u64,
    /// Its two arguments.
    pub address: u64,
    /// The second.
    pub data: u64,
}

/// Does it.
///
/// # Errors
/// The kernel's: `EIO` for what is no request here.
pub fn request(call: &Call<'_>, thread: i32, request: Request) -> Result<u64, Errno> {
    let tracees = &call.process.tracees;
    let Request { data, .. } = request;
    let done = |mode| tracees.with(thread, |traced| resume(traced, mode, data));
    let special = call.process.platform.tracing.special(request.number);
    match request.number {
        _ if special == Some(Special::Emulate) => done(Mode::Emulate),
        _ if special == Some(Special::EmulateStep) => done(Mode::EmulateStep),
        request::PEEKTEXT | request::PEEKDATA | request::POKETEXT | request::POKEDATA => {
            access(call, thread, request)
        }
        request::CONT => done(Mode::Continue),
        request::SYSCALL => done(Mode::Calls),
        request::SINGLESTEP => done(Mode::Step),
        request::DETACH => {
            done(Mode::Detached)?;
            tracees.remove(thread);
            Ok(0)
        }
        _ => tracees.with(thread, |traced| about(call, traced, request)),
    }
}

/// Those that leave it where it stands.
fn about(call: &Call<'_>, traced: &mut Traced, request: Request) -> Result<u64, Errno> {
    let Request { address, data, .. } = request;
    if traced.stop == Stop::None {
        return Err(Errno::ESRCH);
    }
    if let Some(special) = call.process.platform.tracing.special(request.number) {
        return match special {
            Special::Options => set_options(traced, data),
            _ => registers::special(call, traced, special, [address, data]),
        };
    }
    match request.number {
        request::SETOPTIONS => set_options(traced, data),
        request::GETEVENTMSG => event_message(call, traced, data),
        request::GETSIGINFO => get_info(call, traced, data),
        request::SETSIGINFO => set_info(call, traced, data),
        request::PEEKSIGINFO => queue::peek(call, traced, address, data),
        request::GETREGSET => registers::get(call, traced, address, data),
        request::SETREGSET => registers::set(call, traced, address, data),
        request::GETSIGMASK => get_mask(call, traced, address, data),
        request::SETSIGMASK => set_mask(traced, address, data),
        request::GET_SYSCALL_INFO => call_info::get(call, traced, address, data),
        request::SET_SYSCALL_INFO => call_info::set(call, traced, address, data),
        request::SECCOMP_GET_FILTER => filter(call, traced, address, data),
        request::LISTEN => host::order(request::LISTEN, traced.thread, 0),
        _ => Err(Errno::EIO),
    }
}

fn resume(traced: &mut Traced, mode: Mode, signal: u64) -> Result<u64, Errno> {
    match u32::try_from(signal) {
        Ok(signal) if signal <= COUNT.unsigned_abs() => traced.resume(mode, signal).map(|()| 0),
        _ => Err(Errno::EIO),
    }
}

/// Reads a word of the memory, or writes one.
fn access(call: &Call<'_>, thread: i32, request: Request) -> Result<u64, Errno> {
    let platform = call.process.platform;
    let word = call.long_bytes(1);
    let address = request.address & !platform.tag;
    let writes = matches!(request.number, request::POKETEXT | request::POKEDATA);
    let tracees = &call.process.tracees;
    let guest = tracees.with(thread, |traced| match traced.stop {
        Stop::None => Err(Errno::ESRCH),
        _ => Ok(traced
            .record()
            .map_or(platform, |record| registers::guest(call, &record))),
    })?;
    // What is mapped behind the end is the engine's, and no address of the guest's.
    let end = guest.layout.end;
    if end.is_some_and(|end| address.saturating_add(word) > end) {
        return Err(Errno::EIO);
    }
    let touches = |code: &core::ops::Range<u64>| {
        code.start < address.saturating_add(word) && address < code.end
    };
    if writes && key::is_used() && views::code_memory(thread).iter().any(touches) {
        return Err(Errno::EIO);
    }
    // What POKE writes is a word. Where PEEK writes is an address, which has a tag if the
    // program may pass such addresses.
    let data = if writes || !call.thread.takes_tags {
        request.data
    } else {
        platform.untagged(request.data)
    };
    // SAFETY: PEEK writes a word where the guest says, and POKE reads no memory here.
    let done = unsafe {
        match platform.elf.width {
            Width::Bits64 => host::ptrace(request.number, thread, address, data),
            Width::Bits32 => host::narrow(request.number, thread, address, data),
        }
    }?;
    if writes {
        tracees.written([address, address.saturating_add(word)]);
    }
    Ok(done)
}

/// `PTRACE_SETOPTIONS`, and the options of `PTRACE_SEIZE`.
///
/// # Errors
/// `EINVAL` for what is no option, or not here.
pub fn checked_options(data: u64) -> Result<u32, Errno> {
    u32::try_from(data)
        .ok()
        .filter(|data| data & !options::ALL == 0)
        .ok_or(Errno::EINVAL)
}

fn set_options(traced: &mut Traced, data: u64) -> Result<u64, Errno> {
    traced.options = checked_options(data)?;
    traced.tell_options()?;
    Ok(0)
}

/// The host's own message, where the stop is the host's.
fn event_message(call: &Call<'_>, traced: &Traced, data: u64) -> Result<u64, Errno> {
    let message = if traced.stop == Stop::Made {
        traced.record()?.message
    } else {
        host::event_message(traced.thread)?
    };
    call.write_longs(data, &[message])?;
    Ok(0)
}

fn get_info(call: &Call<'_>, traced: &Traced, data: u64) -> Result<u64, Errno> {
    let info = if traced.stop == Stop::Made {
        traced.record()?.info
    } else {
        host::info(traced.thread)?
    };
    call.write(data, &queue::bytes(call, &info))?;
    Ok(0)
}

fn set_info(call: &Call<'_>, traced: &Traced, data: u64) -> Result<u64, Errno> {
    let mut bytes = [0; queue::SIZE];
    guest_memory::read(data, &mut bytes)?;
    let info = match call.process.platform.tracing.narrow {
        Some(narrow) => (narrow.to_host)(&bytes),
        None => SignalInfo(core::array::from_fn(|n| {
            u64::from_le_bytes(core::array::from_fn(|byte| bytes[8 * n + byte]))
        })),
    };
    let mut record = traced.record()?;
    if traced.stop != Stop::Made {
        return Err(Errno::EINVAL);
    }
    record.info = info;
    traced.set_record(&record)?;
    Ok(0)
}

/// `PTRACE_SECCOMP_GET_FILTER`: the guest's filter of this number, the oldest first, of
/// those that the kernel carries for the thread. Returns how many instructions it has.
fn filter(call: &Call<'_>, traced: &Traced, number: u64, data: u64) -> Result<u64, Errno> {
    let thread = traced.thread;
    let found = carrier::of_another(number, |at, place| {
        // SAFETY: the kernel writes as many instructions as it has said that there are.
        unsafe { host::ptrace(request::SECCOMP_GET_FILTER, thread, at, place) }
    })?;
    let words = found.instructions().iter().flat_map(|one| one.words());
    let bytes: alloc::vec::Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
    if data != 0 {
        call.write(data, &bytes)?;
    }
    Ok(found.instructions().len() as u64)
}

const MASK: u64 = 8;

fn get_mask(call: &Call<'_>, traced: &Traced, size: u64, data: u64) -> Result<u64, Errno> {
    if size != MASK {
        return Err(Errno::EINVAL);
    }
    call.write(data, traced.record()?.sets[sets::MASK].get())?;
    Ok(0)
}

fn set_mask(traced: &Traced, size: u64, data: u64) -> Result<u64, Errno> {
    if size != MASK {
        return Err(Errno::EINVAL);
    }
    let mut record = traced.record()?;
    let mut bytes = [0; 8];
    guest_memory::read(data, &mut bytes)?;
    let mask = u64::from_le_bytes(bytes) & !UNBLOCKABLE;
    let mask = mask.to_le_bytes();
    let target: &mut Set = &mut record.sets[sets::MASK];
    target.set(&mask);
    target.written = 1;
    traced.set_record(&record)?;
    Ok(0)
}
