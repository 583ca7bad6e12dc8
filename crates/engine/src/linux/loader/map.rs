//! Carrying out a [`Plan`]: the segments of one ELF file into memory.
//!
//! The whole span is reserved first, at addresses that nobody has, so that
//! every fixed mapping after that replaces only the reservation. Pages get
//! the protection that the host may give them; what the guest may execute
//! goes into the [`AddressSpace`].

use core::ops::Range;

use super::elf::{Placement, Plan, Segment};
use crate::host::page::{PAGE, page_down, page_up};
use crate::host::sys::{
    self, Errno, Fd, MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_NORESERVE, MAP_PRIVATE,
    PROT_READ, PROT_WRITE,
};
use crate::linux::placing;
use crate::memory::address_space::{AddressSpace, Mapping, host_protection};
use crate::memory::guest_memory;

/// Where a relocatable file goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Base {
    /// Where the kernel puts mappings.
    Anywhere,
    /// At or near this address, if it is free.
    Near(u64),
}

/// Why a plan was not carried out.
#[derive(Debug)]
pub(super) enum MapError {
    /// The kernel did not map pages at this address.
    Map { address: u64, error: Errno },
    /// The file has fewer bytes than it had.
    Shrank,
}

/// Maps the file; returns how far it was moved.
pub(super) fn map(
    space: &AddressSpace,
    file: &Fd,
    plan: &Plan,
    base: Base,
) -> Result<u64, MapError> {
    let bias = reserve(plan, base)?;
    for segment in &plan.segments {
        map_segment(file, segment, bias)?;
        let mapping = Mapping::own(plan.rights(segment));
        space.map(moved(&segment.pages(), bias), mapping);
    }
    release_holes(plan, bias);
    Ok(bias)
}

const RESERVED: u32 = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

fn failed(address: u64) -> impl Fn(Errno) -> MapError {
    move |error| MapError::Map { address, error }
}

fn moved(range: &Range<u64>, bias: u64) -> Range<u64> {
    range.start.wrapping_add(bias)..range.end.wrapping_add(bias)
}

/// Takes the addresses of the whole span; returns how far it is moved.
fn reserve(plan: &Plan, base: Base) -> Result<u64, MapError> {
    let span = plan.span();
    let length = span.end - span.start;
    if plan.placement == Placement::Fixed {
        // SAFETY: NOREPLACE takes only free addresses.
        let at = unsafe { sys::mmap(span.start, length, 0, RESERVED | MAP_FIXED_NOREPLACE, None) };
        at.map_err(failed(span.start))?;
        return Ok(0);
    }
    // The moved span starts where its first address, modulo the alignment,
    // says.
    let offset = span.start & (plan.alignment - 1);
    if let Base::Near(near) = base {
        let at = (near & !(plan.alignment - 1)).wrapping_add(offset);
        // SAFETY: NOREPLACE takes only free addresses.
        let taken = unsafe { sys::mmap(at, length, 0, RESERVED | MAP_FIXED_NOREPLACE, None) };
        if taken.is_ok() {
            return Ok(at.wrapping_sub(span.start));
        }
    }
    // Anywhere: with room to align, which is given back on both sides.
    let room = length
        .checked_add(plan.alignment)
        .ok_or_else(|| failed(span.start)(Errno::ENOMEM))?;
    // SAFETY: the mapping takes free addresses, and what is unmapped is ours.
    unsafe {
        let start = placing::map(room, 0, RESERVED).map_err(failed(0))?;
        let mut at = (start & !(plan.alignment - 1)) + offset;
        if at < start {
            at += plan.alignment;
        }
        unmap(start..at);
        unmap(at + length..start + room);
        Ok(at.wrapping_sub(span.start))
    }
}

/// Takes a file's segments away again, whose pages nobody has used yet.
pub(super) fn unmap_all(space: &AddressSpace, plan: &Plan, bias: u64) {
    for segment in &plan.segments {
        let pages = moved(&segment.pages(), bias);
        space.unmap(pages.clone());
        // SAFETY: `map` has mapped it, and nobody uses it.
        unsafe { unmap(pages) };
    }
}

/// # Safety
/// The range is ours and nobody uses it.
unsafe fn unmap(range: Range<u64>) {
    if !range.is_empty() {
        // SAFETY: the caller answers for it. Failing leaves a reservation
        // behind, which costs addresses only.
        let _ = unsafe { sys::munmap(range.start, range.end - range.start) };
    }
}

fn protect(pages: Range<u64>, protection: u32) -> Result<(), MapError> {
    // SAFETY: the pages are the guest's, which does not run yet.
    unsafe { sys::mprotect(pages.start, pages.end - pages.start, protection) }
        .map_err(failed(pages.start))
}

/// Maps one segment, with zeros after the file's bytes. A page that it shares
/// with a segment before it becomes its own, as on Linux.
fn map_segment(file: &Fd, segment: &Segment, bias: u64) -> Result<(), MapError> {
    let protection = host_protection(segment.protection);
    let pages = moved(&segment.pages(), bias);
    let start = segment.address.wrapping_add(bias);
    let end = start + segment.file_size;
    let file_end = if segment.file_size == 0 {
        pages.start
    } else {
        page_up(end).unwrap_or(pages.end)
    };
    // SAFETY: all these pages were reserved for this file.
    unsafe {
        if pages.start < file_end {
            let offset = page_down(segment.offset);
            sys::mmap(
                pages.start,
                file_end - pages.start,
                protection,
                MAP_PRIVATE | MAP_FIXED,
                Some((file, offset)),
            )
            .map_err(failed(pages.start))?;
        }
        if file_end < pages.end {
            sys::mmap(
                file_end,
                pages.end - file_end,
                protection,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                None,
            )
            .map_err(failed(file_end))?;
        }
        // The rest of the file's last page holds what comes next in the file.
        if segment.memory_size > segment.file_size && end < file_end {
            let writable = protection & PROT_WRITE != 0;
            if !writable {
                protect(pages.clone(), PROT_READ | PROT_WRITE)?;
            }
            guest_memory::zero(end, file_end - end).map_err(|_| MapError::Shrank)?;
            if !writable {
                protect(pages, protection)?;
            }
        }
    }
    Ok(())
}

/// Gives back what was reserved between the segments.
fn release_holes(plan: &Plan, bias: u64) {
    let mut at = plan.span().start;
    // At most a few dozen segments: the next one is looked for each time.
    while let Some(next) = plan
        .segments
        .iter()
        .map(Segment::pages)
        .filter(|pages| pages.end > at)
        .min_by_key(|pages| pages.start)
    {
        if next.start > at {
            // SAFETY: no segment has these pages, and they were reserved.
            unsafe { unmap(moved(&(at..next.start), bias)) };
        }
        at = next.end;
    }
}

const _: () = assert!(PAGE.is_power_of_two());
