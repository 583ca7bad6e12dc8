//! `process_vm_readv` and `process_vm_writev`: memory of a process by its
//! number, be it the caller's own. They ask neither for a page's protection key
//! nor for whose it is, so the engine's pages are taken out here.

use alloc::vec::Vec;
use core::ops::Range;

use super::Call;
use super::ranges::NOWHERE;
use crate::host::sys::{self, Errno, number};
use crate::host::{key, own};
use crate::linux::views;

pub(in crate::linux) fn process_vm_readv(call: &mut Call<'_>) -> Result<u64, Errno> {
    let process = call.int(0);
    let kept = if shares_memory(process) {
        own::ranges().collect()
    } else {
        Vec::new()
    };
    beside(call, number::PROCESS_VM_READV, &kept)
}

pub(in crate::linux) fn process_vm_writev(call: &mut Call<'_>) -> Result<u64, Errno> {
    let process = call.int(0);
    let kept = if shares_memory(process) {
        own::ranges().collect()
    } else if key::is_used() {
        views::code_memory(process)
    } else {
        Vec::new()
    };
    beside(call, number::PROCESS_VM_WRITEV, &kept)
}

/// Whether the number is that of a thread of this process, or of a process in
/// the same memory. Where the kernel does not say, it is.
pub(in crate::linux) fn shares_memory(process: i32) -> bool {
    const KCMP_VM: u64 = 1;
    let process = u64::from(process.cast_unsigned());
    // SAFETY: the calls touch no memory.
    let compared = unsafe {
        sys::syscall(number::GETPID, [0; 6]).and_then(|own| {
            if own == process {
                return Ok(0);
            }
            sys::syscall(number::KCMP, [own, process, KCMP_VM, 0, 0, 0])
        })
    };
    match compared {
        Ok(order) => order == 0,
        Err(error) => error != Errno::ESRCH,
    }
}

/// Makes the call as if nothing were in the ranges that are kept: it ends where
/// the other side's first part is that is in one.
fn beside(call: &mut Call<'_>, number: u32, kept: &[Range<u64>]) -> Result<u64, Errno> {
    const IOV_MAX: u64 = 1024;
    let [_, _, count, vector, parts, _] = call.arguments;
    if kept.is_empty() || parts > IOV_MAX {
        return call.pass(number);
    }
    // A copy, that another thread cannot change behind the check.
    let mut copy = Vec::new();
    for n in 0..parts {
        let Ok(part) = call.words::<2>(vector.wrapping_add(16 * n)) else {
            // It may be there by now, but then it has not been looked at.
            call.arguments[3] = NOWHERE;
            return call.pass(number);
        };
        copy.push(part);
    }
    let mut cut = false;
    // Of a length that is none, the kernel refuses the whole.
    if copy.iter().all(|part| part[1].cast_signed() >= 0) {
        let first = copy
            .iter()
            .enumerate()
            .find_map(|(index, part)| before(part[0], part[1], kept).map(|length| (index, length)));
        if let Some((index, length)) = first {
            copy.truncate(index + 1);
            copy[index][1] = length;
            cut = true;
        }
    }
    call.arguments[3] = copy.as_ptr() as u64;
    call.arguments[4] = copy.len() as u64;
    match call.pass(number) {
        Ok(0) if cut && count > 0 => Err(Errno::EFAULT),
        result => result,
    }
}

/// How much of a part comes before a range that is kept, if one is in it.
fn before(start: u64, length: u64, kept: &[Range<u64>]) -> Option<u64> {
    let end = start.saturating_add(length);
    let inside = kept
        .iter()
        .filter(|kept| kept.start.max(start) < kept.end.min(end));
    inside.map(|kept| kept.start.saturating_sub(start)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_end_where_a_kept_range_begins() {
        let kept = [0x5000..0x6000, 0x3000..0x4000];
        assert_eq!(before(0x1000, 0x2000, &kept), None);
        assert_eq!(before(0x1000, 0x2001, &kept), Some(0x2000));
        assert_eq!(before(0x1000, 0x9000, &kept), Some(0x2000));
        assert_eq!(before(0x3fff, 1, &kept), Some(0));
        assert_eq!(before(0x4000, 0x1800, &kept), Some(0x1000));
        assert_eq!(before(0x6000, u64::MAX, &kept), None);
        assert_eq!(before(0x3800, 0, &kept), None);
    }

    #[test]
    fn who_shares_memory() {
        // SAFETY: asking for numbers changes nothing.
        let numbers = [number::GETPID, number::GETTID]
            .map(|number| unsafe { sys::syscall(number, [0; 6]) }.unwrap());
        for number in numbers {
            assert!(shares_memory(i32::try_from(number).unwrap()));
        }
        assert!(!shares_memory(i32::MAX));
    }
}
