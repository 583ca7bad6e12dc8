//! What a guest asks for of a thread that it traces, but for attaching and waiting.

use super::host::{self, request};
use super::numbers::options;
use super::tracees::{Stop, Traced};
use crate::host::key;
use crate::host::signal::{COUNT, SignalInfo, UNBLOCKABLE};
use crate::host::sys::Errno;
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

/// The bits of an address that the kernel does not look at.
const TAG: u64 = 0xff << 56;

/// The sets of registers of arm64, the place of each in a record, and the bytes of one
/// of its registers.
const SETS: [(u64, usize, u64); 4] = [
    (1, sets::GENERAL, 8),
    (2, sets::FLOAT, 4),
    (0x401, sets::POINTER, 8),
    (0x404, sets::CALL, 4),
];
/// `NT_ARM_HW_BREAK` and `NT_ARM_HW_WATCH`.
const DEBUG_SETS: [u64; 2] = [0x402, 0x403];

/// Does it.
///
/// # Errors
/// The kernel's: `EIO` for what is no request here.
pub fn request(call: &Call<'_>, thread: i32, request: Request) -> Result<u64, Errno> {
    let tracees = &call.process.tracees;
    let Request { data, .. } = request;
    let done = |mode| tracees.with(thread, |traced| resume(traced, mode, data));
    match request.number {
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
    match request.number {
        request::SETOPTIONS => set_options(traced, data),
        request::GETEVENTMSG => event_message(call, traced, data),
        request::GETSIGINFO => get_info(call, traced, data),
        request::SETSIGINFO => set_info(traced, data),
        request::GETREGSET => get_set(call, traced, address, data),
        request::SETREGSET => set_set(call, traced, address, data),
        request::GETSIGMASK => get_mask(call, traced, address, data),
        request::SETSIGMASK => set_mask(traced, address, data),
        request::GET_SYSCALL_INFO => call_info(call, traced, address, data),
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
    const WORD: u64 = 8;
    let address = request.address & !TAG;
    let writes = matches!(request.number, request::POKETEXT | request::POKEDATA);
    let tracees = &call.process.tracees;
    tracees.with(thread, |traced| match traced.stop {
        Stop::None => Err(Errno::ESRCH),
        _ => Ok(()),
    })?;
    let touches = |code: &core::ops::Range<u64>| {
        code.start < address.saturating_add(WORD) && address < code.end
    };
    if writes && key::is_used() && views::code_memory(thread).iter().any(touches) {
        return Err(Errno::EIO);
    }
    // SAFETY: PEEK writes a word where the guest says, and POKE reads no memory here.
    let done = unsafe { host::ptrace(request.number, thread, address, request.data) }?;
    if writes {
        tracees.written([address, address.saturating_add(WORD)]);
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
    call.write_words(data, &[message])?;
    Ok(0)
}

fn get_info(call: &Call<'_>, traced: &Traced, data: u64) -> Result<u64, Errno> {
    let info = if traced.stop == Stop::Made {
        traced.record()?.info
    } else {
        host::info(traced.thread)?
    };
    call.write(data, &info.bytes())?;
    Ok(0)
}

fn set_info(traced: &Traced, data: u64) -> Result<u64, Errno> {
    let mut info = SignalInfo([0; 16]);
    for (n, word) in (0..).zip(&mut info.0) {
        let mut bytes = [0; 8];
        guest_memory::read(data.wrapping_add(8 * n), &mut bytes)?;
        *word = u64::from_le_bytes(bytes);
    }
    let mut record = traced.record()?;
    if traced.stop != Stop::Made {
        return Err(Errno::EINVAL);
    }
    record.info = info;
    traced.set_record(&record)?;
    Ok(0)
}

/// The `iovec` of a request about a set, cut to whole registers.
fn vector(call: &Call<'_>, data: u64, unit: u64) -> Result<(u64, usize), Errno> {
    let [place, length] = call.words(data)?;
    if !length.is_multiple_of(unit) {
        return Err(Errno::EINVAL);
    }
    Ok((place, usize::try_from(length).unwrap_or(usize::MAX)))
}

fn get_set(call: &Call<'_>, traced: &Traced, set: u64, data: u64) -> Result<u64, Errno> {
    if DEBUG_SETS.contains(&set) {
        return get_debug_set(call, traced, data);
    }
    let (_, index, unit) = found(set)?;
    let (place, length) = vector(call, data, unit)?;
    let record = traced.record()?;
    let bytes = record.sets[index].get();
    let bytes = &bytes[..length.min(bytes.len())];
    call.write(place, bytes)?;
    call.write_words(data.wrapping_add(8), &[bytes.len() as u64])?;
    Ok(0)
}

fn found(set: u64) -> Result<(u64, usize, u64), Errno> {
    let row = SETS.into_iter().find(|&(number, ..)| number == set);
    row.ok_or(Errno::EINVAL)
}

/// Registers of a processor that has no breakpoint and no watchpoint: Armv8's debug
/// architecture, and a count of 0.
fn get_debug_set(call: &Call<'_>, traced: &Traced, data: u64) -> Result<u64, Errno> {
    const ARMV8: u64 = 6 << 8;
    const LENGTH: usize = 8;
    traced.record()?;
    let (place, length) = vector(call, data, 4)?;
    let length = length.min(LENGTH);
    call.write(place, &ARMV8.to_le_bytes()[..length])?;
    call.write_words(data.wrapping_add(8), &[length as u64])?;
    Ok(0)
}

fn set_set(call: &Call<'_>, traced: &Traced, set: u64, data: u64) -> Result<u64, Errno> {
    let (number, index, unit) = found(set)?;
    let (place, length) = vector(call, data, unit)?;
    let mut record = traced.record()?;
    let target = &mut record.sets[index];
    let length = length.min(target.get().len());
    let mut bytes = target.bytes;
    guest_memory::read(place, &mut bytes[..length])?;
    if number == 1 && !is_of_user(&bytes) {
        return Err(Errno::EINVAL);
    }
    target.bytes = bytes;
    target.written = 1;
    traced.set_record(&record)?;
    Ok(0)
}

/// Whether PSTATE, the last of the general registers, is one that EL0 can have: no mode
/// and no masked interrupts.
fn is_of_user(general: &[u8]) -> bool {
    const PSTATE: usize = 33 * 8;
    const MODE_AND_MASKS: u64 = 0x3df;
    let pstate = general.get(PSTATE..).and_then(|rest| rest.first_chunk());
    pstate.is_some_and(|&pstate| u64::from_le_bytes(pstate) & MODE_AND_MASKS == 0)
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

/// `PTRACE_GET_SYSCALL_INFO`: as much as there is room for; returns how much there is.
fn call_info(call: &Call<'_>, traced: &Traced, room: u64, data: u64) -> Result<u64, Errno> {
    let info = traced.record()?.call;
    let audit = u64::from(call.process.platform.audit);
    let mut words = [0_u64; 11];
    // The kind, padding, and the architecture.
    words[0] = info.kind & 3 | audit << 32;
    (words[1], words[2]) = (info.pc, info.sp);
    let length = match (traced.stop, info.kind) {
        (Stop::Made, 1) => {
            words[3] = info.number;
            words[4..10].copy_from_slice(&info.arguments);
            80
        }
        (Stop::Made, 3) => {
            words[3] = info.number;
            words[4..10].copy_from_slice(&info.arguments);
            words[10] = info.result;
            84
        }
        (Stop::Made, 2) => {
            words[3] = info.result;
            words[4] = u64::from(info.result >= 4095_u64.wrapping_neg());
            33
        }
        _ => {
            words[0] &= !3;
            24
        }
    };
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    let room = usize::try_from(room).unwrap_or(usize::MAX).min(length);
    let bytes: alloc::vec::Vec<u8> = bytes.take(room).collect();
    call.write(data, &bytes)?;
    Ok(length as u64)
}
