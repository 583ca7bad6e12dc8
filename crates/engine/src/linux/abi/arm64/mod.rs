//! Linux on arm64: bits, structures and code that programs of other
//! architectures see otherwise.

pub mod open_flags;
pub mod signal_frame;
pub mod vdso;
