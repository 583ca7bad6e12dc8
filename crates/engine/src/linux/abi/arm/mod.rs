//! Linux for programs of 32-bit Arm (EABI), as an arm64 kernel that runs such programs and
//! an arm kernel give it.
//!
//! Addresses have 32 bits and are the host's, so what a structure points to is where it says.
//! Structures with words as wide as addresses are the guest's own: what is given to the
//! host is converted here, or the host's kernel does it, by its entry for i386's programs
//! ([`syscalls::narrow`]), where these have the same structure.

mod fault;
mod gdb;
mod identity;
mod implements;
mod platform;
mod register_sets;
mod registers;
mod siginfo;
mod signal_frame;
pub mod syscalls;
mod tracing;
pub mod vdso;
mod vectors;

pub use implements::Arm;
