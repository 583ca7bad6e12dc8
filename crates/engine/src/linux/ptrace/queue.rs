//! The signals that wait for a thread that a guest traces.

use alloc::vec::Vec;

use super::host;
use super::tracees::Traced;
use crate::host::signal::SignalInfo;
use crate::host::sys::Errno;
use crate::linux::syscalls::call::Call;
use crate::memory::guest_memory;
use crate::thread::handlers;

/// Bytes of `siginfo_t`.
pub(super) const SIZE: usize = 128;
/// More waiting signals are not looked at: while new ones come, the list never ends.
const MOST: u32 = 4096;

/// Its bytes as the guest has them.
#[must_use]
pub(super) fn bytes(call: &Call<'_>, info: &SignalInfo) -> [u8; SIZE] {
    match call.process.platform.tracing.narrow {
        Some(narrow) => (narrow.to_guest)(info),
        None => info.bytes(),
    }
}

/// `PTRACE_PEEKSIGINFO`: how many of them were written.
///
/// # Errors
/// The kernel's.
pub(super) fn peek(
    call: &Call<'_>,
    traced: &Traced,
    address: u64,
    data: u64,
) -> Result<u64, Errno> {
    /// Those that were sent to the process.
    const SHARED: u64 = 1;
    // Where to begin; flags; how many.
    let [from, rest] = {
        let mut words = [0; 16];
        guest_memory::read(address, &mut words)?;
        [0, 8].map(|at| u64::from_le_bytes(core::array::from_fn(|n| words[at + n])))
    };
    let (flags, count) = (rest & 0xffff_ffff, rest >> 32);
    if flags & !SHARED != 0 || count >> 31 != 0 {
        return Err(Errno::EINVAL);
    }
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let waiting = all(traced.thread, flags == SHARED)?;
    let mut written = 0;
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    for info in waiting.iter().skip(from).take(wanted) {
        let place = data.wrapping_add(written * SIZE as u64);
        match call.write(place, &bytes(call, info)) {
            Ok(()) => written += 1,
            Err(error) if written == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(written)
}

/// All that wait, but for those by which the engine tells its threads something.
fn all(thread: i32, shared: bool) -> Result<Vec<SignalInfo>, Errno> {
    let mut found = Vec::new();
    for place in 0..MOST {
        match host::waiting(thread, place, shared)? {
            Some(info) if handlers::is_own(&info) => {}
            Some(info) => found.push(info),
            None => break,
        }
    }
    Ok(found)
}
