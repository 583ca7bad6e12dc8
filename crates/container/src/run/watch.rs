//! The process outside: hands signals on (`signals`, `hang_up`), carries a terminal's bytes
//! between the caller's and the container's (`carrier`), answers who asks for identities
//! (`played`), and waits for process 1. A signal that ends a process ends, before the command has
//! started, the container in the making.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};
use rustix::stdio::stdin;

use super::carrier::{BACKGROUND, Carrier, Raw, caller, has_input, resize};
use super::hang_up::{HangUp, Unread};
use super::identity::Identity;
use super::played::Players;
use super::report;
use super::signals::Signals;
use super::streams::Carried;
use crate::Error;

/// So much can be said of a descriptor: an identity with all groups that Linux lets it have.
const SAID_MAX: usize = 4 * (65536 + 2);

/// Its length, which comes first: what is said may come in parts.
type Length = u32;

/// Two ends through which a terminal is handed over.
pub(super) fn handover() -> Result<(OwnedFd, OwnedFd), Errno> {
    let flags = SocketFlags::CLOEXEC;
    socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)
}

/// Hands a descriptor over, and what is to be said of it.
pub(super) fn hand_over(
    to: &OwnedFd,
    descriptor: BorrowedFd<'_>,
    said: &[u8],
) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor];
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    let length = Length::try_from(said.len()).map_err(|_| Errno::MSGSIZE)?;
    let length = length.to_ne_bytes();
    let first = [io::IoSlice::new(&length)];
    sendmsg(to, &first, &mut control, SendFlags::empty())?;
    let mut left = said;
    while !left.is_empty() {
        let sent = retry_on_intr(|| rustix::io::write(to, left))?;
        left = left.get(sent..).unwrap_or_default();
    }
    Ok(())
}

