//! `execve`: the process becomes another program.
//!
//! The kernel is asked first: it knows native programs, scripts, and what is
//! registered in `binfmt_misc`. Where it says `ENOEXEC`, and the file is an
//! AArch64 program or a script whose interpreter is one, the engine executes
//! itself with it, handing the open file over. So it does where a program is
//! there that `binfmt_misc` does not find.
//!
//! A thread with filters of system calls ([`super::seccomp`]) becomes guest
//! programs only: the host's kernel can't judge a native one's calls by them.
//! What may get no more rights is executed as the file that was looked at, by
//! the engine itself, so that no other comes in its place meanwhile.

use alloc::vec::Vec;
use core::ffi::CStr;
use core::sync::atomic::Ordering;

use super::faults::{self, Action};
use super::guest_memory;
use super::loader;
use super::process::{Process, Thread};
use super::signals::{self, SIG_IGN, TAKEN, TAKEN_LIST, bit};
use super::sys::{self, AT_FDCWD, Errno, Fd, Status, fd_argument, number};
use super::window;

/// What is to be executed, as `execveat` takes it; pointers are the guest's.
#[derive(Clone, Copy, Debug)]
pub struct Program {
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

/// The engine's own file.
const ENGINE: &CStr = c"/proc/self/exe";
const PATH_MAX: usize = 4096;
/// Interpreters of interpreters, as the kernel has it.
const DEPTH: usize = 5;
const AT_EMPTY_PATH: u64 = 0x1000;
const O_CLOEXEC: u64 = 0o2_000_000;

/// Becomes the program; returns only when that fails.
///
/// # Errors
/// The kernel's.
pub fn exec(process: &Process, thread: &mut Thread, program: &Program) -> Result<u64, Errno> {
    let mut program = *program;
    let mut own = Vec::new();
    let path = path_of(program.path);
    if let Ok(path) = &path
        && is_self(path)
    {
        own.extend_from_slice(&process.executable);
        own.push(0);
        program.path = own.as_ptr() as u64;
        program.directory = AT_FDCWD;
    }
    let path = path.map(|path| {
        if own.is_empty() {
            path
        } else {
            own[..own.len() - 1].to_vec()
        }
    });
    let error = attempt(process, thread, &program, path);
    thread.words = Vec::new();
    thread.bytes = Vec::new();
    Err(error)
}

/// In the ways that there are for the thread; returns why all failed.
fn attempt(
    process: &Process,
    thread: &mut Thread,
    program: &Program,
    path: Result<Vec<u8>, Errno>,
) -> Errno {
    // The kernel would start the engine, and it is too late then for an error.
    if let Ok(path) = &path
        && let Some(error) = refusal(program, path)
    {
        return error;
    }
    // Who follows the program has to be told to the next engine, which the
    // kernel would not do. As with tracers, it gets no more rights then.
    let followers = Followers {
        debugger: process
            .tracer
            .and_then(|tracer| tracer.handed_over(thread.attention())),
        trace: process.trace,
    };
    if followers.any()
        && let Ok(path) = &path
        && let Ok(found) = Found::find(program, path)
    {
        return found.run(thread, program, &followers);
    }
    let filtered = thread.attention().watched.load(Ordering::Relaxed) != 0;
    if filtered {
        let found = path
            .as_ref()
            .map_err(|&error| error)
            .and_then(|path| Found::find(program, path));
        match found {
            Err(error) => return error,
            Ok(found) if has_no_new_privileges() => {
                return found.run(thread, program, &Followers::NONE);
            }
            // Its owner's rights are the kernel's to give.
            Ok(_) => {}
        }
    }
    let error = host(thread, program);
    match path {
        Ok(path) if error == Errno::ENOEXEC => match Found::find(program, &path) {
            Ok(found) => found.run(thread, program, &Followers::NONE),
            Err(error) => error,
        },
        // Found by a descriptor that `execve` closes, it has no path that an
        // interpreter could open: `binfmt_misc` refuses, as for scripts.
        Ok(path) if error == Errno::ENOENT => match Found::find(program, &path) {
            Ok(found) if found.is_plain() => found.run(thread, program, &Followers::NONE),
            _ => error,
        },
        _ => error,
    }
}

/// Whether the thread has given up getting more rights.
fn has_no_new_privileges() -> bool {
    const PR_GET_NO_NEW_PRIVS: u64 = 39;
    // SAFETY: asking changes nothing.
    let answer = unsafe { sys::syscall(number::PRCTL, [PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0, 0]) };
    answer == Ok(1)
}

/// Why the guest's own kernel would not execute an AArch64 program.
fn refusal(program: &Program, path: &[u8]) -> Option<Errno> {
    // Opening is no more than looking for a file only.
    if !is_regular(program, path) {
        return None;
    }
    let file = Candidate::open(program.directory, path, program.flags, O_CLOEXEC).ok()?;
    if !file.is_guest() || !file.file.may_execute() {
        return None;
    }
    loader::refusal(&file.file)
}

fn is_regular(program: &Program, path: &[u8]) -> bool {
    const S_IFMT: u32 = 0o170_000;
    const S_IFREG: u32 = 0o100_000;
    let mut text = path.to_vec();
    text.push(0);
    let mut status = Status::default();
    let arguments = [
        fd_argument(program.directory),
        text.as_ptr() as u64,
        core::ptr::from_mut(&mut status) as u64,
        program.flags & AT_EMPTY_PATH,
        0,
        0,
    ];
    // SAFETY: the kernel reads a string and writes the structure only.
    let done = unsafe { sys::syscall(number::NEWFSTATAT, arguments) };
    done.is_ok() && status.mode & S_IFMT == S_IFREG
}

/// The host's call, with what the next program inherits set meanwhile.
fn host(thread: &Thread, program: &Program) -> Errno {
    let Some(before) = prepare(thread) else {
        return Errno::RESTART;
    };
    let error = call(thread, program);
    restore(thread, before);
    error
}

/// The host's call: `execve` where that will do.
fn call(thread: &Thread, program: &Program) -> Errno {
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
    let result = unsafe { window::syscall(thread.attention(), number, arguments) };
    result.err().unwrap_or(Errno::ENOEXEC)
}

/// What the next program inherits is set: which signals are ignored and
/// blocked. Returns the mask before; none when the thread is wanted first.
fn prepare(thread: &Thread) -> Option<u64> {
    let ignored = thread.actions.with(|actions| actions.taken_ignored());
    let ignore = Action {
        handler: SIG_IGN,
        ..Action::default()
    };
    let before = signals::set_whole_mask(!0);
    if thread.attention().wanted() {
        let _ = signals::set_whole_mask(before);
        return None;
    }
    for signal in TAKEN_LIST {
        if ignored & bit(signal) != 0 {
            // SAFETY: no handler is set.
            let _ = unsafe { faults::set_action(signal, &ignore) };
        }
    }
    thread.pending.hand_over(thread.attention());
    let _ = signals::set_whole_mask(thread.mask);
    Some(before)
}

/// Takes back what [`prepare`] has set.
fn restore(thread: &Thread, before: u64) {
    let ignored = thread.actions.with(|actions| actions.taken_ignored());
    let _ = signals::set_whole_mask(!0);
    for signal in TAKEN_LIST {
        if ignored & bit(signal) != 0 {
            let _ = faults::take(signal, 0);
        }
    }
    thread
        .pending
        .take_back(thread.attention(), |signal| ignored & bit(signal) != 0);
    let _ = signals::set_whole_mask(!TAKEN);
    // No other must come before one that is told.
    if !thread.attention().has_signal() {
        let _ = signals::set_whole_mask(before);
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

/// Whether a path leads to the engine's file where the guest means its own.
fn is_self(path: &[u8]) -> bool {
    let Some(rest) = path.strip_prefix(b"/proc/") else {
        return false;
    };
    let Some(who) = rest.strip_suffix(b"/exe") else {
        return false;
    };
    if who == b"self" || who == b"thread-self" {
        return true;
    }
    // SAFETY: the call touches no memory.
    let own = unsafe { sys::syscall(number::GETPID, [0; 6]) }.unwrap_or(0);
    who == alloc::format!("{own}").as_bytes()
}

/// A file to be executed, open and not closed by that.
struct Candidate {
    file: Fd,
    head: Vec<u8>,
}

impl Candidate {
    fn open(directory: i32, path: &[u8], flags: u64, how: u64) -> Result<Self, Errno> {
        let file = if path.is_empty() && flags & AT_EMPTY_PATH != 0 {
            // A new description: the offset is not the guest's. Where that is
            // not allowed, another number for the same one.
            let link = alloc::format!("/proc/self/fd/{directory}\0");
            open(AT_FDCWD, link.as_ptr() as u64, how).or_else(|_| duplicate(directory))
        } else {
            let mut path = path.to_vec();
            path.push(0);
            open(directory, path.as_ptr() as u64, how)
        }?;
        // Where the kernel is not asked to execute it.
        let status = file.status()?;
        if status.mode & 0o170_000 != 0o100_000 || !file.may_execute() {
            return Err(Errno::EACCES);
        }
        let mut head = alloc::vec![0; 256];
        let length = file.read_at(&mut head, 0)?;
        head.truncate(length);
        Ok(Self { file, head })
    }

    /// A 64-bit little-endian ELF file for AArch64.
    fn is_guest(&self) -> bool {
        const AARCH64: [u8; 2] = [183, 0];
        self.head.starts_with(b"\x7fELF\x02\x01") && self.head.get(18..20) == Some(&AARCH64)
    }

    /// What follows `#!`: the interpreter and its argument.
    fn interpreter(&self) -> Option<(&[u8], Option<&[u8]>)> {
        let line = self.head.strip_prefix(b"#!")?;
        let line = line.split(|&byte| byte == b'\n').next()?.trim_ascii();
        let blank = |&byte: &u8| byte == b' ' || byte == b'\t';
        let end = line.iter().position(blank).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let rest = rest.trim_ascii();
        (!name.is_empty()).then_some((name, (!rest.is_empty()).then_some(rest)))
    }
}

fn open(directory: i32, path: u64, how: u64) -> Result<Fd, Errno> {
    /// `O_RDONLY | O_NONBLOCK`.
    const FLAGS: u64 = 0x800;
    let arguments = [fd_argument(directory), path, FLAGS | how, 0, 0, 0];
    // SAFETY: the kernel reads a string only.
    let fd = unsafe { sys::syscall(number::OPENAT, arguments) }?;
    i32::try_from(fd).map(Fd::new).map_err(|_| Errno::EBADF)
}

fn duplicate(fd: i32) -> Result<Fd, Errno> {
    // SAFETY: the call touches no memory.
    let fd = unsafe { sys::syscall(number::DUP, [fd_argument(fd), 0, 0, 0, 0, 0]) }?;
    i32::try_from(fd).map(Fd::new).map_err(|_| Errno::EBADF)
}

/// Who follows a program from one to the next.
struct Followers {
    /// A debugger, by its connection.
    debugger: Option<Fd>,
    /// The reader of `--strace`.
    trace: bool,
}

impl Followers {
    const NONE: Self = Self {
        debugger: None,
        trace: false,
    };

    const fn any(&self) -> bool {
        self.debugger.is_some() || self.trace
    }
}

/// A program for the engine, found behind what is to be executed.
struct Found {
    file: Candidate,
    /// The name that it is executed by.
    name: Vec<u8>,
    /// What goes before the guest's own arguments: the interpreter of a
    /// script, its argument, the script.
    before: Vec<Vec<u8>>,
    /// The guest's own arguments.
    arguments: Vec<u64>,
}

impl Found {
    /// Looks at the file, and the interpreters that scripts name.
    fn find(program: &Program, path: &[u8]) -> Result<Self, Errno> {
        let mut file = Candidate::open(program.directory, path, program.flags, 0)?;
        let mut arguments = words_until_null(program.arguments)?;
        let mut name = named(program, path);
        let mut before: Vec<Vec<u8>> = Vec::new();
        for _ in 0..DEPTH {
            if file.is_guest() {
                return Ok(Self {
                    file,
                    name,
                    before,
                    arguments,
                });
            }
            let Some((interpreter, argument)) = file.interpreter() else {
                return Err(Errno::ENOEXEC);
            };
            if before.is_empty() && !arguments.is_empty() {
                // The script takes the place of argument 0.
                arguments.remove(0);
            }
            let interpreter = interpreter.to_vec();
            let argument = argument.map(<[u8]>::to_vec);
            if !before.is_empty() {
                before.remove(0);
            }
            before.insert(0, name);
            if let Some(argument) = argument {
                before.insert(0, argument);
            }
            before.insert(0, interpreter.clone());
            file = Candidate::open(AT_FDCWD, &interpreter, 0, 0)?;
            name = interpreter;
        }
        Err(Errno::ELOOP)
    }

    /// Whether it is no script, and gives no rights but the caller's.
    fn is_plain(&self) -> bool {
        const SET_IDS: u32 = 0o6000;
        let status = self.file.file.status();
        self.before.is_empty() && status.is_ok_and(|status| status.mode & SET_IDS == 0)
    }

    /// Executes the engine: `--argv0 NAME --descriptor N -- PROGRAM ARGUMENTS`.
    fn run(&self, thread: &mut Thread, program: &Program, followers: &Followers) -> Errno {
        let Self {
            file,
            name,
            before,
            arguments,
        } = self;
        // All strings first, then the pointers to them.
        let mut bytes = Vec::new();
        let mut places = Vec::new();
        let mut string = |text: &[u8]| {
            places.push(bytes.len());
            bytes.extend_from_slice(text);
            bytes.push(0);
        };
        string(crate::message::NAME.as_bytes());
        string(b"--descriptor");
        string(alloc::format!("{}", file.file.number()).as_bytes());
        let mut options = 4;
        if let Some(debugger) = &followers.debugger {
            string(b"--debugger");
            string(alloc::format!("{}", debugger.number()).as_bytes());
            options += 2;
        }
        if followers.trace {
            string(b"--strace");
            options += 1;
        }
        string(b"--argv0");
        match before.first() {
            Some(first) => string(first),
            None if arguments.is_empty() => string(b""),
            None => {}
        }
        string(b"--");
        string(name);
        before.iter().skip(1).for_each(|text| string(text));
        let given = places.len();
        let own_first = before.is_empty() && !arguments.is_empty();
        thread.bytes = bytes;
        let base = thread.bytes.as_ptr() as u64;
        let mut words: Vec<u64> = places[..given].iter().map(|&at| base + at as u64).collect();
        let rest = if own_first {
            words.insert(options, arguments[0]);
            &arguments[1..]
        } else {
            arguments
        };
        words.extend_from_slice(rest);
        words.push(0);
        thread.words = words;
        let engine = Program {
            directory: AT_FDCWD,
            path: ENGINE.as_ptr() as u64,
            arguments: thread.words.as_ptr() as u64,
            environment: program.environment,
            flags: 0,
        };
        host(thread, &engine)
    }
}

/// The name of what is executed, as the kernel gives it to an interpreter.
fn named(program: &Program, path: &[u8]) -> Vec<u8> {
    let directory = program.directory;
    if path.starts_with(b"/") || directory == AT_FDCWD {
        path.to_vec()
    } else if path.is_empty() {
        alloc::format!("/dev/fd/{directory}").into_bytes()
    } else {
        let mut name = alloc::format!("/dev/fd/{directory}/").into_bytes();
        name.extend_from_slice(path);
        name
    }
}

/// An array of the guest's, without its null.
fn words_until_null(mut at: u64) -> Result<Vec<u64>, Errno> {
    /// As many as the kernel takes.
    const MOST: usize = 0x7fff_ffff / 8;
    let mut words = Vec::new();
    if at == 0 {
        return Ok(words);
    }
    while words.len() < MOST {
        let mut word = [0; 8];
        guest_memory::read(at, &mut word)?;
        match u64::from_le_bytes(word) {
            0 => return Ok(words),
            word => words.push(word),
        }
        at = at.wrapping_add(8);
    }
    Err(Errno::E2BIG)
}
