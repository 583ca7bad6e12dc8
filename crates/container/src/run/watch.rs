//! The process outside: hands signals on, carries a terminal's bytes between the
//! caller's and the container's, and waits for process 1.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use rustix::process::{Pid, WaitOptions, waitpid};
use rustix::stdio::{stdin, stdout};
use rustix::termios::{
    OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize,
};

use super::init::code_of;
use super::report;
use crate::Error;

/// Signals that are not handed on: what a process brings on itself, and what is about
/// this process's own files and children.
const OWN: [i32; 8] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGSYS,
    libc::SIGPIPE,
    libc::SIGURG,
];

/// The signals that are waited for: those handed on, and SIGCHLD.
pub(super) fn signals() -> libc::sigset_t {
    // SAFETY: the set is filled before its use, and the numbers are signals'.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut set);
        for signal in OWN {
            libc::sigdelset(&raw mut set, signal);
        }
        set
    }
}

/// Undoes for the command what this process and its parents did to signals.
pub(super) fn back_to_default() {
    for signal in 1..libc::SIGRTMAX() {
        // SAFETY: the default action needs no handler; where a signal has no other (SIGKILL),
        // the call fails and changes nothing.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: the set is emptied before its use; the process has one thread.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Signals as a descriptor.
#[derive(Debug)]
pub(super) struct Signals(OwnedFd);

impl Signals {
    /// From now on signals wait until they are read, also in children.
    pub(super) fn catch() -> io::Result<Signals> {
        let set = signals();
        // SAFETY: the set is whole; the process has one thread. SIGCHLD has to be at its
        // default, for else there would be no children to wait for.
        let fd = unsafe {
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a new descriptor, which nobody else has.
        Ok(Signals(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    fn next(&self) -> Option<i32> {
        let mut info = [0u8; size_of::<libc::signalfd_siginfo>()];
        let read = rustix::io::read(&self.0, &mut info).ok()?;
        let number = info.first_chunk().filter(|_| read == info.len())?;
        i32::try_from(u32::from_ne_bytes(*number)).ok()
    }
}

/// Two ends through which a terminal is handed over.
pub(super) fn handover() -> Result<(OwnedFd, OwnedFd), Errno> {
    let flags = SocketFlags::CLOEXEC;
    socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)
}

pub(super) fn hand_over(to: &OwnedFd, terminal: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [terminal];
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    let byte = [io::IoSlice::new(b"t")];
    sendmsg(to, &byte, &mut control, SendFlags::empty()).map(drop)
}

/// `None` where the other side ended without.
fn take_over(from: &OwnedFd) -> Option<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut parts = [io::IoSliceMut::new(&mut byte)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    rustix::io::retry_on_intr(|| recvmsg(from, &mut parts, &mut control, flags)).ok()?;
    control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    })
}

/// The caller's terminal, as it was; put back when dropped.
struct Raw(Termios);

impl Raw {
    /// Every key is the container's from now on. `None` where stdin is no terminal.
    fn make() -> Option<Raw> {
        let was = tcgetattr(stdin()).ok()?;
        let mut raw = was.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Now, &raw).ok()?;
        Some(Raw(was))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
    }
}

/// Waits for process 1; returns the command's exit code.
pub(super) fn until_end(
    child: libc::pid_t,
    told: OwnedFd,
    terminal: Option<OwnedFd>,
    signals: &Signals,
    input: bool,
) -> Result<u8, Error> {
    let terminal = terminal.and_then(|from| take_over(&from));
    if let Some(terminal) = &terminal {
        resize(terminal);
    }
    if let Err(failure) = report::hear(told) {
        let _ = rustix::io::retry_on_intr(|| waitpid(Pid::from_raw(child), WaitOptions::empty()));
        return Err(Error::Container(failure));
    }
    let raw = (terminal.is_some() && input).then(Raw::make).flatten();
    let mut carrier = terminal.map(|terminal| Carrier::new(terminal, input));
    let code = loop {
        wait_for_something(signals, carrier.as_mut());
        while let Some(signal) = signals.next() {
            match (signal, &carrier) {
                (libc::SIGCHLD, _) => {}
                (libc::SIGWINCH, Some(carrier)) => resize(&carrier.terminal),
                // SAFETY: a system call that takes numbers; the child is not waited for yet.
                _ => drop(unsafe { libc::kill(child, signal) }),
            }
        }
        let ended = waitpid(Pid::from_raw(child), WaitOptions::NOHANG);
        let ended = ended.map_err(|source| Error::System {
            doing: "wait for the container",
            source: source.into(),
        })?;
        if let Some(code) = ended.and_then(|(_, status)| code_of(status)) {
            break code;
        }
    };
    if let Some(carrier) = &mut carrier {
        while carrier.output() {}
    }
    drop(raw);
    Ok(code)
}

/// Gives the container's terminal the size of the caller's.
fn resize(terminal: &OwnedFd) {
    let caller = if isatty(stdin()) { stdin() } else { stdout() };
    if let Ok(size) = tcgetwinsize(caller) {
        let _ = tcsetwinsize(terminal, size);
    }
}

/// What goes to and from the container's terminal.
struct Carrier {
    terminal: OwnedFd,
    /// The caller's input is read.
    input: bool,
    /// The container's side may still write.
    open: bool,
    /// Read, but not yet taken by the terminal.
    pending: Vec<u8>,
}

impl Carrier {
    fn new(terminal: OwnedFd, input: bool) -> Carrier {
        // Input that the container does not read must not keep its output waiting.
        let flags = rustix::fs::fcntl_getfl(&terminal).unwrap_or(rustix::fs::OFlags::empty());
        let _ = rustix::fs::fcntl_setfl(&terminal, flags | rustix::fs::OFlags::NONBLOCK);
        Carrier {
            terminal,
            input,
            open: true,
            pending: Vec::new(),
        }
    }

    /// Carries what there is to the caller; false where there is no more now.
    fn output(&mut self) -> bool {
        let mut buffer = [0; 16384];
        match rustix::io::read(&self.terminal, &mut buffer) {
            Ok(0) => false,
            Ok(count) => write_all(buffer.get(..count).unwrap_or_default()),
            Err(Errno::INTR) => true,
            Err(Errno::AGAIN) => false,
            Err(_) => {
                self.open = false;
                false
            }
        }
    }

    fn read_input(&mut self) {
        let mut buffer = [0; 4096];
        match rustix::io::read(stdin(), &mut buffer) {
            Ok(0) => {
                // The terminal's end of file.
                self.pending.push(4);
                self.input = false;
            }
            Ok(count) => self.pending.extend(buffer.iter().take(count)),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => self.input = false,
        }
    }

    fn write_input(&mut self) {
        match rustix::io::write(&self.terminal, &self.pending) {
            Ok(count) => drop(self.pending.drain(..count)),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => self.pending.clear(),
        }
    }
}

/// All to the caller; false where nobody reads any more.
fn write_all(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match rustix::io::write(stdout(), bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let _ = poll(
                    &mut [PollFd::from_borrowed_fd(stdout(), PollFlags::OUT)],
                    None,
                );
            }
            Err(_) => return false,
        }
    }
    true
}

