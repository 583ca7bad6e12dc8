//! Memory: mapping, where the guest's permission to execute is kept apart and
//! the engine's own pages are out of reach, and what is asked of ranges of it.

use core::ops::Range;

use super::permission::may_execute;
use super::ranges::{
    HOME_NODE, MBIND, MBIND_DEFAULT, MINCORE, MLOCK, MLOCK2, MPROTECT, MSEAL, MSYNC, MUNLOCK,
    MUNMAP, REMAP_FILE_PAGES, Verdict, before, parts, reaches_out,
};
use super::{Call, chosen, texts};
use crate::host::own;
use crate::host::page::{END, PAGE, page_down, page_up};
use crate::host::sys::{
    self, Errno, MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE, PROT_EXEC, PROT_READ, fd_argument,
    number,
};
use crate::memory::address_space::{Mapping, host_protection};

const EXEC: u64 = PROT_EXEC as u64;
const READ: u64 = PROT_READ as u64;
const REPLACE: u64 = MAP_FIXED as u64;
const NO_REPLACE: u64 = MAP_FIXED_NOREPLACE as u64;

/// The pages of a range that the kernel has accepted.
fn pages(address: u64, length: u64) -> Range<u64> {
    let start = page_down(address);
    let end = address.checked_add(length).and_then(page_up);
    start..end.unwrap_or(page_down(u64::MAX))
}

/// The right to execute that the guest asked for, and the right that it gets
/// by `READ_IMPLIES_EXEC`.
fn implied(call: &Call<'_>, protection: u64) -> u64 {
    let implies = call.thread.attention().reads_imply_exec();
    if implies && protection & READ != 0 {
        protection | EXEC
    } else {
        protection
    }
}

/// The protection bits that are kept: the lower half has all that there are.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the kernel knows no others"
)]
const fn kept(protection: u64) -> u32 {
    protection as u32
}

/// A protection as the host gets it, with what is wrong with it.
fn for_host(protection: u64) -> u64 {
    protection & !0xffff_ffff | u64::from(host_protection(kept(protection)))
}

/// What is shown in place of a file that can't be mapped can't be either: the kernel
/// says why.
fn check_file(call: &Call<'_>, flags: u64) -> Result<(), Errno> {
    if flags & u64::from(MAP_ANONYMOUS) != 0 {
        return Ok(());
    }
    let Some(original) = call.process.shown.of_descriptor(call.int(4)) else {
        return Ok(());
    };
    let Some(file) = texts::stood_for(call, call.int(4)) else {
        return Err(original.mapped());
    };
    let [hint, length, protection, _, _, offset] = call.arguments;
    // A place is only looked at, in case the file can be mapped after all.
    let fixed = flags & (REPLACE | NO_REPLACE) != 0;
    let (hint, flags) = if fixed && !hint.is_multiple_of(PAGE) {
        (hint, flags)
    } else {
        (0, flags & !(REPLACE | NO_REPLACE))
    };
    let arguments = [
        hint,
        length,
        protection,
        flags,
        fd_argument(file.number()),
        offset,
    ];
    // SAFETY: a mapping that nobody knows of is made, where nothing is.
    let mapped = unsafe { sys::syscall(number::MMAP, arguments) }?;
    // SAFETY: it is the mapping that was just made.
    unsafe { sys::munmap(mapped, length) }?;
    Err(original.mapped())
}

pub(in crate::linux) fn mmap(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// x86-64's own, which mean nothing to others: `MAP_32BIT`, `MAP_ABOVE4G`.
    const OF_THE_HOST: u64 = 0x40 | 0x80;
    let [hint, length, protection, flags, ..] = call.arguments;
    let flags = flags & !OF_THE_HOST;
    check_file(call, flags)?;
    call.arguments[3] = flags;
    let asked = call.arguments;
    call.arguments[2] = for_host(protection);
    let fixed = flags & (REPLACE | NO_REPLACE) != 0;
    if !fixed && hint >= END {
        // A hint up there would make a host with five levels of page tables
        // give addresses that the guest does not have.
        call.arguments[0] = 0;
    }
    let end = END.min(call.process.platform.end);
    if fixed && hint.checked_add(length).is_none_or(|last| last > end) {
        return past_the_end(call);
    }
    if fixed && flags & NO_REPLACE == 0 && own::overlaps(&pages(hint, length)) {
        return in_the_way(call);
    }
    let mut guest = implied(call, protection);
    let is_file = flags & u64::from(MAP_ANONYMOUS) == 0;
    // Where no page begins, the kernel says so first.
    let misplaced = fixed && !hint.is_multiple_of(PAGE);
    let barred = is_file && !misplaced && !may_execute(&asked)?;
    if barred {
        guest = protection;
    }
    call.arguments[2] = for_host(guest);
    let space = &call.process.space;
    let _replaced = (flags & REPLACE != 0).then(|| space.changing(pages(hint, length)));
    let address = chosen::mmap(call)?;
    let mapping = Mapping {
        protection: kept(guest),
        // MAP_SHARED and MAP_SHARED_VALIDATE have it.
        shared: flags & 1 != 0,
        barred,
    };
    space.map(pages(address, length), mapping);
    Ok(address)
}

