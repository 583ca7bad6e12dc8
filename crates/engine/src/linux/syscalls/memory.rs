//! Memory: mapping, where the guest's permission to execute is kept apart and
//! the engine's own pages are out of reach, and the heap.

use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::Ordering;

use super::Call;
use crate::linux::address_space::{PAGE, host_protection, page_down, page_up};
use crate::linux::guest_memory::END;
use crate::linux::own;
use crate::linux::sys::{
    self, Errno, MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE, PROT_EXEC, PROT_READ, PROT_WRITE,
    number,
};

/// The pages of a range that the kernel has accepted.
fn pages(address: u64, length: u64) -> Range<u64> {
    let start = page_down(address);
    let end = address.checked_add(length).and_then(page_up);
    start..end.unwrap_or(page_down(u64::MAX))
}

/// A protection is an int's worth of bits; under `READ_IMPLIES_EXEC` what may
/// be read may be executed.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the kernel knows no others"
)]
fn protection(call: &Call<'_>, argument: u64) -> u32 {
    let protection = argument as u32;
    let implied = call.process.read_implies_exec.load(Ordering::Relaxed);
    if implied && protection & PROT_READ != 0 {
        protection | PROT_EXEC
    } else {
        protection
    }
}

/// What is shown in place of a file that can't be mapped can't be either.
fn check_file(call: &Call<'_>, length: u64, flags: u64) -> Result<(), Errno> {
    if flags & u64::from(MAP_ANONYMOUS) != 0 || length == 0 {
        return Ok(());
    }
    match call.process.shown.of_descriptor(call.int(4)) {
        Some(original) => Err(original.mapped()),
        None => Ok(()),
    }
}

pub(super) fn mmap(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// x86-64's own, which mean nothing on arm64: `MAP_32BIT`, `MAP_ABOVE4G`.
    const OF_THE_HOST: u64 = 0x40 | 0x80;
    const FIXED: u64 = (MAP_FIXED | MAP_FIXED_NOREPLACE) as u64;
    let [hint, length, guest, flags, ..] = call.arguments;
    let guest = protection(call, guest);
    check_file(call, length, flags)?;
    if flags & FIXED != 0 {
        // Above the host's end there is nothing to map, and on the engine
        // nothing may be.
        let end = hint.checked_add(length).ok_or(Errno::ENOMEM)?;
        let replaces = flags & u64::from(MAP_FIXED_NOREPLACE) == 0;
        if end > END || replaces && own::overlaps(&pages(hint, length)) {
            return Err(Errno::ENOMEM);
        }
    } else if hint >= END {
        // A hint up there would make a host with five levels of page tables
        // give addresses that arm64 does not have.
        call.arguments[0] = 0;
    }
    call.arguments[2] = u64::from(host_protection(guest));
    call.arguments[3] = flags & !OF_THE_HOST;
    let space = &call.process.space;
    let _replaced =
        (flags & u64::from(MAP_FIXED) != 0).then(|| space.changing(pages(hint, length)));
    let address = call.pass(number::MMAP)?;
    // MAP_SHARED and MAP_SHARED_VALIDATE have it.
    let shared = flags & 1 != 0;
    let pages = pages(address, length);
    space.map(pages, guest, shared);
    Ok(address)
}

/// Where the engine lies there is nothing of the guest's to unmap.
pub(super) fn munmap(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [address, length, ..] = call.arguments;
    let range = pages(address, length);
    let _going = call.process.space.changing(range.clone());
    if address != range.start || !own::overlaps(&range) {
        let result = call.pass(number::MUNMAP)?;
        call.process.space.unmap(range);
        return Ok(result);
    }
    for part in own::without(range) {
        call.arguments = [part.start, part.end - part.start, 0, 0, 0, 0];
        call.pass(number::MUNMAP)?;
        call.process.space.unmap(part);
    }
    Ok(0)
}

/// Whether a range reaches into the engine's pages. One that does not begin with
/// a page the kernel refuses before it looks at any.
fn is_own(address: u64, length: u64) -> bool {
    address.is_multiple_of(PAGE) && own::overlaps(&pages(address, length))
}

