//! Dying so that the parent is told of a core file, where the kernel's own file
//! is not to be seen.
//!
//! The kernel says that there is a core file only after it has written one
//! itself: of the engine, on x86-64, below the working directory or at a path from
//! the root. So the process dies in a thread that has a working directory of its own,
//! a new directory that nobody knows (`nowhere`), as its root too if the path wants
//! that, with a limit of one page for core files. A child removes the directory. It
//! traces the thread for that: a thread that is traced stops when the kernel has
//! written, and the process is not gone before the child is. So nobody sees either
//! of them. Where the child may not trace, it removes the directory when the process
//! is gone, a moment later.
//!
//! Who may not change the root (`CAP_SYS_CHROOT`) may in a user namespace, which
//! only the last thread of a process can make. So the others end, and the first dies.

use alloc::boxed::Box;
use alloc::ffi::CString;
use core::ffi::c_void;
use core::mem;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::calls::call;
use super::facts;
use super::nowhere::Nowhere;
use crate::host::signal::{self, Action, SIG_IGN};
use crate::host::sys::{self, Errno, Fd, fd_argument, number};
use crate::linux::signals;
use crate::thread::attention::Block;
use crate::thread::clone::{self, Arguments, Request};

const SIGCHLD: i32 = 17;

/// As x86-64 has it.
const O_CLOEXEC: u64 = 0o2_000_000;

/// Dies by a signal without a core file of the kernel's, and without one for who
/// reads a pipe: that one is started under any limit but 1 (core(5)).
pub(super) fn without_file(signal: i32) -> ! {
    const PR_SET_DUMPABLE: u64 = 4;
    const ONLY_PIPE: u64 = 1;
    if limit_files(ONLY_PIPE).is_err() || facts::has_socket() {
        // That says the same, but of all processes that share the memory.
        let _ = call(number::PRCTL, [PR_SET_DUMPABLE, 0, 0, 0, 0, 0]);
    }
    signals::die(signal)
}

/// Who is to die by which signal, and where its core file is.
struct Last {
    process: u64,
    signal: i32,
    path: CString,
}

/// What the threads of a process that dies in its first thread look at.
static LAST: AtomicPtr<Last> = AtomicPtr::new(ptr::null_mut());

/// Dies by a signal so that the parent is told of a core file, if that can be
/// had. `may_be_alone`: all other threads wait for the end, and the first is one of all.
pub(super) fn with_file(signal: i32, path: CString, may_be_alone: bool) -> ! {
    const FLAGS: u64 = clone::VM | clone::SIGHAND | clone::THREAD;
    let _ = signal::set_whole_mask(!0);
    let is_absolute = path.to_bytes().starts_with(b"/");
    let process = call(number::GETPID, [0; 6]).unwrap_or(0);
    let last = Box::into_raw(Box::new(Last {
        process,
        signal,
        path,
    }));
    if is_absolute && !may_change_root() {
        if !may_be_alone {
            without_file(signal)
        }
        LAST.store(last, Ordering::Release);
        wait_for_the_end()
    }
    let Ok(block) = Block::new() else {
        without_file(signal)
    };
    let request = Request {
        arguments: Arguments {
            flags: FLAGS,
            ..Arguments::default()
        },
        third: false,
    };
    let argument = last.cast::<c_void>();
    // SAFETY: with `VM` there is a stack, of a block that was just made. All signals are
    // blocked, and `last_thread` gets the `Last` that it wants, which is never freed.
    match unsafe { clone::clone(&request, Some((block.stack(), last_thread, argument))) } {
        Ok(_) => wait_for_the_end(),
        Err(_) => without_file(signal),
    }
}

/// Whether the thread has `CAP_SYS_CHROOT`.
fn may_change_root() -> bool {
    const VERSION_3: u64 = 0x2008_0522;
    const CAP_SYS_CHROOT: u32 = 18;
    let header = [VERSION_3];
    // Twice: effective, permitted, inheritable.
    let mut sets = [0_u32; 6];
    let arguments = [header.as_ptr() as u64, sets.as_mut_ptr() as u64, 0, 0, 0, 0];
    call(number::CAPGET, arguments).is_ok() && sets[0] & 1 << CAP_SYS_CHROOT != 0
}

