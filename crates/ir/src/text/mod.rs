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
//! A line is an operation: its name; behind dots what kind of it, and whether it is
//! one that does something more (`set`, `signed`); then its slots, addresses and
//! numbers. In front of it are the guest instruction's distance from the block's start
//! and its word (or `+4:` alone, for a word that is zero), unless they are the
//! operation's before, and `!` where the operation
//! may be left in its middle ([`crate::Op::may_fault`]): the guest's state is asked for
//! there. `rz` is [`crate::Reg::ZERO`], `[@0x1000]` a guest address. `words` are the
//! guest's instructions, `=>` is the block's end. What is behind `;` is no part of the
//! region: passes tell there what they found.
//!
//! What is printed is parsed to the same region. The table in [`crate::fields`] says
//! what an operation consists of; here is only how that looks.

mod parse;
mod print;

pub use parse::{Error, parse};
pub use print::{Place, operation, print, print_with, term};

#[cfg(test)]
mod tests;
