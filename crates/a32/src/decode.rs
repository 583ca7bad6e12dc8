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
    /// Floating point.
    FEAT_FP,
    /// Advanced SIMD.
    FEAT_AdvSIMD,
    /// AES.
    FEAT_AES,
    /// Polynomial products of doublewords.
    FEAT_PMULL,
    /// SHA-1.
    FEAT_SHA1,
    /// SHA-256.
    FEAT_SHA256,
    /// Rounding doubling products that are added.
    FEAT_RDM,
    /// Dot products.
    FEAT_DotProd,
    /// Complex numbers.
    FEAT_FCMA,
    /// Half-precision products that are added to single precision.
    FEAT_FHM,
    /// Products of matrices of bytes, and of bytes of which one is signed.
    FEAT_AA32I8MM,
    /// `BFloat16`.
    FEAT_AA32BF16,
    /// Half-precision arithmetic.
    FEAT_FP16,
    /// Conversion as JavaScript has it.
    FEAT_JSCVT,
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

table!(fp, "Floating point, in both states.");
table!(simd, "Advanced SIMD, in both states, as A32 has it.");

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
    /// Floating point, with the condition that A32 words have and T32's don't.
    Fp(fp::Insn, Option<u8>),
    /// Advanced SIMD, which has no condition of its own.
    Simd(simd::Insn),
}

impl Insn {
    /// The row's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::A32(insn) => insn.op.name(),
            Self::T32(insn) => insn.op.name(),
            Self::T16(insn) => insn.op.name(),
            Self::Fp(insn, _) => insn.op.name(),
            Self::Simd(insn) => insn.op.name(),
        }
    }

    /// Tells of each field of its row: the name, how many bits it has, and its value.
    ///
    /// # Errors
    /// That of whoever is told.
    pub fn each_field<E>(
        self,
        mut tell: impl FnMut(&'static str, u32, u32) -> Result<(), E>,
    ) -> Result<(), E> {
        macro_rules! fields {
            ($insn:expr) => {
                for field in $insn.op.info().fields {
                    let (lsb, width) = (u32::from(field.lsb), u32::from(field.width));
                    let value = u64::from($insn.word >> lsb) & ((1 << width) - 1);
                    #[allow(clippy::cast_possible_truncation, reason = "a part of 32 bits")]
                    tell(field.name, width, value as u32)?;
                }
            };
        }
        match self {
            Self::A32(insn) => fields!(insn),
            Self::T32(insn) => fields!(insn),
            Self::T16(insn) => fields!(insn),
            Self::Fp(insn, _) => fields!(insn),
            Self::Simd(insn) => fields!(insn),
        }
        Ok(())
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn length(self) -> u32 {
        match self {
            Self::A32(_) | Self::T32(_) | Self::Fp(..) | Self::Simd(_) => 4,
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

/// Whether a word is of the coprocessors 8 to 11, which floating point has; bits 31:28 are left to
/// whoever asks.
const fn is_fp(word: u32) -> bool {
    word & 0x0c00_0c00 == 0x0c00_0800 && word & 0x0f00_0000 != 0x0f00_0000
}

/// The word of Advanced SIMD as A32 has it; nothing if it can't be one.
const fn as_simd(state: State, word: u32) -> Option<u32> {
    let a32 = match (state, word >> 24) {
        (State::Thumb, 0xef) => word & 0x00ff_ffff | 0xf200_0000,
        (State::Thumb, 0xff) => word & 0x00ff_ffff | 0xf300_0000,
        (State::Thumb, 0xf9) => word & 0x00ff_ffff | 0xf400_0000,
        (State::Arm, 0xf2..=0xf4) | (_, 0xfc..=0xfe) => word,
        _ => return None,
    };
    // Bit 20 of structures is that of preloads, or of loads to general registers.
    if a32 >> 24 == 0xf4 && a32 >> 20 & 1 == 1 {
        None
    } else {
        Some(a32)
    }
}

/// What a word is.
#[must_use]
#[inline]
pub fn decode(state: State, word: u32) -> Option<Insn> {
    let simd = as_simd(state, word).and_then(simd::decode);
    match simd {
        Some(insn) => Some(Insn::Simd(insn)),
        None => decode_other(state, word),
    }
}

/// What a word is that is not of Advanced SIMD.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "four bits")]
fn decode_other(state: State, word: u32) -> Option<Insn> {
    match state {
        State::Arm if is_fp(word) => {
            let cond = word >> 28;
            let set = if cond == 15 { 15 } else { 14 };
            let insn = fp::decode(word & 0x0fff_ffff | set << 28)?;
            Some(Insn::Fp(insn, Some(cond as u8)))
        }
        State::Arm => a32::decode(word).map(Insn::A32),
        State::Thumb if is_long(word >> 16) => {
            if is_fp(word) && word >> 29 == 7 {
                fp::decode(word).map(|insn| Insn::Fp(insn, None))
            } else {
                t32::decode(word).map(Insn::T32)
            }
        }
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
            (State::Arm, 0x0e31_0a82, Some("VADD")),
            (State::Thumb, 0xfe31_0a82, Some("VSELGT")),
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
