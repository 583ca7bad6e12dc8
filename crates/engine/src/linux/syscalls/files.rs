//! Files: the flags of `open` and `struct stat`, which differ, and the links
//! that would lead to the engine.

use core::ptr;

use super::{Call, unknown_is_zero};
use crate::linux::open_flags;
use crate::linux::sys::{AT_FDCWD, Errno, Fd, Status, fd_argument, number};
use crate::linux::views::opened::{Opening, opened};
use crate::linux::views::{self, View};

/// `O_PATH` and `O_CLOEXEC`, the same on both.
const O_PATH: u64 = 0o10_000_000;
const O_CLOEXEC: u64 = 0o2_000_000;

pub(super) fn openat(call: &mut Call<'_>) -> Result<u64, Errno> {
    let flags = call.arguments[2];
    call.arguments[2] = open_flags::to_host(flags);
    open(call, flags, 0, number::OPENAT)
}

/// Opens what the path of the guest leads to.
fn open(call: &mut Call<'_>, flags: u64, resolve: u64, number: u32) -> Result<u64, Errno> {
    let close_on_exec = flags & O_CLOEXEC != 0;
    match views::find(call.process, call.int(0), call.arguments[1]) {
        Some(View::Made(text)) => views::open_made(&text, close_on_exec),
        Some(View::Corrected(how)) => {
            let fd = call.pass(number)?;
            if flags & O_PATH != 0 {
                return Ok(fd);
            }
            views::correct(call.process, Some(call.thread), how, fd, close_on_exec)
        }
        Some(View::Executable(path)) => {
            call.arguments[0] = fd_argument(AT_FDCWD);
            call.arguments[1] = path.as_ptr() as u64;
            call.pass(number)
        }
        None => pass_open(call, flags, resolve, number),
    }
}

/// Lets the host open what the guest's path leads to, and looks at it.
fn pass_open(call: &mut Call<'_>, flags: u64, resolve: u64, number: u32) -> Result<u64, Errno> {
    let opening = Opening {
        directory: call.int(0),
        path: call.arguments[1],
        flags,
        resolve,
    };
    let fd = call.pass(number)?;
    opened(call.process, call.thread, &opening, fd)
}

/// Calls with a path that may be that of the executable's link.
fn follow(call: &mut Call<'_>, number: u32) -> Result<u64, Errno> {
    if let Some(View::Executable(path)) = views::find(call.process, call.int(0), call.arguments[1])
    {
        call.arguments[0] = fd_argument(AT_FDCWD);
        call.arguments[1] = path.as_ptr() as u64;
        return call.pass(number);
    }
    call.pass(number)
}

/// `AT_SYMLINK_NOFOLLOW`.
const NO_FOLLOW: u64 = 0x100;

pub(super) fn statx(call: &mut Call<'_>) -> Result<u64, Errno> {
    if call.arguments[2] & NO_FOLLOW != 0 {
        return call.pass(number::STATX);
    }
    follow(call, number::STATX)
}

pub(super) fn faccessat(call: &mut Call<'_>) -> Result<u64, Errno> {
    follow(call, number::FACCESSAT)
}

pub(super) fn faccessat2(call: &mut Call<'_>) -> Result<u64, Errno> {
    follow(call, number::FACCESSAT2)
}

/// `struct open_how`: flags, mode and `RESOLVE_...`, and what newer kernels
/// add, which must be zero here.
pub(super) fn openat2(call: &mut Call<'_>) -> Result<u64, Errno> {
    const HOW: u64 = 24;
    /// `RESOLVE_BENEATH` and `RESOLVE_IN_ROOT`: the path leads elsewhere.
    const BELOW: u64 = 0x8 | 0x10;
    let [_, _, guest, size, ..] = call.arguments;
    if size < HOW {
        return Err(Errno::EINVAL);
    }
    if size > 4096 {
        return Err(Errno::E2BIG);
    }
    unknown_is_zero(guest.wrapping_add(HOW), size - HOW)?;
    let [flags, mode, resolve] = call.words(guest)?;
    let how = [open_flags::to_host(flags), mode, resolve];
    call.arguments[2] = how.as_ptr() as u64;
    call.arguments[3] = HOW;
    if resolve & BELOW != 0 {
        return pass_open(call, flags, resolve, number::OPENAT2);
    }
    if resolve != 0 && views::find(call.process, call.int(0), call.arguments[1]).is_some() {
        // The kernel knows whether it may be opened so.
        let fd = call.pass(number::OPENAT2)?;
        drop(i32::try_from(fd).map(Fd::new));
    }
    open(call, flags, resolve, number::OPENAT2)
}

