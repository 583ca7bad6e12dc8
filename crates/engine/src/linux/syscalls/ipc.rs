//! Shared memory of System V, which is mapped and unmapped.

use core::ptr;

use super::permission::may_execute_segment;
use super::{Call, chosen};
use crate::host::own;
use crate::host::page::{END, PAGE, page_up};
use crate::host::sys::{self, Errno, PROT_EXEC, PROT_READ, number};
use crate::memory::address_space::Mapping;

const IPC_STAT: i32 = 2;

/// `struct ipc64_perm`, in words; the same on both.
const PERMISSIONS: usize = 6;
/// How many bytes of pages the segment takes.
fn segment_length(identifier: u64) -> Result<u64, Errno> {
    // `struct shmid64_ds`, the same on both: permissions, size, and more.
    let mut segment = [0_u64; PERMISSIONS + 8];
    let arguments = [
        identifier,
        u64::from(IPC_STAT.cast_unsigned()),
        ptr::from_mut(&mut segment) as u64,
        0,
        0,
        0,
    ];
    // SAFETY: the kernel writes into the array only.
    unsafe { sys::syscall(number::SHMCTL, arguments) }?;
    page_up(segment[PERMISSIONS]).ok_or(Errno::EINVAL)
}

/// The host never executes the guest's pages, so `SHM_EXEC` is the guest's only.
pub(in crate::linux) fn shmat(call: &mut Call<'_>) -> Result<u64, Errno> {
    const SHM_RND: u64 = 0o20_000;
    const SHM_REMAP: u64 = 0o40_000;
    const SHM_EXEC: u64 = 0o100_000;
    let [identifier, mut address, flags, ..] = call.arguments;
    call.arguments[2] = flags & !SHM_EXEC;
    let mut start = address;
    if flags & SHM_RND != 0 {
        let unit = call.process.platform.attach_unit;
        start -= start % unit;
        // The host rounds to pages. It would choose a place for 0, so it gets an address in that page.
        address = start | u64::from(start == 0 && address != 0);
        call.arguments[1] = address;
    }
    if !start.is_multiple_of(PAGE) || start == 0 && flags & SHM_REMAP != 0 {
        return call.pass(number::SHMAT);
    }
    // Who may not read its size may not attach it either.
    let length = segment_length(identifier)?;
    let executes = flags & SHM_EXEC != 0;
    if executes {
        may_execute_segment(identifier, flags)?;
    }
    let mut replaced = None;
    if address != 0 {
        let pages = start..start.saturating_add(length);
        if flags & SHM_REMAP != 0 && own::overlaps(&pages) {
            return Err(Errno::ENOMEM);
        }
        if pages.end > END {
            // Past the end on every host.
            call.arguments[1] = address | 1 << 63;
            return call.pass(number::SHMAT).and(Err(Errno::ENOMEM));
        }
        replaced = call.process.space.changing(pages);
    }
    let start = chosen::shmat(call, length)?;
    call.process.attached.with(|attached| {
        attached.insert(start, length);
    });
    let implied = call.thread.attention().reads_imply_exec();
    let exec = if executes || implied { PROT_EXEC } else { 0 };
    let mapping = Mapping {
        protection: PROT_READ | exec,
        shared: true,
        barred: false,
    };
    call.process.space.map(start..start + length, mapping);
    drop(replaced);
    Ok(start)
}

pub(in crate::linux) fn shmdt(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [start, ..] = call.arguments;
    let result = call.pass(number::SHMDT)?;
    let length = call
        .process
        .attached
        .with(|attached| attached.remove(&start));
    // What the guest attached before it started anew is not known here.
    let length = length.unwrap_or(PAGE);
    call.process.space.unmap(start..start + length);
    Ok(result)
}
