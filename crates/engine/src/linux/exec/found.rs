//! A guest program behind what is to be executed, and the engine that is
//! executed with it.

use alloc::vec::Vec;
use core::ffi::CStr;
use core::sync::atomic::Ordering;

use super::candidate::{self, Candidate};
use super::engine_file::EngineFile;
use super::room::{self, Lists, Room};
use super::{Program, has_no_new_privileges, host, made_file, refusal_by};
use crate::host::sys::{self, AT_FDCWD, Errno, Fd, fd_argument, number};
use crate::linux::abi::platform::{Guests, Platform};
use crate::linux::executable::Own;
use crate::linux::loader::prefix::Prefix;
use crate::linux::process::{Process, Thread};

/// Interpreters of interpreters, as the kernel has it.
const DEPTH: usize = 5;

/// Who follows a program from one to the next.
pub(super) struct Followers<'a> {
    /// A debugger, by its connection.
    pub(super) debugger: Option<Fd>,
    /// The reader of `--strace`.
    pub(super) trace: bool,
    /// The folder of `-L`.
    pub(super) prefix: Option<&'a [u8]>,
    /// The file of `--kept`.
    pub(super) kept: Option<&'a CStr>,
    /// That of `--learn`.
    pub(super) learn: Option<&'a CStr>,
    /// `READ_IMPLIES_EXEC` of the personality, which the kernel takes from each engine.
    pub(super) reads_imply_exec: bool,
}

impl<'a> Followers<'a> {
    pub(super) const NONE: Self = Self {
        debugger: None,
        trace: false,
        prefix: None,
        kept: None,
        learn: None,
        reads_imply_exec: false,
    };

    pub(super) fn of(process: &'a Process, thread: &Thread) -> Self {
        let tracer = process.tracer;
        // A path that starts elsewhere may be another file's by now. Who is under
        // filters must not have a file put there.
        let filtered = thread.attention().watched.load(Ordering::Relaxed) != 0;
        let handed_on = |path: &&CStr| path.to_bytes().starts_with(b"/") && !filtered;
        Self {
            debugger: tracer.and_then(|tracer| tracer.handed_over(thread.attention())),
            trace: process.trace,
            prefix: match &process.prefix {
                Some(prefix) if prefix.told => Some(prefix.folder()),
                _ => None,
            },
            kept: process.kept.filter(handed_on),
            learn: process.notes.map(|(path, _)| path).filter(handed_on),
            reads_imply_exec: thread.attention().reads_imply_exec(),
        }
    }

    /// Whether somebody follows it who would be lost if another engine ran it. By
    /// `READ_IMPLIES_EXEC` alone no program loses rights that its file gives: these end it.
    pub(super) const fn any(&self) -> bool {
        self.debugger.is_some()
            || self.trace
            || self.prefix.is_some()
            || self.kept.is_some()
            || self.learn.is_some()
    }
}

/// A program for the engine, found behind what is to be executed.
pub(super) struct Found {
    file: Candidate,
    /// The guest whose program it is.
    guest: &'static Platform,
    /// The name that it is executed by.
    name: Vec<u8>,
    /// The name of what is to be executed, where that is a script.
    script: Option<Vec<u8>>,
    /// What goes before the guest's own arguments: the interpreter of a
    /// script, its argument, the script.
    before: Vec<Vec<u8>>,
    /// The guest's own, without the argument 0 that a script takes the place of.
    lists: Lists,
    /// The room for all that, with that taken.
    room: Room,
}

impl Found {
    /// Looks behind the file, at the interpreters that scripts name. Where the
    /// kernel was not asked, it is whether they may be executed.
    pub(super) fn find(
        own: Own,
        program: &Program,
        path: &[u8],
        look: Result<Candidate, Errno>,
        asked: bool,
    ) -> Result<Self, Errno> {
        let file = if asked { look? } else { look?.checked()? };
        let name = candidate::named(program, path);
        let lists = Lists::read(program.arguments, program.environment)?;
        let room = Room::of(&name, &lists)?;
        let mut found = Self {
            file,
            guest: program.guests.own,
            name,
            script: None,
            before: Vec::new(),
            lists,
            room,
        };
        if found.file.script().is_some() && closes(program, path) {
            return Err(Errno::ENOENT);
        }
        for _ in 0..=DEPTH {
            if let Some(guest) = found.file.guest(program.guests) {
                found.guest = guest;
                return Ok(found);
            }
            found.interpret(own, asked)?;
        }
        Err(Errno::ELOOP)
    }

