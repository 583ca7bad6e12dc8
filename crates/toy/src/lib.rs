//! A small guest, made up to show what the engine's shared rooms take besides AArch64.
//!
//! It has what 32-bit Arm has and AArch64 has not: instructions of 2 and 4 bytes, a mode
//! in which one instruction means something else (`TURN` goes there and back), conditions
//! carried to the instructions behind one (`WHERE`), and flags that are set apart (`AND`
//! leaves C and V). It also has more registers than AArch64, integer and vector. Its tables are `short.isa` and `long.isa`; what instructions do is said
//! once, in [`interp`].
#![no_std]

extern crate alloc;

pub mod decode;
pub mod interp;
pub mod lift;
pub mod state;

mod toy;

pub use toy::Toy;