/// The process ends soon, and the calling thread with it, or before: where its
/// first thread is to be the last one.
pub fn wait_for_the_end() -> ! {
    /// How often a thread looks.
    const ROUND: u64 = 1_000_000;
    let _ = signal::set_whole_mask(!0);
    loop {
        sys::pause(ROUND);
        look();
    }
}

/// What a thread does that waits for the end: it ends if its process is to die in
/// the first thread, and that one dies.
fn look() {
    // SAFETY: it is null, or a `Last` from `Box::into_raw` in `with_file`, which nobody
    // frees or changes.
    let Some(last) = (unsafe { LAST.load(Ordering::Acquire).as_ref() }) else {
        return;
    };
    if call(number::GETPID, [0; 6]) != Ok(last.process) {
        return;
    }
    if call(number::GETTID, [0; 6]) != Ok(last.process) {
        let _ = call(number::EXIT, [0; 6]);
    }
    die_last(last, true)
}

/// What the last thread does, which shares neither the working directory nor
/// the descriptors.
///
/// # Safety
/// The argument says who dies.
unsafe extern "C" fn last_thread(argument: *mut c_void) -> ! {
    // SAFETY: the caller's.
    die_last(unsafe { &*argument.cast::<Last>() }, false)
}

/// Dies, in a user namespace if the root can't be changed otherwise.
fn die_last(last: &Last, in_namespace: bool) -> ! {
    /// Less is no limit but none at all.
    const SMALLEST: u64 = 4096;
    let left = leave_for_nowhere(last.path.to_bytes(), in_namespace);
    if left.and_then(|()| limit_files(SMALLEST)).is_err() {
        without_file(last.signal)
    }
    signals::die(last.signal)
}

/// Sets the soft limit of core files.
fn limit_files(soft: u64) -> Result<(), Errno> {
    let [_, hard] = sys::limits(super::RLIMIT_CORE).ok_or(Errno::EINVAL)?;
    sys::set_limits(super::RLIMIT_CORE, [soft, hard])
}

/// Goes to a directory that is removed as soon as the kernel has written there.
fn leave_for_nowhere(path: &[u8], in_namespace: bool) -> Result<(), Errno> {
    const OWNER_ONLY: u64 = 0o77;
    const CLONE_FS: u64 = 0x200;
    // Others may share these with a process's own threads.
    call(number::UNSHARE, [CLONE_FS | clone::FILES, 0, 0, 0, 0, 0])?;
    call(number::UMASK, [OWNER_ONLY, 0, 0, 0, 0, 0])?;
    let nowhere = Nowhere::make()?;
    let entered = nowhere.enter(path);
    if let Err(error) = entered.and_then(|()| removed_later(&nowhere)) {
        nowhere.remove();
        return Err(error);
    }
    if !path.starts_with(b"/") {
        return Ok(());
    }
    if in_namespace {
        become_alone()?;
    }
    call(number::CHROOT, [c".".as_ptr() as u64, 0, 0, 0, 0, 0]).map(drop)
}

/// Makes a user namespace, which only a thread without others can: those end. Where
/// another process shares the memory, that is not enough.
fn become_alone() -> Result<(), Errno> {
    const CLONE_NEWUSER: u64 = 0x1000_0000;
    /// How long the others may take, and the kernel after them.
    const ROUNDS: [u32; 2] = [20_000, 100];
    const ROUND: u64 = 500_000;
    for _ in 0..ROUNDS[0] {
        if facts::threads() == Some(1) {
            break;
        }
        sys::pause(ROUND);
    }
    for _ in 0..ROUNDS[1] {
        match call(number::UNSHARE, [CLONE_NEWUSER, 0, 0, 0, 0, 0]) {
            Err(Errno::EINVAL) => sys::pause(ROUND),
            result => return result.map(drop),
        }
    }
    Err(Errno::EINVAL)
}

/// Makes the child that removes the directory, and waits until it is ready to.
fn removed_later(nowhere: &Nowhere) -> Result<(), Errno> {
    const PR_SET_PTRACER: u64 = 0x5961_6d61;
    const ANYBODY: u64 = u64::MAX;
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
    let kept = [is_ready, is_gone, &nowhere.parent];
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
    nowhere.remove_from(2);
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
fn keep_only(descriptors: [u64; 3]) {
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
