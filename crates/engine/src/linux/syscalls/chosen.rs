//! Calls by which the kernel chooses a place for something of the guest's: by the entry that
//! chooses places which the guest has ([`crate::linux::placing`]).

use super::Call;
use crate::host::own::room;
use crate::host::page::PAGE;
use crate::host::sys::{self, Errno, MAP_ANONYMOUS, MAP_NORESERVE, MAP_PRIVATE, number};
use crate::linux::placing;
use crate::thread::interruptible::Entry;

/// `mmap`, with its arguments as x86-64 has them.
pub(super) fn mmap(call: &mut Call<'_>) -> Result<u64, Errno> {
    if !room::is_left() {
        return call.pass(number::MMAP);
    }
    let offset = call.arguments[5];
    call.arguments[5] /= PAGE;
    let result = call.pass_by(Entry::Narrow, placing::MMAP2);
    call.arguments[5] = offset;
    result
}

/// i386 has the same arguments.
pub(super) fn mremap(call: &mut Call<'_>) -> Result<u64, Errno> {
    const MREMAP: u32 = 163;
    if room::is_left() {
        call.pass_by(Entry::Narrow, MREMAP)
    } else {
        call.pass(number::MREMAP)
    }
}

/// `shmat` of a segment of this length. A place is chosen by a mapping, which the segment replaces:
/// i386 has had a call of its own for less time than filters that list calls.
pub(super) fn shmat(call: &mut Call<'_>, length: u64) -> Result<u64, Errno> {
    const SHM_REMAP: u64 = 0o40_000;
    let [_, address, flags, ..] = call.arguments;
    if !room::is_left() || address != 0 {
        return call.pass(number::SHMAT);
    }
    let start = placing::map(length, 0, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)?;
    call.arguments[1] = start;
    call.arguments[2] = flags | SHM_REMAP;
    let result = call.pass(number::SHMAT);
    (call.arguments[1], call.arguments[2]) = (address, flags);
    // Without memory the kernel may have unmapped the pages, and given them to another thread.
    if result.is_err_and(|error| error != Errno::ENOMEM) {
        // SAFETY: the other errors (shmat(2)) are of the segment, the caller and the place, which
        // the kernel looks at before it unmaps anything. So the pages are those mapped above, and
        // nobody but this knows of them.
        let _ = unsafe { sys::munmap(start, length) };
    }
    result
}
