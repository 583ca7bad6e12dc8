//! Semaphores of System V: `struct semid64_ds`, which x86-64 pads.

use core::ptr;

use crate::host::sys::{Errno, number};
use crate::linux::syscalls::Call;

const IPC_SET: i32 = 1;
const IPC_STAT: i32 = 2;
const SEM_STAT: i32 = 18;
const SEM_STAT_ANY: i32 = 20;

/// `struct ipc64_perm`, in words; the same on both.
const PERMISSIONS: usize = 6;
/// arm64's `struct semid64_ds`, in words: permissions, times of operation and
/// change, the number of semaphores, two unused.
type GuestSet = [u64; PERMISSIONS + 5];
/// x86-64's, with an unused word behind each time.
type HostSet = [u64; PERMISSIONS + 7];

fn set_to_guest(host: HostSet) -> GuestSet {
    let [
        p0,
        p1,
        p2,
        p3,
        p4,
        p5,
        operated,
        _,
        changed,
        _,
        count,
        u3,
        u4,
    ] = host;
    [p0, p1, p2, p3, p4, p5, operated, changed, count, u3, u4]
}

fn set_to_host(guest: GuestSet) -> HostSet {
    let [p0, p1, p2, p3, p4, p5, operated, changed, count, u3, u4] = guest;
    [
        p0, p1, p2, p3, p4, p5, operated, 0, changed, 0, count, u3, u4,
    ]
}

pub(super) fn semctl(call: &mut Call<'_>) -> Result<u64, Errno> {
    let guest = call.arguments[3];
    match call.int(2) {
        IPC_SET => {
            let host = set_to_host(call.words(guest)?);
            call.arguments[3] = host.as_ptr() as u64;
            call.pass(number::SEMCTL)
        }
        IPC_STAT | SEM_STAT | SEM_STAT_ANY => {
            let mut host: HostSet = [0; PERMISSIONS + 7];
            call.arguments[3] = ptr::from_mut(&mut host) as u64;
            let result = call.pass(number::SEMCTL)?;
            call.write_words(guest, &set_to_guest(host))?;
            Ok(result)
        }
        _ => call.pass(number::SEMCTL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semaphore_sets_there_and_back() {
        let guest: GuestSet = core::array::from_fn(|n| n as u64 + 1);
        assert_eq!(set_to_guest(set_to_host(guest)), guest);
        assert_eq!(set_to_host(guest)[8], 8);
    }
}
