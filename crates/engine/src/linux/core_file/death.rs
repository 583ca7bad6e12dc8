//! Dying so that the parent is told of a core file, where the kernel's own file
//! is not to be seen.
//!
//! The kernel says that there is a core file only after it has written one
//! itself: of the engine, on x86-64, below the working directory. So the process
//! dies in a thread that has a working directory of its own, a new directory that
//! nobody knows, with a limit of one page for core files. A child removes the
//! directory. It traces the thread for that: a thread that is traced stops when the
//! kernel has written, and the process is not gone before the child is. So nobody
//! sees either of them. Where the child may not trace, it removes the directory
//! when the process is gone, a moment later.

use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::format;
use core::ffi::{CStr, c_void};
use core::mem;

use super::parking::wait_for_the_end;
use crate::host::signal::{self, Action, SIG_IGN};
use crate::host::sys::{self, AT_FDCWD, Errno, Fd, fd_argument, number};
use crate::linux::signals;
use crate::thread::attention::Block;
use crate::thread::clone::{self, Arguments, Request};

const SIGCHLD: i32 = 17;

/// As x86-64 has them.
const O_DIRECTORY: u64 = 0o200_000;
const O_NOFOLLOW: u64 = 0o400_000;
const O_CLOEXEC: u64 = 0o2_000_000;
const O_PATH: u64 = 0o10_000_000;

/// Dies by a signal without a core file of the kernel's.
pub(super) fn without_file(signal: i32) -> ! {
    limit_files(0);
    signals::die(signal)
}

/// Dies by a signal so that the parent is told of a core file, if that can be
/// had.
pub(super) fn with_file(signal: i32) -> ! {
    const FLAGS: u64 = clone::VM | clone::SIGHAND | clone::THREAD;
    let Ok(block) = Block::new() else {
        without_file(signal)
    };
    let _ = signal::set_whole_mask(!0);
    let request = Request {
        arguments: Arguments {
            flags: FLAGS,
            ..Arguments::default()
        },
        third: false,
    };
    let argument = Box::into_raw(Box::new(signal)).cast::<c_void>();
    // SAFETY: the thread gets a stack that is its own, and the number.
    match unsafe { clone::clone(&request, Some((block.stack(), last_thread, argument))) } {
        Ok(_) => wait_for_the_end(),
        Err(_) => without_file(signal),
    }
}

/// What the last thread does, which shares neither the working directory nor
/// the descriptors.
///
/// # Safety
/// The argument is a signal's number.
unsafe extern "C" fn last_thread(argument: *mut c_void) -> ! {
    /// Less is no limit but none at all.
    const SMALLEST: u64 = 4096;
    // SAFETY: the caller's.
    let signal = unsafe { *argument.cast::<i32>() };
    match leave_for_nowhere() {
        Ok(()) => limit_files(SMALLEST),
        Err(_) => limit_files(0),
    }
    signals::die(signal)
}

/// Sets the soft limit of core files.
fn limit_files(soft: u64) {
    if let Some([_, hard]) = sys::limits(super::RLIMIT_CORE) {
        let _ = sys::set_limits(super::RLIMIT_CORE, [soft, hard]);
    }
}

/// A system call that touches no memory but what its arguments name.
fn call(number: u32, arguments: [u64; 6]) -> Result<u64, Errno> {
    // SAFETY: all arguments that are addresses are of strings and of arrays that
    // live on, and are as long as is said.
    unsafe { sys::syscall(number, arguments) }
}

/// A new directory that is going to be removed.
struct Nowhere {
    parent: Fd,
    name: CString,
    directory: Fd,
}

impl Nowhere {
    /// In the first of some directories where it can be made.
    fn make() -> Result<Self, Errno> {
        const PARENTS: [&CStr; 3] = [c"/dev/shm", c"/tmp", c"."];
        let made = PARENTS.iter().find_map(|parent| Self::within(parent).ok());
        made.ok_or(Errno::EACCES)
    }