/// The engine's pages look unmapped.
fn check_mapped(address: u64, length: u64) -> Result<(), Errno> {
    if is_own(address, length) {
        return Err(Errno::ENOMEM);
    }
    Ok(())
}

pub(super) fn mprotect(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [address, length, guest, ..] = call.arguments;
    let guest = protection(call, guest);
    check_mapped(address, length)?;
    let range = pages(address, length);
    call.arguments[2] = u64::from(host_protection(guest));
    let space = &call.process.space;
    let grown = space.grown_by(&range, guest);
    let from = if grown.is_empty() {
        range.start
    } else {
        grown.start
    };
    let _changing = space.changing(from..range.end);
    let result = call.pass(number::MPROTECT)?;
    space.protect_grown(grown, guest);
    space.protect(range, guest);
    Ok(result)
}

pub(super) fn mremap(call: &mut Call<'_>) -> Result<u64, Errno> {
    const MREMAP_FIXED: u64 = 2;
    const MREMAP_DONTUNMAP: u64 = 4;
    let [old, old_length, length, flags, new, _] = call.arguments;
    if is_own(old, old_length.max(1)) {
        return Err(Errno::EFAULT);
    }
    if flags & MREMAP_FIXED != 0 && is_own(new, length) {
        return Err(Errno::EINVAL);
    }
    let guest = call.process.space.code_protection(old);
    let space = &call.process.space;
    let shared = space.shared(old);
    let _going = space.changing(pages(old, old_length));
    let _replaced = (flags & MREMAP_FIXED != 0).then(|| space.changing(pages(new, length)));
    let address = call.pass(number::MREMAP)?;
    // Of length 0, a shared mapping is mapped a second time.
    if flags & MREMAP_DONTUNMAP == 0 && old_length > 0 {
        space.unmap(pages(old, old_length));
    }
    space.map(pages(address, length), guest, shared);
    Ok(address)
}

pub(super) fn madvise(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// Those that change what is there: DONTNEED, FREE, REMOVE,
    /// DONTNEED_LOCKED.
    const CHANGING: [i32; 4] = [4, 8, 9, 24];
    let [address, length, ..] = call.arguments;
    let range = pages(address, length);
    let result = if is_own(address, length) {
        advise_around_own(call, range.clone())
    } else {
        call.pass(number::MADVISE)
    };
    // An error may be of a part of it.
    if CHANGING.contains(&call.int(2)) {
        call.process.space.changed(range);
    }
    result
}

/// What is mapped is advised although not all is, and an error about it is the
/// first.
fn advise_around_own(call: &mut Call<'_>, range: Range<u64>) -> Result<u64, Errno> {
    for part in own::without(range) {
        call.arguments[..2].copy_from_slice(&[part.start, part.end - part.start]);
        match call.pass(number::MADVISE) {
            Ok(_) | Err(Errno::ENOMEM) => {}
            error => return error,
        }
    }
    Err(Errno::ENOMEM)
}

/// `process_madvise`: of another process the kernel takes only advice that
/// changes nothing; of this one, what `madvise` may not do this may not
/// either.
pub(super) fn process_madvise(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// COLD, PAGEOUT, WILLNEED, COLLAPSE.
    const REMOTE: [i32; 4] = [20, 21, 3, 25];
    const IOV_MAX: u64 = 1024;
    let [_, vector, count, ..] = call.arguments;
    if REMOTE.contains(&call.int(3)) {
        return call.pass(number::PROCESS_MADVISE);
    }
    if count > IOV_MAX {
        return Err(Errno::EINVAL);
    }
    // A copy, that another thread cannot change behind the check.
    let mut parts = Vec::new();
    for n in 0..count {
        parts.push(call.words::<2>(vector.wrapping_add(16 * n))?);
    }
    for &[start, length] in &parts {
        check_mapped(start, length)?;
    }
    call.arguments[1] = parts.as_ptr() as u64;
    let result = call.pass(number::PROCESS_MADVISE)?;
    for &[start, length] in &parts {
        call.process.space.changed(pages(start, length));
    }
    Ok(result)
}

