//! The magic and mask by which the kernel recognises an architecture's programs.
//!
//! A file matches where `(file ^ magic) & mask` is zero at every byte; a file
//! shorter than the pattern reads as zeros (`fs/binfmt_misc.c`). The patterns
//! are the field's own, which QEMU's users and distributions have registered
//! for years: `7f E L F`, class, byte order, version 1, any OSABI, padding
//! zero, ET_EXEC or ET_DYN, the machine.

use crate::elf::{Class, Data};

/// What a handler compares a file's first bytes with.
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Where in the file the comparison begins; 0 for every row of the table.
    pub offset: usize,
    /// The bytes wanted.
    pub magic: Vec<u8>,
    /// Which of their bits count; as long as `magic`.
    pub mask: Vec<u8>,
}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Pattern({}+{}/{})",
            self.offset,
            hex(&self.magic),
            hex(&self.mask)
        )
    }
}

/// A byte that a pattern wants and a file has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mismatch {
    /// Offset in the file.
    pub at: usize,
    /// What the file has there (0 past its end).
    pub found: u8,
    /// What the pattern wants there.
    pub wanted: u8,
    /// Which bits of it count.
    pub mask: u8,
}

impl Pattern {
    /// The beginning of a file that it matches, and nothing behind that.
    #[must_use]
    pub fn sample(&self) -> Vec<u8> {
        let mut file = vec![0; self.offset];
        file.extend(self.magic.iter().zip(&self.mask).map(|(m, k)| m & k));
        file
    }

    /// The first byte at which `file` (its beginning) does not match, as the
    /// kernel compares; `None` where it matches.
    #[must_use]
    pub fn first_mismatch(&self, file: &[u8]) -> Option<Mismatch> {
        self.magic
            .iter()
            .zip(&self.mask)
            .enumerate()
            .find_map(|(i, (&wanted, &mask))| {
                let at = self.offset + i;
                let found = file.get(at).copied().unwrap_or(0);
                ((found ^ wanted) & mask != 0).then_some(Mismatch {
                    at,
                    found,
                    wanted,
                    mask,
                })
            })
    }

    /// Whether the kernel would give this file to the handler.
    #[must_use]
    pub fn matches(&self, file: &[u8]) -> bool {
        self.first_mismatch(file).is_none()
    }

    /// Whether some file matches both patterns: no bit that both compare differs.
    #[must_use]
    pub fn overlaps(&self, other: &Pattern) -> bool {
        let byte = |p: &Pattern, at: usize| {
            at.checked_sub(p.offset)
                .and_then(|i| Some((*p.magic.get(i)?, *p.mask.get(i)?)))
                .unwrap_or((0, 0))
        };
        let end = (self.offset + self.magic.len()).max(other.offset + other.magic.len());
        (0..end).all(|at| {
            let ((m1, k1), (m2, k2)) = (byte(self, at), byte(other, at));
            (m1 ^ m2) & k1 & k2 == 0
        })
    }

    /// Whether every file that `other` matches matches this one as well: each bit
    /// that this one compares, `other` compares with the same value.
    #[must_use]
    pub fn covers(&self, other: &Pattern) -> bool {
        let byte = |at: usize| {
            at.checked_sub(other.offset)
                .and_then(|i| Some((*other.magic.get(i)?, *other.mask.get(i)?)))
                .unwrap_or((0, 0))
        };
        let mut bytes = self.magic.iter().zip(&self.mask).enumerate();
        bytes.all(|(i, (&magic, &mask))| {
            let (other_magic, other_mask) = byte(self.offset + i);
            mask & !other_mask == 0 && (magic ^ other_magic) & mask == 0
        })
    }

    /// Whether both select exactly the same files: the same bits compared with
    /// the same values, whatever lies under a zero mask.
    #[must_use]
    pub fn same_files(&self, other: &Pattern) -> bool {
        let bits = |p: &Pattern| {
            let mut v: Vec<(usize, u8, u8)> = p
                .magic
                .iter()
                .zip(&p.mask)
                .enumerate()
                .filter(|(_, (_, mask))| **mask != 0)
                .map(|(i, (magic, mask))| (p.offset + i, magic & mask, *mask))
                .collect();
            v.sort_unstable();
            v
        };
        bits(self) == bits(other)
    }
}

/// Lower-case hexadecimal, as the kernel prints magic and mask.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
            let _ = write!(s, "{b:02x}");
            s
        })
}

/// Which bytes of the header an architecture's pattern compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Any OSABI; padding zero; low bit of `e_type` free.
    Usual,
    /// As usual, but of the machine only its low byte (ppc64le).
    MachineLowByte,
    /// EI_OSABI 0 to 3 and any ABI version (loongarch64).
    OsAbiUpTo3,
    /// Low bit of EI_DATA and EI_VERSION free (x86, alpha).
    X86,
    /// Any ABI version (64-bit MIPS sets it for its floating-point modes).
    AnyAbiVersion,
    /// Low bit of EI_VERSION free (m68k).
    VersionLowBit,
    /// As [`Shape::AnyAbiVersion`], and `e_version` and some bits of `e_flags`
    /// as well (32-bit MIPS).
    Flags,
}

/// EI_VERSION, EI_OSABI and EI_ABIVERSION in `e_ident`.
const EI_DATA: usize = 5;
const EI_VERSION: usize = 6;
const EI_OSABI: usize = 7;
const EI_ABIVERSION: usize = 8;

impl Shape {
    /// The pattern of programs that begin like `magic`, of that class and byte
    /// order; `flags`: the bits of `e_flags` that count, where some do.
    pub(crate) fn pattern(self, magic: &[u8; 64], class: Class, data: Data, flags: u32) -> Pattern {
        let mut mask = [0u8; 64];
        mask[..20].fill(0xff);
        mask[EI_OSABI] = 0;
        // ET_EXEC is 2 and ET_DYN 3: their common bits.
        mask[if data == Data::Big { 17 } else { 16 }] = 0xfe;
        let mut len = 20;
        match self {
            Shape::Usual => {}
            Shape::MachineLowByte => mask[19] = 0,
            Shape::OsAbiUpTo3 => {
                mask[EI_OSABI] = 0xfc;
                mask[EI_ABIVERSION] = 0;
            }
            Shape::X86 => {
                mask[EI_DATA] = 0xfe;
                mask[EI_VERSION] = 0xfe;
            }
            Shape::AnyAbiVersion => mask[EI_ABIVERSION] = 0,
            Shape::VersionLowBit => mask[EI_VERSION] = 0xfe,
            Shape::Flags => {
                mask[EI_ABIVERSION] = 0;
                mask[20..24].fill(0xff);
                let at = class.flags_offset();
                len = at + 4;
                mask[at..len].copy_from_slice(&match data {
                    Data::Little => flags.to_le_bytes(),
                    Data::Big => flags.to_be_bytes(),
                });
            }
        }
        Pattern {
            offset: 0,
            magic: magic[..len].to_vec(),
            mask: mask[..len].to_vec(),
        }
    }
}
