//! The x86-64 host: emitter, register convention, lowering of IR.
#![no_std]

extern crate alloc;

pub mod asm;
pub mod constants;
pub mod convention;
pub mod features;
pub mod lower;
pub mod stubs;
