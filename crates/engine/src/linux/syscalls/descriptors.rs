//! The descriptor that is the engine's ([`crate::linux::executable::Held`]), and
//! the guest's calls: for them it is not open.
//!
//! Where a call is given the descriptor's number, the host is given a number that nobody has
//! ([`hide`], by the letters of the table), and its answer is the guest's. Other calls are
//! treated one by one: those that choose a number, those with ranges, sets or structures of
//! numbers, and those that tell which numbers are open. `poll`, `epoll` and whatever reads,
//! writes or maps need nothing more, since the descriptor is `O_PATH`.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Call;
use super::syscall::Syscall;
use crate::host::directory::{self, Form};
use crate::host::sys::{self, Errno, Fd, number};
use crate::linux::exe_link;
use crate::linux::executable::Identity;
use crate::linux::process::Thread;
use crate::memory::guest_memory;
use crate::thread::clone;

/// Higher than the kernel lets any descriptor's number be.
const NEVER_OPEN: u64 = 0x7fff_ffff;

/// Puts another number in the place of the one that is the engine's.
pub(in crate::linux) fn hide(call: &mut Call<'_>, syscall: &Syscall) {
    let held = call.thread.executable.number();
    if held < 0 {
        return;
    }
    let mut bits = syscall.descriptors;
    while bits != 0 {
        let index = bits.trailing_zeros() as usize;
        if call.int(index) == held {
            call.arguments[index] = NEVER_OPEN;
        }
        bits &= bits - 1;
    }
}

/// The number may be one that the guest chooses: then the engine's descriptor
/// goes elsewhere.
pub(in crate::linux) fn dup3(call: &mut Call<'_>) -> Result<u64, Errno> {
    const O_CLOEXEC: u64 = 0o2_000_000;
    const F_GETFD: u64 = 1;
    let [from, _, flags, ..] = call.arguments;
    let to = call.int(1);
    let executable = Arc::clone(&call.thread.executable);
    loop {
        let uses = executable.uses();
        let held = uses.number();
        if held < 0 || to != held || flags & !O_CLOEXEC != 0 {
            return call.pass(number::DUP3);
        }
        drop(uses);
        let left = executable.leave_to(to, || {
            // SAFETY: the call touches no memory.
            unsafe { sys::syscall(number::FCNTL, [from, F_GETFD, 0, 0, 0, 0]) }?;
            call.pass(number::DUP3)
        });
        if let Some(result) = left {
            return result;
        }
    }
}

/// Another thread could be about to move the engine's descriptor to the number.
pub(in crate::linux) fn close(call: &mut Call<'_>) -> Result<u64, Errno> {
    if Arc::strong_count(&call.thread.executable) == 1 {
        return call.pass(number::CLOSE);
    }
    let executable = Arc::clone(&call.thread.executable);
    let uses = executable.uses();
    if call.int(0) == uses.number() {
        return Err(Errno::EBADF);
    }
    call.pass(number::CLOSE)
}

/// Closing leaves out the engine's.
pub(in crate::linux) fn close_range(call: &mut Call<'_>) -> Result<u64, Errno> {
    const CLOSE_RANGE_UNSHARE: u64 = 2;
    const CLOSE_RANGE_CLOEXEC: u64 = 4;
    const UNSIGNED: u64 = 0xffff_ffff;
    let [first, last, flags, ..] = call.arguments;
    let (first, last) = (first & UNSIGNED, last & UNSIGNED);
    let executable = Arc::clone(&call.thread.executable);
    let uses = executable.uses();
    let held = u64::from(uses.number().cast_unsigned());
    // Those without a descriptor have the highest number of all.
    let is_in = (first..=last).contains(&held) && held < NEVER_OPEN;
    let result = if !is_in || flags & CLOSE_RANGE_CLOEXEC != 0 {
        call.pass(number::CLOSE_RANGE)
    } else {
        let parts = [(first, held.wrapping_sub(1)), (held + 1, last)];
        let mut result = Ok(0);
        for (first, last) in parts {
            if first <= last && last != u64::MAX {
                (call.arguments[0], call.arguments[1]) = (first, last);
                result = call.pass(number::CLOSE_RANGE);
                if result.is_err() {
                    break;
                }
            }
        }
        result
    };
    if result.is_ok() && flags & CLOSE_RANGE_UNSHARE != 0 {
        parted(call.thread);
    }
    result
}

