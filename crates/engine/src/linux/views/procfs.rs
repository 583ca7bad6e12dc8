//! Texts of procfs that tell of the engine and of x86-64: which they are, and
//! what the guest gets in their place.
//!
//! The host's file is open when it is looked at, so that all is as it would be
//! but the text: that is read, corrected, and handed out as a file in memory
//! ([`super::shown`]).

use alloc::vec::Vec;
use core::mem::ManuallyDrop;

use super::maps;
use super::place::{self, Found, Place};
use super::registers::Register;
use super::shown::{self, Original};
use super::status::{self, Signals};
use crate::host::own;
use crate::host::sys::{
    self, AT_FDCWD, Errno, Fd, Status, fd_argument, number, read_link, status_at,
};
use crate::linux::known::Known;
use crate::linux::other::{self, Other};
use crate::linux::process::{Process, Thread};
use crate::linux::signals::Actions;
use crate::thread::attention::Attention;

/// `O_CLOEXEC` and `O_PATH`, the same on both.
const O_CLOEXEC: u64 = 0o2_000_000;
const O_PATH: u64 = 0o10_000_000;

/// A text that is to be corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Text<'a> {
    /// `cpuinfo`.
    Processors,
    /// `sys/kernel/arch`.
    Architecture,
    /// `fdinfo`.
    Descriptor,
    /// `maps` and `smaps`.
    Maps(Task<'a>),
    /// `numa_maps`.
    Numa(Task<'a>),
    /// `status`.
    Status(Task<'a>),
    /// `personality`.
    Personality(Task<'a>),
}

/// Whose text it is: the numbers of a process and of its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Task<'a> {
    process: &'a [u8],
    thread: Option<&'a [u8]>,
}

impl Task<'_> {
    /// The path from procfs's root.
    fn path(&self) -> Vec<u8> {
        match self.thread {
            Some(thread) => [self.process, b"/task/", thread].concat(),
            None => self.process.to_vec(),
        }
    }
}

/// Whether a file of this name may be one of the texts.
fn is_asked(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 7] = [
        b"cpuinfo",
        b"arch",
        b"maps",
        b"smaps",
        b"numa_maps",
        b"status",
        b"personality",
    ];
    NAMES.contains(&name) || is_number(name)
}

fn is_number(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(u8::is_ascii_digit)
}

/// Which text is at a path from procfs's root.
fn text_at(path: &[u8]) -> Option<Text<'_>> {
    let path = path.strip_prefix(b"/")?;
    let parts: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
    let (task, rest) = match *parts.as_slice() {
        [b"cpuinfo"] => return Some(Text::Processors),
        [b"sys", b"kernel", b"arch"] => return Some(Text::Architecture),
        [process, b"task", thread, ref rest @ ..] => (
            Task {
                process,
                thread: Some(thread),
            },
            rest,
        ),
        [process, ref rest @ ..] => (
            Task {
                process,
                thread: None,
            },
            rest,
        ),
        [] => return None,
    };
    if !is_number(task.process) || !task.thread.is_none_or(is_number) {
        return None;
    }
    match *rest {
        [b"maps" | b"smaps"] => Some(Text::Maps(task)),
        [b"numa_maps"] => Some(Text::Numa(task)),
        [b"status"] => Some(Text::Status(task)),
        [b"personality"] => Some(Text::Personality(task)),
        [b"fdinfo", _] => Some(Text::Descriptor),
        _ => None,
    }
}

/// Who wants to see a text: a thread, if one does.
#[derive(Clone, Copy, Debug)]
pub struct Viewer<'a> {
    /// Its process.
    pub process: &'a Process,
    /// The thread.
    pub thread: Option<&'a Thread>,
}

