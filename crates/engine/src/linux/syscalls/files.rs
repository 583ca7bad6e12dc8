//! Files: the flags of `open` and `struct stat`, which differ from guest to guest, and the
//! links that would lead to the engine.

use alloc::ffi::CString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ptr;

use guest::memory::Size;

use super::call::unknown_is_zero;
use super::{Call, paths, texts};
use crate::host::own::room;
use crate::host::sys::{self, AT_FDCWD, Errno, Fd, Status, fd_argument, number};
use crate::linux::abi::platform::Width;
use crate::linux::exe_link::{self, Target};
use crate::linux::executable::{Identity, is_engine};
use crate::linux::views;
use crate::linux::views::opened::{Opening, opened};
use crate::linux::views::procfs::Viewer;
use crate::linux::views::registers::Register;
use crate::linux::views::shown::Original;
use crate::memory::guest_memory;
use crate::thread::interruptible::Entry;

pub(in crate::linux) fn openat(call: &mut Call<'_>) -> Result<u64, Errno> {
    let flags = call.arguments[2];
    call.arguments[2] = host_flags(call, flags);
    let way = Way::of(call, flags, number::OPENAT, OPENAT);
    open(call, flags, 0, way)
}

/// i386's numbers.
const OPENAT: u32 = 295;
const OPEN_BY_HANDLE_AT: u32 = 342;

/// How the host opens a file.
#[derive(Clone, Copy)]
struct Way(Entry, u32);

impl Way {
    /// For these flags of the guest's, one of a call's two numbers. By the usual entry a file may have
    /// any size. The entry for programs of i386 asks for `O_LARGEFILE` where words have 32 bits, so it
    /// opens what is asked for without that flag. It takes paths below 4 GiB, as the guest's are;
    /// one that the engine has led elsewhere (`-L`) is opened by the usual entry.
    fn of(call: &Call<'_>, flags: u64, wide: u32, narrow: u32) -> Self {
        /// As x86-64 has it.
        const O_LARGEFILE: u64 = 0o100_000;
        let platform = call.process.platform;
        let is_small = platform.elf.width == Width::Bits32
            && platform.open_flags.to_host(flags) & O_LARGEFILE == 0;
        if is_small && room::is_left() && call.arguments[1] < platform.end {
            Self(Entry::Narrow, narrow)
        } else {
            Self(Entry::Wide, wide)
        }
    }
}

/// The host's flags. A program that runs is not made empty before it is known
/// which file it is, nor is a text.
fn host_flags(call: &Call<'_>, flags: u64) -> u64 {
    const O_TRUNC: u64 = 0o1_000;
    let host = call.process.platform.open_flags.to_host(flags);
    if flags & O_TRUNC != 0
        && let Some(file) = call.file_at(call.int(0), call.arguments[1])
        && (file == call.process.program || call.process.shown.of_file(file).is_some())
    {
        return host & !O_TRUNC;
    }
    host
}

/// Makes an argument that has flags of `open` the host's.
fn flags_to_host(call: &mut Call<'_>, index: usize) {
    call.arguments[index] = call
        .process
        .platform
        .open_flags
        .to_host(call.arguments[index]);
}

/// Lets the host open what the guest's path leads to, and looks at it.
fn open(call: &mut Call<'_>, flags: u64, resolve: u64, way: Way) -> Result<u64, Errno> {
    let Way(entry, number) = way;
    let flags = call.process.platform.open_flags.to_host(flags);
    let opening = Opening {
        directory: call.int(0),
        path: call.arguments[1],
        flags,
        resolve,
    };
    match call.pass_by(entry, number) {
        // A path that was told from where to where may lead is the host's.
        Err(Errno::ENOENT) if resolve == 0 => {
            let register = Register::find(call.process.platform, opening.directory, opening.path);
            let register = register.ok_or(Errno::ENOENT)?;
            viewer(call).open_register(&register, flags)
        }
        result => opened(call.process, call.thread, &opening, result),
    }
}

/// The thread that calls.
pub(super) const fn viewer<'a>(call: &'a Call<'_>) -> Viewer<'a> {
    Viewer {
        process: call.process,
        thread: Some(call.thread),
    }
}