    /// Puts a script's interpreter in the script's place.
    fn interpret(&mut self, own: Own, asked: bool) -> Result<(), Errno> {
        let line = self.file.script().ok_or(Errno::ENOEXEC)?;
        let interpreter = line.interpreter.to_vec();
        let argument = line.argument.map(<[u8]>::to_vec);
        // The script takes the place of argument 0.
        self.room.give_back(if !self.before.is_empty() {
            self.before.remove(0).len() as u64 + 1
        } else if self.lists.arguments.is_empty() {
            1
        } else {
            room::length(self.lists.arguments.remove(0))?
        });
        let script = core::mem::replace(&mut self.name, interpreter.clone());
        self.script.get_or_insert_with(|| script.clone());
        let strings = [Some(script), argument, Some(interpreter)];
        for string in strings.into_iter().flatten() {
            self.room.add(&string)?;
            self.before.insert(0, string);
        }
        let file = Candidate::interpreter(own, &self.name)?;
        self.file = if asked { file } else { file.checked()? };
        Ok(())
    }

    /// Whether it gives rights that its caller may not have.
    pub(super) fn gives_rights(&self) -> bool {
        self.file.gives_rights()
    }

    /// Whether it is the program of another guest than the one that executes it.
    pub(super) fn is_of_other(&self, guests: Guests) -> bool {
        self.guest.elf != guests.own.elf
    }

    /// Why its guest's kernel would not execute it, where nobody has looked yet: before it is
    /// another program's turn, that can still be told.
    fn refusal(&self, program: &Program, prefix: Option<&Prefix>) -> Option<Errno> {
        if self.script.is_none() && !self.is_of_other(program.guests) {
            return None;
        }
        refusal_by(self.guest, &self.file, program, prefix)
    }

    /// Whether its guest's kernel leaves it `READ_IMPLIES_EXEC`: not where its file gives rights
    /// that its caller may get.
    fn keeps_read_implies_exec(&self) -> bool {
        let gets_rights = self.gives_rights() && !has_no_new_privileges();
        self.guest.keeps_read_implies_exec && !gets_rights
    }

    /// Whether it is no script, and gives no rights but the caller's.
    pub(super) fn is_plain(&self) -> bool {
        self.script.is_none() && !self.gives_rights()
    }

    /// Executes the engine; returns why that failed. Of the heap, only the
    /// thread holds something meanwhile: a child that shares its parent's memory
    /// leaves the parent to free that.
    pub(super) fn run(
        self,
        thread: &mut Thread,
        program: &Program,
        prefix: Option<&Prefix>,
        followers: &Followers<'_>,
    ) -> Errno {
        if let Some(error) = self.refusal(program, prefix) {
            return error;
        }
        let handed = self.prepare(thread, followers);
        let environment = match &handed {
            Ok(Some(_)) => NOTHING.as_ptr() as u64,
            _ => program.environment,
        };
        // The file stays open until that has failed.
        let Self { file, .. } = self;
        let result = handed
            .and_then(|handed| stay_open(&file.file).map(|()| handed))
            .and_then(|handed| engine(program.guests, thread, environment).map(|_| handed));
        result.err().unwrap_or(Errno::ENOEXEC)
    }

    /// Lays out the engine's arguments in the thread: `[OPTIONS] --argv0 NAME --
    /// PROGRAM ARGUMENTS`. Where the kernel would not have room for them, the
    /// guest's arguments and environment come in a file.
    fn prepare(&self, thread: &mut Thread, followers: &Followers<'_>) -> Result<Option<Fd>, Errno> {
        let mut strings = Strings::default();
        strings.add(crate::host::message::name().as_bytes());
        strings.add_number(b"--descriptor", &self.file.file);
        if let Some(debugger) = &followers.debugger {
            strings.add_number(b"--debugger", debugger);
        }
        if followers.trace {
            strings.add(b"--strace");
        }
        if followers.reads_imply_exec && self.keeps_read_implies_exec() {
            strings.add(b"--read-implies-exec");
        }
        if let Some(folder) = followers.prefix {
            strings.add(b"-L");
            strings.add(folder);
        }
        let files = [
            (&b"--kept"[..], followers.kept),
            (b"--learn", followers.learn),
        ];
        for (option, path) in files {
            if let Some(path) = path {
                strings.add(option);
                strings.add(path.to_bytes());
            }
        }
        if let Some(script) = &self.script {
            strings.add(b"--execfn");
            strings.add(script);
        }
        let handed = if self.room.holds(strings.size() + self.added()) {
            strings.add(b"--argv0");
            let own = if let Some(first) = self.before.first() {
                strings.add(first);
                &self.lists.arguments[..]
            } else if let Some((&first, rest)) = self.lists.arguments.split_first() {
                strings.add_guests(first);
                rest
            } else {
                strings.add(b"");
                &[]
            };
            strings.add(b"--");
            strings.add(&self.name);
            self.before
                .iter()
                .skip(1)
                .for_each(|text| strings.add(text));
            own.iter().for_each(|&string| strings.add_guests(string));
            None
        } else {
            let file = made_file::handed_over(c"arguments", &self.packed()?)?;
            strings.add_number(b"--arguments", &file);
            strings.add(b"--");
            strings.add(&self.name);
            Some(file)
        };
        strings.give(thread);
        Ok(handed)
    }

