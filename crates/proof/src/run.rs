//! One execution of a program: started, watched and, where it takes too long,
//! ended.
//!
//! The end of the process is what is waited for, not the end of its output: a
//! pipe's other end may be held open by what another thread started meanwhile.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open};

use crate::child::{CALLER, Mode, Plan};
use crate::report::{Failure, Obstacle, Step};
use crate::root::Place;

/// How an execution ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It never came to the program.
    Unprepared(Obstacle),
    /// The kernel or the emulator did not run it to its end.
    Failed(Failure),
    /// The program, or whatever took it for its own, exited.
    Exited {
        code: i32,
        output: Vec<u8>,
        said: String,
    },
}

/// What may go wrong on this side.
#[derive(Debug)]
pub(crate) enum RunError {
    Start(Errno),
    Watch(Errno),
}

/// What is to be run where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) place: &'a Place,
    pub(crate) program: &'a [u8],
    pub(crate) argv0: &'static std::ffi::CStr,
    pub(crate) mode: Mode,
    pub(crate) limit: Duration,
}

/// Runs a program once.
pub(crate) fn run(job: Job<'_>) -> Result<Ended, RunError> {
    Execution::start(job)?.finish().map_err(RunError::Watch)
}

/// Starts a program, holds it at its first write, and opens what the kernel
/// executes for it: its emulator. The inner error is the step that failed, the
/// execution itself or one before it; `None`, that it could not be looked at.
pub(crate) fn look(job: Job<'_>) -> Result<Result<Option<File>, Obstacle>, RunError> {
    Execution::start_writing_to(job, full_pipe()?)?
        .look()
        .map_err(RunError::Watch)
}

/// A pipe into which nothing more goes: its writer waits.
fn full_pipe() -> Result<(OwnedFd, OwnedFd), RunError> {
    let (reader, writer) = pipe()?;
    let fill = || -> Result<(), Errno> {
        let flags = rustix::fs::fcntl_getfl(&writer)?;
        rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK)?;
        for size in [4096, 1] {
            while rustix::io::write(&writer, &[0u8; 4096][..size]).is_ok() {}
        }
        rustix::fs::fcntl_setfl(&writer, flags)
    };
    fill().map_err(RunError::Start)?;
    Ok((reader, writer))
}

/// A program under way.
struct Execution {
    child: Child,
    output: Reader,
    said: Reader,
    status: Reader,
    started: Instant,
    limit: Duration,
}

impl Execution {
    fn start(job: Job<'_>) -> Result<Execution, RunError> {
        Execution::start_writing_to(job, pipe()?)
    }

    /// With this pipe for its standard output.
    fn start_writing_to(
        job: Job<'_>,
        (output, stdout): (OwnedFd, OwnedFd),
    ) -> Result<Execution, RunError> {
        let started = Instant::now();
        let (stdin, _) = pipe()?; // at its end from the beginning
        let (said, stderr) = pipe()?;
        let (status, status_writer) = pipe()?;
        let plan = Plan {
            kind: job.place.kind,
            mode: job.mode,
            program: job.program,
            folder: job.place.folder(),
            argv0: job.argv0,
            uid_map: format!("{CALLER} {} 1", rustix::process::geteuid().as_raw()),
            gid_map: format!("{CALLER} {} 1", rustix::process::getegid().as_raw()),
            stdin,
            stdout,
            stderr,
            status: status_writer,
        };
        // The plan, and with it this side's copies of the child's ends, goes
        // when this returns.
        Ok(Execution {
            child: Child::fork(&plan).map_err(RunError::Start)?,
            output: Reader::new(output),
            said: Reader::new(said),
            status: Reader::new(status),
            started,
            limit: job.limit,
        })
    }

