//! `personality`: a kernel on a processor without 32-bit programs refuses theirs.

use crate::host::sys::Errno;
use crate::linux::syscalls::{Call, process};

pub(super) fn personality(call: &mut Call<'_>) -> Result<u64, Errno> {
    const QUERY: u64 = 0xffff_ffff;
    const PER_MASK: u64 = 0xff;
    const PER_LINUX32: u64 = 8;
    let wanted = call.arguments[0] & 0xffff_ffff;
    if wanted != QUERY && wanted & PER_MASK == PER_LINUX32 {
        return Err(Errno::EINVAL);
    }
    process::personality(call)
}