    fn within(parent: &CStr) -> Result<Self, Errno> {
        let parent = Fd::open_at(AT_FDCWD, parent, O_PATH | O_DIRECTORY | O_CLOEXEC)?;
        let mut random = [0_u64; 2];
        call(
            number::GETRANDOM,
            [random.as_mut_ptr() as u64, 16, 0, 0, 0, 0],
        )?;
        let [high, low] = random;
        let name =
            CString::new(format!(".armistice-{high:016x}{low:016x}")).map_err(|_| Errno::EINVAL)?;
        let at = fd_argument(parent.number());
        call(number::MKDIRAT, [at, name.as_ptr() as u64, 0o700, 0, 0, 0])?;
        let flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        match Fd::open_at(parent.number(), &name, flags) {
            Ok(directory) => Ok(Self {
                parent,
                name,
                directory,
            }),
            Err(error) => {
                remove_directory(parent.number(), &name);
                Err(error)
            }
        }
    }
}

fn remove_directory(parent: i32, name: &CStr) {
    const AT_REMOVEDIR: u64 = 0x200;
    let name = name.as_ptr() as u64;
    let _ = call(
        number::UNLINKAT,
        [fd_argument(parent), name, AT_REMOVEDIR, 0, 0, 0],
    );
}

/// Goes to a directory that is removed as soon as the kernel has written there.
fn leave_for_nowhere() -> Result<(), Errno> {
    const OWNER_ONLY: u64 = 0o77;
    call(number::UMASK, [OWNER_ONLY, 0, 0, 0, 0, 0])?;
    let nowhere = Nowhere::make()?;
    let result = removed_later(&nowhere);
    if result.is_err() {
        remove_directory(nowhere.parent.number(), &nowhere.name);
    }
    result
}

/// Makes the child that removes the directory, and waits until it is ready to.
fn removed_later(nowhere: &Nowhere) -> Result<(), Errno> {
    const PR_SET_PTRACER: u64 = 0x5961_6d61;
    const ANYBODY: u64 = u64::MAX;
    let directory = fd_argument(nowhere.directory.number());
    call(number::FCHDIR, [directory, 0, 0, 0, 0, 0])?;
    // The child writes the first, and sees that nobody writes the second any
    // more when this process is gone.
    let [ready, is_ready] = pipe()?;
    let [is_gone, alive] = pipe()?;
    // A child that ends while its parent ignores that leaves nothing behind.
    let ignore = Action {
        handler: SIG_IGN,
        ..Action::default()
    };
    // SAFETY: no handler is set.
    unsafe { signal::set_action(SIGCHLD, &ignore) }?;
    // Only where a security module wants it said.
    let _ = call(number::PRCTL, [PR_SET_PTRACER, ANYBODY, 0, 0, 0, 0]);
    let thread = call(number::GETTID, [0; 6])?;
    let request = Request {
        arguments: Arguments {
            exit_signal: SIGCHLD.unsigned_abs().into(),
            ..Arguments::default()
        },
        third: false,
    };
    // SAFETY: without a stack, the child is a copy that goes on here.
    if unsafe { clone::clone(&request, None) }? == 0 {
        // Its own copy would keep it waiting.
        drop(alive);
        remove(nowhere, thread, [&is_ready, &is_gone])
    }
    drop(is_ready);
    let mut byte = [0];
    let arguments = [fd_argument(ready.number()), byte.as_mut_ptr() as u64, 1];
    let said = read(arguments)?;
    // That one stays open to the end.
    mem::forget(alive);
    if said == 1 {
        Ok(())
    } else {
        Err(Errno::ECHILD)
    }
}

fn pipe() -> Result<[Fd; 2], Errno> {
    let mut pipe = [0_i32; 2];
    call(
        number::PIPE2,
        [pipe.as_mut_ptr() as u64, O_CLOEXEC, 0, 0, 0, 0],
    )?;
    Ok(pipe.map(Fd::new))
}

fn read([descriptor, to, most]: [u64; 3]) -> Result<u64, Errno> {
    call(number::READ, [descriptor, to, most, 0, 0, 0])
}

