//! A container: a root of its own, processes, names and mounts of its own, and
//! a command in it. Needs no right but to be user 0 of a user namespace
//! ([`crate::enter_identities`]).
//!
//! The calling process stays outside and watches (`watch`): it hands signals and
//! the terminal on and returns how the command ended. Its child is process 1
//! inside: it makes the root (`root`, `copied`) and what is mounted in it (`mounts`, `system`, `mount`,
//! `place`), becomes a copy of this program that
//! nobody can write to (`again`), then the user (`user`, `command`) and the command
//! (`program`, `lookup`); or it stays and reaps (`init`). When the
//! caller dies, process 1 is killed (by the kernel, or by `warden` where that can't),
//! with it all others, and with the last one the mounts go.
//!
//! What fails inside is told through a pipe that the command does not have
//! (`report`).
//!
//! Foreign programs run by a table of the container's own, else by the machine's, else
//! by an emulator that needs none (`starter`): see [`Handlers`].
//!
//! The command is under a filter of system calls (`filter`). Where there is one identity
//! only, the others are played (`played`, `identity`) by the process outside.

mod again;
mod carrier;
mod command;
mod copied;
mod filter;
mod hang_up;
mod identity;
mod init;
mod lookup;
mod mount;
mod mounts;
mod place;
mod played;
mod program;
mod report;
mod root;
mod signals;
mod starter;
mod streams;
mod system;
mod user;
mod warden;
mod watch;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::thread::UnshareFlags;

use crate::{Error, enter, limits};

pub use report::Failure;
pub use starter::{Start, Starter};
pub use system::is_taken;

/// What the container's root is.
#[derive(Debug, Clone)]
pub enum Root {
    /// Folders to be laid over each other, the topmost first, as paths from
    /// `base`. What the container writes goes to [`Container::folder`].
    Layers {
        /// Where the layers are.
        base: PathBuf,
        /// Their paths from there.
        lowers: Vec<PathBuf>,
    },
    /// A folder that is used where it is.
    Folder(PathBuf),
}

/// Which network there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The machine's.
    Host,
    /// Only a loopback of its own.
    None,
}

/// A file or folder of the machine's, shown inside.
#[derive(Debug, Clone)]
pub struct Volume {
    /// The machine's.
    pub source: PathBuf,
    /// Where it is shown.
    pub target: PathBuf,
    /// Nothing is written to it from inside.
    pub read_only: bool,
}

/// An empty folder in memory.
#[derive(Debug, Clone)]
pub struct Tmpfs {
    /// Where.
    pub target: PathBuf,
    /// Options as tmpfs knows them, without a value where they have none.
    pub options: Vec<(String, String)>,
    /// Programs in it are executed.
    pub programs: bool,
}

/// All that a container is made of.
#[derive(Debug, Clone)]
pub struct Container {
    /// Its root.
    pub root: Root,
    /// A folder of its own on disk, which the caller removes afterwards.
    pub folder: PathBuf,
    /// The root is not written to; volumes and memory are.
    pub read_only: bool,
    /// Its network.
    pub network: Network,
    /// Its name in `uname -n`.
    pub hostname: String,
    /// Files of its own: a path inside, and what is in it.
    pub files: Vec<(&'static str, Vec<u8>)>,
    /// Shown from the machine.
    pub volumes: Vec<Volume>,
    /// Empty folders in memory.
    pub tmpfs: Vec<Tmpfs>,
    /// Folders that are made where they are not there, and written to also in a root that is
    /// read-only.
    pub folders: Vec<String>,
    /// The command and its arguments.
    pub argv: Vec<String>,
    /// `NAME=value`; of one name the last counts. HOME is added where it is not there.
    pub env: Vec<String>,
    /// Where the command starts; made where it is not there.
    pub working_dir: String,
    /// A user's name or number, perhaps with `:group`; empty is root.
    pub user: String,
    /// Process 1 reaps, and the command is its child.
    pub init: bool,
    /// The command gets a terminal of its own.
    pub terminal: bool,
    /// The command gets this process's standard input.
    pub input: bool,
}

/// What makes foreign programs run inside.
pub trait Handlers {
    /// Fills a new, empty table at this path.
    ///
    /// # Errors
    /// Why not, in words.
    fn fill(&self, table: &Path) -> Result<(), String>;

    /// Whether the table outside will do where there can't be a new one.
    fn are_outside(&self) -> bool;

