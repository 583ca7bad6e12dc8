//! `ioctl`: requests have the same numbers and structures wherever words have 64 bits
//! (`tests/abi.rs` compares them). Exceptions are requests to devices of one kind of machine,
//! and those that a guest's own room converts.

use super::{Call, procmap, texts};
use crate::host::sys::{Errno, number};
use crate::linux::views::shown::Original;

/// Types of requests (bits 8 to 15) that speak of the host's processor, whose
/// devices a guest's kernel does not have, or has with other structures.
const REFUSED: [(u64, &str); 2] = [
    (0xae, "KVM: the virtual machines are x86-64's"),
    (0xa4, "SGX: enclaves are x86-64's"),
];

/// How much there is to read.
const FIONREAD: u64 = 0x541b;

/// Whether a request is of such a device.
fn is_refused(request: u64) -> bool {
    let kind = request >> 8 & 0xff;
    REFUSED.iter().any(|&(refused, _)| refused == kind)
}

/// Whether a request has the same meaning and structure for all guests, though the host's answer
/// would not do.
pub(in crate::linux) fn is_for_all(request: u64) -> bool {
    request == procmap::REQUEST || is_refused(request)
}

pub(in crate::linux) fn ioctl(call: &mut Call<'_>) -> Result<u64, Errno> {
    // Terminals' requests, the old ones, have no direction and no size.
    if is_refused(call.arguments[1]) {
        return Err(Errno::ENOTTY);
    }
    if call.arguments[1] & 0xffff_ffff == procmap::REQUEST
        && let Some(original) = call.process.shown.of_descriptor(call.int(0))
    {
        if !original.link.ends_with(b"/maps") {
            return Err(Errno::ENOTTY);
        }
        return procmap::query(call, &original);
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
