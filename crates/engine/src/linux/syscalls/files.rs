//! Files: the flags of `open` and `struct stat`, which differ, and the links
//! that would lead to the engine.

use alloc::sync::Arc;
use core::ptr;

use a64::mem::Size;

use super::{Call, unknown_is_zero};
use crate::linux::guest_memory;
use crate::linux::open_flags;
use crate::linux::sys::{self, AT_FDCWD, Errno, Fd, Status, fd_argument, number};
use crate::linux::views::opened::{Opening, opened};
use crate::linux::views::procfs::Viewer;
use crate::linux::views::registers::Register;
use crate::linux::views::shown::Original;
use crate::linux::views::{self, View};

pub(super) fn openat(call: &mut Call<'_>) -> Result<u64, Errno> {
    let flags = call.arguments[2];
    call.arguments[2] = open_flags::to_host(flags);
    open(call, flags, 0, number::OPENAT)
}

/// Opens what the path of the guest leads to.
fn open(call: &mut Call<'_>, flags: u64, resolve: u64, number: u32) -> Result<u64, Errno> {
    match views::find(call.process, call.int(0), call.arguments[1]) {
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
    match call.pass(number) {
        // A path that was told from where to where may lead is the host's.
        Err(Errno::ENOENT) if resolve == 0 => {
            let register = Register::find(opening.directory, opening.path);
            let register = register.ok_or(Errno::ENOENT)?;
            register.open(&viewer(call), open_flags::to_host(flags))
        }
        result => opened(call.process, call.thread, &opening, result?),
    }
}

/// The thread that calls.
const fn viewer<'a>(call: &'a Call<'_>) -> Viewer<'a> {
    Viewer {
        process: call.process,
        thread: Some(call.thread),
    }
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

/// Asks about a path. Where the host has nothing there and arm64 would have a
/// register's file, what is asked about is another file of the processor's.
fn ask(call: &mut Call<'_>, follows: bool, number: u32) -> Result<u64, Errno> {
    let (directory, path) = (call.int(0), call.arguments[1]);
    let result = if follows {
        follow(call, number)
    } else {
        call.pass(number)
    };
    if result != Err(Errno::ENOENT) {
        return result;
    }
    let register = Register::find(directory, path).ok_or(Errno::ENOENT)?;
    call.arguments[0] = fd_argument(register.processor());
    call.arguments[1] = Register::INSTEAD.as_ptr() as u64;
    call.pass(number)
}

pub(super) fn statx(call: &mut Call<'_>) -> Result<u64, Errno> {
    const AT_EMPTY_PATH: u64 = 0x1000;
    let flags = call.arguments[2];
    let result = ask(call, flags & NO_FOLLOW == 0, number::STATX)?;
    if let Some(original) = about(call.arguments[4]).and_then(|about| call.process.shown.of(&about))
        && let Some((directory, path)) = original.path()
    {
        call.arguments[0] = fd_argument(directory.as_ref().map_or(AT_FDCWD, Fd::number));
        call.arguments[1] = path.as_ptr() as u64;
        call.arguments[2] = flags & !AT_EMPTY_PATH;
        return call.pass(number::STATX);
    }
    Ok(result)
}

/// What a `struct statx` of the guest's says of a file that has no name.
fn about(address: u64) -> Option<Status> {
    const NLINK: u64 = 16;
    const INO: u64 = 32;
    const DEVICE: u64 = 136;
    let word = |at: u64| guest_memory::load(address.wrapping_add(at), Size::Double).ok();
    #[allow(clippy::cast_possible_truncation, reason = "they have 8 bytes")]
    let [links, ino, device] = [word(NLINK)? as u64, word(INO)? as u64, word(DEVICE)? as u64];
    let (major, minor) = (device & 0xffff_ffff, device >> 32);
    (links & 0xffff_ffff == 0).then_some(Status {
        ino,
        dev: minor & 0xff | major << 8 | (minor & !0xff) << 12,
        ..Status::default()
    })
}

pub(super) fn faccessat(call: &mut Call<'_>) -> Result<u64, Errno> {
    ask(call, true, number::FACCESSAT)
}

pub(super) fn faccessat2(call: &mut Call<'_>) -> Result<u64, Errno> {
    ask(call, true, number::FACCESSAT2)
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

/// Lets the host write its `struct stat` and the guest read its own: of a text
/// that is shown in place of a file, the file's.
fn status(
    call: &mut Call<'_>,
    argument: usize,
    pass: fn(&mut Call<'_>) -> Result<u64, Errno>,
) -> Result<u64, Errno> {
    let mut host = Status::default();
    let guest = call.arguments[argument];
    call.arguments[argument] = ptr::from_mut(&mut host) as u64;
    let result = pass(call)?;
    if host.nlink == 0
        && let Some(original) = call.process.shown.of(&host)
    {
        host = original.status;
    }
    call.write(guest, &status_bytes(&host))?;
    Ok(result)
}

pub(super) fn fstat(call: &mut Call<'_>) -> Result<u64, Errno> {
    status(call, 1, |call| call.pass(number::FSTAT))
}

pub(super) fn newfstatat(call: &mut Call<'_>) -> Result<u64, Errno> {
    status(call, 2, |call| {
        let follows = call.arguments[3] & NO_FOLLOW == 0;
        ask(call, follows, number::NEWFSTATAT)
    })
}

/// A text's file system is that of the file that it stands for.
pub(super) fn fstatfs(call: &mut Call<'_>) -> Result<u64, Errno> {
    let original = call.process.shown.of_descriptor(call.int(0));
    if let Some((None, path)) = original.and_then(|original| original.path()) {
        let descriptor = core::mem::replace(&mut call.arguments[0], path.as_ptr() as u64);
        let result = call.pass(number::STATFS);
        if result.is_ok() {
            return result;
        }
        call.arguments[0] = descriptor;
    }
    call.pass(number::FSTATFS)
}

const SEEK_SET: i32 = 0;
const SEEK_CUR: i32 = 1;

/// A text that is to be read again from its beginning is one of that moment; where
/// it ends nobody knows.
pub(super) fn lseek(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [fd, whence] = [call.int(0), call.int(2)];
    if whence > SEEK_CUR && call.process.shown.of_descriptor(fd).is_some() {
        return Err(Errno::EINVAL);
    }
    let result = call.pass(number::LSEEK);
    if result == Ok(0) && whence == SEEK_SET {
        viewer(call).refresh(fd);
    }
    result
}

pub(super) fn pread64(call: &mut Call<'_>) -> Result<u64, Errno> {
    if call.arguments[3] == 0 {
        viewer(call).refresh(call.int(0));
    }
    call.pass(number::PREAD64)
}

/// The link to the executable would lead to the engine, that of a descriptor to a
/// file in memory.
pub(super) fn readlinkat(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [_, path, buffer, size, ..] = call.arguments;
    let directory = call.int(0);
    let Some(View::Executable(executable)) = views::find(call.process, directory, path) else {
        return match call.pass(number::READLINKAT) {
            Ok(length) => match shown_at(call, length) {
                Some(original) => write_link(call, buffer, size, &original.link),
                None => Ok(length),
            },
            // It is no link.
            Err(Errno::ENOENT) if Register::find(directory, path).is_some() => Err(Errno::EINVAL),
            error => error,
        };
    };
    if call.int(3) <= 0 {
        return Err(Errno::EINVAL);
    }
    // Where /proc is not mounted, there is no link.
    let mut first = [0_u8];
    call.arguments[2] = first.as_mut_ptr() as u64;
    call.arguments[3] = 1;
    call.pass(number::READLINKAT)?;
    write_link(call, buffer, size, executable.as_bytes())
}

fn write_link(call: &Call<'_>, buffer: u64, size: u64, link: &[u8]) -> Result<u64, Errno> {
    let length = usize::try_from(size & 0x7fff_ffff)
        .unwrap_or(0)
        .min(link.len());
    call.write(buffer, link.get(..length).unwrap_or_default())?;
    Ok(length as u64)
}

/// The file that a text stands for, if the link that was just read leads to
/// one.
fn shown_at(call: &Call<'_>, length: u64) -> Option<Arc<Original>> {
    const MARK: &[u8] = b"/memfd:";
    let [directory, path, buffer, ..] = call.arguments;
    if !call.process.shown.any() {
        return None;
    }
    let mut start = [0; MARK.len()];
    let start = start.get_mut(..usize::try_from(length).ok()?.min(MARK.len()))?;
    guest_memory::read(buffer, start).ok()?;
    if !MARK.starts_with(start) {
        return None;
    }
    let mut status = Status::default();
    let place = ptr::from_mut(&mut status) as u64;
    // SAFETY: the kernel reads the string and writes into the struct only.
    unsafe { sys::syscall(number::NEWFSTATAT, [directory, path, place, 0, 0, 0]) }.ok()?;
    call.process.shown.of(&status)
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