/// `AT_SYMLINK_NOFOLLOW`.
const NO_FOLLOW: u64 = 0x100;

/// Where the host has nothing at a path and the guest's kernel would have a register's file,
/// what is asked about is another file of the processor's.
fn or_register(call: &mut Call<'_>, result: Result<u64, Errno>, number: u32) -> Result<u64, Errno> {
    if result != Err(Errno::ENOENT) {
        return result;
    }
    let register = Register::find(call.process.platform, call.int(0), call.arguments[1])
        .ok_or(Errno::ENOENT)?;
    call.arguments[0] = fd_argument(register.processor());
    call.arguments[1] = Register::INSTEAD.as_ptr() as u64;
    call.pass(number)
}

/// The program whose executable's link was followed to a file, of which the
/// host has told.
fn program(call: &Call<'_>, status: &Status, directory: i32, path: u64) -> Option<Target> {
    if !is_engine(Identity::from(status)) {
        return None;
    }
    let path = views::string(path)?;
    exe_link::of_file(call.own(), status, directory, &path)
}

pub(in crate::linux) fn statx(call: &mut Call<'_>) -> Result<u64, Errno> {
    const SIZE: u64 = 40;
    let [_, path, flags, _, buffer, _] = call.arguments;
    let directory = call.int(0);
    let result = call.pass(number::STATX);
    let result = or_register(call, result, number::STATX)?;
    let Some(about) = about(buffer) else {
        return Ok(result);
    };
    if flags & NO_FOLLOW == 0
        && let Some(target) = program(call, &about, directory, path)
    {
        call.arguments[0] = fd_argument(target.directory);
        call.arguments[1] = target.path.as_ptr() as u64;
        return call.pass(number::STATX);
    }
    if let Some(size) = counted(call, &about, directory, || above(path)) {
        call.write_words(buffer.wrapping_add(SIZE), &[size.unsigned_abs()])?;
    }
    if about.nlink == 0
        && let Some(_led) = texts::lead(call, Some(0), 1, flags & NO_FOLLOW == 0)
    {
        return call.pass(number::STATX);
    }
    Ok(result)
}

/// What a `struct statx` of the guest's says of which file it is of.
fn about(address: u64) -> Option<Status> {
    const NLINK: u64 = 16;
    const MODE: u64 = 28;
    const INO: u64 = 32;
    const SIZE: u64 = 40;
    const DEVICE: u64 = 136;
    #[allow(clippy::cast_possible_truncation, reason = "they have 8 bytes")]
    let word = |at: u64| {
        let word = guest_memory::load(address.wrapping_add(at), Size::Double).ok()?;
        Some(word as u64)
    };
    let (links, device) = (word(NLINK)?, word(DEVICE)?);
    let (major, minor) = (device & 0xffff_ffff, device >> 32);
    Some(Status {
        nlink: links & 0xffff_ffff,
        #[allow(clippy::cast_possible_truncation, reason = "it has 16 bits")]
        mode: u32::from(word(MODE)? as u16),
        ino: word(INO)?,
        size: word(SIZE)?.cast_signed(),
        dev: minor & 0xff | major << 8 | (minor & !0xff) << 12,
        ..Status::default()
    })
}

pub(in crate::linux) fn faccessat(call: &mut Call<'_>) -> Result<u64, Errno> {
    let result = paths::follow(call, "faccessat", number::FACCESSAT);
    or_register(call, result, number::FACCESSAT)
}

pub(in crate::linux) fn faccessat2(call: &mut Call<'_>) -> Result<u64, Errno> {
    let result = paths::follow(call, "faccessat2", number::FACCESSAT2);
    or_register(call, result, number::FACCESSAT2)
}

