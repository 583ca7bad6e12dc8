//! The AArch64 guest.
//!
//! What belongs to A64 and to no other guest: the instruction table
//! (`a64.isa`) and the decoder made of it, the guest's state, a reference
//! interpreter, and lifting to IR. Nothing here knows the host.
#![no_std]

extern crate alloc;

mod aarch64;
pub mod call;
pub mod cpu;
pub mod decode;
pub mod features;
pub mod insn;
pub mod interp;
pub mod lift;
pub mod op;

pub use aarch64::Aarch64;
