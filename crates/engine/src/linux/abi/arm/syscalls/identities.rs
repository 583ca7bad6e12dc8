//! Users and groups of 16 bits: all ones is none, and what does not fit is the overflow
//! user's.

use super::words;
use crate::host::sys::{AT_FDCWD, Errno, fd_argument, number};
pub(super) use crate::linux::abi::platform::short_user as narrowed;
use crate::linux::syscalls::{Call, paths, texts};
use crate::memory::guest_memory;

type Made = Result<u64, Errno>;

const NONE: u64 = 0xffff;

/// One of 32 bits.
const fn widened(id: u64) -> u64 {
    let id = id & 0xffff;
    if id == NONE { 0xffff_ffff } else { id }
}

/// The host's call of this number, whose arguments from one to another are such.
fn pass<const NUMBER: u32, const FROM: usize, const TO: usize>(call: &mut Call<'_>) -> Made {
    widen(&mut call.arguments[FROM..TO]);
    call.pass(NUMBER)
}

fn widen(ids: &mut [u64]) {
    for id in ids {
        *id = widened(*id);
    }
}

/// The host's call whose result is one.
#[allow(clippy::cast_possible_truncation, reason = "it has 32 bits")]
pub(super) fn get<const NUMBER: u32>(call: &mut Call<'_>) -> Made {
    Ok(narrowed(call.pass(NUMBER)? as u32).into())
}

pub(super) fn set<const NUMBER: u32>(call: &mut Call<'_>) -> Made {
    pass::<NUMBER, 0, 1>(call)
}

pub(super) fn set_two<const NUMBER: u32>(call: &mut Call<'_>) -> Made {
    pass::<NUMBER, 0, 2>(call)
}

pub(super) fn set_three<const NUMBER: u32>(call: &mut Call<'_>) -> Made {
    pass::<NUMBER, 0, 3>(call)
}

/// `setfsuid`, whose result is the one before.
#[allow(clippy::cast_possible_truncation, reason = "it has 32 bits")]
pub(super) fn exchange<const NUMBER: u32>(call: &mut Call<'_>) -> Made {
    Ok(narrowed(set::<NUMBER>(call)? as u32).into())
}

/// Those of a file with a descriptor.
pub(super) fn fchown(call: &mut Call<'_>) -> Made {
    widen(&mut call.arguments[1..3]);
    texts::pass(call, number::FCHOWN)
}

pub(super) fn lchown(call: &mut Call<'_>) -> Made {
    const LCHOWN: u32 = 94;
    pass::<LCHOWN, 1, 3>(call)
}

pub(super) fn chown(call: &mut Call<'_>) -> Made {
    widen(&mut call.arguments[1..3]);
    chown32(call)
}

/// With numbers of 32 bits.
pub(super) fn chown32(call: &mut Call<'_>) -> Made {
    words::before(call, fd_argument(AT_FDCWD));
    call.arguments[4] = 0;
    paths::follow(call, "fchownat", number::FCHOWNAT)
}

/// The real, the effective and the saved one.
pub(super) fn get_three<const NUMBER: u32>(call: &mut Call<'_>) -> Made {
    let guests: [u64; 3] = core::array::from_fn(|n| call.arguments[n]);
    let mut host = [0_u32; 3];
    for (argument, id) in call.arguments.iter_mut().zip(&mut host) {
        *argument = core::ptr::from_mut(id) as u64;
    }
    let result = call.pass(NUMBER)?;
    for (guest, id) in guests.into_iter().zip(host) {
        call.write(guest, &narrowed(id).to_le_bytes())?;
    }
    Ok(result)
}

/// More groups no process has.
const MOST: usize = 65536;

pub(super) fn getgroups(call: &mut Call<'_>) -> Made {
    const GETGROUPS: u32 = 115;
    let guest = call.arguments[1];
    let count = usize::try_from(call.int(0)).map_err(|_| Errno::EINVAL)?;
    let mut host = alloc::vec![0_u32; count.min(MOST)];
    call.arguments[0] = host.len() as u64;
    call.arguments[1] = host.as_mut_ptr() as u64;
    let result = call.pass(GETGROUPS)?;
    if count > 0 {
        let found = host.iter().take(usize::try_from(result).unwrap_or(0));
        let bytes: alloc::vec::Vec<u8> = found.flat_map(|&id| narrowed(id).to_le_bytes()).collect();
        call.write(guest, &bytes)?;
    }
    Ok(result)
}

pub(super) fn setgroups(call: &mut Call<'_>) -> Made {
    const SETGROUPS: u32 = 116;
    let [count, guest, ..] = call.arguments;
    let Some(count) = usize::try_from(count).ok().filter(|&count| count <= MOST) else {
        return Err(Errno::EINVAL);
    };
    let mut bytes = alloc::vec![0; 2 * count];
    guest_memory::read(guest, &mut bytes)?;
    let ids = bytes.as_chunks().0.iter();
    let host: alloc::vec::Vec<u32> = ids
        .map(|&bytes| u16::from_le_bytes(bytes))
        .map(|id| {
            if u64::from(id) == NONE {
                u32::MAX
            } else {
                id.into()
            }
        })
        .collect();
    call.arguments[1] = host.as_ptr() as u64;
    call.pass(SETGROUPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_none_and_what_does_not_fit_is_nobody() {
        assert_eq!(
            [0, 1000, 0xffff, 0x1_0005].map(widened),
            [0, 1000, 0xffff_ffff, 5]
        );
        assert_eq!(
            [0, 1000, 0xffff, 0x1_0000, u32::MAX].map(narrowed),
            [0, 1000, 0xffff, 65534, 65534]
        );
    }
}
