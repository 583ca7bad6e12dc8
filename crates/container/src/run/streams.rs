//! Files and terminals among the caller's standard streams stay the caller's: from an open
//! file, `/proc/self/fd` leads to the file itself, to be opened anew and otherwise than it
//! was, and a terminal is read and set by whoever has it. So processes outside carry the
//! bytes through pipes, as docker's client does. Pipes, sockets and devices are given as
//! they are.
//!
//! Invariants: carriers are forked while the process has one thread and its signals wait; one
//! that reads for the container ends with the process outside, and one that writes when
//! nobody inside can write any more; each has no end of a pipe but its own.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::FileType;
use rustix::io::{Errno, retry_on_intr};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, getppid, kill_process, set_parent_process_death_signal,
    waitpid,
};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stderr, stdin, stdout};

use super::carrier::has_input;
use super::signals::Signals;
use crate::Error;

/// So often a carrier in the background looks whether the terminal is its own again.
const BACKGROUND: Duration = Duration::from_millis(100);

/// The processes that carry, and what the container gets in the place of streams.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// Input, output, errors; `None` where the caller's own is given.
    inside: [Option<OwnedFd>; 3],
    reads: Option<Pid>,
    write: Vec<Pid>,
}

impl Carried {
    /// Starts them; with `input` also for the standard input.
    pub(super) fn start(input: bool) -> io::Result<Carried> {
        let mut carried = Carried::default();
        if input && is_carried(stdin()) {
            let (from, to) = pipe_with(PipeFlags::CLOEXEC)?;
            let outside = getpid();
            carried.reads = Some(carried.fork([stdout(), stderr()], || {
                set_parent_process_death_signal(Some(Signal::KILL))?;
                match getppid() {
                    Some(parent) if parent == outside => read_for(&to),
                    // It has gone meanwhile.
                    _ => Ok(()),
                }
            })?);
            carried.inside[0] = Some(from);
        }
        let both = is_carried(stdout()) && is_same(stdout(), stderr());
        for (place, stream, other) in [(1, stdout(), stderr()), (2, stderr(), stdout())] {
            if place == 2 && both {
                // One pipe, which keeps the order of what is written.
                let output = carried.inside[1].as_ref().map(OwnedFd::try_clone);
                carried.inside[2] = output.transpose()?;
            } else if is_carried(stream) {
                let (from, to) = pipe_with(PipeFlags::CLOEXEC)?;
                carried.inside[place] = Some(to);
                let process = carried.fork([stdin(), other], || write_for(&from, stream))?;
                carried.write.push(process);
            }
        }
        Ok(carried)
    }

    /// Forks a process that carries, without these streams and without what is inside.
    fn fork(
        &mut self,
        without: [BorrowedFd<'_>; 2],
        carry: impl FnOnce() -> Result<(), Errno>,
    ) -> io::Result<Pid> {
        use std::os::fd::AsRawFd;
        // SAFETY: the process has one thread, so the child may do anything a process may.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            self.inside = [const { None }; 3];
            for stream in without {
                // SAFETY: a system call that takes a number; nothing here uses the stream.
                unsafe { libc::close(stream.as_raw_fd()) };
            }
            let code = carry().map_or_else(Errno::raw_os_error, |()| 0);
            // SAFETY: ends the child at once, without the parent's destructors and exit
            // handlers, whose copies it holds.
            unsafe { libc::_exit(code) }
        }
        Pid::from_raw(pid)
            .filter(|_| pid > 0)
            .ok_or_else(io::Error::last_os_error)
    }

    /// In process 1: the streams are these from here on.
    pub(super) fn give(&mut self) -> Result<(), Errno> {
        let [input, output, errors] = std::mem::take(&mut self.inside);
        input.map(dup2_stdin).transpose()?;
        output.map(dup2_stdout).transpose()?;
        errors.map(dup2_stderr).transpose().map(drop)
    }

    /// In the process outside: what is inside is no longer its own.
    pub(super) fn let_go(&mut self) {
        self.inside = [const { None }; 3];
    }

    /// Waits until all that was written has come through, unless that is broken off.
    pub(super) fn finish(mut self, signals: &Signals) -> Result<(), Error> {
        self.let_go();
        if let Some(process) = self.reads {
            let _ = kill_process(process, Signal::KILL);
            let _ = retry_on_intr(|| waitpid(Some(process), WaitOptions::empty()));
        }
        let mut result = Ok(());
        loop {
            self.write.retain(|process| {
                let ended = waitpid(Some(*process), WaitOptions::NOHANG);
                let Ok(Some((_, status))) = ended else {
                    return ended.is_ok();
                };
                let errno = status.exit_status().unwrap_or(0);
                // A terminal that has gone shows nothing, and is no fault.
                if ![0, libc::EIO, libc::EPIPE].contains(&errno) {
                    result = Err(Error::System {
                        doing: "write what the container has written",
                        source: io::Error::from_raw_os_error(errno),
                    });
                }
                false
            });
            if self.write.is_empty() {
                return result;
            }
            let mut came = [PollFd::new(&signals.fd, PollFlags::IN)];
            let _ = retry_on_intr(|| poll(&mut came, None));
            while let Some(signal) = signals.next() {
                let nohup = signal == libc::SIGHUP && signals.no_hangup;
                if !nohup
                    && [libc::SIGINT, libc::SIGTERM, libc::SIGQUIT, libc::SIGHUP].contains(&signal)
                {
                    for process in &self.write {
                        let _ = kill_process(*process, Signal::KILL);
                    }
                }
            }
        }
    }
}

fn is_carried(stream: BorrowedFd<'_>) -> bool {
    rustix::fs::fstat(stream).is_ok_and(|stat| {
        let kind = FileType::from_raw_mode(stat.st_mode);
        kind.is_file() || kind.is_block_device() || rustix::termios::isatty(stream)
    })
}

fn is_same(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    let state = |stream| rustix::fs::fstat(stream).map(|stat| (stat.st_dev, stat.st_ino));
    state(one).is_ok_and(|one| state(other) == Ok(one))
}

fn read_for(to: &OwnedFd) -> Result<(), Errno> {
    loop {
        while !has_input() {
            std::thread::sleep(BACKGROUND);
        }
        let mut buffer = [0; 65536];
        match rustix::io::read(stdin(), &mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => write_all(to, &buffer[..count])?,
            Err(Errno::INTR) => {}
            // It went to the background meanwhile.
            Err(Errno::IO) if !has_input() => {}
            Err(error) => return Err(error),
        }
    }
}

fn write_for(from: &OwnedFd, to: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut buffer = [0; 65536];
    loop {
        match retry_on_intr(|| rustix::io::read(from, &mut buffer))? {
            0 => return Ok(()),
            count => write_all(to, &buffer[..count])?,
        }
    }
}

fn write_all(to: impl std::os::fd::AsFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(&to, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            // The caller's may be one that does not wait.
            Err(Errno::AGAIN) => {
                let mut writable = [PollFd::new(&to, PollFlags::OUT)];
                let _ = retry_on_intr(|| poll(&mut writable, None));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
