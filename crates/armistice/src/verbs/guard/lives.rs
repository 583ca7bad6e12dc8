//! `guard` for a rootless engine, from one of its namespaces to the next.
//!
//! A process that has joined a user namespace can't leave it, and would keep it from
//! ending. So this process stays outside, and a child of it joins and guards as
//! anywhere. When the process that keeps the namespace ends, the child is told to end,
//! and the next namespace gets a new child. If Podman has no namespace, `guard` starts its
//! pause process, so that registrations are there before the first container is.

use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use armistice_arch::{ARCHES, Arch};
use armistice_binfmt::{STANDARD_PATH, Table};
use armistice_container::rootless::{Child, Engine, Keeper, find};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use crate::cli::{Guard, Names};
use crate::outcome::{self, Outcome, in_full};
use crate::output::Output;
use crate::own;
use crate::rootless::{self, choice, ends_with, named};

/// How often an engine that has ended is looked for.
const PAUSE: Duration = Duration::from_secs(1);

/// Guards one life of the namespace after another, until told to end.
///
/// # Errors
/// Where the first does not come about, or a system call fails.
pub(super) fn run(args: &Guard, first: Keeper, output: Output) -> Result<Outcome> {
    let signals = Signals::block()?;
    let engine = first.engine;
    let mut names = args.names.names.clone();
    // What this life's table has tells the child which emulators it has, too; in the next
    // nothing is registered that would tell.
    let mut later = names.clone();
    // Said once, and known here alone: the child can't see it.
    let mut outside = rootless::outside::handled(Some(&first));
    let mut keeper = first;
    loop {
        output.note(format!(
            "Guarding {}; its table ends {}.",
            named(engine, keeper.pid),
            ends_with(engine, keeper.pid)
        ));
        if later.is_empty() {
            later = registered(&keeper);
        }
        let child = {
            let outside = outside.as_deref();
            Child::start(|| inside(args, &names, &keeper, outside, &signals, output))?
        };
        outside = None;
        let happened = wait(&signals, &keeper, &child)?;
        if happened != Happened::ChildEnded {
            child.signal(Signal::TERM);
        }
        let code = child.wait();
        match happened {
            Happened::Told => return Ok(outcome_of(code)),
            Happened::ChildEnded if !has_ended(&keeper) => return Ok(outcome_of(code)),
            Happened::ChildEnded | Happened::KeeperEnded => {}
        }
        output.note(format!(
            "{} has ended, and its table with it.",
            named(engine, keeper.pid)
        ));
        match next(engine, &signals, output)? {
            Some(found) => keeper = found,
            None => return Ok(Outcome::Done),
        }
        names.clone_from(&later);
    }
}

/// The child's life.
fn inside(
    args: &Guard,
    names: &[String],
    keeper: &Keeper,
    outside: Option<&[&'static Arch]>,
    signals: &Signals,
    output: Output,
) -> u8 {
    signals.unblock();
    let result = rootless::enter(keeper).and_then(|()| {
        end_with_parent()?;
        let names = Names {
            names: names.to_vec(),
        };
        super::here(&names, args, outside, output)
    });
    let outcome = result.unwrap_or_else(|error| outcome::failed(&error, output));
    match outcome {
        Outcome::Done => 0,
        Outcome::Usage => 2,
        Outcome::NotWorking | Outcome::Command(_) => 1,
    }
}

/// Has the kernel tell this process to end when its parent has ended.
fn end_with_parent() -> Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM))
        .context("cannot ask to be ended with the guard")
}

fn outcome_of(code: Option<u8>) -> Outcome {
    match code {
        Some(0) => Outcome::Done,
        Some(2) => Outcome::Usage,
        _ => Outcome::NotWorking,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Happened {
    Told,
    KeeperEnded,
    ChildEnded,
}

fn wait(signals: &Signals, keeper: &Keeper, child: &Child) -> Result<Happened> {
    let fds = [signals.as_fd(), keeper.as_fd(), child.as_fd()];
    loop {
        match ready(fds, None)? {
            [true, _, _] => return Ok(Happened::Told),
            [_, true, _] => return Ok(Happened::KeeperEnded),
            [_, _, true] => return Ok(Happened::ChildEnded),
            [false, false, false] => {}
        }
    }
}

fn has_ended(keeper: &Keeper) -> bool {
    ready([keeper.as_fd()], Some(Duration::ZERO)).is_ok_and(|[ended]| ended)
}

/// Which of these can be read, after a wait.
fn ready<const N: usize>(fds: [BorrowedFd<'_>; N], limit: Option<Duration>) -> Result<[bool; N]> {
    let mut polled = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
    let limit = limit.map(|limit| Timespec::try_from(limit).unwrap_or_default());
    match poll(&mut polled, limit.as_ref()) {
        Ok(_) => Ok(polled.map(|fd| !fd.revents().is_empty())),
        Err(rustix::io::Errno::INTR) => Ok([false; N]),
        Err(errno) => Err(errno).context("waiting for the engine"),
    }
}

/// The engine's next process; `None` where told to end meanwhile.
fn next(engine: Engine, signals: &Signals, output: Output) -> Result<Option<Keeper>> {
    let mut trouble = String::new();
    loop {
        let found = match (find(engine, &choice::place()).keeper, engine) {
            (None, Engine::Podman) => choice::start_podman(output).map(Some),
            (found, _) => Ok(found),
        };
        match found {
            Ok(Some(keeper)) => return Ok(Some(keeper)),
            Ok(None) => {}
            Err(error) => {
                let text = in_full(&error);
                if text != trouble {
                    output.error(&text);
                    trouble = text;
                }
            }
        }
        if ready([signals.as_fd()], Some(PAUSE))? == [true] {
            return Ok(None);
        }
    }
}

/// The architectures that Armistice has registered in an engine's table, as seen
/// from outside.
fn registered(keeper: &Keeper) -> Vec<String> {
    let at = format!("/proc/{}/root{STANDARD_PATH}", keeper.pid);
    let live = Table::at(&PathBuf::from(at)).and_then(|table| table.snapshot().ok());
    let live = live.unwrap_or_default();
    ARCHES
        .iter()
        .filter(|arch| live.entries.iter().any(|e| own::is_for(e, arch)))
        .map(|arch| arch.name.to_owned())
        .collect()
}

/// SIGTERM and SIGINT, kept for this process alone: a handler would be the child's,
/// too, and tell both.
struct Signals {
    fd: OwnedFd,
    set: libc::sigset_t,
}

impl Signals {
    fn block() -> Result<Signals> {
        // SAFETY: an empty set is made before its use; the mask is this thread's,
        // which is the only one.
        let (fd, set) = unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGTERM);
            libc::sigaddset(&raw mut set, libc::SIGINT);
            libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            (libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC), set)
        };
        if fd < 0 {
            return Err(std::io::Error::last_os_error()).context("cannot wait for signals");
        }
        // SAFETY: just made by the kernel, owned by nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Signals { fd, set })
    }

    fn unblock(&self) {
        // SAFETY: the set was made by `block`.
        unsafe {
            libc::sigprocmask(libc::SIG_UNBLOCK, &raw const self.set, std::ptr::null_mut());
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
