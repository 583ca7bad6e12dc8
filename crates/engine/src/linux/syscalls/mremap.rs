//! `mremap`: a range that moves, grows or shrinks, and what is kept of it.
//!
//! What the kernel checks of the arguments before it looks at a mapping is all
//! `EINVAL`; it is checked here, with the guest's end of addresses, and so the rest
//! may count on it.

use alloc::vec::Vec;
use core::ops::Range;

use super::ranges::{parts, reaches_out};
use super::{Call, chosen};
use crate::host::own;
use crate::host::page::{END, PAGE, page_down};
use crate::host::sys::{self, Errno, number};
use crate::memory::address_space::{AddressSpace, Mapping};

const MAYMOVE: u64 = 1;
const FIXED: u64 = 2;
const DONTUNMAP: u64 = 4;

/// Arguments that the kernel accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Request {
    /// The old address, a page's.
    old: u64,
    /// The old length, whole pages; 0 to map shared pages a second time. The
    /// end may be past that of all addresses.
    old_length: u64,
    /// The new length, whole pages, at least one.
    length: u64,
    flags: u64,
    /// The new address, where the flags say that there is one.
    new: u64,
}

impl Request {
    /// What the kernel checks first. The old address has no tag any more;
    /// `last` is the end of the guest's addresses.
    fn check(arguments: &[u64; 6], last: u64) -> Result<Self, Errno> {
        let [old, old_length, length, flags, new, _] = *arguments;
        let up = |length: u64| page_down(length.wrapping_add(PAGE - 1));
        let (old_length, length) = (up(old_length), up(length));
        let known = flags & !(MAYMOVE | FIXED | DONTUNMAP) == 0;
        if !known || !old.is_multiple_of(PAGE) || length == 0 || length > last {
            return Err(Errno::EINVAL);
        }
        if flags & (FIXED | DONTUNMAP) != 0 {
            let resized = flags & DONTUNMAP != 0 && old_length != length;
            let fits = new.is_multiple_of(PAGE) && new <= last - length;
            let overlaps = old < new.wrapping_add(length) && new < old.wrapping_add(old_length);
            if !fits || flags & MAYMOVE == 0 || resized || overlaps {
                return Err(Errno::EINVAL);
            }
        }
        Ok(Self {
            old,
            old_length,
            length,
            flags,
            new,
        })
    }

    /// The pages that go with it.
    const fn moving(&self) -> Range<u64> {
        let length = if self.old_length < self.length {
            self.old_length
        } else {
            self.length
        };
        self.old..self.old.saturating_add(length)
    }

    /// The pages that are unmapped behind it, where it shrinks.
    fn tail(&self) -> Range<u64> {
        let end = self.old.saturating_add(self.old_length);
        self.old.saturating_add(self.length).min(end)..end
    }

    /// The pages that are replaced.
    const fn replaced(&self) -> Range<u64> {
        if self.flags & FIXED == 0 {
            0..0
        } else {
            self.new..self.new + self.length
        }
    }
}

pub(in crate::linux) fn mremap(call: &mut Call<'_>) -> Result<u64, Errno> {
    let platform = call.process.platform;
    call.arguments[0] = platform.untagged(call.arguments[0]);
    let request = Request::check(&call.arguments, platform.end)?;
    let moving = request.moving();
    // Nothing is mapped there. Where there are holes between mappings,
    // kernels since Linux 6.17 would move these all the same.
    if reaches_out(&(request.old..moving.end.max(request.old.saturating_add(PAGE)))) {
        return Err(Errno::EFAULT);
    }
    if !request.replaced().is_empty() && reaches_out(&request.replaced()) {
        return match at(call, request.old) {
            Ok(_) => Err(Errno::ENOMEM),
            error => error,
        };
    }
    if request.flags & (FIXED | DONTUNMAP) == DONTUNMAP && request.new >= END {
        // A hint that a host with more bits of addresses would follow.
        call.arguments[4] = 0;
    }
    // More than there is on the host is no less impossible.
    call.arguments[2] = request.length.min(END);
    let tail = request.tail();
    if !tail.is_empty() && tail.end > platform.end && platform.end < END {
        return at(call, request.old).and(Err(Errno::EINVAL));
    }
    // What shrinks from past the last address does not on the host either.
    if tail.is_empty() || tail.end > platform.end || !reaches_out(&tail) {
        return remapped(call, &request, request.old_length);
    }
    call.arguments[1] = request.length;
    let address = remapped(call, &request, request.length)?;
    for part in parts(tail) {
        let _going = call.process.space.changing(part.clone());
        // SAFETY: the guest gives its pages back.
        unsafe { sys::munmap(part.start, part.end - part.start) }?;
        call.process.space.unmap(part);
    }
    Ok(address)
}

/// Whether the guest has something at an address; the kernel's error otherwise.
fn at(call: &mut Call<'_>, address: u64) -> Result<u64, Errno> {
    call.arguments = [address, PAGE, PAGE, 0, 0, 0];
    call.pass(number::MREMAP)
}