/// `None` where the other side ended without.
pub(super) fn take_over(from: &OwnedFd) -> Option<(OwnedFd, Vec<u8>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut length = [0; size_of::<Length>()];
    let mut parts = [io::IoSliceMut::new(&mut length)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    retry_on_intr(|| recvmsg(from, &mut parts, &mut control, flags)).ok()?;
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let descriptor = descriptor?;
    let length = usize::try_from(Length::from_ne_bytes(length)).ok()?;
    let mut said = vec![0; length.min(SAID_MAX)];
    let mut at = 0;
    while let Some(left) = said.get_mut(at..).filter(|left| !left.is_empty()) {
        match retry_on_intr(|| rustix::io::read(from, &mut *left)) {
            Ok(count) if count > 0 => at += count,
            _ => return None,
        }
    }
    Some((descriptor, said))
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
pub(super) fn until_end(
    inside: Inside,
    signals: &Signals,
    input: bool,
    carried: &mut Carried,
) -> Result<u8, Error> {
    let child = inside.child;
    let mut beginning = Beginning {
        child,
        signals,
        later: Vec::new(),
    };
    let (terminal, mut players) = match beginning.wait(inside)? {
        Begun::Command(terminal, players) => (terminal, players),
        Begun::Interrupted(signal) => return Ok(code_of_signal(signal)),
    };
    let wants_raw = terminal.is_some() && input;
    let mut raw = wants_raw.then(Raw::make).flatten();
    let mut carrier = match terminal {
        Some(terminal) => {
            let caller = caller().map_err(system("open the output"))?;
            Some(Carrier::new(terminal, caller, input))
        }
        None => None,
    };
    let mut later = beginning.later.into_iter();
    let mut hang_up = HangUp::new(child);
    let mut unread = Unread::new(child);
    let code = loop {
        // From the background into the foreground.
        if wants_raw && raw.is_none() {
            raw = Raw::make();
        }
        while let Some(signal) = later.next().or_else(|| signals.next()) {
            match (signal, &carrier) {
                (libc::SIGCHLD, _) => {}
                (libc::SIGWINCH, Some(carrier)) => resize(&carrier.terminal),
                (libc::SIGHUP, _) if signals.no_hangup => {}
                (libc::SIGHUP, _) => hang_up.tell(),
                // SAFETY: a system call that takes numbers; the child is not waited for yet.
                _ => drop(unsafe { libc::kill(child, signal) }),
            }
        }
        let ended = waitpid(Pid::from_raw(child), WaitOptions::NOHANG);
        let ended = ended.map_err(system("wait for the container"))?;
        if let Some(code) = ended.and_then(|(_, status)| code_of(status)) {
            break code;
        }
        let soonest = [hang_up.look(), unread.look()].into_iter().flatten().min();
        let told = carried.descriptor();
        wait_for_something(signals, carrier.as_mut(), &mut players, told, soonest);
        carried.hear();
        if carried.unread {
            unread.tell();
        }
        if carrier.as_ref().is_some_and(|c| c.unread) {
            // Nobody sees the terminal any more, as when a window is closed.
            carrier = None;
            hang_up.tell();
        }
    };
    if let Some(carrier) = &mut carrier {
        carrier.finish(signals);
    }
    drop(raw);
    Ok(match (hang_up.killed, unread.killed) {
        (true, _) => code_of_signal(libc::SIGHUP),
        (_, true) => code_of_signal(libc::SIGPIPE),
        _ => code,
    })
}

fn system(doing: &'static str) -> impl FnOnce(Errno) -> Error {
    move |source| Error::System {
        doing,
        source: source.into(),
    }
}

/// The time before the command.
struct Beginning<'a> {
    child: libc::pid_t,
    signals: &'a Signals,
    /// Signals that came, and are the command's.
    later: Vec<i32>,
}

/// How it ended.
enum Begun {
    /// The command runs.
    Command(Option<OwnedFd>, Option<Players>),
    /// By a signal that ends a process, and so ended process 1.
    Interrupted(i32),
}

impl Beginning<'_> {
    fn wait(&mut self, inside: Inside) -> Result<Begun, Error> {
        let mut handed = [None, None];
        for (from, to) in [&inside.terminal, &inside.players]
            .into_iter()
            .zip(&mut handed)
        {
            let Some(from) = from else { continue };
            if let Some(signal) = self.until(from, None) {
                return Ok(Begun::Interrupted(signal));
            }
            *to = take_over(from);
        }
        let [terminal, players] = handed;
        let terminal = terminal.map(|(terminal, _)| terminal);
        if let Some(terminal) = &terminal {
            resize(terminal);
        }
        let mut players =
            players.and_then(|(listener, who)| Some(Players::new(listener, Identity::of(&who)?)));
        if let Some(signal) = self.until(&inside.told, players.as_mut()) {
            return Ok(Begun::Interrupted(signal));
        }
        if let Err(failure) = report::hear(inside.told) {
            self.reap();
            return Err(Error::Container(failure));
        }
        Ok(Begun::Command(terminal, players))
    }

    /// Waits until there is something to be read. The command's start is among the calls that
    /// are answered. Returns the signal that ended it all instead.
    fn until(&mut self, what: &OwnedFd, mut players: Option<&mut Players>) -> Option<i32> {
        loop {
            let mut polled = vec![
                PollFd::new(what, PollFlags::IN),
                PollFd::new(&self.signals.fd, PollFlags::IN),
            ];
            if let Some(players) = players.as_deref() {
                let descriptor = PollFd::from_borrowed_fd(players.descriptor(), PollFlags::IN);
                polled.push(descriptor);
            }
            let _ = retry_on_intr(|| poll(&mut polled, None));
            let came: Vec<PollFlags> = polled.iter().map(PollFd::revents).collect();
            drop(polled);
            while let Some(signal) = self.signals.next() {
                match signal {
                    libc::SIGHUP if self.signals.no_hangup => {}
                    libc::SIGINT | libc::SIGTERM | libc::SIGQUIT | libc::SIGHUP => {
                        // SAFETY: a system call that takes numbers; the child is not waited
                        // for yet.
                        unsafe { libc::kill(self.child, libc::SIGKILL) };
                        self.reap();
                        return Some(signal);
                    }
                    other => self.later.push(other),
                }
            }
            match &came[..] {
                [what, ..] if !what.is_empty() => return None,
                [_, _, asked] if asked.contains(PollFlags::IN) => {
                    if let Some(players) = players.as_deref_mut() {
                        players.answer();
                    }
                }
                // Nobody is left who could ask.
                [_, _, asked] if !asked.is_empty() => players = None,
                _ => {}
            }
        }
    }

    fn reap(&self) {
        let _ = retry_on_intr(|| waitpid(Pid::from_raw(self.child), WaitOptions::empty()));
    }
}

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Signal,
    Players,
    Told,
    Terminal,
    Caller,
    Input,
}

