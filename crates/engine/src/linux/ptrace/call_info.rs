//! `PTRACE_GET_SYSCALL_INFO` and `PTRACE_SET_SYSCALL_INFO`: the system call that a thread
//! stops for, as all architectures tell of it.

use super::registers;
use super::tracees::{Stop, Traced};
use crate::host::sys::Errno;
use crate::linux::abi::platform::Width;
use crate::linux::syscalls::call::Call;
use crate::memory::guest_memory;
use crate::thread::traced::{CallInfo, Record, sets};

/// Words of `struct ptrace_syscall_info`.
const WORDS: usize = 11;

/// Which stop it is.
fn kind(traced: &Traced, record: &Record) -> u64 {
    match traced.stop {
        Stop::Made if record.call.kind <= CallInfo::FILTER => record.call.kind,
        _ => 0,
    }
}

/// As much as there is room for; returns how much there is.
///
/// # Errors
/// The kernel's.
pub(super) fn get(call: &Call<'_>, traced: &Traced, room: u64, data: u64) -> Result<u64, Errno> {
    let record = traced.record()?;
    let (info, kind) = (record.call, kind(traced, &record));
    let audit = u64::from(registers::guest(call, &record).audit);
    let mut words = [0_u64; WORDS];
    // The kind, padding, and the architecture.
    words[0] = kind | audit << 32;
    (words[1], words[2]) = (info.pc, info.sp);
    let length = match kind {
        CallInfo::ENTRY | CallInfo::FILTER => {
            words[3] = info.number;
            words[4..10].copy_from_slice(&info.arguments);
            words[10] = info.result;
            if kind == CallInfo::ENTRY { 80 } else { 84 }
        }
        CallInfo::EXIT => {
            words[3] = info.result;
            words[4] = u64::from(info.result >= 4095_u64.wrapping_neg());
            33
        }
        _ => 24,
    };
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    let room = usize::try_from(room).unwrap_or(usize::MAX).min(length);
    let bytes: alloc::vec::Vec<u8> = bytes.take(room).collect();
    call.write(data, &bytes)?;
    Ok(length as u64)
}

/// Changes number and arguments of a call that is entered, or the result of one that is left.
///
/// # Errors
/// `EINVAL` for another stop or what is not known, `ERANGE` for a number that is too large.
pub(super) fn set(call: &Call<'_>, traced: &Traced, size: u64, data: u64) -> Result<u64, Errno> {
    if size < (WORDS * 8) as u64 {
        return Err(Errno::EINVAL);
    }
    let mut words = [0_u64; WORDS];
    for (n, word) in (0..).zip(&mut words) {
        let mut bytes = [0; 8];
        guest_memory::read(data.wrapping_add(8 * n), &mut bytes)?;
        *word = u64::from_le_bytes(bytes);
    }
    let mut record = traced.record()?;
    let kind = kind(traced, &record);
    // The kind, a reserved byte and flags.
    if words[0] & 0xffff_ffff != kind {
        return Err(Errno::EINVAL);
    }
    let width = registers::guest(call, &record).elf.width;
    match kind {
        CallInfo::FILTER if words[10] >> 32 != 0 => return Err(Errno::EINVAL),
        CallInfo::ENTRY | CallInfo::FILTER => {
            set_entry(&mut record, width, words[3], words[4..10].try_into().ok())?;
        }
        CallInfo::EXIT => {
            let result = words[3];
            record.call.result = result;
            put(&mut record, width, 0, result);
        }
        _ => return Err(Errno::EINVAL),
    }
    traced.set_record(&record)?;
    Ok(0)
}

fn set_entry(
    record: &mut Record,
    width: Width,
    number: u64,
    arguments: Option<[u64; 6]>,
) -> Result<(), Errno> {
    let number = i32::try_from(number.cast_signed()).map_err(|_| Errno::ERANGE)?;
    let call = &mut record.sets[sets::CALL];
    call.set(&number.to_le_bytes());
    call.written = 1;
    record.call.number = u64::from(number.cast_unsigned());
    if number == -1 {
        // The call is left out, with this result until the tracer sets another.
        put(record, width, 0, Errno::ENOSYS.as_result());
        return Ok(());
    }
    for (n, argument) in arguments.into_iter().flatten().enumerate() {
        record.call.arguments[n] = argument;
        put(record, width, n, argument);
    }
    Ok(())
}

/// Sets one of the first registers, in which arguments are and the result.
fn put(record: &mut Record, width: Width, register: usize, value: u64) {
    let length = width.bytes();
    let general = &mut record.sets[sets::GENERAL];
    let place = register * length..(register + 1) * length;
    general.bytes[place].copy_from_slice(&value.to_le_bytes()[..length]);
    general.written = 1;
}
