//! Reading an ELF file's headers: from bytes to a [`Plan`] of what to map.
//!
//! Pure: no file is opened, nothing is mapped, and any bytes at all give a
//! plan or say why not. A plan that comes out can be carried out: its
//! segments lie in the file and in the guest's address space, do not overlap,
//! and one of them, executable, has the entry point.
//!
//! The rules are those of Linux's `binfmt_elf`, and stricter where Linux
//! would map what then faults: overlapping segments, segments past the end of
//! the file, and an entry point nowhere are refused.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use crate::host::auxv::PROGRAM_HEADER;
use crate::host::page::{self, PAGE, page_down, page_up};
use crate::host::sys::{PROT_EXEC, PROT_READ, PROT_WRITE};

/// The length of the header at the start of the file.
pub const HEADER: usize = 64;

const MACHINE_AARCH64: u16 = 183;
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const PT_GNU_STACK: u32 = 0x6474_e551;
const PATH_MAX: u64 = 4096;

/// Where the program is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// At the addresses in the file (`ET_EXEC`).
    Fixed,
    /// Anywhere, all by the same distance (`ET_DYN`).
    Relocatable,
}

/// What the header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    placement: Placement,
    entry: u64,
    table: u64,
    entries: u16,
}

/// A part of the file that is mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The first address, before the program is moved.
    pub address: u64,
    /// Bytes in memory; those past `file_size` are zero.
    pub memory_size: u64,
    /// Where its bytes are in the file.
    pub offset: u64,
    /// Bytes in the file.
    pub file_size: u64,
    /// `PROT_...`, as the guest sees it.
    pub protection: u32,
}

impl Segment {
    /// The addresses.
    #[must_use]
    pub const fn range(&self) -> Range<u64> {
        self.address..self.address + self.memory_size
    }

    /// The addresses of its pages. The end is within the address space, so
    /// rounding it up cannot overflow.
    #[must_use]
    pub fn pages(&self) -> Range<u64> {
        let end = self.address + self.memory_size;
        page_down(self.address)..page_up(end).unwrap_or(end)
    }
}

/// What to map, and where to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where the program is put.
    pub placement: Placement,
    /// The first instruction, before the program is moved.
    pub entry: u64,
    /// In the order of the file; none is empty.
    pub segments: Vec<Segment>,
    /// The largest alignment that a segment asks for.
    pub alignment: u64,
    /// The dynamic loader's path in the file: offset and length with its NUL.
    pub interpreter: Option<(u64, usize)>,
    /// The dynamic section in the file: offset and length.
    pub dynamic: Option<(u64, usize)>,
    /// Where the program headers are in memory, before the program is moved;
    /// 0 when they are in no segment.
    pub headers: u64,
    /// How many there are.
    pub header_count: u16,
    /// Whether the stack is to be executable.
    pub executable_stack: bool,
}