    /// How much more than the program's own the kernel has to have room for, but
    /// for options; the engine's path is one of two.
    fn added(&self) -> u64 {
        const PATH: usize = c"/dev/fd/2147483647/exe".to_bytes_with_nul().len();
        const BEFORE: usize =
            c"--argv0".to_bytes_with_nul().len() + c"--".to_bytes_with_nul().len();
        let strings = PATH + BEFORE + self.name.len() + 1;
        // To these, the script's, and the empty one that was not counted.
        let pointers = 3 + self.before.len() + 1;
        (strings + 1 + 8 * pointers) as u64
    }

    /// The arguments and the environment, as [`crate::host::start`] reads them:
    /// the number of arguments, then all strings.
    fn packed(&self) -> Result<Vec<u8>, Errno> {
        let own = &self.lists.arguments;
        let none = self.before.is_empty() && own.is_empty();
        let count = self.before.len() + own.len() + usize::from(none);
        let mut bytes = (count as u64).to_le_bytes().to_vec();
        for string in &self.before {
            bytes.extend_from_slice(string);
            bytes.push(0);
        }
        if none {
            bytes.push(0);
        }
        for &string in own.iter().chain(&self.lists.environment) {
            room::append(&mut bytes, string)?;
        }
        Ok(bytes)
    }
}

/// An empty environment.
static NOTHING: [u64; 1] = [0];

/// Where an argument is.
enum Place {
    /// In the bytes.
    Ours(usize),
    /// In the guest's memory.
    Guests(u64),
}

/// Arguments: their bytes first, then the pointers to them.
#[derive(Default)]
struct Strings {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

impl Strings {
    fn add(&mut self, text: &[u8]) {
        self.places.push(Place::Ours(self.bytes.len()));
        self.bytes.extend_from_slice(text);
        self.bytes.push(0);
    }

    fn add_number(&mut self, option: &[u8], file: &Fd) {
        self.add(option);
        self.add(alloc::format!("{}", file.number()).as_bytes());
    }

    fn add_guests(&mut self, string: u64) {
        self.places.push(Place::Guests(string));
    }

    /// What the kernel counts of them.
    fn size(&self) -> u64 {
        (self.bytes.len() + 8 * self.places.len()) as u64
    }

    fn give(self, thread: &mut Thread) {
        thread.bytes = self.bytes;
        let base = thread.bytes.as_ptr() as u64;
        let places = self.places.iter().map(|place| match place {
            Place::Ours(at) => base + *at as u64,
            Place::Guests(address) => *address,
        });
        thread.words = places.chain([0]).collect();
    }
}

/// Executes the engine with the thread's words as arguments: its file, or where
/// there is no way to that, one that is made of what is mapped.
fn engine(guests: Guests, thread: &Thread, environment: u64) -> Result<u64, Errno> {
    let execute = |engine: EngineFile| {
        let (directory, path, flags) = engine.named();
        let program = Program {
            guests,
            directory,
            path: path.as_ptr() as u64,
            arguments: thread.words.as_ptr() as u64,
            environment,
            flags,
        };
        host(thread, &program)
    };
    // Under filters, no file may come in the engine's place.
    let filtered = thread.attention().watched.load(Ordering::Relaxed) != 0;
    match EngineFile::in_proc(filtered).and_then(execute) {
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES | Errno::ELOOP | Errno::ENOEXEC) => {
            EngineFile::made().and_then(execute)
        }
        result => result,
    }
}

/// Lets a descriptor stay open over `execve`.
fn stay_open(file: &Fd) -> Result<(), Errno> {
    const F_SETFD: u64 = 2;
    let arguments = [fd_argument(file.number()), F_SETFD, 0, 0, 0, 0];
    // SAFETY: the call touches no memory.
    unsafe { sys::syscall(number::FCNTL, arguments) }.map(drop)
}

/// Whether what is to be executed has a name only by a descriptor that `execve`
/// closes.
fn closes(program: &Program, path: &[u8]) -> bool {
    const F_GETFD: u64 = 1;
    const FD_CLOEXEC: u64 = 1;
    if program.directory == AT_FDCWD || path.starts_with(b"/") {
        return false;
    }
    let arguments = [fd_argument(program.directory), F_GETFD, 0, 0, 0, 0];
    // SAFETY: the call touches no memory.
    let flags = unsafe { sys::syscall(number::FCNTL, arguments) };
    flags.is_ok_and(|flags| flags & FD_CLOEXEC != 0)
}