pub(in crate::linux) fn unshare(call: &mut Call<'_>) -> Result<u64, Errno> {
    let executable = Arc::clone(&call.thread.executable);
    let _uses = executable.uses();
    let result = call.pass(number::UNSHARE)?;
    if call.arguments[0] & clone::FILES != 0 {
        parted(call.thread);
    }
    Ok(result)
}

/// The thread's table is a copy from now on.
fn parted(thread: &mut Thread) {
    thread.executable = Arc::new(thread.executable.copied());
}

/// `select`'s sets have descriptors by the bit. Those that are not open are an
/// error.
pub(in crate::linux) fn in_sets(call: &Call<'_>) -> bool {
    let (held, count) = (call.thread.executable.number(), call.int(0));
    let [_, sets @ .., _, _] = call.arguments;
    let Ok(held) = u64::try_from(held) else {
        return false;
    };
    held < u64::try_from(count).unwrap_or(0)
        && sets.iter().any(|&set| {
            let mut byte = [0];
            let at = set.wrapping_add(held / 8);
            set != 0 && guest_memory::read(at, &mut byte).is_ok() && byte[0] >> (held % 8) & 1 != 0
        })
}

/// Words of `struct msghdr`.
const MESSAGE: usize = 7;

/// Descriptors may be sent.
pub(in crate::linux) fn sendmsg(call: &mut Call<'_>) -> Result<u64, Errno> {
    if sends(call, call.arguments[1]) {
        return Err(Errno::EBADF);
    }
    call.pass(number::SENDMSG)
}

pub(in crate::linux) fn sendmmsg(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// As many as the kernel sends; each has its length behind.
    const MOST: u64 = 1024;
    const SIZE: u64 = 8 * (MESSAGE as u64 + 1);
    let [_, messages, count, ..] = call.arguments;
    let count = (count & 0xffff_ffff).min(MOST);
    match (0..count).find(|n| sends(call, messages.wrapping_add(n * SIZE))) {
        Some(0) => Err(Errno::EBADF),
        // Those before it are sent.
        Some(before) => {
            call.arguments[2] = before;
            call.pass(number::SENDMMSG)
        }
        None => call.pass(number::SENDMMSG),
    }
}

/// Whether a message has the engine's descriptor with it.
fn sends(call: &Call<'_>, message: u64) -> bool {
    /// More than the kernel lets any message have.
    const MOST: usize = 1 << 20;
    let Ok([_, _, _, _, control, length, _]) = call.words::<MESSAGE>(message) else {
        return false;
    };
    let held = call.thread.executable.number();
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if control == 0 || length == 0 || length > MOST || held < 0 {
        return false;
    }
    let mut bytes = alloc::vec![0; length];
    guest_memory::read(control, &mut bytes).is_ok() && has_right(&bytes, held)
}

/// Whether control messages send a descriptor.
fn has_right(mut control: &[u8], descriptor: i32) -> bool {
    const HEAD: usize = 16;
    const SOL_SOCKET: [u8; 4] = 1_i32.to_le_bytes();
    const SCM_RIGHTS: [u8; 4] = 1_i32.to_le_bytes();
    while let Some((head, _)) = control.split_first_chunk::<HEAD>() {
        let [l0, l1, l2, l3, l4, l5, l6, l7, kind @ ..] = *head;
        let length = u64::from_le_bytes([l0, l1, l2, l3, l4, l5, l6, l7]);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(data) = control.get(HEAD..length) else {
            return false;
        };
        if kind[..4] == SOL_SOCKET
            && kind[4..] == SCM_RIGHTS
            && data.as_chunks().0.contains(&descriptor.to_le_bytes())
        {
            return true;
        }
        control = control
            .get(length.next_multiple_of(8)..)
            .unwrap_or_default();
    }
    false
}

/// A descriptor of another process, or of this one by another way.
pub(in crate::linux) fn pidfd_getfd(call: &mut Call<'_>) -> Result<u64, Errno> {
    const F_GETFL: u64 = 3;
    const O_PATH: u64 = 0o10_000_000;
    let is_held = call.int(1) == call.thread.executable.number();
    let fd = call.pass(number::PIDFD_GETFD)?;
    if !is_held {
        return Ok(fd);
    }
    let got = Fd::new(i32::try_from(fd).map_err(|_| Errno::EBADF)?);
    let which = got.status().ok().map(|status| Identity::from(&status));
    // SAFETY: the call touches no memory.
    let flags = unsafe { sys::syscall(number::FCNTL, [fd, F_GETFL, 0, 0, 0, 0]) };
    if which == Some(call.process.program) && flags.is_ok_and(|flags| flags & O_PATH != 0) {
        return Err(Errno::EBADF);
    }
    core::mem::forget(got);
    Ok(fd)
}

