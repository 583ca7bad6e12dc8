//! `ioctl`: the kernel knows which structures have words of 32 bits, by its entry for i386's
//! programs. Those that terminals and sockets are asked all the time have none.

use super::narrow;
use crate::host::sys::{Errno, number};
use crate::linux::syscalls::{Call, ioctl as common, texts};

/// i386's number.
const IOCTL: u32 = 54;

/// Requests whose structure has no word as wide as an address: of terminals (`T`), and the
/// flags and the length of any descriptor.
const fn is_alike(request: u64) -> bool {
    const TIOCMIWAIT: u64 = 0x545c;
    const TIOCGSERIAL: u64 = 0x541e;
    const TIOCSSERIAL: u64 = 0x541f;
    request >> 8 == 0x54 && !matches!(request, TIOCGSERIAL | TIOCSSERIAL | TIOCMIWAIT)
}

pub(super) fn ioctl(call: &mut Call<'_>) -> Result<u64, Errno> {
    let request = call.arguments[1] & 0xffff_ffff;
    if is_alike(request) || common::is_for_all(request) {
        return common::ioctl(call);
    }
    if common::is_of_files(request) {
        return texts::ask(call, by_entry);
    }
    by_entry(call)
}

fn by_entry(call: &mut Call<'_>) -> Result<u64, Errno> {
    match narrow::call::<IOCTL>(call) {
        // Without that entry: right for the most.
        Err(Errno::ENOSYS) => call.pass(number::IOCTL),
        result => result,
    }
}
