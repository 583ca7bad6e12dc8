//! Reading and writing the guest's words, and making calls with something else in the place of
//! an argument.

use alloc::vec::Vec;

use crate::host::sys::Errno;
use crate::linux::syscalls::Call;
use crate::memory::guest_memory;

/// So many words of 32 bits.
pub(super) fn read<const N: usize>(address: u64) -> Result<[u32; N], Errno> {
    let mut words = [0; N];
    for (at, word) in (address..).step_by(4).zip(&mut words) {
        let mut bytes = [0; 4];
        guest_memory::read(at, &mut bytes)?;
        *word = u32::from_le_bytes(bytes);
    }
    Ok(words)
}

/// Writes such.
pub(super) fn write(call: &Call<'_>, address: u64, words: &[u32]) -> Result<(), Errno> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    call.write(address, &bytes)
}

/// The low half of each.
#[allow(
    clippy::cast_possible_truncation,
    reason = "what does not fit is cut off, as the kernel does"
)]
pub(super) fn narrowed<const N: usize>(words: [u64; N]) -> [u32; N] {
    words.map(|word| word as u32)
}

/// A number with a sign, in all bits.
pub(super) const fn signed(word: u32) -> u64 {
    word.cast_signed() as i64 as u64
}

/// Makes a call with a structure of the host's in the place of an argument, unless that is
/// null.
pub(super) fn with<const N: usize, R>(
    call: &mut Call<'_>,
    index: usize,
    host: &mut [u64; N],
    make: impl FnOnce(&mut Call<'_>) -> R,
) -> R {
    let guest = call.arguments[index];
    if guest != 0 {
        call.arguments[index] = host.as_mut_ptr() as u64;
    }
    let result = make(call);
    call.arguments[index] = guest;
    result
}

/// The same of one that the call only writes, which is the guest's when it is done.
pub(super) fn with_result<const N: usize>(
    call: &mut Call<'_>,
    index: usize,
    make: impl FnOnce(&mut Call<'_>) -> Result<u64, Errno>,
    give: impl FnOnce(&Call<'_>, u64, [u64; N]) -> Result<(), Errno>,
) -> Result<u64, Errno> {
    let mut host = [0; N];
    let result = with(call, index, &mut host, make)?;
    let guest = call.arguments[index];
    if guest != 0 {
        give(call, guest, host)?;
    }
    Ok(result)
}

/// Puts an argument before the others, of which the last is dropped.
pub(super) fn before(call: &mut Call<'_>, first: u64) {
    call.arguments.rotate_right(1);
    call.arguments[0] = first;
}