impl Viewer<'_> {
    /// What the viewer gets in place of an open file with this status, which it
    /// has opened with these flags; nothing where that is the file itself. Where there is an
    /// error, the file is closed.
    ///
    /// # Errors
    /// The kernel's.
    pub fn instead_of(&self, file: &Fd, status: &Status, flags: u64) -> Result<Option<u64>, Errno> {
        if !status.is_regular() {
            return Ok(None);
        }
        if let Some(original) = self.process.shown.of(status) {
            return self.once_more(file, &original, flags);
        }
        // Procfs's files have no size, and are on no device.
        if !is_read(flags) || status.size != 0 || !status.is_on_no_device() {
            return Ok(None);
        }
        match self.original(file, status) {
            Some((original, text)) => self.replace(file, original, &text, flags).map(Some),
            None => Ok(None),
        }
    }

    /// A text was opened once more, by its link: that opens the file that it stands for.
    fn once_more(&self, file: &Fd, original: &Original, flags: u64) -> Result<Option<u64>, Errno> {
        /// `O_CREAT | O_EXCL`: a link that is followed leads to what is there.
        const NEW: u64 = 0o300;
        let open = |close: u64| original.open(flags & !NEW | close).transpose();
        match open(O_CLOEXEC) {
            Ok(Some(opened)) if !is_read(flags) => {
                return put(&opened, fd_argument(file.number()), flags).map(Some);
            }
            // The last descriptor is taken: the file takes its place.
            Err(Errno::EMFILE) if !is_read(flags) => {
                drop(Fd::new(file.number()));
                let opened = open(0)?.ok_or(Errno::EMFILE)?;
                return Ok(Some(fd_argument(ManuallyDrop::new(opened).number())));
            }
            Err(error) if error != Errno::EMFILE => {
                drop(Fd::new(file.number()));
                return Err(error);
            }
            _ => {}
        }
        match self.anew(original) {
            Some((original, text)) => self.replace(file, original, &text, flags).map(Some),
            None => Ok(None),
        }
    }

    /// The text is about to be read from its beginning: it gets to be one of this
    /// moment.
    pub fn refresh(&self, fd: i32) {
        let text = self
            .process
            .shown
            .of_descriptor(fd)
            .and_then(|original| self.anew(&original));
        if let Some((_, text)) = text {
            shown::rewrite(&ManuallyDrop::new(Fd::new(fd)), &text);
        }
    }

    /// The text in place of an open file of the host's, if it has one.
    #[must_use]
    pub fn text_of(&self, file: &Fd) -> Option<Vec<u8>> {
        Some(self.original(file, &file.status().ok()?)?.1)
    }

    /// The text of a file that has been shown before.
    fn anew(&self, original: &Original) -> Option<(Original, Vec<u8>)> {
        if !original.is_hosts {
            return None;
        }
        let file = original.open(O_CLOEXEC)?.ok()?;
        self.original(&file, &file.status().ok()?)
    }

    /// What a file of the host's is, if it is to be corrected, and its text.
    fn original(&self, file: &Fd, status: &Status) -> Option<(Original, Vec<u8>)> {
        if !place::is_procfs(file) {
            return None;
        }
        let of_all = status.ino >= place::FIRST_OF_ALL;
        let processors = of_all.then(place::processors).flatten();
        if processors.is_some_and(|processors| processors != status.ino) {
            return None;
        }
        let (text, link) = match Place::of(file, status, is_asked) {
            Found::At(place) => (self.text(file, &place), place.link),
            Found::Another => return None,
            // Of those for all to read there is none that waits, or is used up.
            Found::Somewhere(_) if status.mode & 0o777 != 0o444 => return None,
            Found::Somewhere(link) => (self.text_by_itself(&file.read_all().ok()?), link),
        };
        let original = Original {
            status: *status,
            link,
            is_hosts: true,
        };
        Some((original, text?))
    }

    /// The text in place of one that has to say itself what it is.
    fn text_by_itself(&self, host: &[u8]) -> Option<Vec<u8>> {
        if host.starts_with(b"processor\t: ") {
            return Some((self.process.platform.processors)(host));
        }
        if host == b"x86_64\n" {
            return Some(self.architecture());
        }
        if host.starts_with(b"pos:\t") {
            return Some(status::descriptor(host, self.process.platform.open_flags));
        }
        if let Some(owner) = status::owner(host) {
            // SAFETY: asking for the number changes nothing.
            let process = unsafe { sys::syscall(number::GETPID, [0; 6]) };
            let thread = self.thread.filter(|_| process == Ok(owner.process));
            let signals = thread.map(signals);
            return Some(status::guest(host, signals.as_ref()));
        }
        // The engine is where it is here in its own process, and in those that
        // were forked from it.
        let is_own = maps::starts(host).any(|start| own::first() == Some(start));
        is_own.then(|| maps::guest(host, &Known::of(self.process)))
    }

    /// What `sys/kernel/arch` says.
    fn architecture(&self) -> Vec<u8> {
        [self.process.platform.machine.to_bytes(), b"\n"].concat()
    }

    fn text(&self, file: &Fd, place: &Place) -> Option<Vec<u8>> {
        let host = || file.read_all().ok();
        let which = text_at(&place.path)?;
        match which {
            Text::Processors => Some((self.process.platform.processors)(&host()?)),
            Text::Architecture => Some(self.architecture()),
            Text::Descriptor => Some(status::descriptor(
                &host()?,
                self.process.platform.open_flags,
            )),
            Text::Status(task) => {
                let signals = || {
                    let own = owner(place, &task) != Owner::Other;
                    Some(signals(self.thread.filter(|_| own)?))
                };
                Some(status::guest(&host()?, signals().as_ref()))
            }
            Text::Personality(task) => {
                let implied = self.reads_imply_exec(place, &task)?;
                status::personality(&host()?, implied)
            }
            Text::Maps(task) | Text::Numa(task) => self.maps(file, place, &task, &which),
        }
    }

    /// Whether a thread of the viewer's process has `READ_IMPLIES_EXEC`.
    fn reads_imply_exec(&self, place: &Place, task: &Task<'_>) -> Option<bool> {
        let thread = self.thread?;
        match owner(place, task) {
            Owner::Thread => Some(thread.attention().reads_imply_exec()),
            Owner::Process => {
                let status = place.below_root(&[&task.path(), b"status"])?;
                let status = Fd::open(&status).ok()?.read_all().ok()?;
                let number = u32::try_from(status::owner(&status)?.thread).ok()?;
                thread
                    .pending
                    .of_thread(number, Attention::reads_imply_exec)
            }
            Owner::Other => None,
        }
    }

    fn maps(&self, file: &Fd, place: &Place, task: &Task<'_>, which: &Text<'_>) -> Option<Vec<u8>> {
        let correct = match which {
            Text::Numa(_) => maps::numa,
            _ => maps::guest,
        };
        if owner(place, task) != Owner::Other {
            let host = file.read_all().ok()?;
            return Some(correct(&host, &Known::of(self.process)));
        }
        let (procfs, path) = (place.root.as_deref()?, task.path());
        let of_task = |name| {
            Fd::open(&other::below(procfs, &path, name)?)
                .ok()?
                .read_all()
                .ok()
        };
        let host = file.read_all().ok()?;
        let maps = match which {
            Text::Numa(_) => of_task("maps")?,
            _ => host,
        };
        // Native programs have nothing to be corrected.
        let engine = other::engine_of(procfs, &path, &maps)?;
        let other = Other::find(procfs, &path, &maps, engine);
        let Some((mut known, other)) =
            other.and_then(|other| Some((other.known(self.process.guests())?, other)))
        else {
            let stat = of_task("stat").unwrap_or_default();
            let guessed = maps::guessed(&maps, engine, &stat);
            return Some(correct(&file.read_all().ok()?, &guessed));
        };
        /// It may go on meanwhile.
        const TRIES: usize = 8;
        for _ in 1..TRIES {
            let host = file.read_all().ok()?;
            let after = other.known(self.process.guests())?;
            if after == known {
                return Some(correct(&host, &known));
            }
            known = after;
        }
        Some(correct(&file.read_all().ok()?, &known))
    }

    /// Puts a text in the place of an open file; gives the descriptor back.
    fn replace(
        &self,
        file: &Fd,
        original: Original,
        text: &[u8],
        flags: u64,
    ) -> Result<u64, Errno> {
        let place = fd_argument(file.number());
        let made = match self
            .process
            .shown
            .make(text, original.clone(), flags | O_CLOEXEC)
        {
            Ok(made) => made,
            Err(Errno::EMFILE) => {
                // The last descriptor is taken: the text takes its place.
                drop(Fd::new(file.number()));
                return self.hand_out(text, original, flags);
            }
            // Without the text, what the host's file says is better than an error.
            Err(_) => return Ok(place),
        };
        put(&made, place, flags)
    }

    /// Opens the file of a processor's register, with these flags of the host's.
    ///
    /// # Errors
    /// The kernel's.
    pub fn open_register(&self, register: &Register, flags: u64) -> Result<u64, Errno> {
        let file = Fd::open_at(register.processor(), Register::INSTEAD, flags)?;
        if flags & O_PATH != 0 {
            return Ok(fd_argument(ManuallyDrop::new(file).number()));
        }
        let status = file.status()?;
        drop(file);
        let original = Original {
            status,
            link: register.link(),
            is_hosts: false,
        };
        self.hand_out(&register.text(), original, flags)
    }

    /// A new descriptor of a text, as if its file were opened with these flags.
    ///
    /// # Errors
    /// The kernel's.
    pub fn hand_out(&self, text: &[u8], original: Original, flags: u64) -> Result<u64, Errno> {
        let made = self.process.shown.make(text, original, flags)?;
        Ok(fd_argument(ManuallyDrop::new(made).number()))
    }
}

