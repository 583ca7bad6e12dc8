//! Regions as text, to be read by people and by the tests of single stages.
//!
//! ```text
//! region mode 1
//! block 0x1000 entry
//!   words 8b020020 f8408c23
//!   +0 8b020020: bin.add.w64 r0, r1, r2
//!   +4 f8408c23: ! load.b8.zero r3, [r1 + 8]
//!   bin.add.w64 r1, r1, 0x8
//!   => branch.ne taken 0x1000, fall 0x1008
//! ```
//!
//! A line is an operation:
//!
//! - First comes `+4 f8408c23:`, the guest instruction that the operation is of: its
//!   distance from the block's start in bytes, and its word. A word that is zero is left
//!   out (`+4:`). Operations of one instruction have this on the first line only.
//! - `!` follows where the operation may be left in its middle, so that the guest's state
//!   has to be known there ([`crate::Op::may_fault`]).
//! - Then comes the name. Dots join its kind (`load.b8.zero`) and what else it does
//!   (`set`, `signed`).
//! - Last come slots, addresses and numbers. `rz` is [`crate::Reg::ZERO`], `[@0x1000]` is
//!   an address of the guest's.
//!
//! The first line says the region's mode, and `slots 40 64` where the guest has other numbers
//! of integer and vector slots than 32 of each. `words` lists the guest's instructions of a
//! block, `=>` begins the block's end. Text behind `;` is no part of the region: what passes
//! found out is printed there.
//!
//! Parsing what was printed gives the same region. The table in [`crate::fields`] says
//! what an operation consists of; this room only says how that looks.

mod parse;
mod print;

pub use parse::{Error, parse};
pub use print::{Place, operation, print, print_with, term};

#[cfg(test)]
mod tests;
