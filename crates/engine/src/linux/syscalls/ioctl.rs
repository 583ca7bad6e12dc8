//! `ioctl`: requests have the same numbers and structures on both
//! (`tests/abi.rs` compares them), but those of a machine's own devices.

use super::Call;
use crate::linux::sys::{Errno, number};

/// Types of requests (bits 8 to 15) that speak of the host's processor, whose
/// devices an arm64 kernel does not have, or has with other structures.
const REFUSED: [(u64, &str); 2] = [
    (0xae, "KVM: the virtual machines are x86-64's"),
    (0xa4, "SGX: enclaves are x86-64's"),
];

pub(super) fn ioctl(call: &mut Call<'_>) -> Result<u64, Errno> {
    let kind = call.arguments[1] >> 8 & 0xff;
    // Terminals' requests, the old ones, have no direction and no size.
    if REFUSED.iter().any(|&(refused, _)| refused == kind) {
        return Err(Errno::ENOTTY);
    }
    call.pass(number::IOCTL)
}
