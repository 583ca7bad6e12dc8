//! The Linux that the guest sees: its program loaded, its system calls done,
//! its processes and its signals.
//!
//! Of the guest's architecture (`a64`) it knows the registers, exceptions and faults, the
//! features, and what the vDSO calls. It knows nothing of translation.

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
pub mod process;
pub mod ptrace;
pub mod seccomp;
pub mod signals;
pub mod syscalls;
pub mod told;
pub mod views;
