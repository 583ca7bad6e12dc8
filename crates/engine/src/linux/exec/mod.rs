//! `execve`: the process becomes another program.
//!
//! The kernel is asked first: it knows native programs, scripts, and what is registered in
//! `binfmt_misc`. Where the kernel says `ENOEXEC`, and the file is a program of either of the
//! engine's guests or a script whose interpreter is one (`found.rs`), the engine executes itself and
//! hands the open file over; for which guest, the file says ([`crate::linux::loader`]). The engine does the same in two other cases: where `binfmt_misc` does not
//! find a program that is there, and where what `binfmt_misc` adds (arguments, or a level of
//! interpreters) is the only thing that is too much.
//!
//! Whoever follows the program by an option (`--strace`, a debugger, ...) has it run by this
//! engine, whatever is registered: no other engine would be told. So it is with
//! `READ_IMPLIES_EXEC` of the personality, but for a file that gives rights.
//!
//! A thread with filters of system calls ([`super::seccomp`]) becomes guest programs only: the
//! host's kernel can't judge a native program's calls by the guest's filters, nor can another
//! engine that is registered for the other guest. A program that
//! may get no more rights is executed as the file that was looked at, by the engine itself, so
//! that no other file comes in its place meanwhile.

mod candidate;
pub mod engine_file;
mod found;
mod made_file;
mod room;

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::sync::atomic::Ordering;

use super::abi::platform::{Guests, Platform};
use super::exe_link::{self, Target};
use super::executable::Own;
use super::loader;
use super::loader::prefix::{Next, Prefix};
use super::process::{Process, Thread};
use crate::host::signal::{self, Action, SIG_IGN, bit};
use crate::host::sys::{self, AT_FDCWD, Errno, fd_argument, number};
use crate::memory::guest_memory;
use crate::thread::taken::{TAKEN, TAKEN_LIST};
use crate::thread::{handlers, interruptible};
use candidate::Candidate;
use found::{Followers, Found};
use room::{Lists, Room};

/// What is to be executed, as `execveat` takes it; pointers are the guest's.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The guests whose programs the engine runs.
    pub guests: Guests,
    /// Where a relative path starts.
    pub directory: i32,
    /// The path.
    pub path: u64,
    /// The arguments, up to a null.
    pub arguments: u64,
    /// The environment, up to a null.
    pub environment: u64,
    /// `AT_...`.
    pub flags: u64,
}

const PATH_MAX: usize = 4096;
const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
const AT_EMPTY_PATH: u64 = 0x1000;
const O_CLOEXEC: u64 = 0o2_000_000;

/// Becomes the program; returns only when that fails, or when the kernel is asked
/// only whether it might (`AT_EXECVE_CHECK`).
///
/// # Errors
/// The kernel's.
pub fn exec(process: &Process, thread: &mut Thread, program: &Program) -> Result<u64, Errno> {
    let path = path_of(program.path);
    let result = attempt(process, thread, program, path);
    thread.words = Vec::new();
    thread.bytes = Vec::new();
    result
}

/// In the ways that there are for the thread.
fn attempt(
    process: &Process,
    thread: &mut Thread,
    program: &Program,
    path: Result<Vec<u8>, Errno>,
) -> Result<u64, Errno> {
    const KNOWN: u64 = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
    let Ok(path) = path else {
        return host(thread, program);
    };
    if program.flags & !KNOWN != 0 {
        return host(thread, program);
    }
    let followers = Followers::of(process, thread);
    if let Some((_, notes)) = process.notes.filter(|_| followers.learn.is_some()) {
        notes.becomes_another();
    }
    let own = thread.own(process);
    if program.flags & AT_SYMLINK_NOFOLLOW == 0
        && let Some(target) = executable_at(own, program.directory, &path)
    {
        let prefix = process.prefix.as_ref();
        return again(own, prefix, thread, program, path, target, &followers);
    }
    let look = Candidate::of(program, &path);
    // The kernel would start the engine, and it is too late then for an error.
    if let Ok(file) = &look
        && let Some(error) = refusal(process.prefix.as_ref(), file, program, &path)
    {
        return Err(error);
    }
    // Who follows the program has to be told to the next engine, which the
    // kernel would not do. As with tracers, it gets no more rights then. Nor does
    // the kernel know of an interpreter that it is a guest's executable.
    let by_engine = followers.any() || look.as_ref().is_ok_and(|file| is_for_guest(own, file));
    let filtered = thread.attention().watched.load(Ordering::Relaxed) != 0;
    let implied = followers.reads_imply_exec;
    if !by_engine && !filtered && !implied {
        // Nothing of the heap's is held: a child that shares its parent's
        // memory has to leave it as it was.
        drop(path);
        return asked(process, thread, program, look);
    }
    let found = Found::find(own, program, &path, look, false);
    drop(path);
    let prefix = process.prefix.as_ref();
    match found {
        Ok(found) if by_engine || has_no_new_privileges() => {
            Err(found.run(thread, program, prefix, &followers))
        }
        // No other engine would be told.
        Ok(found) if implied && !found.gives_rights() => {
            Err(found.run(thread, program, prefix, &followers))
        }
        _ if !filtered => {
            drop(found);
            let look = path_of(program.path).and_then(|path| Candidate::of(program, &path));
            asked(process, thread, program, look)
        }
        // The kernel may have another engine for it, which knows nothing of the filters.
        Ok(found) if found.is_of_other(program.guests) => {
            if found.gives_rights() {
                return Err(Errno::ENOEXEC);
            }
            Err(found.run(thread, program, prefix, &followers))
        }
        Err(error) => Err(error),
        // Its owner's rights are the kernel's to give; so is what is no guest's.
        _ => asked(process, thread, program, Err(Errno::ENOEXEC)),
    }
}