pub(super) fn open_by_handle_at(call: &mut Call<'_>) -> Result<u64, Errno> {
    call.arguments[2] = open_flags::to_host(call.arguments[2]);
    call.pass(number::OPEN_BY_HANDLE_AT)
}

/// The second argument has the flags of the descriptors to come.
pub(super) fn fanotify_init(call: &mut Call<'_>) -> Result<u64, Errno> {
    call.arguments[1] = open_flags::to_host(call.arguments[1]);
    call.pass(number::FANOTIFY_INIT)
}

/// O_DIRECT, a pipe of packets, is among the flags.
pub(super) fn pipe2(call: &mut Call<'_>) -> Result<u64, Errno> {
    call.arguments[1] = open_flags::to_host(call.arguments[1]);
    call.pass(number::PIPE2)
}

pub(super) fn fcntl(call: &mut Call<'_>) -> Result<u64, Errno> {
    const F_GETFL: i32 = 3;
    const F_SETFL: i32 = 4;
    match call.int(1) {
        F_GETFL => call.pass(number::FCNTL).map(open_flags::to_guest),
        F_SETFL => {
            call.arguments[2] = open_flags::to_host(call.arguments[2]);
            call.pass(number::FCNTL)
        }
        _ => call.pass(number::FCNTL),
    }
}

/// arm64's `struct stat`, which is the generic one.
#[derive(Clone, Copy)]
#[repr(C)]
struct GuestStatus {
    dev: u64,
    ino: u64,
    mode: u32,
    nlink: u32,
    uid: u32,
    gid: u32,
    rdev: u64,
    padding: u64,
    size: i64,
    blksize: i32,
    padding2: u32,
    blocks: i64,
    times: [[u64; 2]; 3],
    reserved: [u32; 2],
}

const STATUS: usize = size_of::<GuestStatus>();
const _: () = assert!(STATUS == 128);

#[allow(
    clippy::cast_possible_truncation,
    reason = "arm64 has the smaller fields; so its kernel cuts these off too"
)]
fn status_bytes(host: &Status) -> [u8; STATUS] {
    let status = GuestStatus {
        dev: host.dev,
        ino: host.ino,
        mode: host.mode,
        nlink: host.nlink as u32,
        uid: host.uid,
        gid: host.gid,
        rdev: host.rdev,
        padding: 0,
        size: host.size,
        blksize: host.blksize as i32,
        padding2: 0,
        blocks: host.blocks,
        times: host.times,
        reserved: [0; 2],
    };
    // SAFETY: the struct has no padding, so all its bytes are set, and every
    // array of bytes is one.
    unsafe { core::mem::transmute::<GuestStatus, [u8; STATUS]>(status) }
}

/// Lets the host write its `struct stat` and the guest read its own.
fn status(
    call: &mut Call<'_>,
    argument: usize,
    pass: fn(&mut Call<'_>) -> Result<u64, Errno>,
) -> Result<u64, Errno> {
    let mut host = Status::default();
    let guest = call.arguments[argument];
    call.arguments[argument] = ptr::from_mut(&mut host) as u64;
    let result = pass(call)?;
    call.write(guest, &status_bytes(&host))?;
    Ok(result)
}

pub(super) fn fstat(call: &mut Call<'_>) -> Result<u64, Errno> {
    status(call, 1, |call| call.pass(number::FSTAT))
}

pub(super) fn newfstatat(call: &mut Call<'_>) -> Result<u64, Errno> {
    status(call, 2, |call| {
        if call.arguments[3] & NO_FOLLOW != 0 {
            call.pass(number::NEWFSTATAT)
        } else {
            follow(call, number::NEWFSTATAT)
        }
    })
}

/// The link to the executable would lead to the engine.
pub(super) fn readlinkat(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [_, path, buffer, size, ..] = call.arguments;
    let Some(View::Executable(executable)) = views::find(call.process, call.int(0), path) else {
        return call.pass(number::READLINKAT);
    };
    if call.int(3) <= 0 {
        return Err(Errno::EINVAL);
    }
    let executable = executable.as_bytes();
    let length = usize::try_from(size & 0x7fff_ffff)
        .unwrap_or(0)
        .min(executable.len());
    call.write(buffer, executable.get(..length).unwrap_or_default())?;
    Ok(length as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_in_arm64s_order() {
        let host = Status {
            nlink: 7,
            mode: 0o100_644,
            blksize: 4096,
            ..Status::default()
        };
        let bytes = status_bytes(&host);
        assert_eq!(bytes[16..24], [0xa4, 0x81, 0, 0, 7, 0, 0, 0]);
        assert_eq!(bytes[56..60], [0, 0x10, 0, 0]);
    }
}
