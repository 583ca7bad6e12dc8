//! The system calls of arm64: their numbers, the structures that x86-64's kernel has
//! otherwise, and the tagged address ABI.

mod identity;
mod ioctl;
mod prctl;
mod semaphores;
mod status;
pub mod table;
pub(super) mod tagged;