/// The guest's program that a path leads to by a link to its executable.
fn executable_at(own: Own, directory: i32, path: &[u8]) -> Option<Target> {
    exe_link::of_path(own, directory, &CString::new(path).ok()?)
}

/// Whether it is a script whose interpreter is named so.
fn is_for_guest(own: Own, file: &Candidate) -> bool {
    let interpreter = file.script().map(|line| line.interpreter);
    interpreter.is_some_and(|path| executable_at(own, AT_FDCWD, path).is_some())
}

/// A program that runs already, named by the link to its executable: the file that
/// it is of, whatever has become of its name.
fn again(
    own: Own,
    prefix: Option<&Prefix>,
    thread: &mut Thread,
    program: &Program,
    path: Vec<u8>,
    target: Target,
    followers: &Followers<'_>,
) -> Result<u64, Errno> {
    let led = Program {
        directory: target.directory,
        path: target.path.as_ptr() as u64,
        flags: 0,
        ..*program
    };
    let look = Candidate::of(&led, target.path.as_bytes());
    let by_engine = match &look {
        Ok(file) => {
            if let Some(error) = refusal(prefix, file, program, &path) {
                return Err(error);
            }
            !file.gives_rights() || followers.any() || has_no_new_privileges()
        }
        // The kernel may read what its owner lets others only execute, and needs
        // no descriptor.
        Err(Errno::EACCES | Errno::EMFILE) => false,
        Err(error) => return Err(*error),
    };
    if !by_engine {
        return match (look, host(thread, &led)) {
            // Nothing but the engine runs it, which needs a descriptor for it.
            (Err(error), Err(Errno::ENOEXEC)) => Err(error),
            (_, result) => result,
        };
    }
    drop(target);
    let found = Found::find(own, program, &path, look, false)?;
    drop(path);
    Err(found.run(thread, program, prefix, followers))
}

/// By the kernel; by the engine itself where the kernel can't.
fn asked(
    process: &Process,
    thread: &mut Thread,
    program: &Program,
    look: Result<Candidate, Errno>,
) -> Result<u64, Errno> {
    let error = match host(thread, program) {
        Err(error @ (Errno::ENOEXEC | Errno::ENOENT | Errno::E2BIG | Errno::ELOOP)) => error,
        result => return result,
    };
    let own = thread.own(process);
    let found = path_of(program.path).and_then(|path| Found::find(own, program, &path, look, true));
    let by_engine = match (error, &found) {
        (Errno::ENOEXEC, _) => true,
        // Found by a descriptor that `execve` closes, it has no path that an
        // interpreter could open: `binfmt_misc` refuses, as for scripts.
        (Errno::ENOENT, Ok(found)) => found.is_plain(),
        // For what `binfmt_misc` adds.
        (_, Ok(found)) => !found.gives_rights(),
        (_, Err(_)) => false,
    };
    match found {
        Ok(found) if by_engine => {
            let prefix = process.prefix.as_ref();
            Err(found.run(thread, program, prefix, &Followers::NONE))
        }
        Err(found) if by_engine => Err(found),
        _ => Err(error),
    }
}

/// Whether the thread has given up getting more rights.
fn has_no_new_privileges() -> bool {
    const PR_GET_NO_NEW_PRIVS: u64 = 39;
    // SAFETY: asking changes nothing.
    let answer = unsafe { sys::syscall(number::PRCTL, [PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0, 0]) };
    answer == Ok(1)
}

