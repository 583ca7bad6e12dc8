//! The x86-64 host: emitter, register convention, lowering of IR.
#![no_std]

extern crate alloc;