/// A call about a range of pages, its first arguments, which are looked at only.
fn of_range(call: &mut Call<'_>, number: u32, error: Errno) -> Result<u64, Errno> {
    let [address, length, ..] = call.arguments;
    // What the kernel refuses before it looks at a page.
    let rounds = matches!(number, number::MLOCK | number::MLOCK2 | number::MUNLOCK);
    let refused = address.checked_add(length).is_none();
    let own = if rounds {
        own::overlaps(&pages(address, length))
    } else {
        is_own(address, length)
    };
    if own && !refused {
        return Err(error);
    }
    call.pass(number)
}

pub(super) fn msync(call: &mut Call<'_>) -> Result<u64, Errno> {
    of_range(call, number::MSYNC, Errno::ENOMEM)
}

pub(super) fn mincore(call: &mut Call<'_>) -> Result<u64, Errno> {
    of_range(call, number::MINCORE, Errno::ENOMEM)
}

pub(super) fn mlock(call: &mut Call<'_>) -> Result<u64, Errno> {
    of_range(call, number::MLOCK, Errno::ENOMEM)
}

pub(super) fn mlock2(call: &mut Call<'_>) -> Result<u64, Errno> {
    of_range(call, number::MLOCK2, Errno::ENOMEM)
}

pub(super) fn munlock(call: &mut Call<'_>) -> Result<u64, Errno> {
    of_range(call, number::MUNLOCK, Errno::ENOMEM)
}

pub(super) fn mbind(call: &mut Call<'_>) -> Result<u64, Errno> {
    of_range(call, number::MBIND, Errno::EFAULT)
}

pub(super) fn set_mempolicy_home_node(call: &mut Call<'_>) -> Result<u64, Errno> {
    of_range(call, number::SET_MEMPOLICY_HOME_NODE, Errno::ENOENT)
}

/// What is sealed can never be unmapped again.
pub(super) fn mseal(call: &mut Call<'_>) -> Result<u64, Errno> {
    of_range(call, number::MSEAL, Errno::ENOMEM)
}

/// Puts other pages of a shared file where some are.
pub(super) fn remap_file_pages(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [address, length, ..] = call.arguments;
    let range = pages(address, length);
    if own::overlaps(&range) {
        return Err(Errno::EINVAL);
    }
    let result = call.pass(number::REMAP_FILE_PAGES)?;
    call.process.space.changed(range);
    Ok(result)
}

/// Locks what is there as it is used, and does not fill the engine's memory
/// for code with pages.
pub(super) fn mlockall(call: &mut Call<'_>) -> Result<u64, Errno> {
    const MCL_CURRENT: u64 = 1;
    const MCL_ONFAULT: u64 = 4;
    if call.arguments[0] & MCL_CURRENT != 0 {
        call.arguments[0] |= MCL_ONFAULT;
    }
    call.pass(number::MLOCKALL)
}

/// Moves the heap's end, page by page of fresh memory, as long as nothing is
/// in the way; returns the end, moved or not.
pub(super) fn brk(call: &mut Call<'_>) -> Result<u64, Errno> {
    let wanted = call.arguments[0];
    let space = &call.process.space;
    let mut gone = 0..0;
    let end = call.process.heap.with(|heap| {
        if wanted < heap.start {
            return heap.end;
        }
        let Some(new) = page_up(wanted) else {
            return heap.end;
        };
        let old = page_up(heap.end).unwrap_or(heap.end);
        debug_assert!(old.is_multiple_of(PAGE));
        let moved = if new > old {
            let flags = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_FIXED_NOREPLACE;
            // SAFETY: NOREPLACE takes only free addresses.
            unsafe { sys::mmap(old, new - old, PROT_READ | PROT_WRITE, flags, None) }
                .map(|_| space.map(old..new, PROT_READ | PROT_WRITE, false))
        } else if new < old {
            gone = new..old;
            // SAFETY: the guest gives its heap's pages back.
            unsafe { sys::munmap(new, old - new) }
        } else {
            Ok(())
        };
        if moved.is_ok() {
            heap.end = wanted;
        }
        heap.end
    });
    // They may have been made executable.
    space.unmap(gone);
    Ok(end)
}
