//! A thread of the process: how it is made, and what signal handlers and other
//! threads tell it while it runs the guest.
//!
//! A handler only notes things in the thread's [`attention::Attention`] and lets
//! the thread leave translated code; the thread itself acts on them.

pub mod attention;
pub mod clone;
pub mod gate;
pub mod handlers;
pub mod holds;
pub mod interruptible;
pub mod leaving;
pub mod register_sets;
pub mod taken;
pub mod traced;
pub mod tracer;
