//! Whether the guest may execute what it maps of a file.
//!
//! The host's kernel is never asked for an executable mapping, so its reasons to refuse one
//! would not be heard: the mount's `noexec`, security modules, filters from outside. So the
//! kernel is asked separately, without making a mapping: a file can't be mapped with
//! `MAP_GROWSDOWN`, and the kernel says so (`EINVAL`) after it has looked at all else. The
//! answer is as exact as the mapping's own would be, and takes less time than `fstatfs`.
//!
//! A mapping that is not to be executed yet gets the right to be executed later, or never gets
//! it (`VM_MAYEXEC`). Asking for this right as above would be an attempt to execute a file that
//! is only read: security modules would refuse and record it. So the mount's flags decide
//! (`fstatfs`).

use core::ptr;

use crate::host::page::page_down;
use crate::host::sys::{self, Errno, MAP_FIXED_NOREPLACE, PROT_EXEC, number};

/// `ST_NOEXEC`.
const NOEXEC: u64 = 8;
/// File systems of the kernel's own, of which it may execute none whatever
/// their mounts' flags are: which, differs from kernel to kernel. By their
/// numbers: procfs, sysfs, POSIX queues, files without a name, secret memory.
const KERNELS: [u64; 5] = [0x9fa0, 0x6265_6572, 0x1980_0202, 0x0904_1934, 0x5345_434d];

/// Whether the file of a call of `mmap` may be executed, with the arguments as
/// the guest gave them.
///
/// # Errors
/// The kernel's, where the guest wants to execute it at once and may not.
pub(in crate::linux) fn may_execute(arguments: &[u64; 6]) -> Result<bool, Errno> {
    let [_, _, protection, _, file, _] = *arguments;
    if protection & u64::from(PROT_EXEC) != 0 {
        return match ask(arguments) {
            Err(error @ (Errno::EPERM | Errno::EACCES)) => Err(error),
            _ => Ok(true),
        };
    }
    // `struct statfs`: the type is the first word, the flags are the eleventh.
    let mut status = [0_u64; 15];
    let call = [file, ptr::from_mut(&mut status) as u64, 0, 0, 0, 0];
    // SAFETY: the kernel writes into the array only.
    match unsafe { sys::syscall(number::FSTATFS, call) } {
        Ok(_) if status[10] & NOEXEC != 0 => return Ok(false),
        Ok(_) if !KERNELS.contains(&status[0]) => return Ok(true),
        // No file: the mapping fails as well.
        Err(Errno::EBADF) => return Ok(true),
        _ => {}
    }
    let mut arguments = *arguments;
    arguments[2] |= u64::from(PROT_EXEC);
    Ok(ask(&arguments) != Err(Errno::EPERM))
}

/// The question: an error always, [`Errno::EINVAL`] where the file may be
/// executed.
fn ask(arguments: &[u64; 6]) -> Result<(), Errno> {
    const MAP_TYPE: u64 = 0xf;
    const MAP_SHARED_VALIDATE: u64 = 3;
    const MAP_HUGETLB: u64 = 0x40000;
    const MAP_SYNC: u64 = 0x80000;
    const MAP_GROWSDOWN: u64 = 0x100;
    let [hint, length, protection, flags, file, offset] = *arguments;
    // Where something may not be replaced, that comes first.
    let stays = flags & u64::from(MAP_FIXED_NOREPLACE);
    let hint = if stays != 0 { hint } else { 0 };
    // What a file does not do is said before, of one flag with this type only.
    let before = match flags & MAP_TYPE {
        MAP_SHARED_VALIDATE => MAP_HUGETLB | MAP_SYNC,
        _ => MAP_HUGETLB,
    };
    let flags = flags & (MAP_TYPE | before) | stays | MAP_GROWSDOWN;
    // SAFETY: no kernel maps a file so; one that did would take free addresses,
    // which are given back.
    unsafe {
        let mapped = sys::syscall(
            number::MMAP,
            [hint, length, protection, flags, file, offset],
        )?;
        sys::munmap(mapped, length)
    }
}

/// Whether the guest may attach a segment of shared memory to be executed. The
/// kernel looks at the segment's permissions before it finds that there is no
/// room, at a page that the engine has.
///
/// # Errors
/// The kernel's.
pub(in crate::linux) fn may_execute_segment(identifier: u64, flags: u64) -> Result<(), Errno> {
    const SHM_RDONLY: u64 = 0o10_000;
    const SHM_EXEC: u64 = 0o100_000;
    static PLACE: u8 = 0;
    let taken = page_down(&raw const PLACE as u64);
    let flags = flags & SHM_RDONLY | SHM_EXEC;
    // SAFETY: nothing is attached where something is mapped.
    match unsafe { sys::syscall(number::SHMAT, [identifier, taken, flags, 0, 0, 0]) } {
        Err(Errno::EINVAL) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}