/// What the child does: it waits until the kernel has written or the process is
/// gone, and removes the directory with all that is in it.
fn remove(nowhere: &Nowhere, thread: u64, [is_ready, is_gone]: [&Fd; 2]) -> ! {
    // What is sent to the process's group is not meant for it.
    let _ = call(number::SETSID, [0; 6]);
    let kept = [is_ready, is_gone, &nowhere.parent, &nowhere.directory];
    keep_only(kept.map(|descriptor| fd_argument(descriptor.number())));
    let follows = follow(thread);
    let mut byte = [0_u8];
    let place = byte.as_mut_ptr() as u64;
    let _ = call(number::WRITE, [0, place, 1, 0, 0, 0]);
    if follows.is_ok() {
        await_exit(thread);
    } else {
        let _ = read([1, place, 1]);
    }
    empty(3);
    remove_directory(2, &nowhere.name);
    sys::exit_group(0)
}

/// Lets the thread wait for this process, its tracer, when it ends, which is after
/// its core file is written. When the tracer ends, the thread goes on.
fn follow(thread: u64) -> Result<u64, Errno> {
    const PTRACE_SEIZE: u64 = 0x4206;
    const PTRACE_O_TRACEEXIT: u64 = 1 << 6;
    call(
        number::PTRACE,
        [PTRACE_SEIZE, thread, 0, PTRACE_O_TRACEEXIT, 0, 0],
    )
}

/// Waits until the thread ends. Signals come to it as they would.
fn await_exit(thread: u64) {
    const PTRACE_CONT: u64 = 7;
    const PTRACE_EVENT_EXIT: u64 = 6;
    const WALL: u64 = 0x4000_0000;
    loop {
        let mut status = [0_u32; 2];
        let place = status.as_mut_ptr() as u64;
        if call(number::WAIT4, [thread, place, WALL, 0, 0, 0]).is_err() {
            return;
        }
        let [status, _] = status.map(u64::from);
        let is_stopped = status & 0xff == 0x7f;
        let (signal, event) = (status >> 8 & 0xff, status >> 16);
        if !is_stopped || event == PTRACE_EVENT_EXIT {
            return;
        }
        let signal = if event == 0 { signal } else { 0 };
        let _ = call(number::PTRACE, [PTRACE_CONT, thread, 0, signal, 0, 0]);
    }
}

/// Makes these the descriptors from 0 on, and closes all others: somebody may
/// wait until those are closed.
fn keep_only(descriptors: [u64; 4]) {
    const F_DUPFD: u64 = 0;
    const ALL: u64 = u32::MAX as u64;
    let count = descriptors.len() as u64;
    let high = descriptors.map(|descriptor| {
        let arguments = [descriptor, F_DUPFD, count, 0, 0, 0];
        call(number::FCNTL, arguments).unwrap_or(descriptor)
    });
    for (to, from) in (0..).zip(high) {
        let _ = call(number::DUP3, [from, to, 0, 0, 0, 0]);
    }
    let _ = call(number::CLOSE_RANGE, [count, ALL, 0, 0, 0, 0]);
}

/// Removes the files of a directory.
fn empty(directory: i32) {
    /// Of `struct linux_dirent64`.
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    let mut entries = [0_u8; 2048];
    let directory = fd_argument(directory);
    let place = [directory, entries.as_mut_ptr() as u64, 2048, 0, 0, 0];
    let read = call(number::GETDENTS64, place).unwrap_or(0);
    let mut rest = entries
        .get(..usize::try_from(read).unwrap_or(0))
        .unwrap_or_default();
    while let Some(&[low, high]) = rest.get(LENGTH..LENGTH + 2) {
        let length = usize::from(u16::from_le_bytes([low, high]));
        let name = rest.get(NAME..length).unwrap_or_default();
        if let Ok(name) = CStr::from_bytes_until_nul(name) {
            let name = name.as_ptr() as u64;
            let _ = call(number::UNLINKAT, [directory, name, 0, 0, 0, 0]);
        }
        rest = rest.get(length.max(1)..).unwrap_or_default();
    }
}
