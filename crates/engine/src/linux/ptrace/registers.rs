//! The registers of a thread that a guest traces, as its architecture's tracers ask for them
//! ([`crate::linux::abi::tracing`]).

use super::tracees::Traced;
use crate::host::sys::Errno;
use crate::linux::abi::platform::Platform;
use crate::linux::abi::tracing::{RegisterSet, Special, Tracing};
use crate::linux::syscalls::call::Call;
use crate::memory::guest_memory;
use crate::thread::traced::{Record, Set, sets};

/// The `iovec` of a request about a set, cut to whole registers.
fn vector(call: &Call<'_>, data: u64, unit: u64) -> Result<(u64, usize), Errno> {
    let [place, length] = call.longs(data)?;
    if !length.is_multiple_of(unit) {
        return Err(Errno::EINVAL);
    }
    Ok((place, usize::try_from(length).unwrap_or(usize::MAX)))
}

/// Says in it how much there is.
fn tell_length(call: &Call<'_>, data: u64, length: usize) -> Result<(), Errno> {
    let place = data.wrapping_add(call.long_bytes(1));
    call.write_longs(place, &[length as u64])
}

/// The guest that a record is of.
pub(super) fn guest(call: &Call<'_>, record: &Record) -> &'static Platform {
    let guests = call.process.guests();
    guests.of_machine(record.machine).unwrap_or(guests.own)
}

/// What tracers see of the guest that a record is of. One whose words are narrower is shown no
/// registers (`EIO`).
fn tracing(call: &Call<'_>, record: &Record) -> Result<&'static Tracing, Errno> {
    let (own, guest) = (call.process.platform, guest(call, record));
    if guest.elf.width.bits() > own.elf.width.bits() {
        return Err(Errno::EIO);
    }
    Ok(guest.tracing)
}

/// A set of the registers in a record, by its note.
fn found(call: &Call<'_>, record: &Record, note: u64) -> Result<RegisterSet, Errno> {
    let tracing = tracing(call, record)?;
    let sets = if guest(call, record).elf == call.process.platform.elf {
        tracing.sets
    } else {
        tracing.wider
    };
    let set = sets.iter().find(|set| set.note == note);
    set.copied().ok_or(Errno::EINVAL)
}

/// `PTRACE_GETREGSET`.
///
/// # Errors
/// The kernel's.
pub(super) fn get(call: &Call<'_>, traced: &Traced, note: u64, data: u64) -> Result<u64, Errno> {
    let debug = call.process.platform.tracing.debug;
    if debug.notes.contains(&note) {
        return get_debug(call, traced, data, debug.none);
    }
    let record = traced.record()?;
    let set = found(call, &record, note)?;
    let (place, length) = vector(call, data, set.unit)?;
    let bytes = record.sets[set.index].get();
    let bytes = &bytes[..length.min(bytes.len())];
    call.write(place, bytes)?;
    tell_length(call, data, bytes.len())?;
    Ok(0)
}

/// Registers of a processor that has no breakpoint and no watchpoint.
fn get_debug(call: &Call<'_>, traced: &Traced, data: u64, none: u64) -> Result<u64, Errno> {
    const LENGTH: usize = 8;
    traced.record()?;
    let (place, length) = vector(call, data, 4)?;
    let length = length.min(LENGTH);
    call.write(place, &none.to_le_bytes()[..length])?;
    tell_length(call, data, length)?;
    Ok(0)
}

/// `PTRACE_SETREGSET`.
///
/// # Errors
/// The kernel's.
pub(super) fn set(call: &Call<'_>, traced: &Traced, note: u64, data: u64) -> Result<u64, Errno> {
    let record = traced.record()?;
    let set = found(call, &record, note)?;
    let (place, length) = vector(call, data, set.unit)?;
    let mut bytes = alloc::vec![0; length.min(record.sets[set.index].get().len())];
    guest_memory::read(place, &mut bytes)?;
    put(call, traced, set.index, 0, &bytes)
}

/// Changes some bytes of a set.
fn put(
    call: &Call<'_>,
    traced: &Traced,
    index: usize,
    at: usize,
    bytes: &[u8],
) -> Result<u64, Errno> {
    let mut record = traced.record()?;
    let is_of_user = tracing(call, &record)?.is_of_user;
    let target: &mut Set = &mut record.sets[index];
    let place = at..at + bytes.len();
    target
        .bytes
        .get_mut(place)
        .ok_or(Errno::EIO)?
        .copy_from_slice(bytes);
    if index == sets::GENERAL && !is_of_user(target.get()) {
        return Err(Errno::EINVAL);
    }
    target.written = 1;
    traced.set_record(&record)?;
    Ok(0)
}

/// A request that other architectures do not have.
///
/// # Errors
/// The kernel's.
pub(super) fn special(
    call: &Call<'_>,
    traced: &Traced,
    special: Special,
    [address, data]: [u64; 2],
) -> Result<u64, Errno> {
    let record = traced.record()?;
    tracing(call, &record)?;
    match special {
        Special::Get(index) => call.write(data, record.sets[index].get())?,
        Special::Set(index) => {
            let mut bytes = alloc::vec![0; record.sets[index].get().len()];
            guest_memory::read(data, &mut bytes)?;
            put(call, traced, index, 0, &bytes)?;
        }
        Special::Pointer => call.write(data, record.sets[sets::POINTER].get())?,
        Special::SetCall => {
            #[allow(clippy::cast_possible_truncation, reason = "an int is the low half")]
            let number = (data as u32).to_le_bytes();
            put(call, traced, sets::CALL, 0, &number)?;
        }
        Special::PeekUser(size) => {
            let word = user(address, size, record.sets[sets::GENERAL].get())?;
            call.write_longs(data, &[word.map_or(0, |(_, word)| word.into())])?;
        }
        Special::PokeUser(size) => {
            if let Some((at, _)) = user(address, size, record.sets[sets::GENERAL].get())? {
                #[allow(clippy::cast_possible_truncation, reason = "a word of 32 bits")]
                let word = (data as u32).to_le_bytes();
                put(call, traced, sets::GENERAL, at, &word)?;
            }
        }
        Special::GetDebug(none) if address == 0 => call.write_longs(data, &[none])?,
        Special::SetDebug if address == 0 => {}
        Special::GetDebug(_) | Special::SetDebug => return Err(Errno::EINVAL),
        Special::Options | Special::Emulate | Special::EmulateStep => return Err(Errno::EIO),
    }
    Ok(0)
}

/// A word of `struct user`, whose first are the general registers: where it is, and what; none
/// behind these.
fn user(offset: u64, size: u64, general: &[u8]) -> Result<Option<(usize, u32)>, Errno> {
    const WORD: u64 = 4;
    if !offset.is_multiple_of(WORD) || offset >= size {
        return Err(Errno::EIO);
    }
    let at = usize::try_from(offset).map_err(|_| Errno::EIO)?;
    let word = general.get(at..).and_then(|rest| rest.first_chunk());
    Ok(word.map(|&word| (at, u32::from_le_bytes(word))))
}