/// Sleeps until a signal or a byte comes, and carries the bytes.
fn wait_for_something(signals: &Signals, carrier: Option<&mut Carrier>) {
    let signal = PollFd::new(&signals.0, PollFlags::IN);
    let Some(carrier) = carrier.filter(|c| c.open) else {
        let _ = poll(&mut [signal], None);
        return;
    };
    let mut events = PollFlags::IN;
    if !carrier.pending.is_empty() {
        events |= PollFlags::OUT;
    }
    let wants_input = carrier.input && carrier.pending.is_empty();
    let input = if wants_input {
        PollFlags::IN
    } else {
        PollFlags::empty()
    };
    // SAFETY: the descriptor is open as long as the carrier, which outlives its use here.
    let terminal = unsafe { BorrowedFd::borrow_raw(carrier.terminal.as_raw_fd()) };
    let mut all = vec![signal, PollFd::from_borrowed_fd(terminal.as_fd(), events)];
    if wants_input {
        all.push(PollFd::from_borrowed_fd(stdin(), input));
    }
    if poll(&mut all, None).is_err() {
        return;
    }
    let happened: Vec<PollFlags> = all.iter().map(PollFd::revents).collect();
    let at = |n: usize| happened.get(n).copied().unwrap_or(PollFlags::empty());
    if at(1).intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
        carrier.output();
    }
    if at(1).contains(PollFlags::OUT) {
        carrier.write_input();
    }
    if !at(2).is_empty() {
        carrier.read_input();
    }
}
