//! Memory: the calls with offsets in pages and with lists of pointers.

use alloc::vec::Vec;

use super::words;
use crate::host::sys::Errno;
use crate::linux::syscalls::{Call, memory, placement};

type Made = Result<u64, Errno>;

/// The offset is in units of 4 KiB.
pub(super) fn mmap2(call: &mut Call<'_>) -> Made {
    call.arguments[5] <<= 12;
    memory::mmap(call)
}

/// A list of addresses.
pub(super) fn move_pages(call: &mut Call<'_>) -> Made {
    let [_, count, list, ..] = call.arguments;
    let mut host = Vec::new();
    for n in 0..count {
        let [page] = words::read(list.wrapping_add(4 * n))?;
        host.push(u64::from(page));
    }
    call.arguments[2] = host.as_ptr() as u64;
    placement::move_pages(call)
}
