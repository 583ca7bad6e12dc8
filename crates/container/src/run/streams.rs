//! The caller's standard streams stay the caller's: what is open is open to others, too. From an open
//! file `/proc/self/fd` leads to the file itself, to be opened anew and otherwise than it
//! was; a pipe's other end is reached so, a socket stays in the machine's network, a terminal is
//! read and set by whoever has it, and flags, modes and owners are one for all. So a process
//! outside carries the bytes through pipes of the container's own, as docker's client does.
//! Only devices that every container has are not carried: it opens its own.
//!
//! Invariants: the process is forked while there is one thread and its signals wait, and has a
//! thread for each stream, as each may have to wait. It reads nothing more for a container that
//! takes nothing more, closes an output once what is written to it finds no reader, tells at once what it could
//! not carry, and ends with the container, or with the process outside, once what was written
//! has come through.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, retry_on_intr};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stderr, stdin, stdout};

use super::carrier::{BACKGROUND, has_input};
use super::signals::Signals;
use super::system;
use crate::Error;

const WRITE: &str = "write what the container has written";

/// So much is carried at once.
const AT_ONCE: usize = 65536;

/// What the container gets in the place of streams, and the process that carries.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// Input, output, errors; `None` where the container opens its own device.
    inside: [Option<OwnedFd>; 3],
    process: Option<Pid>,
    /// Closed when the container has ended.
    running: Option<OwnedFd>,
    /// What the process tells, until it has ended.
    told: Option<OwnedFd>,
    /// Nobody takes an output any more.
    pub(super) unread: bool,
    /// What could not be carried.
    failed: Option<(Way, Errno)>,
}

/// Which way a stream leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Way {
    Input = b'i',
    Output = b'o',
}

/// The other ends.
#[derive(Debug, Default)]
struct Ends {
    input: Option<OwnedFd>,
    outputs: Vec<(OwnedFd, BorrowedFd<'static>)>,
}

impl Carried {
    /// Starts the process; with `input` also for the standard input.
    pub(super) fn start(input: bool) -> io::Result<Carried> {
        let mut carried = Carried::default();
        let mut ends = Ends::default();
        if input && is_carried(stdin()) {
            let (from, to) = pipe_with(PipeFlags::CLOEXEC)?;
            carried.inside[0] = Some(from);
            ends.input = Some(to);
        }
        for (place, stream) in [(1, stdout()), (2, stderr())] {
            let output = carried.inside[1].as_ref();
            if let Some(output) = output.filter(|_| is_same(stdout(), stream)) {
                // One pipe, which keeps the order of what is written.
                carried.inside[place] = Some(output.try_clone()?);
            } else if is_carried(stream) {
                let (from, to) = pipe_with(PipeFlags::CLOEXEC)?;
                carried.inside[place] = Some(to);
                ends.outputs.push((from, stream));
            }
        }
        if ends.input.is_some() || !ends.outputs.is_empty() {
            carried.fork(ends)?;
        }
        Ok(carried)
    }

    fn fork(&mut self, ends: Ends) -> io::Result<()> {
        let (running, to) = pipe_with(PipeFlags::CLOEXEC)?;
        let (told, tell) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // SAFETY: the process has one thread, so the child may do anything a process may.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            self.let_go();
            drop((to, told));
            let code = ends.carry(&running, tell).map_or(1, |()| 0);
            // SAFETY: ends the child at once, without the parent's destructors and exit
            // handlers, whose copies it holds.
            unsafe { libc::_exit(code) }
        }
        let process = Pid::from_raw(pid).filter(|_| pid > 0);
        self.process = Some(process.ok_or_else(io::Error::last_os_error)?);
        self.running = Some(to);
        self.told = Some(told);
        Ok(())
    }

    /// In process 1: the streams are these from here on.
    pub(super) fn give(&mut self) -> Result<(), Errno> {
        (self.running, self.told) = (None, None);
        let [input, output, errors] = std::mem::take(&mut self.inside);
        input.map(dup2_stdin).transpose()?;
        output.map(dup2_stdout).transpose()?;
        errors.map(dup2_stderr).transpose().map(drop)
    }

    /// In the process outside: what is inside is no longer its own.
    pub(super) fn let_go(&mut self) {
        self.inside = [const { None }; 3];
    }

