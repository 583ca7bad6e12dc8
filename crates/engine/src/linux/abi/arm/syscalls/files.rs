//! Files: the calls whose paths start at the working directory, and those with positions.

use super::narrow;
use super::times::{Time, taking_all};
use super::words::{self, before, narrowed, signed};
use crate::host::directory::Form;
use crate::host::sys::{AT_FDCWD, Errno, fd_argument, number};
use crate::linux::syscalls::{Call, descriptors, files, paths};

type Made = Result<u64, Errno>;

/// i386's numbers.
const GETDENTS: u32 = 141;
const GETDENTS64: u32 = 220;

/// Puts the working directory before a path.
fn at_working_directory(call: &mut Call<'_>) {
    before(call, fd_argument(AT_FDCWD));
}

pub(super) fn open(call: &mut Call<'_>) -> Made {
    at_working_directory(call);
    files::openat(call)
}

pub(super) fn creat(call: &mut Call<'_>) -> Made {
    /// `O_CREAT | O_WRONLY | O_TRUNC`, and `O_LARGEFILE`, which a kernel with 64 bits adds here.
    const NEW: u64 = 0o401_101;
    let [path, mode, ..] = call.arguments;
    call.arguments = [fd_argument(AT_FDCWD), path, NEW, mode, 0, 0];
    files::openat(call)
}

pub(super) fn access(call: &mut Call<'_>) -> Made {
    at_working_directory(call);
    files::faccessat(call)
}

pub(super) fn readlink(call: &mut Call<'_>) -> Made {
    at_working_directory(call);
    files::readlinkat(call)
}

pub(super) fn chmod(call: &mut Call<'_>) -> Made {
    at_working_directory(call);
    paths::follow(call, "fchmodat", number::FCHMODAT)
}

/// A path that is followed, and two times.
fn set_times(call: &mut Call<'_>, flags: u64) -> Made {
    call.arguments[3] = flags;
    paths::follow(call, "utimensat", number::UTIMENSAT)
}

pub(super) fn utimensat(call: &mut Call<'_>) -> Made {
    taking_all::<2>(call, 2, Time::Narrow, |call| {
        paths::follow(call, "utimensat", number::UTIMENSAT)
    })
}

pub(super) fn utimensat_time64(call: &mut Call<'_>) -> Made {
    taking_all::<2>(call, 2, Time::Wide, |call| {
        paths::follow(call, "utimensat", number::UTIMENSAT)
    })
}

pub(super) fn utimes(call: &mut Call<'_>) -> Made {
    at_working_directory(call);
    futimesat(call)
}

pub(super) fn futimesat(call: &mut Call<'_>) -> Made {
    let guest = call.arguments[2];
    if guest == 0 {
        return set_times(call, 0);
    }
    let times = super::limits::times_of_file(guest)?;
    call.arguments[2] = times.as_ptr() as u64;
    set_times(call, 0)
}

/// Without flags, and with a descriptor that must be open even where nothing is done.
pub(super) fn dup2(call: &mut Call<'_>) -> Made {
    const F_GETFD: u64 = 1;
    let [from, to, ..] = call.arguments;
    call.arguments[2] = 0;
    if from == to {
        call.arguments[1] = F_GETFD;
        return call.pass(number::FCNTL).map(|_| to);
    }
    descriptors::dup3(call)
}

/// A position of 32 bits.
pub(super) fn lseek(call: &mut Call<'_>) -> Made {
    let position = files::lseek(call)?;
    if position >> 31 == 0 {
        Ok(position)
    } else {
        Err(Errno::EOVERFLOW)
    }
}

/// `_llseek`: the position in two words, the higher first, and where to put the result.
pub(super) fn llseek(call: &mut Call<'_>) -> Made {
    let [file, high, low, result, whence, _] = call.arguments;
    call.arguments = [file, high << 32 | low & 0xffff_ffff, whence, 0, 0, 0];
    let position = files::lseek(call)?;
    call.write_words(result, &[position])?;
    Ok(0)
}

/// The advice comes before the two numbers of 64 bits.
pub(super) fn fadvise64_64(call: &mut Call<'_>) -> Made {
    call.arguments[1..4].rotate_left(1);
    call.pass(number::FADVISE64)
}

/// And so do the flags.
pub(super) fn sync_file_range2(call: &mut Call<'_>) -> Made {
    const SYNC_FILE_RANGE: u32 = 277;
    call.arguments[1..4].rotate_left(1);
    call.pass(SYNC_FILE_RANGE)
}

/// What is in a directory. Positions in it have 32 bits for programs of i386's.
pub(super) fn getdents64(call: &mut Call<'_>) -> Made {
    descriptors::listed(call, Form::Wide, |call| {
        match narrow::call::<GETDENTS64>(call) {
            Err(Errno::ENOSYS) => call.pass(number::GETDENTS64),
            result => result,
        }
    })
}

pub(super) fn getdents(call: &mut Call<'_>) -> Made {
    descriptors::listed(call, Form::Narrow, narrow::call::<GETDENTS>)
}

/// Commands of `fcntl` about locks: with positions of 32 bits, ...
const GETLK: i32 = 5;
const SETLK: i32 = 6;
const SETLKW: i32 = 7;
/// ... and of 64, which are the host's with these numbers less.
const GETLK64: i32 = 12;
const SETLK64: i32 = 13;
const SETLKW64: i32 = 14;
const DIFFERENCE: u64 = 7;

/// `struct flock`, and the host's: kind and origin, start, length, process.
fn lock(call: &mut Call<'_>) -> Made {
    let guest = call.arguments[2];
    let [kind, start, length, process] = words::read(guest)?;
    let mut host = [kind.into(), signed(start), signed(length), process.into()];
    let result = words::with(call, 2, &mut host, |call| call.pass(number::FCNTL))?;
    if call.int(1) == GETLK {
        let fits = |number: u64| i32::try_from(number.cast_signed()).is_ok();
        if !host[1..3].iter().copied().all(fits) {
            return Err(Errno::EOVERFLOW);
        }
        words::write(call, guest, &narrowed(host))?;
    }
    Ok(result)
}

pub(super) fn fcntl(call: &mut Call<'_>) -> Made {
    match call.int(1) {
        GETLK | SETLK | SETLKW => lock(call),
        _ => files::fcntl(call),
    }
}

/// `struct flock64` is the host's.
pub(super) fn fcntl64(call: &mut Call<'_>) -> Made {
    if matches!(call.int(1), GETLK64 | SETLK64 | SETLKW64) {
        call.arguments[1] -= DIFFERENCE;
        return call.pass(number::FCNTL);
    }
    fcntl(call)
}
