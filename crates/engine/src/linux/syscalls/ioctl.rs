//! `ioctl`: requests have the same numbers and structures wherever words have 64 bits
//! (`tests/abi.rs` compares them), but those of a machine's own devices, and what a
//! guest's own room converts.

use super::Call;
use crate::host::sys::{Errno, number};

/// Types of requests (bits 8 to 15) that speak of the host's processor, whose
/// devices a guest's kernel does not have, or has with other structures.
const REFUSED: [(u64, &str); 2] = [
    (0xae, "KVM: the virtual machines are x86-64's"),
    (0xa4, "SGX: enclaves are x86-64's"),
];

pub(in crate::linux) fn ioctl(call: &mut Call<'_>) -> Result<u64, Errno> {
    let kind = call.arguments[1] >> 8 & 0xff;
    // Terminals' requests, the old ones, have no direction and no size.
    if REFUSED.iter().any(|&(refused, _)| refused == kind) {
        return Err(Errno::ENOTTY);
    }
    call.pass(number::IOCTL)
}