/// Sleeps until something comes: a signal, a byte, which is carried, a question, which
/// is answered, or something told about streams; or until the time is over.
fn wait_for_something(
    signals: &Signals,
    mut carrier: Option<&mut Carrier>,
    players: &mut Option<Players>,
    told: Option<BorrowedFd<'_>>,
    at_most: Option<Duration>,
) {
    let mut asked = vec![(Source::Signal, PollFd::new(&signals.fd, PollFlags::IN))];
    if let Some(players) = players.as_ref() {
        let descriptor = PollFd::from_borrowed_fd(players.descriptor(), PollFlags::IN);
        asked.push((Source::Players, descriptor));
    }
    let told = told.map(|told| PollFd::from_borrowed_fd(told, PollFlags::IN));
    asked.extend(told.map(|told| (Source::Told, told)));
    if let Some(carrier) = carrier.as_deref().filter(|c| !c.shown.is_empty()) {
        let caller = PollFd::new(&carrier.caller, PollFlags::OUT);
        asked.push((Source::Caller, caller));
    }
    if let Some(carrier) = carrier.as_deref().filter(|c| c.open) {
        // More is taken when what there is was shown: who writes faster waits, as ever.
        let mut events = match carrier.shown.is_empty() {
            true => PollFlags::IN,
            false => PollFlags::empty(),
        };
        if !carrier.pending.is_empty() {
            events |= PollFlags::OUT;
        }
        asked.push((Source::Terminal, PollFd::new(&carrier.terminal, events)));
        if carrier.input && carrier.pending.is_empty() && has_input() {
            let input = PollFd::from_borrowed_fd(stdin(), PollFlags::IN);
            asked.push((Source::Input, input));
        }
    }
    let (sources, mut polled): (Vec<Source>, Vec<PollFd<'_>>) = asked.into_iter().unzip();
    let is_behind = carrier.as_deref().is_some_and(|c| c.input) && !has_input();
    let at_most = match is_behind {
        true => Some(at_most.map_or(BACKGROUND, |time| time.min(BACKGROUND))),
        false => at_most,
    };
    let at_most = at_most.and_then(|time| rustix::event::Timespec::try_from(time).ok());
    if poll(&mut polled, at_most.as_ref()).is_err() {
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
            (Source::Caller, _, Some(carrier)) => carrier.show(),
            (Source::Input, _, Some(carrier)) => carrier.read_input(),
            _ => {}
        }
    }
}

/// As a shell has it.
fn code_of_signal(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
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

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    /// A fault once: what was longer than a part of a stream was cut.
    #[test]
    fn what_is_said_arrives_whole() {
        for length in [0, 1, 50_000, SAID_MAX] {
            let (ours, theirs) = handover().unwrap();
            let said: Vec<u8> = (0..=250).cycle().take(length).collect();
            std::thread::scope(|threads| {
                threads.spawn(|| hand_over(&theirs, stdin(), &said).unwrap());
                let (descriptor, arrived) = take_over(&ours).unwrap();
                assert!(rustix::fs::fstat(descriptor.as_fd()).is_ok());
                assert!(arrived == said, "{length}");
            });
            drop(theirs);
            assert!(take_over(&ours).is_none());
        }
    }
}
