//! `struct epoll_event`: 12 bytes on x86-64, which packs it, 16 on all others.

use core::ptr;

use super::signals::with_mask;
use super::{Call, observing};
use crate::host::sys::{Errno, number};
use crate::memory::guest_memory;

/// The guest's size, with four bytes of padding behind the events.
const GUEST: usize = 16;
/// x86-64's size.
const HOST: usize = 12;
/// How many events one call gives at most. The kernel keeps the others for
/// the next call, and a program that asks for more cannot tell.
const MOST: usize = 256;

/// The host's event of the guest's.
const fn to_host(guest: [u8; GUEST]) -> [u8; HOST] {
    let [e0, e1, e2, e3, _, _, _, _, d0, d1, d2, d3, d4, d5, d6, d7] = guest;
    [e0, e1, e2, e3, d0, d1, d2, d3, d4, d5, d6, d7]
}

/// The guest's event of the host's.
const fn to_guest(host: [u8; HOST]) -> [u8; GUEST] {
    let [e0, e1, e2, e3, d0, d1, d2, d3, d4, d5, d6, d7] = host;
    [e0, e1, e2, e3, 0, 0, 0, 0, d0, d1, d2, d3, d4, d5, d6, d7]
}

pub(in crate::linux) fn epoll_ctl(call: &mut Call<'_>) -> Result<u64, Errno> {
    const EPOLL_CTL_DEL: i32 = 2;
    let guest = call.arguments[3];
    if call.int(1) == EPOLL_CTL_DEL {
        // The event is not looked at.
        return call.pass(number::EPOLL_CTL);
    }
    let mut bytes = [0; GUEST];
    guest_memory::read(guest, &mut bytes)?;
    let host = to_host(bytes);
    call.arguments[3] = host.as_ptr() as u64;
    call.pass(number::EPOLL_CTL)
}

pub(in crate::linux) fn epoll_pwait(call: &mut Call<'_>) -> Result<u64, Errno> {
    wait(call, number::EPOLL_PWAIT)
}

pub(in crate::linux) fn epoll_pwait2(call: &mut Call<'_>) -> Result<u64, Errno> {
    wait(call, number::EPOLL_PWAIT2)
}

fn wait(call: &mut Call<'_>, number: u32) -> Result<u64, Errno> {
    let guest = call.arguments[1];
    let most = match usize::try_from(call.int(2)) {
        Ok(most @ 1..=0x7ff_ffff) => most.min(MOST),
        _ => return Err(Errno::EINVAL),
    };
    let mut events = [[0_u8; HOST]; MOST];
    call.arguments[1] = ptr::from_mut(&mut events) as u64;
    call.arguments[2] = most as u64;
    let [_, _, _, _, set, size] = call.arguments;
    let count = with_mask(call, set, size, |call, mask| {
        call.arguments[4] = mask;
        observing::epoll(call, number)
    })?;
    for (&event, at) in events
        .iter()
        .take(usize::try_from(count).unwrap_or(0))
        .zip((guest..).step_by(GUEST))
    {
        call.write(at, &to_guest(event))?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_there_and_back() {
        let host = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        assert_eq!(to_host(to_guest(host)), host);
        assert_eq!(to_guest(host)[8..], host[4..]);
    }
}
