//! The 32-bit Arm guest: the AArch32 state of Armv8-A, as user programs see it.
//!
//! What belongs to A32 and T32 and to no other guest: the tables of instructions
//! (`a32.isa`, `t32.isa`, `t16.isa`, `fp.isa`, `simd.isa`) and the decoder made of them, the guest's state, what
//! instructions do, a reference interpreter, and lifting to IR.
#![no_std]

pub mod call;
pub mod cpu;
pub mod decode;
pub mod interp;
pub mod lift;
pub mod operation;

mod aarch32;

pub use aarch32::Aarch32;
