//! `ioctl`: requests have the same numbers and structures wherever words have 64 bits
//! (`tests/abi.rs` compares them). Exceptions are requests to devices of one kind of machine,
//! and those that a guest's own room converts.

use super::{Call, texts};
use crate::host::sys::{Errno, number};

/// Types of requests (bits 8 to 15) that speak of the host's processor, whose
/// devices a guest's kernel does not have, or has with other structures.
const REFUSED: [(u64, &str); 2] = [
    (0xae, "KVM: the virtual machines are x86-64's"),
    (0xa4, "SGX: enclaves are x86-64's"),
];

/// Whether a request is of such a device.
pub(in crate::linux) fn is_refused(request: u64) -> bool {
    let kind = request >> 8 & 0xff;
    REFUSED.iter().any(|&(refused, _)| refused == kind)
}

pub(in crate::linux) fn ioctl(call: &mut Call<'_>) -> Result<u64, Errno> {
    // Terminals' requests, the old ones, have no direction and no size.
    if is_refused(call.arguments[1]) {
        return Err(Errno::ENOTTY);
    }
    if is_of_files(call.arguments[1]) {
        return texts::pass(call, number::IOCTL);
    }
    call.pass(number::IOCTL)
}

/// Whether a request is one of file systems to their files: `FS_IOC_...`.
pub(in crate::linux) const fn is_of_files(request: u64) -> bool {
    matches!(request >> 8 & 0xff, 0x66 | 0x58 | 0x76)
}