/// `struct open_how`: flags, mode and `RESOLVE_...`, and what newer kernels
/// add, which must be zero here.
pub(in crate::linux) fn openat2(call: &mut Call<'_>) -> Result<u64, Errno> {
    const HOW: u64 = 24;
    let [_, _, guest, size, ..] = call.arguments;
    if size < HOW {
        return Err(Errno::EINVAL);
    }
    if size > 4096 {
        return Err(Errno::E2BIG);
    }
    unknown_is_zero(guest.wrapping_add(HOW), size - HOW)?;
    let [flags, mode, resolve] = call.words(guest)?;
    let how = [host_flags(call, flags), mode, resolve];
    call.arguments[2] = how.as_ptr() as u64;
    call.arguments[3] = HOW;
    // A kernel with 64 bits has no other way for such a call.
    let way = Way(Entry::Wide, number::OPENAT2);
    open(call, flags, resolve, way)
}

pub(in crate::linux) fn open_by_handle_at(call: &mut Call<'_>) -> Result<u64, Errno> {
    let flags = call.arguments[2];
    flags_to_host(call, 2);
    let wide = number::OPEN_BY_HANDLE_AT;
    let Way(entry, number) = Way::of(call, flags, wide, OPEN_BY_HANDLE_AT);
    call.pass_by(entry, number)
}

/// The second argument has the flags of the descriptors to come.
pub(in crate::linux) fn fanotify_init(call: &mut Call<'_>) -> Result<u64, Errno> {
    flags_to_host(call, 1);
    call.pass(number::FANOTIFY_INIT)
}

/// O_DIRECT, a pipe of packets, is among the flags.
pub(in crate::linux) fn pipe2(call: &mut Call<'_>) -> Result<u64, Errno> {
    flags_to_host(call, 1);
    call.pass(number::PIPE2)
}

pub(in crate::linux) fn fcntl(call: &mut Call<'_>) -> Result<u64, Errno> {
    const F_GETFL: i32 = 3;
    const F_SETFL: i32 = 4;
    const F_ADD_SEALS: i32 = 1033;
    const F_GET_SEALS: i32 = 1034;
    match call.int(1) {
        F_GETFL => {
            let flags = call.process.platform.open_flags;
            call.pass(number::FCNTL).map(|host| flags.to_guest(host))
        }
        F_SETFL => {
            flags_to_host(call, 2);
            // The flags are the text's to have, if its file may have them.
            if let Some(file) = texts::stood_for(call, call.int(0)) {
                let asked = [
                    fd_argument(file.number()),
                    call.arguments[1],
                    call.arguments[2],
                    0,
                    0,
                    0,
                ];
                // SAFETY: the call touches no memory.
                unsafe { sys::syscall(number::FCNTL, asked) }?;
            }
            call.pass(number::FCNTL)
        }
        F_ADD_SEALS | F_GET_SEALS => texts::pass(call, number::FCNTL),
        _ => call.pass(number::FCNTL),
    }
}

/// A `struct stat` that a guest has.
pub(in crate::linux) trait GuestStatus {
    /// What it has for the host's.
    ///
    /// # Errors
    /// Where there is no room for what the host's says.
    fn bytes(host: &Status) -> Result<impl AsRef<[u8]>, Errno>;
}

/// Gives the guest its own `struct stat`: of a text that is shown in place of a
/// file, the file's.
fn give_status<S: GuestStatus>(call: &Call<'_>, guest: u64, mut host: Status) -> Result<(), Errno> {
    if host.nlink == 0
        && let Some(original) = call.process.shown.of(&host)
    {
        host = original.status;
    }
    call.write(guest, S::bytes(&host)?.as_ref())
}

/// `/proc/PID/fd` has as many bytes as the process has descriptors, of which one
/// may be the engine's; `folder` is what it is in.
fn counted(
    call: &Call<'_>,
    status: &Status,
    directory: i32,
    folder: impl FnOnce() -> Vec<u8>,
) -> Option<i64> {
    /// A directory, `r-x------`.
    const MODE: u32 = 0o40_500;
    if status.mode != MODE || status.size == 0 || !status.is_on_no_device() {
        return None;
    }
    exe_link::held_in(call.own(), directory, &folder())?;
    Some(status.size - 1)
}

/// The path of what a directory is in.
fn above(path: u64) -> Vec<u8> {
    let mut folder = views::string(path).unwrap_or_default();
    if !folder.is_empty() {
        folder.push(b'/');
    }
    folder.extend_from_slice(b"../");
    folder
}