/// What is in a directory, which may be one of a process's descriptors
/// (`/proc/PID/fd`, `fdinfo`), but for the engine's.
pub(in crate::linux) fn getdents64(call: &mut Call<'_>) -> Result<u64, Errno> {
    listed(call, Form::Wide, |call| call.pass(number::GETDENTS64))
}

/// The same, by whichever call lists entries, in this form.
pub(in crate::linux) fn listed(
    call: &mut Call<'_>,
    form: Form,
    mut list: impl FnMut(&mut Call<'_>) -> Result<u64, Errno>,
) -> Result<u64, Errno> {
    loop {
        let [_, buffer, ..] = call.arguments;
        let length = list(call)?;
        let size = usize::try_from(length).unwrap_or(0);
        if size == 0 {
            return Ok(0);
        }
        let mut bytes = alloc::vec![0; size];
        guest_memory::read(buffer, &mut bytes)?;
        if !bytes_have_numbers(&bytes, form) || !is_of_proc(call.arguments[0]) {
            return Ok(length);
        }
        let kept = without_held(call, &bytes, form);
        if kept.len() == size {
            return Ok(length);
        }
        // None at all would say that the directory ends.
        if !kept.is_empty() {
            call.write(buffer, &kept)?;
            return Ok(kept.len() as u64);
        }
    }
}

/// Links and files.
const DT_REG: u8 = 8;
const DT_LNK: u8 = 10;

/// Whether an entry is one that a descriptor could have.
fn is_numbered(entry: &directory::Entry<'_>) -> bool {
    matches!(entry.kind, DT_REG | DT_LNK) && entry.name.iter().all(u8::is_ascii_digit)
}

fn bytes_have_numbers(bytes: &[u8], form: Form) -> bool {
    directory::entries(bytes, form).any(|entry| is_numbered(&entry))
}

/// Whether a descriptor is of a file of `/proc`'s.
fn is_of_proc(fd: u64) -> bool {
    const PROC_SUPER_MAGIC: u64 = 0x9fa0;
    // `struct statfs` begins with the type.
    let mut about = [0_u64; 15];
    // SAFETY: the kernel writes into the array only, which is as large as the
    // structure.
    let told =
        unsafe { sys::syscall(number::FSTATFS, [fd, about.as_mut_ptr() as u64, 0, 0, 0, 0]) };
    told.is_ok() && about[0] == PROC_SUPER_MAGIC
}

/// The entries without that of the descriptor that a guest's program is held
/// by, be it this process's or another's.
fn without_held(call: &Call<'_>, bytes: &[u8], form: Form) -> Vec<u8> {
    let held = exe_link::held_in(call.own(), call.int(0), b"../");
    let mut kept = Vec::new();
    let mut rest = bytes;
    while let Some(entry) = directory::Entry::read(rest, form) {
        let (this, behind) = rest.split_at(entry.length);
        if held.is_none() || entry.number() != held || !is_numbered(&entry) {
            kept.extend_from_slice(this);
        }
        rest = behind;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_messages_send() {
        let message = |kind: i32, descriptors: &[i32]| {
            let mut bytes = (16 + 4 * descriptors.len() as u64).to_le_bytes().to_vec();
            bytes.extend_from_slice(&1_i32.to_le_bytes());
            bytes.extend_from_slice(&kind.to_le_bytes());
            for descriptor in descriptors {
                bytes.extend_from_slice(&descriptor.to_le_bytes());
            }
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            bytes
        };
        assert!(has_right(&message(1, &[3, 236]), 236));
        assert!(!has_right(&message(1, &[3, 235, 237]), 236));
        // Credentials.
        assert!(!has_right(&message(2, &[236, 236, 236]), 236));
        let two = [message(1, &[7]), message(1, &[236])].concat();
        assert!(has_right(&two, 236));
        assert!(!has_right(&two[..40], 236));
        assert!(!has_right(&[0; 64], 0));
        assert!(!has_right(&[0xff; 64], -1));
    }
}
