//! The decoder: a table for each set of instructions, made by the crate `isa`.
//!
//! [`decode`] answers for every word: the instruction, or nothing where the word is
//! unallocated, undefined at EL0, or of a feature that is not advertised (the guest gets
//! SIGILL). In T32 state an instruction has 2 or 4 bytes, of which the first two tell; as a
//! word, the first two of four are its upper half.

use guest::memory::Size;

/// What an instruction belongs to, by the manual's name.
#[allow(non_camel_case_types, reason = "the manual's names")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feature {
    /// What every Armv8-A has in AArch32 state.
    BASE,
    /// SWP and SWPB, which ended with Armv8.
    SWP,
    /// Checksums.
    FEAT_CRC32,
    /// Speculation barrier.
    FEAT_SB,
    /// Privileged access never: nothing at EL0.
    FEAT_PAN,
}

macro_rules! table {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        pub mod $name {
            use super::Feature;

            include!(concat!(env!("OUT_DIR"), "/", stringify!($name), ".rs"));

            /// An instruction word and what it is.
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub struct Insn {
                /// The row of the table.
                pub op: Op,
                /// The word.
                pub word: u32,
            }

            include!(concat!(
                env!("OUT_DIR"),
                "/",
                stringify!($name),
                "_fields.rs"
            ));

            /// Decodes a word of this table.
            #[must_use]
            #[inline]
            pub fn decode(word: u32) -> Option<Insn> {
                let mut rows = candidates(word).iter();
                let op = *rows.find(|&&op| allocated(op, word))?;
                Some(Insn { op, word })
            }
        }
    };
}

table!(a32, "The instructions in A32 state.");
table!(t32, "The instructions of 4 bytes in T32 state.");
table!(t16, "The instructions of 2 bytes in T32 state.");

/// Which instructions words are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// A32: `PSTATE.T` is 0.
    Arm,
    /// T32: `PSTATE.T` is 1.
    Thumb,
}

/// An instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Insn {
    /// In A32 state.
    A32(a32::Insn),
    /// In T32 state, of 4 bytes.
    T32(t32::Insn),
    /// In T32 state, of 2 bytes.
    T16(t16::Insn),
}

impl Insn {
    /// The row's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::A32(insn) => insn.op.name(),
            Self::T32(insn) => insn.op.name(),
            Self::T16(insn) => insn.op.name(),
        }
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn length(self) -> u32 {
        match self {
            Self::A32(_) | Self::T32(_) => 4,
            Self::T16(_) => 2,
        }
    }
}

/// Whether an instruction of T32 that begins with these two bytes has four.
#[must_use]
pub const fn is_long(first: u32) -> bool {
    first >> 11 > 0b11100
}

/// Reads the instruction at an address.
///
/// # Errors
/// When a part can't be read.
#[inline]
pub fn fetch<E>(
    state: State,
    pc: u64,
    mut read: impl FnMut(u64, Size) -> Result<u32, E>,
) -> Result<u32, E> {
    if state == State::Arm {
        return read(pc, Size::Word);
    }
    let first = read(pc, Size::Half)?;
    if !is_long(first) {
        return Ok(first);
    }
    let second = read(pc.wrapping_add(2) & 0xffff_ffff, Size::Half)?;
    Ok(first << 16 | second)
}

/// How many bytes a word is.
#[must_use]
pub const fn length(state: State, word: u32) -> u32 {
    match state {
        State::Thumb if !is_long(word >> 16) => 2,
        _ => 4,
    }
}

/// What a word is.
#[must_use]
#[inline]
pub fn decode(state: State, word: u32) -> Option<Insn> {
    match state {
        State::Arm => a32::decode(word).map(Insn::A32),
        State::Thumb if is_long(word >> 16) => t32::decode(word).map(Insn::T32),
        State::Thumb => t16::decode(word).map(Insn::T16),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words() {
        for (state, word, name) in [
            (State::Arm, 0xe12f_ff1e, Some("BX")),
            (State::Arm, 0xe092_3104, Some("ADD_register")),
            (State::Arm, 0xe320_f000, Some("NOP")),
            (State::Arm, 0xe7f0_00f0, Some("UDF")),
            (State::Arm, 0xe160_006e, None),
            (State::Thumb, 0x4770, Some("BX")),
            (State::Thumb, 0xbf08, Some("IT")),
            (State::Thumb, 0xb500, Some("PUSH")),
            (State::Thumb, 0xf3af_8000, Some("NOP")),
            (State::Thumb, 0xe8d0_f001, Some("TBB")),
        ] {
            assert_eq!(decode(state, word).map(Insn::name), name, "{word:#x}");
        }
    }
}
