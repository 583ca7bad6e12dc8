//! The process and its machine.

use core::sync::atomic::Ordering;

use super::Call;
use crate::linux::sys::{Errno, number};

/// The host's names, but the guest's machine.
pub(super) fn uname(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// `struct utsname` has six names of 65 bytes; the machine is the fifth.
    const NAME: usize = 65;
    const MACHINE: u64 = 4 * NAME as u64;
    let result = call.pass(number::UNAME)?;
    let mut machine = [0; NAME];
    machine[..7].copy_from_slice(b"aarch64");
    let [names, ..] = call.arguments;
    call.write(names.wrapping_add(MACHINE), &machine)?;
    Ok(result)
}

/// `READ_IMPLIES_EXEC` stays here: on the host it would make pages executable.
/// An arm64 kernel on a processor without 32-bit programs refuses their
/// personality.
pub(super) fn personality(call: &mut Call<'_>) -> Result<u64, Errno> {
    const QUERY: u64 = 0xffff_ffff;
    const PER_MASK: u64 = 0xff;
    const PER_LINUX32: u64 = 8;
    const READ_IMPLIES_EXEC: u64 = 0x40_0000;
    let wanted = call.arguments[0] & 0xffff_ffff;
    let kept = &call.process.read_implies_exec;
    let before = if kept.load(Ordering::Relaxed) {
        READ_IMPLIES_EXEC
    } else {
        0
    };
    if wanted != QUERY {
        if wanted & PER_MASK == PER_LINUX32 {
            return Err(Errno::EINVAL);
        }
        kept.store(wanted & READ_IMPLIES_EXEC != 0, Ordering::Relaxed);
        call.arguments[0] = wanted & !READ_IMPLIES_EXEC;
    }
    Ok(call.pass(number::PERSONALITY)? & !READ_IMPLIES_EXEC | before)
}
