//! Every reason why a private table cannot be made.

use std::io;
use std::path::PathBuf;

use crate::Forbidden;

/// Why a command could not be given a private table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Only a process of one thread may enter a user namespace.
    #[error(
        "this process has {count} threads and can enter a user namespace with one only; this is a bug in Armistice: a thread was started too early"
    )]
    Threads {
        /// How many there are.
        count: usize,
    },
    /// A rule of the system forbids it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// /proc is not there, and without it no user namespace can be set up.
    #[error("cannot read {}; mount /proc first", path.display())]
    NoProc {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A range of identities was asked for, and the user has none.
    #[error(
        "{} gives no range of identities to {user}", file.display()
    )]
    NoRanges {
        /// The user's name, or number.
        user: String,
        /// `/etc/subuid` or `/etc/subgid`.
        file: PathBuf,
    },
    /// The tool that may write a range is not installed.
    #[error(
        "{tool} is not installed, and a range of identities needs it; install the package uidmap (Debian, Ubuntu) or shadow-utils"
    )]
    NoTool {
        /// `newuidmap` or `newgidmap`.
        tool: &'static str,
    },
    /// The tool that may write a range refused.
    #[error(
        "{tool} could not set up the range of identities ({said}); check that it is set-user-ID root and what /etc/subuid and /etc/subgid say, or do without a range"
    )]
    Tool {
        /// `newuidmap` or `newgidmap`.
        tool: &'static str,
        /// What it printed, or how it ended.
        said: String,
    },
    /// The table was mounted, and can't be put where anybody would find it.
    #[error(
        "cannot put the private table at /proc/sys/fs/binfmt_misc, and none of the empty directories {tried} can take it; make an empty directory /mnt"
    )]
    NoPlace {
        /// The other places that were tried.
        tried: String,
        /// Why /proc/sys/fs/binfmt_misc can't.
        #[source]
        source: io::Error,
    },
    /// The process that keeps an engine's namespaces ended while they were joined.
    #[error(
        "process {pid}, which kept the engine's user namespace, has just ended; run this again"
    )]
    KeeperEnded {
        /// Its number.
        pid: i32,
    },
    /// A table for an engine's namespace was made, and can't be put where exec's users look.
    #[error(
        "cannot mount binfmt_misc at /proc/sys/fs/binfmt_misc in the engine's mount namespace; its /proc may be hidden or read-only there"
    )]
    NoTable {
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The caller's own preparation of the table failed.
    #[error("the private table could not be filled")]
    Setup(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The command could not be started.
    #[error("cannot start {}", program.display())]
    Exec {
        /// The command.
        program: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// From a folder, paths lead to all that lies around it.
    #[error(
        "standard {stream} is a folder, from which the container would see the machine's files; give a file, a pipe or /dev/null"
    )]
    FolderAsStream {
        /// `input`, `output` or `error`.
        stream: &'static str,
    },
    /// The kernel lacks a call that every container is made with.
    #[error("a container needs Linux 5.12 or newer (mount_setattr)")]
    OldKernel,
    /// A container was not made, or its command not started.
    #[error("{}", .0.said)]
    Container(crate::run::Failure),
    /// A system call that does not fail on a healthy system.
    #[error("cannot {doing}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
}