    /// Waits until exec is behind it, or has failed; then opens what the kernel
    /// executes. The process is ended and reaped as `self` goes, not before.
    fn look(mut self) -> Result<Result<Option<File>, Obstacle>, Errno> {
        while self.status.open {
            let left = self.limit.saturating_sub(self.started.elapsed());
            if left.is_zero() {
                return Err(Errno::TIMEDOUT);
            }
            let timeout = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
            let mut fds = [PollFd::new(&self.status.pipe, PollFlags::IN)];
            match rustix::event::poll(&mut fds, Some(&timeout)) {
                Ok(_) | Err(Errno::INTR) => self.status.read_what_is_there()?,
                Err(errno) => return Err(errno),
            }
        }
        Ok(match reported(&self.status.bytes) {
            Some(obstacle) => Err(obstacle),
            None => {
                let pid = self.child.pid.as_raw_nonzero();
                Ok(File::open(format!("/proc/{pid}/exe")).ok())
            }
        })
    }

    fn finish(mut self) -> Result<Ended, Errno> {
        let pipes = [&mut self.output, &mut self.said];
        let end = self.child.watch(pipes, self.started, self.limit)?;
        self.status.read_what_is_there()?;
        Ok(explain(
            end,
            &self.status.bytes,
            self.output.bytes,
            &self.said.bytes,
            self.limit,
        ))
    }
}

/// Both ends close on exec; reading never waits.
fn pipe() -> Result<(OwnedFd, OwnedFd), RunError> {
    let make = || {
        let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        rustix::fs::fcntl_setfl(&reader, rustix::fs::OFlags::NONBLOCK)?;
        Ok((reader, writer))
    };
    make().map_err(RunError::Start)
}

/// From what was seen to what it means.
fn explain(end: End, status: &[u8], output: Vec<u8>, said: &[u8], limit: Duration) -> Ended {
    if let Some(obstacle) = reported(status) {
        return match (obstacle.step, obstacle.errno) {
            (Step::Exec, Errno::NOEXEC) => Ended::Failed(Failure::NoHandler),
            (Step::Exec, Errno::NOENT) => Ended::Failed(Failure::NoEmulator),
            (Step::Exec, errno) => Ended::Failed(Failure::Refused(errno)),
            _ => Ended::Unprepared(obstacle),
        };
    }
    let said = text(said);
    match end {
        End::Exit(code) => Ended::Exited { code, output, said },
        End::Signal(number) => Ended::Failed(Failure::Signal { number, said }),
        End::Killed => Ended::Failed(Failure::Timeout(limit)),
    }
}

/// The step that the child says it failed at: its number and the errno.
fn reported(status: &[u8]) -> Option<Obstacle> {
    let (&step, errno) = status.split_first()?;
    let errno = i32::from_ne_bytes(errno.try_into().ok()?);
    Some(Obstacle {
        step: Step::from_u8(step)?,
        errno: Errno::from_raw_os_error(errno),
    })
}

/// The beginning of what a program wrote, fit for a message.
pub(crate) fn text(bytes: &[u8]) -> String {
    const ENOUGH: usize = 400;
    String::from_utf8_lossy(&bytes[..bytes.len().min(ENOUGH)]).into_owned()
}

/// What can be read from a pipe, its beginning kept.
struct Reader {
    pipe: OwnedFd,
    bytes: Vec<u8>,
    open: bool,
}

impl Reader {
    fn new(pipe: OwnedFd) -> Reader {
        Reader {
            pipe,
            bytes: Vec::new(),
            open: true,
        }
    }