/// Why a file is no program that runs here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is what its text says")]
pub enum Invalid {
    Empty,
    Script,
    NotElf,
    HeaderCut {
        length: usize,
    },
    Class32,
    Class(u8),
    BigEndian,
    Encoding(u8),
    Machine(u16),
    Relocatable,
    Core,
    Type(u16),
    EntrySize(u16),
    NoHeaders,
    TooManyHeaders(u16),
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
    EntryMisaligned(u64),
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
            Self::HeaderCut { length } => {
                write!(
                    f,
                    "cut short: an ELF header has {HEADER} bytes, the file {length}"
                )
            }
            Self::Class32 => f.write_str("a 32-bit program: only 64-bit AArch64 ones run here"),
            Self::Class(class) => {
                write!(f, "neither a 32-bit nor a 64-bit ELF file: class {class}")
            }
            Self::BigEndian => {
                f.write_str("a big-endian program: only little-endian AArch64 ones run here")
            }
            Self::Encoding(encoding) => {
                write!(
                    f,
                    "neither little-endian nor big-endian: data encoding {encoding}"
                )
            }
            Self::Machine(machine) => match machine_name(machine) {
                Some(name) => write!(f, "a program for {name}, not for AArch64"),
                None => write!(
                    f,
                    "a program for ELF machine {machine}, not for AArch64 (183)"
                ),
            },
            Self::Relocatable => f.write_str("an object file, not a program: link it first"),
            Self::Core => f.write_str("a core dump, not a program"),
            Self::Type(kind) => write!(f, "not a program: ELF type {kind}"),
            Self::EntrySize(size) => {
                write!(
                    f,
                    "damaged: program headers of {size} bytes instead of {PROGRAM_HEADER}"
                )
            }
            Self::NoHeaders => f.write_str("not a program: it has no program headers"),
            Self::TooManyHeaders(count) => {
                write!(
                    f,
                    "damaged: {count} program headers; Linux takes at most {MOST_HEADERS}"
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
            Self::EntryMisaligned(entry) => {
                write!(f, "damaged: the entry point {entry:#x} is no multiple of 4")
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
        243 => "RISC-V",
        247 => "BPF",
        258 => "LoongArch",
        _ => return None,
    })
}

/// Linux takes a table of at most 64 KiB.
const MOST_HEADERS: usize = 65536 / PROGRAM_HEADER;

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let mut value = [0; 2];
    value.copy_from_slice(&bytes[at..at + 2]);
    u16::from_le_bytes(value)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut value = [0; 4];
    value.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(value)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut value = [0; 8];
    value.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(value)
}

/// Reads the header from the first bytes of the file: [`HEADER`] of them, or
/// all when the file is shorter.
///
/// # Errors
/// When this is not the header of an AArch64 Linux program.
pub fn header(bytes: &[u8]) -> Result<Header, Invalid> {
    match bytes {
        [] => return Err(Invalid::Empty),
        [b'#', b'!', ..] => return Err(Invalid::Script),
        [0x7f, b'E', b'L', b'F', ..] => {}
        _ => return Err(Invalid::NotElf),
    }
    // Class and byte order first: with others the header is another one.
    match bytes.get(4) {
        None | Some(2) => {}
        Some(1) => return Err(Invalid::Class32),
        Some(&class) => return Err(Invalid::Class(class)),
    }
    match bytes.get(5) {
        None | Some(1) => {}
        Some(2) => return Err(Invalid::BigEndian),
        Some(&encoding) => return Err(Invalid::Encoding(encoding)),
    }
    let Some(bytes) = bytes.get(..HEADER) else {
        return Err(Invalid::HeaderCut {
            length: bytes.len(),
        });
    };
    match u16_at(bytes, 18) {
        MACHINE_AARCH64 => {}
        machine => return Err(Invalid::Machine(machine)),
    }
    let placement = match u16_at(bytes, 16) {
        1 => return Err(Invalid::Relocatable),
        2 => Placement::Fixed,
        3 => Placement::Relocatable,
        4 => return Err(Invalid::Core),
        kind => return Err(Invalid::Type(kind)),
    };
    let entries = u16_at(bytes, 56);
    if entries == 0 {
        return Err(Invalid::NoHeaders);
    }
    if usize::from(u16_at(bytes, 54)) != PROGRAM_HEADER {
        return Err(Invalid::EntrySize(u16_at(bytes, 54)));
    }
    if usize::from(entries) > MOST_HEADERS {
        return Err(Invalid::TooManyHeaders(entries));
    }
    Ok(Header {
        placement,
        entry: u64_at(bytes, 24),
        table: u64_at(bytes, 32),
        entries,
    })
}

/// One program header.
struct Entry {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    file_size: u64,
    memory_size: u64,
    alignment: u64,
}