pub(in crate::linux) fn fstat<S: GuestStatus>(call: &mut Call<'_>) -> Result<u64, Errno> {
    let mut host = Status::default();
    let guest = call.arguments[1];
    call.arguments[1] = ptr::from_mut(&mut host) as u64;
    let result = call.pass(number::FSTAT)?;
    let counted = counted(call, &host, call.int(0), || b"../".to_vec());
    host.size = counted.unwrap_or(host.size);
    give_status::<S>(call, guest, host)?;
    Ok(result)
}

pub(in crate::linux) fn newfstatat<S: GuestStatus>(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [_, path, guest, flags, ..] = call.arguments;
    let directory = call.int(0);
    let mut host = Status::default();
    call.arguments[2] = ptr::from_mut(&mut host) as u64;
    let result = call.pass(number::NEWFSTATAT);
    let result = or_register(call, result, number::NEWFSTATAT)?;
    if flags & NO_FOLLOW == 0
        && let Some(target) = program(call, &host, directory, path)
    {
        host = sys::status_at(target.directory, &target.path, 0)?;
    }
    let counted = counted(call, &host, directory, || above(path));
    host.size = counted.unwrap_or(host.size);
    give_status::<S>(call, guest, host)?;
    Ok(result)
}

/// A text's file system is that of the file that it stands for.
pub(in crate::linux) fn fstatfs(call: &mut Call<'_>) -> Result<u64, Errno> {
    let original = call.process.shown.of_descriptor(call.int(0));
    if let Some(path) = original.and_then(|original| original.path()) {
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
pub(in crate::linux) fn lseek(call: &mut Call<'_>) -> Result<u64, Errno> {
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

pub(in crate::linux) fn pread64(call: &mut Call<'_>) -> Result<u64, Errno> {
    if call.arguments[3] == 0 {
        viewer(call).refresh(call.int(0));
    }
    call.pass(number::PREAD64)
}

/// The link to an executable would lead to the engine, that of a descriptor to a
/// file in memory.
pub(in crate::linux) fn readlinkat(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [_, path, buffer, size, ..] = call.arguments;
    let directory = call.int(0);
    let executable = views::string(path)
        .filter(|path| path.is_empty() || path.ends_with(b"exe"))
        .and_then(|path| exe_link::of_link(call.own(), directory, &path));
    let Some(executable) = executable else {
        return match call.pass(number::READLINKAT) {
            Ok(length) => match shown_at(call, length) {
                Some(original) => write_link(call, buffer, size, &original.link),
                None => Ok(length),
            },
            // It is no link.
            Err(Errno::ENOENT)
                if Register::find(call.process.platform, directory, path).is_some() =>
            {
                Err(Errno::EINVAL)
            }
            error => error,
        };
    };
    if call.int(3) <= 0 {
        return Err(Errno::EINVAL);
    }
    write_link(call, buffer, size, &executable.says()?)
}

/// A program that runs can't be changed. The host says so of the engine. What is
/// asked before is asked by opening the file.
pub(in crate::linux) fn truncate(call: &mut Call<'_>) -> Result<u64, Errno> {
    /// `O_WRONLY | O_CLOEXEC`.
    const FOR_WRITING: u64 = 0o2_000_001;
    if call.arguments[1].cast_signed() < 0 {
        return call.pass(number::TRUNCATE);
    }
    let path = call.arguments[0];
    let file = if call.file_at(AT_FDCWD, path) == Some(call.process.program) {
        let path = views::string(path).ok_or(Errno::EFAULT)?;
        let path = CString::new(path).map_err(|_| Errno::EFAULT)?;
        Fd::open_at(AT_FDCWD, &path, FOR_WRITING)
    } else if let Some(target) = paths::target(call, AT_FDCWD, path) {
        Fd::open_at(target.directory, &target.path, FOR_WRITING)
    } else {
        return paths::follow(call, "truncate", number::TRUNCATE);
    };
    file.and(Err(Errno::ETXTBSY))
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