    /// Reads a bounded part, so that a flood can't outlast the limit.
    fn read_what_is_there(&mut self) -> Result<(), Errno> {
        const KEPT: usize = 4096;
        let mut buffer = [0u8; 4096];
        for _ in 0..32 {
            match rustix::io::read(&self.pipe, &mut buffer) {
                Ok(0) => {
                    self.open = false;
                    return Ok(());
                }
                Ok(n) => {
                    let room = KEPT - self.bytes.len();
                    self.bytes.extend_from_slice(&buffer[..n.min(room)]);
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }
}

/// How the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Exit(i32),
    Signal(i32),
    /// By this side, when its time was up.
    Killed,
}

/// The process, ended and reaped when dropped.
struct Child {
    pid: Pid,
    /// `None` before Linux 5.3.
    pidfd: Option<OwnedFd>,
    reaped: bool,
}

impl Child {
    fn fork(plan: &Plan<'_>) -> Result<Child, Errno> {
        // SAFETY: the child only calls `Plan::run`, which keeps to what is
        // async-signal-safe and never returns.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            plan.run();
        }
        match Pid::from_raw(pid.max(0)) {
            Some(pid) => Ok(Child {
                pid,
                pidfd: pidfd_open(pid, PidfdFlags::empty()).ok(),
                reaped: false,
            }),
            None => {
                Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::AGAIN))
            }
        }
    }

    /// Reads the pipes until the process ends, or ends it when its time is up.
    fn watch(
        &mut self,
        mut pipes: [&mut Reader; 2],
        started: Instant,
        limit: Duration,
    ) -> Result<End, Errno> {
        loop {
            let over = self.wait(WaitIdOptions::NOHANG)?;
            for pipe in &mut pipes {
                pipe.read_what_is_there()?;
            }
            if let Some(status) = over {
                self.end()?;
                return Ok(match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => End::Exit(code),
                    (None, signal) => End::Signal(signal.unwrap_or(0)),
                });
            }
            let left = limit.saturating_sub(started.elapsed());
            if left.is_zero() {
                self.end()?;
                return Ok(End::Killed);
            }
            self.poll(&pipes, left)?;
        }
    }

    /// Waits until there is something to read or the process has ended.
    fn poll(&self, pipes: &[&mut Reader; 2], left: Duration) -> Result<(), Errno> {
        let mut fds: Vec<PollFd<'_>> = pipes
            .iter()
            .filter(|reader| reader.open)
            .map(|reader| PollFd::from_borrowed_fd(reader.pipe.as_fd(), PollFlags::IN))
            .collect();
        // No longer than the system can count.
        let left = left.min(Duration::from_secs(3600));
        let left = match &self.pidfd {
            Some(pidfd) => {
                fds.push(PollFd::new(pidfd, PollFlags::IN));
                left
            }
            // Nothing tells of the end: look again after a moment.
            None => left.min(Duration::from_millis(1)),
        };
        let timeout = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
        match rustix::event::poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// The process's end, if it has come; it stays a zombie, so that its number
    /// stays its own.
    fn wait(&self, options: WaitIdOptions) -> Result<Option<WaitIdStatus>, Errno> {
        let options = options | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::Pid(self.pid), options))
    }

    /// Kills what is left of the process and of what it started, and reaps it.
    fn end(&mut self) -> Result<(), Errno> {
        // The group exists once the child has made its session; either call may
        // find nobody left.
        let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
        let _ = rustix::process::kill_process(self.pid, Signal::KILL);
        rustix::io::retry_on_intr(|| {
            rustix::process::waitid(WaitId::Pid(self.pid), WaitIdOptions::EXITED)
        })?;
        self.reaped = true;
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            // On the way out of an error, which is the one to report.
            let _ = self.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::Kind;

    fn job(place: &Place, limit: Duration) -> Job<'_> {
        Job {
            place,
            program: crate::program(armistice_arch::Arch::host()).unwrap(),
            argv0: c"a name",
            mode: Mode::AsOneself,
            limit,
        }
    }

    /// Linux before 5.3.
    #[test]
    fn without_a_pidfd_the_end_is_noticed_too() {
        let place = Place::new(Kind::NotEmpty).unwrap();
        let mut execution = Execution::start(job(&place, Duration::from_secs(10))).unwrap();
        execution.child.pidfd = None;
        let Ended::Exited { code, output, said } = execution.finish().unwrap() else {
            panic!("it did not run");
        };
        let user = i32::try_from(rustix::process::geteuid().as_raw() & 0x7f).unwrap();
        assert_eq!((code, &output[..], &said[..]), (user, &b"a name\n"[..], ""));
        place.close().unwrap();
    }

    #[test]
    fn no_limit_is_too_long_or_too_short() {
        let place = Place::new(Kind::NotEmpty).unwrap();
        assert!(matches!(
            run(job(&place, Duration::MAX)).unwrap(),
            Ended::Exited { .. }
        ));
        // It may have ended all the same.
        assert!(matches!(
            run(job(&place, Duration::ZERO)).unwrap(),
            Ended::Exited { .. } | Ended::Failed(Failure::Timeout(Duration::ZERO))
        ));
        place.close().unwrap();
    }
}
