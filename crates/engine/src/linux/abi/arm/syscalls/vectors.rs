//! `struct iovec`: lists of addresses and lengths.

use alloc::vec::Vec;

use super::words::{self, signed};
use crate::host::sys::{Errno, number};
use crate::linux::syscalls::{Call, advice, observing, remote};

type Made = Result<u64, Errno>;

/// As many as one call takes.
const MOST: u64 = 1024;

/// The host's list of one of the guest's; the guest's length has a sign, and the host refuses
/// a negative one.
pub(super) fn read(address: u64, count: u64) -> Result<Vec<[u64; 2]>, Errno> {
    if count > MOST {
        return Err(Errno::EINVAL);
    }
    let mut host = Vec::new();
    for n in 0..count {
        let [base, length] = words::read(address.wrapping_add(8 * n))?;
        host.push([base.into(), signed(length)]);
    }
    Ok(host)
}

/// With a list in the place of an argument, whose length is the next.
fn with(call: &mut Call<'_>, index: usize, make: impl FnOnce(&mut Call<'_>) -> Made) -> Made {
    let guest = call.arguments[index];
    let host = read(guest, call.arguments[index + 1])?;
    call.arguments[index] = host.as_ptr() as u64;
    let result = make(call);
    call.arguments[index] = guest;
    result
}

pub(super) fn readv(call: &mut Call<'_>) -> Made {
    with(call, 1, observing::readv)
}

pub(super) fn writev(call: &mut Call<'_>) -> Made {
    with(call, 1, |call| call.pass(number::WRITEV))
}

/// The host's call with a position, whose halves are two arguments.
pub(super) fn at<const NUMBER: u32>(call: &mut Call<'_>) -> Made {
    let [_, _, _, low, high, _] = call.arguments;
    call.arguments[3] = low & 0xffff_ffff | high << 32;
    call.arguments[4] = 0;
    with(call, 1, |call| call.pass(NUMBER))
}

pub(super) fn vmsplice(call: &mut Call<'_>) -> Made {
    const VMSPLICE: u32 = 278;
    with(call, 1, |call| call.pass(VMSPLICE))
}

pub(super) fn process_vm_readv(call: &mut Call<'_>) -> Made {
    with(call, 1, |call| with(call, 3, remote::process_vm_readv))
}

pub(super) fn process_vm_writev(call: &mut Call<'_>) -> Made {
    with(call, 1, |call| with(call, 3, remote::process_vm_writev))
}

pub(super) fn process_madvise(call: &mut Call<'_>) -> Made {
    with(call, 1, advice::process_madvise)
}
