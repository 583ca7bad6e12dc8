//! The machine below: the host's kernel and processor, and what the engine has
//! in place of a C library.
//!
//! It knows nothing of a guest. Whatever the engine asks the kernel for goes
//! through [`sys`].

pub mod auxv;
pub mod baked;
pub mod clock;
pub mod cpu;
pub mod directory;
pub mod heap;
pub mod key;
pub mod lock;
pub mod message;
pub mod own;
pub mod page;
pub mod round;
pub mod signal;
pub mod start;
pub mod sys;
pub mod vdso;
