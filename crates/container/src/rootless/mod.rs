//! The user namespace that a rootless engine keeps for its containers.
//!
//! An ordinary user's Podman, Docker or BuildKit runs containers in a user
//! namespace, and has a process that keeps this namespace, and a mount namespace
//! that belongs to it, between two commands. A binfmt_misc that is mounted there
//! is the table of all these containers (Linux 6.7 and later), and its owner may
//! fill it without any right on the machine.
//!
//! - [`mod@find`]: the process that keeps the namespaces ([`Keeper`]).
//! - [`fn@join`]: into its namespaces, and a table for them.
//! - [`Child`]: who goes there while this process stays outside.
//!
//! Invariants: only namespaces of the caller's own are taken (the kernel says who
//! owns one), and a process number that was used again is not taken for the engine.

mod child;
pub mod find;
mod join;

use std::path::PathBuf;

pub use child::Child;
pub use find::{Miss, Place, Searched, find};
pub use join::{give_table, join};

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};

/// Engines that keep a user namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Podman. Buildah uses its namespace as `podman unshare buildah`.
    Podman,
    /// Docker's rootless daemon.
    Docker,
    /// BuildKit's rootless daemon.
    BuildKit,
}

impl Engine {
    /// All, in the order in which they are named.
    pub const ALL: [Engine; 3] = [Engine::Podman, Engine::Docker, Engine::BuildKit];

    /// As it is typed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Engine::Podman => "podman",
            Engine::Docker => "docker",
            Engine::BuildKit => "buildkit",
        }
    }

    /// As people write it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Engine::Podman => "rootless Podman",
            Engine::Docker => "rootless Docker",
            Engine::BuildKit => "rootless BuildKit",
        }
    }

    /// What the process is called that keeps the namespaces.
    #[must_use]
    pub fn keeper(self) -> &'static str {
        match self {
            Engine::Podman => "its pause process",
            Engine::Docker | Engine::BuildKit => "its daemon",
        }
    }
}

/// A process that keeps an engine's namespaces.
#[derive(Debug)]
pub struct Keeper {
    /// Whose it is.
    pub engine: Engine,
    /// Its process number.
    pub pid: i32,
    /// The file that named it; `None` where it was found among the processes.
    pub file: Option<PathBuf>,
    /// Whether the caller is in its user namespace already.
    pub joined: bool,
    /// The user namespace's inode number.
    pub namespace: u64,
    process: OwnedFd,
}

impl AsFd for Keeper {
    /// The process: readable once it has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }
}
