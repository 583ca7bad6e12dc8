//! `ioctl`: one old structure, of loop devices, has other sizes on arm64.

use crate::host::sys::{Errno, number};
use crate::linux::syscalls::{Call, ioctl as common};
use crate::memory::guest_memory;

const LOOP_SET_STATUS: u64 = 0x4c02;
const LOOP_GET_STATUS: u64 = 0x4c03;

/// `struct loop_info`: numbers of devices have 4 bytes on arm64, and 8 here.
const LOOP_INFO: usize = 160;
const HOST_LOOP_INFO: usize = 168;

/// Its parts: where they are on arm64, where here, and how long. `tests/abi.rs`
/// has it from the headers of both.
const LOOP_INFO_PARTS: [(usize, usize, usize); 7] = [
    // lo_number
    (0, 0, 4),
    // lo_device
    (4, 8, 4),
    // lo_inode
    (8, 16, 8),
    // lo_rdevice
    (16, 24, 4),
    // lo_offset to lo_encrypt_key
    (20, 32, 112),
    // lo_init
    (136, 144, 16),
    // reserved
    (152, 160, 4),
];

pub(super) fn ioctl(call: &mut Call<'_>) -> Result<u64, Errno> {
    match call.arguments[1] & 0xffff_ffff {
        LOOP_SET_STATUS => set_loop_status(call),
        LOOP_GET_STATUS => loop_status(call),
        _ => common::ioctl(call),
    }
}

/// If the memory can't be read, the request may be another device's.
fn set_loop_status(call: &mut Call<'_>) -> Result<u64, Errno> {
    let mut guest = [0; LOOP_INFO];
    if guest_memory::read(call.arguments[2], &mut guest).is_err() {
        return call.pass(number::IOCTL);
    }
    let host = loop_info_to_host(&guest);
    call.arguments[2] = host.as_ptr() as u64;
    call.pass(number::IOCTL)
}

fn loop_status(call: &mut Call<'_>) -> Result<u64, Errno> {
    let goal = call.arguments[2];
    let mut host = [0_u8; HOST_LOOP_INFO];
    call.arguments[2] = host.as_mut_ptr() as u64;
    let done = call.pass(number::IOCTL)?;
    call.write(goal, &loop_info_to_guest(&host))?;
    Ok(done)
}

fn loop_info_to_host(guest: &[u8; LOOP_INFO]) -> [u8; HOST_LOOP_INFO] {
    let mut host = [0; HOST_LOOP_INFO];
    for (from, to, length) in LOOP_INFO_PARTS {
        copy(guest, from, &mut host, to, length);
    }
    host
}

fn loop_info_to_guest(host: &[u8; HOST_LOOP_INFO]) -> [u8; LOOP_INFO] {
    let mut guest = [0; LOOP_INFO];
    for (to, from, length) in LOOP_INFO_PARTS {
        copy(host, from, &mut guest, to, length);
    }
    guest
}

fn copy(from: &[u8], at: usize, to: &mut [u8], goal: usize, length: usize) {
    let to = to.iter_mut().skip(goal).take(length);
    for (to, from) in to.zip(from.iter().skip(at)) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_structure_of_loop_devices_is_converted() {
        let mut guest = [0; LOOP_INFO];
        for (n, byte) in (1..).zip(&mut guest) {
            *byte = n;
        }
        // Between lo_encrypt_key and lo_init, and at the end, is nothing.
        guest[132..136].fill(0);
        guest[156..].fill(0);
        let host = loop_info_to_host(&guest);
        assert_eq!(host[8..16], [5, 6, 7, 8, 0, 0, 0, 0]);
        assert_eq!(host[24..32], [17, 18, 19, 20, 0, 0, 0, 0]);
        assert_eq!(
            (host[32], host[112], host[144], host[160]),
            (21, 101, 137, 153)
        );
        assert_eq!(loop_info_to_guest(&host), guest);
    }
}
