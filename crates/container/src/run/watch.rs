//! The process outside: hands signals on, carries a terminal's bytes between the
//! caller's and the container's, answers who asks for identities (`played`), and waits
//! for process 1.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};
use rustix::stdio::{stdin, stdout};
use rustix::termios::{
    OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize,
};

use super::identity::Identity;
use super::played::Players;
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

/// So much can be said of a descriptor: an identity with all groups that Linux lets it have.
const SAID_MAX: usize = 4 * (65536 + 2);

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
    for signal in 1..=libc::SIGRTMAX() {
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

/// Hands a descriptor over, and what is to be said of it: at least a byte.
pub(super) fn hand_over(
    to: &OwnedFd,
    descriptor: BorrowedFd<'_>,
    said: &[u8],
) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor];
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    let said = [io::IoSlice::new(said)];
    sendmsg(to, &said, &mut control, SendFlags::empty()).map(drop)
}

/// `None` where the other side ended without.
pub(super) fn take_over(from: &OwnedFd) -> Option<(OwnedFd, Vec<u8>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut said = vec![0; SAID_MAX];
    let mut parts = [io::IoSliceMut::new(&mut said)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received =
        rustix::io::retry_on_intr(|| recvmsg(from, &mut parts, &mut control, flags)).ok()?;
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    said.truncate(received.bytes);
    Some((descriptor?, said))
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

/// The ways to process 1.
pub(super) struct Inside {
    pub(super) child: libc::pid_t,
    /// What failed before the command.
    pub(super) told: OwnedFd,
    /// Where a terminal comes from, if there is to be one.
    pub(super) terminal: Option<OwnedFd>,
    /// Where who wants identities to be played says so.
    pub(super) players: Option<OwnedFd>,
}

/// Waits for process 1; returns the command's exit code.
pub(super) fn until_end(inside: Inside, signals: &Signals, input: bool) -> Result<u8, Error> {
    let child = inside.child;
    let terminal = inside.terminal.and_then(|from| take_over(&from));
    let terminal = terminal.map(|(terminal, _)| terminal);
    if let Some(terminal) = &terminal {
        resize(terminal);
    }
    let players = inside.players.and_then(|from| take_over(&from));
    let mut players =
        players.and_then(|(listener, who)| Some(Players::new(listener, Identity::of(&who)?)));
    // The command's start is among the calls that are answered.
    while let Some(present) = &mut players
        && !is_told(&inside.told, present)
    {
        present.answer();
    }
    if let Err(failure) = report::hear(inside.told) {
        let _ = rustix::io::retry_on_intr(|| waitpid(Pid::from_raw(child), WaitOptions::empty()));
        return Err(Error::Container(failure));
    }
    let raw = (terminal.is_some() && input).then(Raw::make).flatten();
    let mut carrier = terminal.map(|terminal| Carrier::new(terminal, input));
    let code = loop {
        wait_for_something(signals, carrier.as_mut(), &mut players);
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

/// Waits for what is told, or for a question; whether it is the former.
fn is_told(told: &OwnedFd, players: &Players) -> bool {
    let asked = PollFd::from_borrowed_fd(players.descriptor(), PollFlags::IN);
    let mut both = [PollFd::new(told, PollFlags::IN), asked];
    let _ = rustix::io::retry_on_intr(|| poll(&mut both, None));
    let [told, asked] = both.map(|polled| polled.revents());
    !told.is_empty() || !asked.contains(PollFlags::IN)
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

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Signal,
    Players,
    Terminal,
    Input,
}

/// Sleeps until something comes: a signal, a byte, which is carried, or a question, which
/// is answered.
fn wait_for_something(
    signals: &Signals,
    mut carrier: Option<&mut Carrier>,
    players: &mut Option<Players>,
) {
    let mut asked = vec![(Source::Signal, PollFd::new(&signals.0, PollFlags::IN))];
    if let Some(players) = players.as_ref() {
        let descriptor = PollFd::from_borrowed_fd(players.descriptor(), PollFlags::IN);
        asked.push((Source::Players, descriptor));
    }
    if let Some(carrier) = carrier.as_deref().filter(|c| c.open) {
        let mut events = PollFlags::IN;
        if !carrier.pending.is_empty() {
            events |= PollFlags::OUT;
        }
        asked.push((Source::Terminal, PollFd::new(&carrier.terminal, events)));
        if carrier.input && carrier.pending.is_empty() {
            let input = PollFd::from_borrowed_fd(stdin(), PollFlags::IN);
            asked.push((Source::Input, input));
        }
    }
    let (sources, mut polled): (Vec<Source>, Vec<PollFd<'_>>) = asked.into_iter().unzip();
    if poll(&mut polled, None).is_err() {
        return;
    }
    let happened: Vec<PollFlags> = polled.iter().map(PollFd::revents).collect();
    drop(polled);
    for (source, what) in sources.into_iter().zip(happened) {
        match (source, players.as_mut(), carrier.as_deref_mut()) {
            _ if what.is_empty() => {}
            (Source::Players, Some(present), _) => match what.contains(PollFlags::IN) {
                true => present.answer(),
                // Nobody is left who could ask.
                false => *players = None,
            },
            (Source::Terminal, _, Some(carrier)) => {
                if what.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
                    carrier.output();
                }
                if what.contains(PollFlags::OUT) {
                    carrier.write_input();
                }
            }
            (Source::Input, _, Some(carrier)) => carrier.read_input(),
            _ => {}
        }
    }
}

/// As a shell has it: 128 and the signal's number where a signal ended it.
pub(super) fn code_of(status: WaitStatus) -> Option<u8> {
    let code = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => return None,
    };
    u8::try_from(code).ok()
}
