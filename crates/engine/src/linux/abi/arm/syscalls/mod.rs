//! The system calls of 32-bit Arm: their numbers, and the structures with words of 32 bits.
//!
//! A function here takes the guest's arguments, gives the host or a function for all guests
//! what has words of 64 bits, and writes back what comes of it.

mod execute;
mod files;
mod identities;
mod ioctl;
mod ipc;
mod limits;
mod memory;
mod messages;
pub mod narrow;
pub mod private;
mod signals;
mod status;
pub mod table;
mod times;
mod vectors;
mod words;
