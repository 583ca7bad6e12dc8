//! `seccomp`, and the part of `prctl` that is the same.

use alloc::vec::Vec;

use super::Call;
use crate::host::sys::Errno;
use crate::linux::seccomp::bpf::{Instruction, LONGEST, Program};
use crate::linux::seccomp::{check_flags, is_available, may_set};
use crate::memory::guest_memory;

pub(in crate::linux) fn seccomp(call: &mut Call<'_>) -> Result<u64, Errno> {
    const SET_MODE_STRICT: i32 = 0;
    const SET_MODE_FILTER: i32 = 1;
    const GET_ACTION_AVAIL: i32 = 2;
    let [_, flags, arguments, ..] = call.arguments;
    let flags = flags & 0xffff_ffff;
    match call.int(0) {
        SET_MODE_STRICT if flags == 0 && arguments == 0 => set_strict(call),
        SET_MODE_FILTER => set_filter(call, flags, arguments),
        GET_ACTION_AVAIL if flags == 0 => {
            let mut action = [0; 4];
            guest_memory::read(arguments, &mut action)?;
            if is_available(u32::from_le_bytes(action)) {
                Ok(0)
            } else {
                Err(Errno::EOPNOTSUPP)
            }
        }
        // Without listeners there are no sizes of what they read.
        _ => Err(Errno::EINVAL),
    }
}

/// `prctl(PR_SET_SECCOMP)`.
pub(in crate::linux) fn set_mode(call: &mut Call<'_>) -> Result<u64, Errno> {
    const STRICT: u64 = 1;
    const FILTER: u64 = 2;
    let [_, mode, program, ..] = call.arguments;
    match mode {
        STRICT => set_strict(call),
        FILTER => set_filter(call, 0, program),
        _ => Err(Errno::EINVAL),
    }
}

fn set_strict(call: &Call<'_>) -> Result<u64, Errno> {
    call.process.seccomp.set_strict(call.thread.attention())
}

/// `struct sock_fprog`: how many, and where.
fn set_filter(call: &Call<'_>, flags: u64, program: u64) -> Result<u64, Errno> {
    check_flags(flags)?;
    let [length, filter] = call.longs(program)?;
    let length = usize::try_from(length & 0xffff).unwrap_or(0);
    if !(1..=LONGEST).contains(&length) {
        return Err(Errno::EINVAL);
    }
    may_set()?;
    let mut bytes = alloc::vec![0; 8 * length];
    guest_memory::read(filter, &mut bytes)?;
    let instructions: Vec<Instruction> = bytes
        .chunks_exact(8)
        .filter_map(|bytes| bytes.try_into().ok())
        .map(|bytes| Instruction::from_word(u64::from_le_bytes(bytes)))
        .collect();
    let program = Program::new(instructions).map_err(|_| Errno::EINVAL)?;
    let attention = call.thread.attention();
    call.process.seccomp.add(attention, program, flags)
}