/// Whether what is opened with these flags can be read.
const fn is_read(flags: u64) -> bool {
    const ACCESS: u64 = 3;
    const WRITE_ONLY: u64 = 1;
    flags & O_PATH == 0 && flags & ACCESS != WRITE_ONLY
}

/// Puts a file in the place of the one that the guest has just opened with these flags.
fn put(file: &Fd, place: u64, flags: u64) -> Result<u64, Errno> {
    let close = flags & O_CLOEXEC;
    let arguments = [fd_argument(file.number()), place, close, 0, 0, 0];
    // SAFETY: the descriptor is the guest's newest, which it does not know.
    unsafe { sys::syscall(number::DUP3, arguments) }
}

/// Whose a task of procfs's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// The thread that asks.
    Thread,
    /// Another thread of its process.
    Process,
    /// Another process.
    Other,
}

/// The owner, by the numbers that this procfs gives to the thread that asks.
fn owner(place: &Place, task: &Task<'_>) -> Owner {
    let link = |name: &[u8]| read_link(&place.below_root(&[name])?);
    let Some(own) = link(b"thread-self") else {
        return Owner::Other;
    };
    let mut own = own.split(|&byte| byte == b'/');
    let (process, thread) = (own.next(), own.nth(1));
    if thread == Some(task.thread.unwrap_or(task.process)) {
        return Owner::Thread;
    }
    let is_thread = || {
        // A thread's number leads to its process.
        let path = place.below_root(&[b"self", b"task", task.process]);
        path.is_some_and(|path| status_at(AT_FDCWD, &path, 0).is_ok())
    };
    if process == Some(task.process) || is_thread() {
        Owner::Process
    } else {
        Owner::Other
    }
}