/// A fixed mapping above what the host has. Up to the guest's end, it is the last
/// thing that is wrong with the call.
fn past_the_end(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [hint, length, ..] = call.arguments;
    let last = call.process.platform.end;
    let of_guest = hint.checked_add(length).is_some_and(|end| end <= last);
    if of_guest && !hint.is_multiple_of(PAGE) {
        call.arguments[0] = PAGE + hint % PAGE;
        call.arguments[1] = length.min(PAGE);
    } else {
        // Past the end on every host.
        call.arguments[0] = hint | 1 << 63;
    }
    call.pass(number::MMAP).and(Err(Errno::ENOMEM))
}

/// A fixed mapping where the engine has pages: there is no room. What else is
/// wrong with the call, the kernel says before it finds that.
fn in_the_way(call: &mut Call<'_>) -> Result<u64, Errno> {
    call.arguments[3] |= NO_REPLACE;
    let length = call.arguments[1];
    match call.pass(number::MMAP) {
        Err(Errno::EEXIST) => Err(Errno::ENOMEM),
        Err(error) => Err(error),
        Ok(address) => {
            // Kept for the engine to use later.
            // SAFETY: the pages were free a moment ago.
            unsafe { sys::munmap(address, length) }?;
            Err(Errno::ENOMEM)
        }
    }
}

/// Where the engine lies there is nothing of the guest's to unmap.
pub(in crate::linux) fn munmap(call: &mut Call<'_>) -> Result<u64, Errno> {
    let pages = match MUNMAP.take(call.process.platform, &mut call.arguments) {
        Verdict::Pages(pages) => pages,
        Verdict::Refused(error) => return Err(error),
        Verdict::Nothing => return Ok(0),
    };
    let _going = call.process.space.changing(pages.clone());
    if !reaches_out(&pages) {
        let result = call.pass(number::MUNMAP)?;
        call.process.space.unmap(pages);
        return Ok(result);
    }
    for part in parts(pages) {
        MUNMAP.part(call, &part)?;
        call.process.space.unmap(part);
    }
    Ok(0)
}

pub(in crate::linux) fn mprotect(call: &mut Call<'_>) -> Result<u64, Errno> {
    let protection = call.arguments[2];
    let guest = implied(call, protection);
    call.arguments[2] = for_host(guest);
    let Verdict::Pages(pages) = MPROTECT.take(call.process.platform, &mut call.arguments) else {
        return call.pass(number::MPROTECT);
    };
    let space = &call.process.space;
    // What is before it is changed, as the kernel goes from mapping to mapping.
    let barred = (protection & EXEC != 0)
        .then(|| space.barred(&pages))
        .flatten();
    // And what comes by growing below.
    let grown = space.grown_by(&pages, kept(guest));
    let from = if grown.is_empty() {
        pages.start
    } else {
        grown.start
    };
    let changing = space.changing(from..pages.end);
    let code = changing.is_some() || guest & EXEC != 0;
    let wanted = pages.start..barred.unwrap_or(pages.end);
    let result = if barred.is_none() && !reaches_out(&pages) {
        call.pass(number::MPROTECT)
    } else {
        protect_before(call, &wanted, barred.is_some())
    };
    let done = match result {
        Ok(_) => pages,
        Err(Errno::EINVAL | Errno::RESTART) => 0..0,
        Err(_) if code => taken(call, &wanted),
        Err(_) => 0..0,
    };
    if !done.is_empty() {
        space.protect_grown(grown, kept(guest));
        note(call, done, protection);
    }
    drop(changing);
    result
}

