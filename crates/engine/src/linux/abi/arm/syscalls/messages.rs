//! Sockets: messages (`struct msghdr`), and options.
//!
//! A message without control data is converted here. Control data has structures of many
//! kinds, which the kernel converts by its entry for i386's programs.

use super::words;
use super::{narrow, vectors};
use crate::host::sys::{Errno, number};
use crate::linux::syscalls::Call;
use crate::memory::guest_memory;

type Made = Result<u64, Errno>;

/// i386's numbers.
const SENDMSG: u32 = 370;
const RECVMSG: u32 = 372;
const SENDMMSG: u32 = 345;
const SETSOCKOPT: u32 = 366;
const GETSOCKOPT: u32 = 365;

const HOST_RECVMSG: u32 = 47;
const HOST_SETSOCKOPT: u32 = 54;
const HOST_GETSOCKOPT: u32 = 55;

/// Bytes of the guest's `struct msghdr`, and of one in a list, which has a length behind.
const HEADER: u64 = 28;
const LISTED: u64 = HEADER + 4;

/// Where its parts are.
const NAME_LENGTH: u64 = 4;
const CONTROL_LENGTH: u64 = 20;

/// The guest's message.
struct Message {
    name: u64,
    name_length: u32,
    parts: u64,
    count: u64,
    control: u64,
    control_length: u32,
    flags: u32,
}

impl Message {
    fn read(address: u64) -> Result<Self, Errno> {
        let [
            name,
            name_length,
            parts,
            count,
            control,
            control_length,
            flags,
        ] = words::read(address)?;
        Ok(Self {
            name: name.into(),
            name_length,
            parts: parts.into(),
            count: count.into(),
            control: control.into(),
            control_length,
            flags,
        })
    }

    const fn has_control(&self) -> bool {
        self.control != 0 && self.control_length != 0
    }

    /// Whether it has the engine's descriptor with it.
    fn sends(&self, held: i32) -> bool {
        /// More than the kernel lets any message have.
        const MOST: usize = 1 << 20;
        let length = usize::try_from(self.control_length).unwrap_or(MOST + 1);
        if held < 0 || !self.has_control() || length > MOST {
            return false;
        }
        let mut bytes = alloc::vec![0; length];
        guest_memory::read(self.control, &mut bytes).is_ok() && has_right(&bytes, held)
    }

    /// The host's message, with these parts, and without control data.
    fn host(&self, parts: &[[u64; 2]]) -> [u64; 7] {
        let name_length = self.name_length.into();
        [
            self.name,
            name_length,
            parts.as_ptr() as u64,
            parts.len() as u64,
            0,
            0,
            self.flags.into(),
        ]
    }

    /// The parts, of which there may not be too many.
    fn parts(&self) -> Result<alloc::vec::Vec<[u64; 2]>, Errno> {
        vectors::read(self.parts, self.count).map_err(|error| match error {
            Errno::EINVAL => Errno::EMSGSIZE,
            error => error,
        })
    }
}

/// Whether control messages send a descriptor.
fn has_right(mut control: &[u8], descriptor: i32) -> bool {
    const HEAD: usize = 12;
    /// `SOL_SOCKET` and `SCM_RIGHTS`.
    const RIGHTS: [u8; 8] = [1, 0, 0, 0, 1, 0, 0, 0];
    while let Some((head, _)) = control.split_first_chunk::<HEAD>() {
        let [l0, l1, l2, l3, kind @ ..] = *head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let Some(data) = control.get(HEAD..length) else {
            return false;
        };
        if kind == RIGHTS && data.as_chunks().0.contains(&descriptor.to_le_bytes()) {
            return true;
        }
        control = control
            .get(length.next_multiple_of(4)..)
            .unwrap_or_default();
    }
    false
}