/// The signals of the process of the thread that asks.
fn signals(thread: &Thread) -> Signals {
    let (ignored, caught) = thread.actions.with(Actions::sets);
    Signals {
        threads: thread.pending.threads(),
        pending: thread.pending.of_process(),
        ignored,
        caught,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_by_their_place() {
        let task = |process, thread| Task { process, thread };
        for (path, text) in [
            (&b"/cpuinfo"[..], Some(Text::Processors)),
            (b"/sys/kernel/arch", Some(Text::Architecture)),
            (b"/12/maps", Some(Text::Maps(task(b"12", None)))),
            (b"/12/smaps", Some(Text::Maps(task(b"12", None)))),
            (
                b"/12/task/13/maps",
                Some(Text::Maps(task(b"12", Some(b"13")))),
            ),
            (b"/12/numa_maps", Some(Text::Numa(task(b"12", None)))),
            (
                b"/1/task/1/status",
                Some(Text::Status(task(b"1", Some(b"1")))),
            ),
            (
                b"/12/personality",
                Some(Text::Personality(task(b"12", None))),
            ),
            (b"/12/fdinfo/3", Some(Text::Descriptor)),
            (b"/12/task/13/fdinfo/3", Some(Text::Descriptor)),
            (b"/sys/maps", None),
            (b"/12/net/status", None),
            (b"/12", None),
            (b"", None),
            (b"cpuinfo", None),
        ] {
            assert_eq!(text_at(path), text);
            let name = path.rsplit(|&byte| byte == b'/').next().unwrap();
            assert!(text.is_none() || is_asked(name));
        }
    }
}
