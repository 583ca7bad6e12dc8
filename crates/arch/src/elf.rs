//! What the first bytes of an ELF file say: enough to choose an emulator.
//!
//! Offsets are those of `Elf32_Ehdr` and `Elf64_Ehdr` (`include/uapi/linux/elf.h`).

/// EI_CLASS: the size of a pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    /// 32 bits.
    Elf32 = 1,
    /// 64 bits.
    Elf64 = 2,
}

impl Class {
    /// Where `e_flags` lies in the header.
    #[must_use]
    pub fn flags_offset(self) -> usize {
        match self {
            Class::Elf32 => 36,
            Class::Elf64 => 48,
        }
    }

    /// 32 or 64.
    #[must_use]
    pub fn bits(self) -> u8 {
        match self {
            Class::Elf32 => 32,
            Class::Elf64 => 64,
        }
    }
}

/// EI_DATA: the byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Data {
    /// Least significant byte first.
    Little = 1,
    /// Most significant byte first.
    Big = 2,
}

/// The fields of an ELF header that tell architectures apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElfHeader {
    /// 32 or 64 bits.
    pub class: Class,
    /// Byte order.
    pub data: Data,
    /// EI_OSABI.
    pub osabi: u8,
    /// EI_ABIVERSION.
    pub abi_version: u8,
    /// 2 = ET_EXEC, 3 = ET_DYN.
    pub e_type: u16,
    /// `e_machine`.
    pub machine: u16,
    /// `e_flags`; 0 where the bytes end before it.
    pub flags: u32,
}

/// Why bytes are not an ELF header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotElf {
    /// Does not begin with `\x7fELF`.
    NoMagic,
    /// Begins so, but ends before `e_machine`: this many bytes.
    CutOff(usize),
    /// EI_CLASS is neither 1 nor 2.
    BadClass(u8),
    /// EI_DATA is neither 1 nor 2.
    BadData(u8),
}

impl std::fmt::Display for NotElf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotElf::NoMagic => write!(f, "not an ELF file"),
            NotElf::CutOff(n) => write!(f, "an ELF file cut off after {n} bytes"),
            NotElf::BadClass(c) => write!(f, "an ELF file of unknown class {c}"),
            NotElf::BadData(d) => write!(f, "an ELF file of unknown byte order {d}"),
        }
    }
}

impl std::error::Error for NotElf {}

impl ElfHeader {
    /// Reads the header from the first bytes of a file (64 are enough).
    ///
    /// # Errors
    /// [`NotElf`] says which byte is not as it should be.
    pub fn parse(bytes: &[u8]) -> Result<ElfHeader, NotElf> {
        if bytes.len() < 4 || &bytes[..4] != b"\x7fELF" {
            return Err(NotElf::NoMagic);
        }
        if bytes.len() < 20 {
            return Err(NotElf::CutOff(bytes.len()));
        }
        let class = match bytes[4] {
            1 => Class::Elf32,
            2 => Class::Elf64,
            other => return Err(NotElf::BadClass(other)),
        };
        let data = match bytes[5] {
            1 => Data::Little,
            2 => Data::Big,
            other => return Err(NotElf::BadData(other)),
        };
        let half = |at: usize| {
            let b = [bytes[at], bytes[at + 1]];
            match data {
                Data::Little => u16::from_le_bytes(b),
                Data::Big => u16::from_be_bytes(b),
            }
        };
        let at = class.flags_offset();
        let flags = bytes
            .get(at..at + 4)
            .and_then(|b| b.try_into().ok())
            .map_or(0, |b| match data {
                Data::Little => u32::from_le_bytes(b),
                Data::Big => u32::from_be_bytes(b),
            });
        Ok(ElfHeader {
            class,
            data,
            osabi: bytes[7],
            abi_version: bytes[8],
            e_type: half(16),
            machine: half(18),
            flags,
        })
    }
}
