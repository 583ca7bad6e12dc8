//! `uname`, which tells of a machine of 32 bits where the personality asks for that.

use crate::host::sys::{self, Errno, number};
use crate::linux::syscalls::{Call, process};

/// As `setarch linux32` wants it: the machine is `COMPAT_UTS_MACHINE`.
pub(super) fn uname(call: &mut Call<'_>) -> Result<u64, Errno> {
    const QUERY: u64 = 0xffff_ffff;
    const PER_MASK: u64 = 0xff;
    const PER_LINUX32: u64 = 8;
    // SAFETY: asking for the personality changes nothing.
    let personality = unsafe { sys::syscall(number::PERSONALITY, [QUERY, 0, 0, 0, 0, 0]) }?;
    let machine = if personality & PER_MASK == PER_LINUX32 {
        c"armv8l"
    } else {
        call.process.platform.machine
    };
    process::uname_of(call, machine)
}
