//! The process and its machine.

use super::Call;
use crate::linux::sys::{Errno, number};

/// What the engine must not do for the guest, and programs can do without.
pub(super) fn not_implemented(_: &mut Call<'_>) -> Result<u64, Errno> {
    Err(Errno::ENOSYS)
}

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