/// Makes the call for so many bytes of the old range, and keeps of the pages
/// what was kept of them before.
fn remapped(call: &mut Call<'_>, request: &Request, old_length: u64) -> Result<u64, Errno> {
    let space = &call.process.space;
    let moving = request.moving();
    // Of length 0, a shared mapping is mapped a second time.
    let second = moving.is_empty();
    let known = if second {
        request.old..request.old + PAGE
    } else {
        moving.clone()
    };
    let kept = space.mappings(known.clone());
    let stay = staying(space, request);
    let _going = space.changing(request.old..request.tail().end);
    let _replaced = space.changing(request.replaced());
    let address = chosen::mremap(call)?;
    if request.flags & DONTUNMAP != 0 {
        // What was in them has gone.
        space.changed(moving);
    } else if !second {
        space.unmap(request.old..request.old.saturating_add(old_length));
    }
    let end = address + request.length;
    for (part, mapping) in kept {
        // What it grew by is like its end.
        let last = part.end == known.end;
        let part = part.start - known.start + address..part.end - known.start + address;
        space.map(part.start..if last { end } else { part.end }, mapping);
    }
    for (part, mapping) in stay {
        space.map(part, mapping);
    }
    Ok(address)
}

/// What is kept of those pages at the new place that nothing comes to: kernels
/// since Linux 6.17 move a range with holes, and leave what a hole would come to
/// as it is. Older ones refuse such a range.
fn staying(space: &AddressSpace, request: &Request) -> Vec<(Range<u64>, Mapping)> {
    if request.old_length != request.length || request.replaced().is_empty() {
        return Vec::new();
    }
    let mut kept = space.mappings(request.replaced());
    kept.retain(|(_, mapping)| *mapping != Mapping::default());
    if kept.is_empty() || is_whole(&request.moving()) {
        return Vec::new();
    }
    let mut stay = Vec::new();
    for (range, mapping) in kept {
        let pages = (range.start..range.end).step_by(PAGE_STEP);
        let old = |page: u64| page - request.new + request.old;
        let alone = pages.filter(|&page| !own::is_mapped(old(page)));
        stay.extend(alone.map(|page| (page..page + PAGE, mapping)));
    }
    stay
}

/// A page, as steps are counted.
#[allow(clippy::cast_possible_truncation, reason = "the host has 64 bits")]
const PAGE_STEP: usize = PAGE as usize;

/// Whether all of a range is mapped: the kernel says so when it writes back
/// what is shared, which without `MS_SYNC` it does not.
fn is_whole(range: &Range<u64>) -> bool {
    const MS_ASYNC: u64 = 1;
    let length = range.end - range.start;
    // SAFETY: nothing is changed.
    unsafe { sys::syscall(number::MSYNC, [range.start, length, MS_ASYNC, 0, 0, 0]) }.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LAST: u64 = 1 << 48;

    fn check(arguments: [u64; 5]) -> Option<Request> {
        let [a, b, c, d, e] = arguments;
        Request::check(&[a, b, c, d, e, 0], LAST).ok()
    }

    #[test]
    fn what_the_kernel_refuses_first() {
        const OLD: u64 = 0x10_0000;
        assert!(check([OLD, 1, 1, 0, 0]).is_some());
        assert!(check([OLD, 0, LAST, MAYMOVE, 1]).is_some());
        for wrong in [
            [OLD + 1, PAGE, PAGE, 0, 0],
            [OLD, PAGE, PAGE, 8, 0],
            [OLD, PAGE, PAGE, 1 << 32, 0],
            [OLD, PAGE, 0, 0, 0],
            [OLD, PAGE, u64::MAX, 0, 0],
            [OLD, PAGE, LAST + 1, MAYMOVE, 0],
            [OLD, PAGE, PAGE, FIXED, 0],
            [OLD, PAGE, PAGE, FIXED | MAYMOVE, 1],
            [OLD, PAGE, PAGE, FIXED | MAYMOVE, LAST],
            [OLD, PAGE, PAGE, FIXED | MAYMOVE, OLD],
            [OLD, 2 * PAGE, PAGE, FIXED | MAYMOVE, OLD + PAGE],
            [OLD, PAGE, 2 * PAGE, FIXED | MAYMOVE, OLD - PAGE],
            [OLD, PAGE, 2 * PAGE, DONTUNMAP | MAYMOVE, 0],
        ] {
            assert_eq!(check(wrong), None, "{wrong:x?}");
        }
    }

    proptest! {
        #[test]
        fn ranges_of_what_is_accepted(
            old in 0_u64..1 << 52, old_length: u64, length: u64, flags in 0_u64..8, new: u64,
            huge: bool,
        ) {
            let mask = if huge { u64::MAX } else { (1 << 48) - 1 };
            let arguments = [old << 12, old_length & mask, length & mask, flags, new & mask & !0xfff];
            if let Some(request) = check(arguments) {
                let (moving, tail, replaced) =
                    (request.moving(), request.tail(), request.replaced());
                prop_assert!(moving.start <= moving.end && tail.start <= tail.end);
                prop_assert!(moving.end - moving.start <= request.length);
                prop_assert!(tail.is_empty() || tail.start == moving.end);
                prop_assert!(replaced.end <= LAST);
                prop_assert!(replaced.is_empty() || replaced.end - replaced.start == request.length);
            }
        }
    }
}