    /// Where the process tells something, if it may still.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.told.as_ref().map(AsFd::as_fd)
    }

    /// Takes what the process has told.
    pub(super) fn hear(&mut self) {
        while let Some(told) = &self.told {
            let mut said = [0; 2];
            match rustix::io::read(told, &mut said) {
                Ok(2) => self.take(said),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                _ => self.told = None,
            }
        }
    }

    fn take(&mut self, [way, errno]: [u8; 2]) {
        let errno = Errno::from_raw_os_error(errno.into());
        let way = match way == Way::Input as u8 {
            true => Way::Input,
            false => Way::Output,
        };
        self.unread |= way == Way::Output;
        // A reader that has gone is no fault.
        if errno != Errno::PIPE {
            self.failed.get_or_insert((way, errno));
        }
    }

    /// Waits until all that was written has come through, unless that is broken off.
    pub(super) fn finish(mut self, signals: &Signals) -> Result<(), Error> {
        self.let_go();
        self.running = None;
        let Some(process) = self.process else {
            return Ok(());
        };
        let failed = |doing, source| Error::System { doing, source };
        let mut broken_off = false;
        let ended = loop {
            let ended = waitpid(Some(process), WaitOptions::NOHANG);
            let ended = ended.map_err(|errno| failed("wait for a process", errno.into()))?;
            if let Some((_, status)) = ended {
                break status;
            }
            let mut came = [PollFd::new(&signals.fd, PollFlags::IN)];
            let _ = retry_on_intr(|| poll(&mut came, None));
            while let Some(signal) = signals.next() {
                let nohup = signal == libc::SIGHUP && signals.no_hangup;
                if !nohup
                    && [libc::SIGINT, libc::SIGTERM, libc::SIGQUIT, libc::SIGHUP].contains(&signal)
                {
                    broken_off = true;
                    let _ = kill_process(process, Signal::KILL);
                }
            }
        };
        self.hear();
        let killed = || io::Error::other("the process that carries it was killed");
        let no_threads = || io::Error::other("the process that carries them got no threads");
        match self.failed {
            Some((Way::Input, errno)) => Err(failed("read the standard input", errno.into())),
            Some((Way::Output, errno)) => Err(failed(WRITE, errno.into())),
            None if broken_off || ended.exit_status() == Some(0) => Ok(()),
            None if ended.exit_status().is_none() => Err(failed(WRITE, killed())),
            None => Err(failed("carry the standard streams", no_threads())),
        }
    }
}

/// Everything is, but devices that the container has itself.
fn is_carried(stream: BorrowedFd<'_>) -> bool {
    rustix::fs::fstat(stream).is_ok_and(|stat| system::device(&stat).is_none())
}

fn is_same(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    let state = |stream| rustix::fs::fstat(stream).map(|stat| (stat.st_dev, stat.st_ino));
    state(one).is_ok_and(|one| state(other) == Ok(one))
}

impl Ends {
    /// Carries until the container has ended, which closes `running`, and tells what could not
    /// be carried.
    fn carry(mut self, running: &OwnedFd, tell: OwnedFd) -> io::Result<()> {
        let tell = Arc::new(tell);
        if let Some(to) = self.input.take() {
            let (running, tell) = (running.try_clone()?, Arc::clone(&tell));
            // Nobody waits for it: it may be at an input from which nothing comes.
            let read = move || told(&tell, Way::Input, read_for(&to, &running));
            thread::Builder::new().spawn(read)?;
        }
        let write = |(from, to): (OwnedFd, BorrowedFd<'_>)| {
            let result = write_for(&from, to, running);
            // From here on who writes has the error.
            drop(from);
            told(&tell, Way::Output, result);
        };
        let last = self.outputs.pop();
        thread::scope(|threads| {
            for output in self.outputs {
                let write = &write;
                thread::Builder::new().spawn_scoped(threads, move || write(output))?;
            }
            last.map(write);
            io::Result::Ok(())
        })?;
        // The input may go on.
        let _ = wait([PollFd::new(running, PollFlags::empty())]);
        Ok(())
    }
}

