//! What a guest says of a table beside its rows.

use std::ops::Range;

/// What is common to all instructions of a table.
#[derive(Clone, Debug)]
pub struct Format {
    /// The table's file as it is called in comments, and the stem of what is made.
    pub name: &'static str,
    /// The bits of an instruction: 16 or 32.
    pub bits: u32,
    /// The bits by which the decoder looks first, up to the highest.
    pub first: Range<u32>,
    /// Those by which it looks then.
    pub second: Range<u32>,
}
