//! Calls that the host's kernel does by its entry for programs of i386: these have the same
//! structures as programs of 32-bit Arm but where numbers of 64 bits are aligned, and the
//! kernel knows what of them is which. Where a kernel was built without that entry, such a
//! call is `ENOSYS`.

use crate::host::sys::Errno;
use crate::linux::syscalls::Call;
use crate::thread::interruptible::Entry;

/// The call of this number of i386's.
pub(in crate::linux::abi::arm) fn call<const NUMBER: u32>(
    call: &mut Call<'_>,
) -> Result<u64, Errno> {
    call.pass_by(Entry::Narrow, NUMBER)
}
