//! The toy's decoder: two tables, told apart by the first three bits.

use guest::memory::Size;

/// The only feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// What all toys have.
    BASE,
}

/// The instructions of 2 bytes.
pub mod short {
    use super::Feature;

    include!(concat!(env!("OUT_DIR"), "/short.rs"));

    /// One of them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Insn {
        /// The row of the table.
        pub op: Op,
        /// The bits.
        pub word: u32,
    }

    include!(concat!(env!("OUT_DIR"), "/short_fields.rs"));

    pub(super) fn decode(word: u32) -> Option<Insn> {
        let mut rows = candidates(word).iter();
        let op = *rows.find(|&&op| allocated(op, word))?;
        Some(Insn { op, word })
    }
}

/// The instructions of 4 bytes.
pub mod long {
    use super::Feature;

    include!(concat!(env!("OUT_DIR"), "/long.rs"));

    /// One of them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Insn {
        /// The row of the table.
        pub op: Op,
        /// The bits.
        pub word: u32,
    }

    include!(concat!(env!("OUT_DIR"), "/long_fields.rs"));

    pub(super) fn decode(word: u32) -> Option<Insn> {
        let mut rows = candidates(word).iter();
        let op = *rows.find(|&&op| allocated(op, word))?;
        Some(Insn { op, word })
    }
}

/// An instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insn {
    /// Of 2 bytes.
    Short(short::Insn),
    /// Of 4.
    Long(long::Insn),
}

/// Whether an instruction that begins with these two bytes has four.
const fn is_long(first: u32) -> bool {
    first >> 13 == 7
}

/// Reads one: the first two bytes of a long one are the word's upper half.
///
/// # Errors
/// When a part can't be read.
pub fn fetch<E>(pc: u64, mut read: impl FnMut(u64, Size) -> Result<u32, E>) -> Result<u32, E> {
    let first = read(pc, Size::Half)?;
    if !is_long(first) {
        return Ok(first);
    }
    Ok(first << 16 | read(pc.wrapping_add(2), Size::Half)?)
}

/// How many bytes a word is.
#[must_use]
pub const fn length(word: u32) -> u64 {
    if is_long(word >> 16) { 4 } else { 2 }
}

/// What a word is.
#[must_use]
pub fn decode(word: u32) -> Option<Insn> {
    if length(word) == 4 {
        long::decode(word).map(Insn::Long)
    } else {
        short::decode(word).map(Insn::Short)
    }
}

/// Where a branch of 2 bytes goes.
#[must_use]
pub fn branch_target(pc: u64, insn: short::Insn) -> u64 {
    let offset = (insn.off8() << 24).cast_signed() >> 24;
    pc.wrapping_add_signed(i64::from(offset) * 2)
}

/// Where a call goes.
#[must_use]
pub fn link_target(pc: u64, insn: long::Insn) -> u64 {
    let offset = (insn.off27() << 5).cast_signed() >> 5;
    pc.wrapping_add_signed(i64::from(offset) * 2)
}