/// Protects the pages up to the first that are not the guest's, or all if they
/// come before such as can't be executed; returns the error for what follows.
fn protect_before(call: &mut Call<'_>, wanted: &Range<u64>, barred: bool) -> Result<u64, Errno> {
    let mine = before(wanted);
    if !mine.is_empty() {
        MPROTECT.part(call, &mine)?;
    }
    if barred && mine == *wanted {
        // Only what is wrong with the protection itself comes before that.
        return match MPROTECT.nowhere(call) {
            Err(Errno::ENOMEM) => Err(Errno::EACCES),
            other => other,
        };
    }
    MPROTECT.nowhere(call)
}

/// Keeps what the guest has said of pages.
fn note(call: &Call<'_>, pages: Range<u64>, protection: u64) {
    let space = &call.process.space;
    let guest = implied(call, protection);
    space.protect(pages.clone(), kept(guest));
    if guest == protection || space.barred(&pages).is_none() {
        return;
    }
    // What can't be executed is not by implication either.
    for (part, mapping) in space.mappings(pages) {
        if mapping.barred {
            space.protect(part, kept(protection));
        }
    }
}

/// Of pages that could not all be protected, those that were: the kernel goes
/// from mapping to mapping until there is something wrong. Asked for them
/// again, it does the same, so the longest range that it takes is looked for.
fn taken(call: &Call<'_>, wanted: &Range<u64>) -> Range<u64> {
    let mine = before(wanted);
    let protection = kept(call.arguments[2]);
    let takes = |pages: u64| {
        // SAFETY: the guest has asked for that.
        unsafe { sys::mprotect(mine.start, pages * PAGE, protection) }.is_ok()
    };
    let all = (mine.end - mine.start) / PAGE;
    if all == 0 || takes(all) {
        return mine;
    }
    let (mut taken, mut not) = (0, all);
    while not - taken > 1 {
        let middle = taken.midpoint(not);
        if takes(middle) {
            taken = middle;
        } else {
            not = middle;
        }
    }
    mine.start..mine.start + taken * PAGE
}

pub(in crate::linux) fn msync(call: &mut Call<'_>) -> Result<u64, Errno> {
    MSYNC.call(call)
}

pub(in crate::linux) fn mincore(call: &mut Call<'_>) -> Result<u64, Errno> {
    let verdict = MINCORE.take(call.process.platform, &mut call.arguments);
    let [address, _, result, ..] = call.arguments;
    match verdict {
        // The host would not see that there is nothing to do.
        Verdict::Nothing if address >= END => return Ok(0),
        // A place for the result that is no program's comes first.
        Verdict::Pages(pages) if END.saturating_sub(result) < (pages.end - pages.start) / PAGE => {
            return Err(Errno::EFAULT);
        }
        _ => {}
    }
    MINCORE.call(call)
}

pub(in crate::linux) fn mlock(call: &mut Call<'_>) -> Result<u64, Errno> {
    MLOCK.call(call)
}

pub(in crate::linux) fn mlock2(call: &mut Call<'_>) -> Result<u64, Errno> {
    MLOCK2.call(call)
}

pub(in crate::linux) fn munlock(call: &mut Call<'_>) -> Result<u64, Errno> {
    MUNLOCK.call(call)
}

pub(in crate::linux) fn mbind(call: &mut Call<'_>) -> Result<u64, Errno> {
    const MPOL_DEFAULT: i32 = 0;
    if call.int(2) == MPOL_DEFAULT {
        return MBIND_DEFAULT.call(call);
    }
    MBIND.call(call)
}

pub(in crate::linux) fn set_mempolicy_home_node(call: &mut Call<'_>) -> Result<u64, Errno> {
    HOME_NODE.call(call)
}

/// What is sealed can never be unmapped again.
pub(in crate::linux) fn mseal(call: &mut Call<'_>) -> Result<u64, Errno> {
    MSEAL.call(call)
}

/// Puts other pages of a shared file where some are.
pub(in crate::linux) fn remap_file_pages(call: &mut Call<'_>) -> Result<u64, Errno> {
    let verdict = REMAP_FILE_PAGES.take(call.process.platform, &mut call.arguments);
    let result = REMAP_FILE_PAGES.call(call)?;
    if let Verdict::Pages(pages) = verdict {
        call.process.space.changed(pages);
    }
    Ok(result)
}

/// Locks what is there as it is used, and does not fill the engine's memory
/// for code with pages.
pub(in crate::linux) fn mlockall(call: &mut Call<'_>) -> Result<u64, Errno> {
    const MCL_CURRENT: u64 = 1;
    const MCL_ONFAULT: u64 = 4;
    if call.arguments[0] & MCL_CURRENT != 0 {
        call.arguments[0] |= MCL_ONFAULT;
    }
    call.pass(number::MLOCKALL)
}