impl Entry {
    /// Where the dynamic section is, unless it is larger than any.
    fn dynamic(&self) -> Option<(u64, usize)> {
        const LARGEST: u64 = 1 << 16;
        let length = usize::try_from(self.file_size.min(LARGEST)).ok()?;
        Some((self.offset, length))
    }

    fn read(bytes: &[u8]) -> Self {
        Self {
            kind: u32_at(bytes, 0),
            flags: u32_at(bytes, 4),
            offset: u64_at(bytes, 8),
            address: u64_at(bytes, 16),
            file_size: u64_at(bytes, 32),
            memory_size: u64_at(bytes, 40),
            alignment: u64_at(bytes, 48),
        }
    }

    /// The segment that it asks for, or none when that is empty.
    fn segment(&self, index: usize, file: u64) -> Result<Option<Segment>, Invalid> {
        if self.file_size > self.memory_size {
            return Err(Invalid::SegmentFileLarger { index });
        }
        if self.memory_size == 0 {
            return Ok(None);
        }
        let outside = Invalid::SegmentAddress {
            index,
            address: self.address,
            size: self.memory_size,
        };
        match self.address.checked_add(self.memory_size) {
            Some(end) if end <= page::END => {}
            _ => return Err(outside),
        }
        if self.file_size > 0 {
            let end = self.offset.saturating_add(self.file_size);
            if end > file {
                return Err(Invalid::SegmentCut {
                    index,
                    end,
                    length: file,
                });
            }
            if self.offset % PAGE != self.address % PAGE {
                return Err(Invalid::SegmentMisaligned { index });
            }
        }
        let mut protection = 0;
        for (flag, allowed) in [(4, PROT_READ), (2, PROT_WRITE), (1, PROT_EXEC)] {
            if self.flags & flag != 0 {
                protection |= allowed;
            }
        }
        Ok(Some(Segment {
            address: self.address,
            memory_size: self.memory_size,
            offset: self.offset,
            file_size: self.file_size,
            protection,
        }))
    }
}

impl Header {
    /// Where the program headers are in the file: offset and length.
    #[must_use]
    pub fn table(&self) -> (u64, usize) {
        (self.table, usize::from(self.entries) * PROGRAM_HEADER)
    }

    /// Makes the plan from the program headers' bytes (all of them, or fewer
    /// when the file ends) and the length of the file.
    ///
    /// # Errors
    /// When they are not those of a program.
    pub fn plan(&self, table: &[u8], file: u64) -> Result<Plan, Invalid> {
        let (offset, length) = self.table();
        let Some(table) = table.get(..length) else {
            return Err(Invalid::TableCut {
                end: offset.saturating_add(length as u64),
                length: file,
            });
        };
        let mut plan = Plan {
            placement: self.placement,
            entry: self.entry,
            segments: Vec::new(),
            alignment: PAGE,
            interpreter: None,
            dynamic: None,
            headers: 0,
            header_count: self.entries,
            executable_stack: false,
        };
        // The number of each segment's program header, to name it by.
        let mut indices = Vec::new();
        for (index, bytes) in table.chunks_exact(PROGRAM_HEADER).enumerate() {
            let entry = Entry::read(bytes);
            match entry.kind {
                PT_LOAD => {
                    let Some(segment) = entry.segment(index, file)? else {
                        continue;
                    };
                    if entry.alignment.is_power_of_two() && entry.alignment < page::END {
                        plan.alignment = plan.alignment.max(entry.alignment);
                    }
                    plan.segments.push(segment);
                    indices.push(index);
                }
                PT_INTERP => plan.add_interpreter(&entry, file)?,
                PT_DYNAMIC => plan.dynamic = entry.dynamic(),
                PT_GNU_STACK => plan.executable_stack = entry.flags & 1 != 0,
                _ => {}
            }
        }
        check_overlap(&plan.segments, &indices)?;
        plan.check_entry()?;
        plan.headers = plan.address_of(offset, length as u64);
        Ok(plan)
    }
}

