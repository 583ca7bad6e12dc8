//! The Linux that the guest sees: its program loaded, its system calls done,
//! its memory and its signals.
//!
//! It sees the guest through `a64::cpu` and knows nothing of translation: it
//! tells whoever keeps translations to forget them
//! ([`address_space::Watcher`]).

pub mod address_space;
pub mod attention;
pub mod breakpoints;
pub mod clock;
pub mod clone;
pub mod core_file;
pub mod delivery;
pub mod directory;
pub mod engine_file;
pub mod exe_link;
pub mod exec;
pub mod executable;
pub mod faults;
mod growing;
pub mod guest_memory;
pub mod holds;
pub mod host_vdso;
pub mod key;
pub mod loader;
pub mod made_file;
pub mod memory_file;
pub mod open_flags;
pub mod other;
pub mod own;
pub mod peek;
pub mod pending;
pub mod prefix;
pub mod process;
pub mod ranges;
pub mod seccomp;
pub mod signal_frame;
pub mod signals;
pub mod start;
pub mod sys;
pub mod syscalls;
pub mod told;
pub mod tracer;
pub mod unsettled;
pub mod views;
pub mod window;