    /// What will do where that one does not either. `why` there is no new one.
    ///
    /// # Errors
    /// Why nothing does, in words.
    fn without_table(&self, why: &str) -> Result<Starter, String>;
}

/// What the command gets of this process's standard streams must not lead out.
fn streams_are_no_folders(container: &Container) -> Result<(), Error> {
    let input = container.input.then(|| ("input", rustix::stdio::stdin()));
    let others = [
        ("output", rustix::stdio::stdout()),
        ("error", rustix::stdio::stderr()),
    ];
    for (stream, descriptor) in input.into_iter().chain(others) {
        let is_folder = rustix::fs::fstat(descriptor)
            .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir());
        if is_folder {
            return Err(Error::FolderAsStream { stream });
        }
    }
    Ok(())
}

/// For `map_err`: what was being done.
fn system<E: Into<std::io::Error>>(doing: &'static str) -> impl FnOnce(E) -> Error {
    move |error| Error::System {
        doing,
        source: error.into(),
    }
}

/// Runs a command in a container to its end, and returns its exit code: 128 and
/// the signal's number where a signal ended it. The process must have one thread,
/// be user 0 of its user namespace, and not go on to do other things: from here on
/// its children are inside the container's namespace of processes, and its signals are
/// the command's.
///
/// # Errors
/// [`Error::OldKernel`]; [`Error::Container`] where the command was not started.
pub fn run(container: &Container, handlers: Option<&dyn Handlers>) -> Result<u8, Error> {
    if mount::lacks_setattr() {
        return Err(Error::OldKernel);
    }
    enter::one_thread()?;
    streams_are_no_folders(container)?;
    let signals = signals::Signals::catch().map_err(system("take over signals"))?;
    // A terminal of its own is carried otherwise.
    let mut carried = match container.terminal {
        true => streams::Carried::default(),
        false => streams::Carried::start(container.input)
            .map_err(system("carry the standard streams"))?,
    };
    let warden = warden::Warden::start().map_err(system("start a process"))?;
    let (told, report) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(system("make a pipe"))?;
    let plays = played::are_wanted().map_err(|source| Error::NoProc {
        path: "/proc/self/uid_map".into(),
        source,
    })?;
    let handover = |wanted: bool| wanted.then(watch::handover).transpose();
    let both = handover(container.terminal).and_then(|t| Ok((t, handover(plays)?)));
    let (terminal, players) = both.map_err(system("make a pair of sockets"))?;
    let (our_terminal, terminal) = terminal.unzip();
    let (our_players, players) = players.unzip();
    limits::unshare(UnshareFlags::NEWPID, "pid")
        .map_err(system("make a namespace of processes"))?;
    // SAFETY: the process has one thread, so the child may do anything a process may.
    match unsafe { libc::fork() } {
        -1 => Err(system("start a process")(std::io::Error::last_os_error())),
        0 => {
            drop((told, our_terminal, our_players, signals, warden));
            let given = carried.give();
            let outside = report::Outside {
                report,
                terminal,
                players,
            };
            command::be_process_1(container, handlers, given, outside)
        }
        child => {
            drop((report, terminal, players));
            carried.let_go();
            warden
                .answer_for(child)
                .map_err(system("watch over the container"))?;
            let inside = watch::Inside {
                child,
                told,
                terminal: our_terminal,
                players: our_players,
            };
            let code = watch::until_end(inside, &signals, container.input, &mut carried)?;
            // Nobody inside is left, and the warden holds what process 1 had.
            drop(warden);
            carried.finish(&signals)?;
            Ok(code)
        }
    }
}

/// To be called first in `main` of a program that calls [`run`]: goes on with what process 1
/// has to do, and does not return, where this process is one that has started itself
/// again. `starter` makes of the emulator's file, and of the words that it had
/// ([`Starter::of`]), what [`Handlers::without_table`] gave.
pub fn go_on_inside(starter: impl FnOnce(OwnedFd, &str) -> Starter) {
    match again::handed_over() {
        None => {}
        Some(Ok(here)) => {
            let starter = here.starter.map(|file| starter(file, &here.rest.starter));
            command::go_on(&here.rest, here.outside, starter.as_ref())
        }
        // SAFETY: ends the process at once; it has done nothing yet.
        Some(Err(failure)) => unsafe { libc::_exit(failure.code.into()) },
    }
}

/// A copy of a file that nobody inside can write through, be it by a name in
/// `/proc`: its path is valid until the descriptor is closed.
///
/// # Errors
/// Those of open_tree(2) and mount_setattr(2).
pub fn read_only_copy(path: &Path) -> std::io::Result<OwnedFd> {
    mount::read_only_copy(path)
}
