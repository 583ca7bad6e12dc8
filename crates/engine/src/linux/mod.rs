//! The Linux that the guest sees: its program loaded, its system calls done,
//! its memory and its signals.

pub mod sys;
