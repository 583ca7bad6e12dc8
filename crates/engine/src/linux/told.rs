//! What the host's kernel is told of the guest: where its code, stack,
//! arguments, environment and auxiliary vector lie, and its name.
//!
//! With that the kernel's own files are true, `cmdline`, `environ`, `auxv`,
//! `stat` and `comm`, for whoever reads them. A kernel without
//! `CONFIG_CHECKPOINT_RESTORE` cannot be told; there they stay the engine's.

use core::ffi::CStr;
use core::ops::Range;
use core::ptr;

use crate::host::sys::{self, number};

/// Where the parts of a process lie.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Of the first segment that is executable.
    pub code: Range<u64>,
    /// From the start of the last segment to the last byte from the file.
    pub data: Range<u64>,
    /// The heap's start.
    pub heap: u64,
    /// SP at the start.
    pub stack: u64,
    /// The arguments' strings.
    pub arguments: Range<u64>,
    /// The environment's.
    pub environment: Range<u64>,
    /// The auxiliary vector with its end.
    pub auxiliary: Range<u64>,
}

/// `struct prctl_mm_map`.
#[repr(C)]
struct Map {
    code: [u64; 2],
    data: [u64; 2],
    heap: [u64; 2],
    stack: u64,
    arguments: [u64; 2],
    environment: [u64; 2],
    auxiliary: u64,
    auxiliary_size: u32,
    executable: u32,
}

const _: () = assert!(size_of::<Map>() == 104);

/// Tells the kernel where all is. Whether it can be told does not matter to
/// the guest.
pub fn places(places: &Places) {
    const PR_SET_MM: u64 = 35;
    const PR_SET_MM_MAP: u64 = 14;
    let ends = |range: &Range<u64>| [range.start, range.end];
    let map = Map {
        code: ends(&places.code),
        data: ends(&places.data),
        heap: [places.heap; 2],
        stack: places.stack,
        arguments: ends(&places.arguments),
        environment: ends(&places.environment),
        auxiliary: places.auxiliary.start,
        auxiliary_size: u32::try_from(places.auxiliary.end - places.auxiliary.start).unwrap_or(0),
        // The file stays the engine's, which is mapped.
        executable: u32::MAX,
    };
    // SAFETY: the kernel reads the struct, and the vector that it names.
    let _ = unsafe {
        sys::syscall(
            number::PRCTL,
            [
                PR_SET_MM,
                PR_SET_MM_MAP,
                ptr::from_ref(&map) as u64,
                size_of::<Map>() as u64,
                0,
                0,
            ],
        )
    };
}

/// Names the process by the path of what was executed, as `execve` does; by the
/// program's file where that was a descriptor (Linux 6.14). A kernel that has
/// started the engine itself has done the former, and taken the engine's file
/// for the latter.
pub fn name(executed: &CStr, file: &[u8], by_kernel: bool) {
    const PR_SET_NAME: u64 = 15;
    let executed = executed.to_bytes();
    let path = match executed.strip_prefix(b"/dev/fd/") {
        Some(number) if !number.contains(&b'/') => {
            if by_kernel && current_name().starts_with(number) {
                return;
            }
            file.strip_suffix(b" (deleted)").unwrap_or(file)
        }
        _ if by_kernel => return,
        _ => executed,
    };
    let file = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let mut name = [0_u8; 16];
    for (to, &from) in name[..15].iter_mut().zip(file) {
        *to = from;
    }
    // SAFETY: the kernel reads the array only.
    let _ = unsafe {
        sys::syscall(
            number::PRCTL,
            [PR_SET_NAME, name.as_ptr() as u64, 0, 0, 0, 0],
        )
    };
}

/// The process's name, with zeros behind it.
fn current_name() -> [u8; 16] {
    const PR_GET_NAME: u64 = 16;
    let mut name = [0_u8; 16];
    let arguments = [PR_GET_NAME, name.as_mut_ptr() as u64, 0, 0, 0, 0];
    // SAFETY: the kernel writes into the array only.
    let _ = unsafe { sys::syscall(number::PRCTL, arguments) };
    name
}
