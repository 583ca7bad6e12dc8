//! `ioctl`: requests have the same numbers and structures wherever words have 64 bits
//! (`tests/abi.rs` compares them). Exceptions are requests to devices of one kind of machine,
//! and those that a guest's own room converts.

use super::{Call, texts};
use crate::host::sys::{Errno, number};
use crate::linux::views::shown::Original;

/// Types of requests (bits 8 to 15) that speak of the host's processor, whose
/// devices a guest's kernel does not have, or has with other structures.
const REFUSED: [(u64, &str); 2] = [
    (0xae, "KVM: the virtual machines are x86-64's"),
    (0xa4, "SGX: enclaves are x86-64's"),
];

/// `PROCMAP_QUERY`, to which the host would answer of the engine's memory: unknown, as
/// before Linux 6.11.
const PROCMAP_QUERY: u64 = 0xc068_6611;

/// How much there is to read.
const FIONREAD: u64 = 0x541b;

/// Whether a request is of such a device, or of the engine.
pub(in crate::linux) fn is_refused(request: u64) -> bool {
    let kind = request >> 8 & 0xff;
    request & 0xffff_ffff == PROCMAP_QUERY || REFUSED.iter().any(|&(refused, _)| refused == kind)
}

pub(in crate::linux) fn ioctl(call: &mut Call<'_>) -> Result<u64, Errno> {
    // Terminals' requests, the old ones, have no direction and no size.
    if is_refused(call.arguments[1]) {
        return Err(Errno::ENOTTY);
    }
    if call.arguments[1] & 0xffff_ffff == FIONREAD
        && let Some(original) = call.process.shown.of_descriptor(call.int(0))
    {
        return rest(call, &original);
    }
    if is_of_files(call.arguments[1]) {
        return texts::pass(call, number::IOCTL);
    }
    call.pass(number::IOCTL)
}

/// Of a text: the kernel subtracts the position from the size that the file says it has.
fn rest(call: &mut Call<'_>, original: &Original) -> Result<u64, Errno> {
    const SEEK_CUR: u64 = 1;
    let to = call.arguments[2];
    call.arguments[1..3].copy_from_slice(&[0, SEEK_CUR]);
    let position = call.pass(number::LSEEK)?;
    let rest = original.status.size.wrapping_sub(position.cast_signed());
    call.write(to, &rest.to_le_bytes()[..4])?;
    Ok(0)
}

/// Whether a request is one of file systems to their files: `FS_IOC_...`, `FIBMAP`,
/// `FIGETBSZ`, `FIOQSIZE`.
pub(in crate::linux) const fn is_of_files(request: u64) -> bool {
    const FIOQSIZE: u64 = 0x5460;
    matches!(request >> 8 & 0xff, 0x66 | 0x58 | 0x76 | 0x15)
        || matches!(request & 0xffff_ffff, 1 | 2 | FIOQSIZE)
}
