//! The Linux that the guest sees: its program loaded, its system calls done,
//! its processes and its signals.
//!
//! What differs from architecture to architecture comes through [`abi`]. Nothing here knows of
//! translation, and nothing but `abi` names an architecture, except the loader where it tells
//! which machine a file is for.

pub mod abi;
pub mod core_file;
pub mod delivery;
pub mod exe_link;
pub mod exec;
pub mod executable;
pub mod known;
pub mod loader;
pub mod other;
pub mod pending;
pub mod placing;
pub mod process;
pub mod ptrace;
pub mod seccomp;
pub mod signals;
pub mod syscalls;
pub mod told;
pub mod views;
