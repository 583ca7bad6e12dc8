//! Why a file is no program that runs here, and how that is said.

use core::fmt;

use crate::linux::abi::platform::{Elf, Width};

/// Why a file is no program that runs here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is what its text says")]
pub enum Invalid {
    Empty,
    Script,
    NotElf,
    HeaderCut {
        width: Width,
        length: usize,
    },
    OtherWidth(&'static Elf),
    Class(u8),
    BigEndian(&'static Elf),
    Encoding(u8),
    Machine(&'static Elf, u16),
    OlderAbi(&'static Elf),
    Relocatable,
    Core,
    Type(u16),
    EntrySize(Width, u16),
    NoHeaders,
    TooManyHeaders(Width, u16),
    TableCut {
        end: u64,
        length: u64,
    },
    SegmentCut {
        index: usize,
        end: u64,
        length: u64,
    },
    SegmentFileLarger {
        index: usize,
    },
    SegmentAddress {
        index: usize,
        address: u64,
        size: u64,
    },
    SegmentMisaligned {
        index: usize,
    },
    SegmentsOverlap {
        first: usize,
        second: usize,
    },
    NoSegments,
    EntryMisaligned(&'static Elf, u64),
    EntryNowhere(u64),
    EntryNotExecutable(u64),
    InterpreterLength(u64),
    InterpreterText,
    SecondInterpreter,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => f.write_str("the file is empty"),
            Self::Script => f.write_str(
                "a script, not an ELF program: run the interpreter that its first line names",
            ),
            Self::NotElf => f.write_str("not an ELF program"),
            Self::HeaderCut { width, length } => {
                write!(
                    f,
                    "cut short: an ELF header has {} bytes, the file {length}",
                    width.header()
                )
            }
            Self::OtherWidth(elf) => {
                let own = elf.width.bits();
                write!(
                    f,
                    "a {}-bit program for {}: only {own}-bit ones run here",
                    96 - own,
                    elf.name
                )
            }
            Self::Class(class) => {
                write!(f, "neither a 32-bit nor a 64-bit ELF file: class {class}")
            }
            Self::BigEndian(elf) => {
                write!(
                    f,
                    "a big-endian program: only little-endian {} ones run here",
                    elf.name
                )
            }
            Self::Encoding(encoding) => {
                write!(
                    f,
                    "neither little-endian nor big-endian: data encoding {encoding}"
                )
            }
            Self::Machine(elf, machine) => match machine_name(machine) {
                Some(name) => write!(f, "a program for {name}, not for {}", elf.name),
                None => write!(
                    f,
                    "a program for ELF machine {machine}, not for {} ({})",
                    elf.name, elf.machine
                ),
            },
            Self::OlderAbi(elf) => write!(
                f,
                "a program for an ABI of {} that its kernels have no more",
                elf.name
            ),
            Self::Relocatable => f.write_str("an object file, not a program: link it first"),
            Self::Core => f.write_str("a core dump, not a program"),
            Self::Type(kind) => write!(f, "not a program: ELF type {kind}"),
            Self::EntrySize(width, size) => {
                write!(
                    f,
                    "damaged: program headers of {size} bytes instead of {}",
                    width.program_header()
                )
            }
            Self::NoHeaders => f.write_str("not a program: it has no program headers"),
            Self::TooManyHeaders(width, count) => {
                write!(
                    f,
                    "damaged: {count} program headers; Linux takes at most {}",
                    width.most_headers()
                )
            }
            Self::TableCut { end, length } => write!(
                f,
                "cut short: the program headers end at byte {end}, the file at {length}"
            ),
            Self::SegmentCut { index, end, length } => write!(
                f,
                "cut short: segment {index} ends at byte {end}, the file at {length}"
            ),
            Self::SegmentFileLarger { index } => {
                write!(
                    f,
                    "damaged: segment {index} is larger in the file than in memory"
                )
            }
            Self::SegmentAddress {
                index,
                address,
                size,
            } => write!(
                f,
                "damaged: segment {index}, {size:#x} bytes at {address:#x}, is outside the address space"
            ),
            Self::SegmentMisaligned { index } => write!(
                f,
                "damaged: segment {index} lies at another place of a page in the file than in memory"
            ),
            Self::SegmentsOverlap { first, second } => {
                write!(f, "damaged: segments {first} and {second} overlap")
            }
            Self::NoSegments => f.write_str("not a program: it has no segment to load"),
            Self::EntryMisaligned(elf, entry) => {
                write!(
                    f,
                    "damaged: the entry point {entry:#x} is no multiple of {}",
                    elf.unit
                )
            }
            Self::EntryNowhere(entry) => {
                write!(
                    f,
                    "not a program: the entry point {entry:#x} is in no segment"
                )
            }
            Self::EntryNotExecutable(entry) => write!(
                f,
                "damaged: the entry point {entry:#x} is in a segment that is not executable"
            ),
            Self::InterpreterLength(length) => {
                write!(f, "damaged: the dynamic loader's path has {length} bytes")
            }
            Self::InterpreterText => f.write_str("damaged: the dynamic loader's path does not end"),
            Self::SecondInterpreter => f.write_str("damaged: it names two dynamic loaders"),
        }
    }
}

/// What people have on their disks; the others are said by number.
fn machine_name(machine: u16) -> Option<&'static str> {
    Some(match machine {
        2 | 43 => "SPARC",
        3 => "x86 (32 bits)",
        8 => "MIPS",
        20 => "PowerPC",
        21 => "PowerPC (64 bits)",
        22 => "IBM Z",
        40 => "32-bit Arm",
        62 => "x86-64",
        183 => "AArch64",
        243 => "RISC-V",
        247 => "BPF",
        258 => "LoongArch",
        _ => return None,
    })
}