impl Plan {
    /// The pages from the first segment to the last.
    #[must_use]
    pub fn span(&self) -> Range<u64> {
        let start = self.segments.iter().map(|s| s.pages().start).min();
        let end = self.segments.iter().map(|s| s.pages().end).max();
        start.unwrap_or(0)..end.unwrap_or(0)
    }

    fn add_interpreter(&mut self, entry: &Entry, file: u64) -> Result<(), Invalid> {
        if self.interpreter.is_some() {
            return Err(Invalid::SecondInterpreter);
        }
        if !(2..=PATH_MAX).contains(&entry.file_size) {
            return Err(Invalid::InterpreterLength(entry.file_size));
        }
        let end = entry.offset.saturating_add(entry.file_size);
        let length = usize::try_from(entry.file_size);
        match length {
            Ok(length) if end <= file => {
                self.interpreter = Some((entry.offset, length));
                Ok(())
            }
            _ => Err(Invalid::InterpreterText),
        }
    }

    fn check_entry(&self) -> Result<(), Invalid> {
        if self.segments.is_empty() {
            return Err(Invalid::NoSegments);
        }
        if !self.entry.is_multiple_of(4) {
            return Err(Invalid::EntryMisaligned(self.entry));
        }
        match self
            .segments
            .iter()
            .find(|s| s.range().contains(&self.entry))
        {
            None => Err(Invalid::EntryNowhere(self.entry)),
            Some(segment) if segment.protection & PROT_EXEC == 0 => {
                Err(Invalid::EntryNotExecutable(self.entry))
            }
            Some(_) => Ok(()),
        }
    }

    /// Where bytes of the file are in memory, or 0.
    fn address_of(&self, offset: u64, length: u64) -> u64 {
        self.segments
            .iter()
            .find_map(|segment| {
                let inside = offset.checked_sub(segment.offset)?;
                (inside.checked_add(length)? <= segment.file_size)
                    .then_some(segment.address + inside)
            })
            .unwrap_or(0)
    }
}

/// Segments may share a page, not a byte.
fn check_overlap(segments: &[Segment], indices: &[usize]) -> Result<(), Invalid> {
    let mut order: Vec<_> = segments.iter().zip(indices).collect();
    order.sort_by_key(|(segment, _)| segment.address);
    for pair in order.windows(2) {
        if let [(before, &first), (after, &second)] = *pair
            && before.range().end > after.address
        {
            return Err(Invalid::SegmentsOverlap {
                first: first.min(second),
                second: first.max(second),
            });
        }
    }
    Ok(())
}

/// The dynamic loader's path from its bytes in the file: up to the first NUL.
///
/// # Errors
/// When there is no NUL, or nothing in front of it.
pub fn interpreter_path(bytes: &[u8]) -> Result<&[u8], Invalid> {
    match bytes.iter().position(|&byte| byte == 0) {
        None => Err(Invalid::InterpreterText),
        Some(0) => Err(Invalid::InterpreterLength(1)),
        Some(end) => Ok(&bytes[..end]),
    }
}

/// Reads a whole file that is in memory, as tests and fuzzing do.
///
/// # Errors
/// When it is no program that runs here.
pub fn parse(file: &[u8]) -> Result<Plan, Invalid> {
    let header = header(file.get(..HEADER).unwrap_or(file))?;
    let (offset, length) = header.table();
    let rest = usize::try_from(offset)
        .ok()
        .and_then(|offset| file.get(offset..))
        .unwrap_or_default();
    let table = rest.get(..length).unwrap_or(rest);
    let plan = header.plan(table, file.len() as u64)?;
    if let Some((offset, length)) = plan.interpreter {
        let bytes = usize::try_from(offset)
            .ok()
            .and_then(|offset| file.get(offset..)?.get(..length))
            .ok_or(Invalid::InterpreterText)?;
        interpreter_path(bytes)?;
    }
    Ok(plan)
}