/// Tells what was not carried. Who takes no more of an input is no matter.
fn told(tell: &OwnedFd, way: Way, result: Result<(), Errno>) {
    let errno = match (way, result) {
        (_, Ok(())) | (Way::Input, Err(Errno::PIPE)) => return,
        (_, Err(errno)) => errno,
    };
    let errno = u8::try_from(errno.raw_os_error()).unwrap_or(u8::MAX);
    let _ = rustix::io::write(tell, &[way as u8, errno]);
}

/// The end of a terminal that has gone, which others see as an error.
fn is_hung_up(stream: BorrowedFd<'_>, errno: Errno) -> bool {
    let is_terminal = || {
        let kind = rustix::fs::fstat(stream).map(|s| FileType::from_raw_mode(s.st_mode));
        kind.is_ok_and(FileType::is_char_device)
    };
    errno == Errno::IO && is_terminal()
}

/// What has happened to these, once something has.
fn wait<const N: usize>(mut polled: [PollFd<'_>; N]) -> Result<[PollFlags; N], Errno> {
    retry_on_intr(|| poll(&mut polled, None))?;
    Ok(polled.map(|one| one.revents()))
}

fn read_for(to: &OwnedFd, running: &OwnedFd) -> Result<(), Errno> {
    // Of a pipe's other end no poll would tell anything.
    if fcntl_getfl(stdin())? & OFlags::RWMODE == OFlags::WRONLY {
        return Err(Errno::BADF);
    }
    let mut buffer = vec![0; AT_ONCE];
    loop {
        while !has_input() {
            thread::sleep(BACKGROUND);
        }
        let [came, unread, ended] = wait([
            PollFd::from_borrowed_fd(stdin(), PollFlags::IN),
            PollFd::new(to, PollFlags::empty()),
            PollFd::new(running, PollFlags::empty()),
        ])?;
        if !(unread | ended).is_empty() {
            return Ok(());
        }
        if came.is_empty() {
            continue;
        }
        match rustix::io::read(stdin(), &mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => write_all(to, &buffer[..count])?,
            // The caller's may be one that does not wait.
            Err(Errno::INTR | Errno::AGAIN) => {}
            // It went to the background meanwhile.
            Err(Errno::IO) if !has_input() => {}
            Err(error) if is_hung_up(stdin(), error) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn write_for(from: &OwnedFd, to: BorrowedFd<'_>, running: &OwnedFd) -> Result<(), Errno> {
    let mut buffer = vec![0; AT_ONCE];
    let mut is_last = false;
    loop {
        if !is_last {
            // A reader that has gone is found by writing: who writes nothing more misses no reader.
            let [came, ended] = wait([
                PollFd::new(from, PollFlags::IN),
                PollFd::new(running, PollFlags::empty()),
            ])?;
            if !ended.is_empty() {
                // What there is: somebody outside may have it open.
                is_last = true;
                fcntl_setfl(from, fcntl_getfl(from)? | OFlags::NONBLOCK)?;
            } else if came.is_empty() {
                continue;
            }
        }
        match rustix::io::read(from, &mut buffer) {
            Ok(0) | Err(Errno::AGAIN) => return Ok(()),
            Ok(count) => {
                write_all(to, &buffer[..count]).map_err(|errno| match is_hung_up(to, errno) {
                    true => Errno::PIPE,
                    false => errno,
                })?
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

fn write_all(to: impl AsFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(&to, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            // The caller's may be one that does not wait.
            Err(Errno::AGAIN) => drop(wait([PollFd::new(&to, PollFlags::OUT)])),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rustix::process::{WaitId, WaitIdOptions, waitid};

    use super::*;

    /// A fault once: a carrier that could not start its threads lost all, and nobody said so.
    #[test]
    #[expect(clippy::zombie_processes, reason = "it is waited for by its number")]
    fn a_carrier_that_gives_up_is_told_of() {
        let signals = Signals::catch().unwrap();
        let child = std::process::Command::new("false").spawn().unwrap();
        let process = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
        // Its end is there to be found: the signal of it may go to another test's thread.
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(process), ended).unwrap();
        let carried = Carried {
            process: Some(process),
            ..Carried::default()
        };
        let error = carried.finish(&signals).unwrap_err();
        assert!(matches!(
            error,
            Error::System {
                doing: "carry the standard streams",
                ..
            }
        ));
    }
}
