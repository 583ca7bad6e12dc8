//! Memory: mapping, where the guest's permission to execute is kept apart,
//! and the heap.

use core::ops::Range;

use super::Call;
use crate::linux::address_space::{PAGE, host_protection, page_down, page_up};
use crate::linux::sys::{self, Errno, PROT_EXEC, PROT_READ, PROT_WRITE, number};

/// The pages of a range that the kernel has accepted.
fn pages(address: u64, length: u64) -> Range<u64> {
    let start = page_down(address);
    let end = address.checked_add(length).and_then(page_up);
    start..end.unwrap_or(page_down(u64::MAX))
}

/// A protection is an int's worth of bits.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the kernel knows no others"
)]
fn protection(argument: u64) -> u32 {
    argument as u32
}

pub(super) fn mmap(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// x86-64's own, which means nothing on arm64.
    const MAP_32BIT: u64 = 0x40;
    let [_, length, guest, flags, ..] = call.arguments;
    let guest = protection(guest);
    call.arguments[2] = u64::from(host_protection(guest));
    call.arguments[3] = flags & !MAP_32BIT;
    let address = call.pass(number::MMAP)?;
    call.process.space.protect(pages(address, length), guest);
    Ok(address)
}

pub(super) fn munmap(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [address, length, ..] = call.arguments;
    let result = call.pass(number::MUNMAP)?;
    call.process.space.unmap(pages(address, length));
    Ok(result)
}

pub(super) fn mprotect(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [address, length, guest, ..] = call.arguments;
    let guest = protection(guest);
    call.arguments[2] = u64::from(host_protection(guest));
    let result = call.pass(number::MPROTECT)?;
    call.process.space.protect(pages(address, length), guest);
    Ok(result)
}

pub(super) fn mremap(call: &mut Call<'_>) -> Result<u64, Errno> {
    const MREMAP_DONTUNMAP: u64 = 4;
    let [old, old_length, length, flags, ..] = call.arguments;
    let executable = call.process.space.executable(old).is_some();
    let address = call.pass(number::MREMAP)?;
    let space = &call.process.space;
    // Of length 0, a shared mapping is mapped a second time.
    if flags & MREMAP_DONTUNMAP == 0 && old_length > 0 {
        space.unmap(pages(old, old_length));
    }
    let guest = if executable { PROT_EXEC } else { 0 };
    space.protect(pages(address, length), guest);
    Ok(address)
}

pub(super) fn madvise(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// Those that change what is there: DONTNEED, FREE, REMOVE,
    /// DONTNEED_LOCKED.
    const CHANGING: [i32; 4] = [4, 8, 9, 24];
    let [address, length, ..] = call.arguments;
    let result = call.pass(number::MADVISE)?;
    if CHANGING.contains(&call.int(2)) {
        call.process.space.changed(pages(address, length));
    }
    Ok(result)
}

/// Moves the heap's end, page by page of fresh memory, as long as nothing is
/// in the way; returns the end, moved or not.
pub(super) fn brk(call: &mut Call<'_>) -> Result<u64, Errno> {
    let wanted = call.arguments[0];
    call.process.heap.with(|heap| {
        if wanted < heap.start {
            return Ok(heap.end);
        }
        let Some(new) = page_up(wanted) else {
            return Ok(heap.end);
        };
        let old = page_up(heap.end).unwrap_or(heap.end);
        debug_assert!(old.is_multiple_of(PAGE));
        let moved = if new > old {
            let flags = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_FIXED_NOREPLACE;
            // SAFETY: NOREPLACE takes only free addresses.
            unsafe { sys::mmap(old, new - old, PROT_READ | PROT_WRITE, flags, None) }.map(drop)
        } else if new < old {
            // SAFETY: the guest gives its heap's pages back.
            unsafe { sys::munmap(new, old - new) }
        } else {
            Ok(())
        };
        if moved.is_ok() {
            heap.end = wanted;
        }
        Ok(heap.end)
    })
}
