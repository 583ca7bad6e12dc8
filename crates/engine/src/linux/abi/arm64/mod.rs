//! Linux on arm64: bits, structures and code that programs of other
//! architectures see otherwise.

mod fault;
mod gdb;
pub mod identity;
mod implements;
pub mod platform;
pub mod register_sets;
pub mod signal_frame;
pub mod syscalls;
mod tracing;
pub mod vdso;

pub use implements::Arm64;
