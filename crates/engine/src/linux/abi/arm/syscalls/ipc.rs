//! System V's messages, semaphores and shared memory, of which the kernel knows the structures
//! by its entry for i386's programs.

use super::narrow;
use crate::host::sys::Errno;
use crate::linux::syscalls::Call;

type Made = Result<u64, Errno>;

/// `IPC_64`, a bit of commands: the structures are the newer ones, as those of the host's
/// calls always are.
const IPC_64: u64 = 0x100;

/// i386's numbers.
const SEMCTL: u32 = 394;
const SHMCTL: u32 = 396;
const MSGCTL: u32 = 402;

pub(super) fn semctl(call: &mut Call<'_>) -> Made {
    call.arguments[2] &= !IPC_64;
    narrow::call::<SEMCTL>(call)
}

pub(super) fn msgctl(call: &mut Call<'_>) -> Made {
    call.arguments[1] &= !IPC_64;
    narrow::call::<MSGCTL>(call)
}

pub(super) fn shmctl(call: &mut Call<'_>) -> Made {
    call.arguments[1] &= !IPC_64;
    narrow::call::<SHMCTL>(call)
}