/// Why the guest's own kernel would not execute a program of its own. It copies
/// the arguments before it looks. For a program of the other guest, another engine may be
/// registered, with another way to find libraries; so the kernel is asked first.
fn refusal(
    prefix: Option<&Prefix>,
    file: &Candidate,
    program: &Program,
    path: &[u8],
) -> Option<Errno> {
    let own = file.guest(program.guests)?;
    if own.elf != program.guests.own.elf {
        return None;
    }
    let error = refusal_by(own, file, program, prefix)?;
    let lists = Lists::read(program.arguments, program.environment);
    let name = candidate::named(program, path);
    let room = lists.and_then(|lists| Room::of(&name, &lists));
    Some(room.err().unwrap_or(error))
}

/// Why a guest's loader would not begin the program. The folder where it looks for libraries is this
/// program's only where an option says so: otherwise the next one's environment and guest tell.
fn refusal_by(
    guest: &'static Platform,
    file: &Candidate,
    program: &Program,
    prefix: Option<&Prefix>,
) -> Option<Errno> {
    let next = Next {
        told: prefix.filter(|prefix| prefix.told),
        named: || folder_named(program),
    };
    loader::refusal(guest, &file.file, &next)
}

/// The folder that the environment of a program names.
fn folder_named(program: &Program) -> Option<Prefix> {
    let lists = Lists::read(program.arguments, program.environment).ok()?;
    let mut texts = Vec::new();
    for &text in &lists.environment {
        let mut bytes = Vec::new();
        room::append(&mut bytes, text).ok()?;
        texts.push(bytes);
    }
    let texts = texts.iter().map(|bytes| CStr::from_bytes_with_nul(bytes));
    let texts: Vec<_> = texts.filter_map(Result::ok).collect();
    Prefix::of_environment(&texts)
}

/// The host's call, with what the next program inherits set meanwhile.
fn host(thread: &Thread, program: &Program) -> Result<u64, Errno> {
    let before = prepare(thread).ok_or(Errno::RESTART)?;
    let result = call(thread, program);
    restore(thread, before);
    result
}

/// The host's call: `execve` where that will do.
fn call(thread: &Thread, program: &Program) -> Result<u64, Errno> {
    let plain = program.directory == AT_FDCWD && program.flags == 0;
    let (number, arguments) = if plain {
        let arguments = [
            program.path,
            program.arguments,
            program.environment,
            0,
            0,
            0,
        ];
        (number::EXECVE, arguments)
    } else {
        let arguments = [
            fd_argument(program.directory),
            program.path,
            program.arguments,
            program.environment,
            program.flags,
            0,
        ];
        (number::EXECVEAT, arguments)
    };
    // SAFETY: the call reads strings of the guest's, and returns only when it
    // has changed nothing.
    unsafe { interruptible::syscall(thread.attention(), number, &arguments) }
}

/// What the next program inherits is set: which signals are ignored and
/// blocked. Returns the mask before; none when the thread is wanted first.
fn prepare(thread: &Thread) -> Option<u64> {
    let ignored = thread.actions.with(|actions| actions.taken_ignored());
    let ignore = Action {
        handler: SIG_IGN,
        ..Action::default()
    };
    let before = signal::set_whole_mask(!0);
    if thread.attention().wanted() {
        let _ = signal::set_whole_mask(before);
        return None;
    }
    for signal in TAKEN_LIST {
        if ignored & bit(signal) != 0 {
            // SAFETY: no handler is set.
            let _ = unsafe { signal::set_action(signal, &ignore) };
        }
    }
    thread.pending.hand_over(thread.attention());
    let _ = signal::set_whole_mask(thread.mask);
    Some(before)
}

/// Takes back what [`prepare`] has set.
fn restore(thread: &Thread, before: u64) {
    let ignored = thread.actions.with(|actions| actions.taken_ignored());
    let _ = signal::set_whole_mask(!0);
    for signal in TAKEN_LIST {
        if ignored & bit(signal) != 0 {
            let _ = handlers::take(signal, 0);
        }
    }
    thread
        .pending
        .take_back(thread.attention(), |signal| ignored & bit(signal) != 0);
    let _ = signal::set_whole_mask(!TAKEN);
    // No other must come before one that is told.
    if !thread.attention().has_signal() {
        let _ = signal::set_whole_mask(before);
    }
}

/// A string of the guest's, without its end.
fn path_of(address: u64) -> Result<Vec<u8>, Errno> {
    let mut path = Vec::new();
    for at in (address..).take(PATH_MAX) {
        let mut byte = [0];
        guest_memory::read(at, &mut byte)?;
        if byte[0] == 0 {
            return Ok(path);
        }
        path.push(byte[0]);
    }
    Err(Errno::ENAMETOOLONG)
}