pub(super) fn sendmsg(call: &mut Call<'_>) -> Made {
    let message = Message::read(call.arguments[1])?;
    if message.sends(call.thread.executable.number()) {
        return Err(Errno::EBADF);
    }
    if message.has_control() {
        return narrow::call::<SENDMSG>(call);
    }
    let parts = message.parts()?;
    let mut host = message.host(&parts);
    words::with(call, 1, &mut host, |call| call.pass(number::SENDMSG))
}

pub(super) fn recvmsg(call: &mut Call<'_>) -> Made {
    let guest = call.arguments[1];
    let message = Message::read(guest)?;
    if message.has_control() {
        return narrow::call::<RECVMSG>(call);
    }
    let parts = message.parts()?;
    let mut host = message.host(&parts);
    let result = words::with(call, 1, &mut host, |call| call.pass(HOST_RECVMSG))?;
    let [name_length, flags] = words::narrowed([host[1], host[6]]);
    if message.name != 0 {
        words::write(call, guest + NAME_LENGTH, &[name_length])?;
    }
    // The control data's length and the flags.
    words::write(call, guest + CONTROL_LENGTH, &[0, flags])?;
    Ok(result)
}

pub(super) fn sendmmsg(call: &mut Call<'_>) -> Made {
    /// As many as the kernel sends.
    const MOST: u64 = 1024;
    let [_, messages, count, ..] = call.arguments;
    let held = call.thread.executable.number();
    let sends = |n: &u64| {
        Message::read(messages.wrapping_add(n * LISTED)).is_ok_and(|message| message.sends(held))
    };
    match (0..count.min(MOST)).find(sends) {
        Some(0) => return Err(Errno::EBADF),
        // Those before it are sent.
        Some(before) => call.arguments[2] = before,
        None => {}
    }
    narrow::call::<SENDMMSG>(call)
}

/// Options with times, pointers, or structures of words: of sockets, and of IP for multicast
/// and filters.
const fn is_wide(level: i32, option: i32) -> bool {
    const SOL_IP: i32 = 0;
    const SOL_SOCKET: i32 = 1;
    const SOL_IPV6: i32 = 41;
    const SO_RCVTIMEO: i32 = 20;
    const SO_SNDTIMEO: i32 = 21;
    const SO_ATTACH_FILTER: i32 = 26;
    const SO_ATTACH_REUSEPORT_CBPF: i32 = 51;
    match level {
        SOL_SOCKET => matches!(
            option,
            SO_RCVTIMEO | SO_SNDTIMEO | SO_ATTACH_FILTER | SO_ATTACH_REUSEPORT_CBPF
        ),
        SOL_IP | SOL_IPV6 => option >= 42,
        _ => false,
    }
}

pub(super) fn setsockopt(call: &mut Call<'_>) -> Made {
    if is_wide(call.int(1), call.int(2)) {
        return narrow::call::<SETSOCKOPT>(call);
    }
    call.pass(HOST_SETSOCKOPT)
}

pub(super) fn getsockopt(call: &mut Call<'_>) -> Made {
    if is_wide(call.int(1), call.int(2)) {
        return narrow::call::<GETSOCKOPT>(call);
    }
    call.pass(HOST_GETSOCKOPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_messages_send() {
        let message = |kind: u32, descriptors: &[i32]| {
            let mut words =
                alloc::vec![12 + 4 * u32::try_from(descriptors.len()).unwrap(), 1, kind];
            words.extend(descriptors.iter().map(|fd| fd.cast_unsigned()));
            let bytes = words.iter().flat_map(|word| word.to_le_bytes());
            bytes.collect::<alloc::vec::Vec<u8>>()
        };
        assert!(has_right(&message(1, &[3, 236]), 236));
        assert!(!has_right(&message(1, &[3, 235, 237]), 236));
        assert!(!has_right(&message(2, &[236, 236, 236]), 236));
        let two = [message(1, &[7]), message(1, &[236])].concat();
        assert!(has_right(&two, 236));
        assert!(!has_right(&two[..24], 236));
        assert!(!has_right(&[0; 64], 0));
        assert!(!has_right(&[0xff; 64], -1));
    }
}
