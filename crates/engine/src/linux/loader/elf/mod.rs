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

mod invalid;

use alloc::vec::Vec;
use core::ops::Range;

pub use invalid::Invalid;

use crate::host::page::{self, PAGE, page_down, page_up};
use crate::host::sys::{PROT_EXEC, PROT_READ, PROT_WRITE};
use crate::linux::abi::platform::{Elf, Width};

/// The length of the longest header at the start of a file.
pub const LONGEST_HEADER: usize = 64;

const PT_LOAD: u32 = 1;
const PF_X: u32 = 1;
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
    elf: &'static Elf,
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
    /// Whether the stack is to be executable, where the program says so or the contrary.
    pub executable_stack: Option<bool>,
    /// Whether what may be read of it may be executed (`READ_IMPLIES_EXEC`); no header says so.
    pub reads_imply_exec: bool,
}

impl Width {
    /// The length of the header at the start of a file.
    #[must_use]
    pub const fn header(self) -> usize {
        match self {
            Self::Bits32 => 52,
            Self::Bits64 => LONGEST_HEADER,
        }
    }

    /// The length of a program header.
    #[must_use]
    pub const fn program_header(self) -> usize {
        match self {
            Self::Bits32 => 32,
            Self::Bits64 => 56,
        }
    }

    /// Linux takes a table of at most 64 KiB.
    const fn most_headers(self) -> usize {
        65536 / self.program_header()
    }

    /// The end of the addresses that a program can have on this host.
    const fn end(self) -> u64 {
        match self {
            Self::Bits32 => 1 << 32,
            Self::Bits64 => page::END,
        }
    }

    /// The word that is the header's `index`th after its version: entry, program headers,
    /// sections.
    fn header_word(self, bytes: &[u8], index: usize) -> u64 {
        self.word(bytes, 24 + index * self.bytes())
    }

    /// A half behind the words: flags have 4 bytes, the header's length 2, then come those
    /// of program headers' length and number.
    fn header_half(self, bytes: &[u8], index: usize) -> u16 {
        u16_at(bytes, 24 + 3 * self.bytes() + 6 + 2 * index)
    }

    fn word(self, bytes: &[u8], at: usize) -> u64 {
        match self {
            Self::Bits32 => u32_at(bytes, at).into(),
            Self::Bits64 => u64_at(bytes, at),
        }
    }
}

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

/// What is wrong with a program whose words have another width: in all headers, the machine is
/// at the same place.
fn other_width(bytes: &[u8], elf: &'static Elf) -> Invalid {
    let half: Option<[u8; 2]> = bytes.get(18..20).and_then(|half| half.try_into().ok());
    let machine = half.map(match bytes.get(5) {
        Some(2) => u16::from_be_bytes,
        _ => u16::from_le_bytes,
    });
    match machine {
        Some(machine) if machine != elf.machine => Invalid::Machine(elf, machine),
        _ => Invalid::OtherWidth(elf),
    }
}

/// Reads the header from the first bytes of the file: [`LONGEST_HEADER`] of them, or
/// all when the file is shorter.
///
/// # Errors
/// When this is not the header of a Linux program of this kind.
pub fn header(bytes: &[u8], elf: &'static Elf) -> Result<Header, Invalid> {
    match bytes {
        [] => return Err(Invalid::Empty),
        [b'#', b'!', ..] => return Err(Invalid::Script),
        [0x7f, b'E', b'L', b'F', ..] => {}
        _ => return Err(Invalid::NotElf),
    }
    // Class and byte order first: with others the header is another one.
    let width = elf.width;
    match bytes.get(4) {
        None => {}
        Some(&class) if class == elf.class() => {}
        Some(1 | 2) => return Err(other_width(bytes, elf)),
        Some(&class) => return Err(Invalid::Class(class)),
    }
    match bytes.get(5) {
        None | Some(1) => {}
        Some(2) => return Err(Invalid::BigEndian(elf)),
        Some(&encoding) => return Err(Invalid::Encoding(encoding)),
    }
    let Some(bytes) = bytes.get(..width.header()) else {
        return Err(Invalid::HeaderCut {
            width,
            length: bytes.len(),
        });
    };
    let machine = u16_at(bytes, 18);
    if machine != elf.machine {
        return Err(Invalid::Machine(elf, machine));
    }
    let placement = match u16_at(bytes, 16) {
        1 => return Err(Invalid::Relocatable),
        2 => Placement::Fixed,
        3 => Placement::Relocatable,
        4 => return Err(Invalid::Core),
        kind => return Err(Invalid::Type(kind)),
    };
    let flags = u32_at(bytes, 24 + 3 * width.bytes());
    if elf.flags != 0 && flags & elf.flags == 0 {
        return Err(Invalid::OlderAbi(elf));
    }
    let [size, entries] = [0, 1].map(|index| width.header_half(bytes, index));
    if entries == 0 {
        return Err(Invalid::NoHeaders);
    }
    if usize::from(size) != width.program_header() {
        return Err(Invalid::EntrySize(width, size));
    }
    if usize::from(entries) > width.most_headers() {
        return Err(Invalid::TooManyHeaders(width, entries));
    }
    Ok(Header {
        elf,
        placement,
        entry: width.header_word(bytes, 0),
        table: width.header_word(bytes, 1),
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

    fn read(bytes: &[u8], width: Width) -> Self {
        // Offset, virtual and physical address, the two sizes; then, where words have
        // 32 bits, come the flags.
        let (first, flags) = match width {
            Width::Bits32 => (4, 24),
            Width::Bits64 => (8, 4),
        };
        let word = |index: usize| width.word(bytes, first + index * width.bytes());
        Self {
            kind: u32_at(bytes, 0),
            flags: u32_at(bytes, flags),
            offset: word(0),
            address: word(1),
            file_size: word(3),
            memory_size: word(4),
            alignment: match width {
                Width::Bits32 => u32_at(bytes, 28).into(),
                Width::Bits64 => word(5),
            },
        }
    }

    /// The segment that it asks for, or none when that is empty.
    fn segment(&self, index: usize, file: u64, end: u64) -> Result<Option<Segment>, Invalid> {
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
            Some(last) if last <= end => {}
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
        for (flag, allowed) in [(4, PROT_READ), (2, PROT_WRITE), (PF_X, PROT_EXEC)] {
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
        let length = self.elf.width.program_header();
        (self.table, usize::from(self.entries) * length)
    }

    /// Where code is in the file, by the program headers' bytes, as many as there are.
    pub fn code(&self, table: &[u8]) -> impl Iterator<Item = Range<u64>> {
        let width = self.elf.width;
        let entries = table.chunks_exact(width.program_header());
        entries
            .map(move |bytes| Entry::read(bytes, width))
            .filter(|entry| entry.kind == PT_LOAD && entry.flags & PF_X != 0)
            .filter_map(|entry| {
                let end = entry.offset.checked_add(entry.file_size)?;
                Some(entry.offset..end)
            })
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
            executable_stack: None,
            reads_imply_exec: false,
        };
        // The number of each segment's program header, to name it by.
        let mut indices = Vec::new();
        let width = self.elf.width;
        let entries = table.chunks_exact(width.program_header());
        for (index, bytes) in entries.enumerate() {
            let entry = Entry::read(bytes, width);
            match entry.kind {
                PT_LOAD => {
                    let Some(segment) = entry.segment(index, file, width.end())? else {
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
                PT_GNU_STACK => plan.executable_stack = Some(entry.flags & PF_X != 0),
                _ => {}
            }
        }
        check_overlap(&plan.segments, &indices)?;
        plan.check_entry(self.elf)?;
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

    /// The rights that the guest has to a segment.
    #[must_use]
    pub const fn rights(&self, segment: &Segment) -> u32 {
        if self.reads_imply_exec && segment.protection & PROT_READ != 0 {
            segment.protection | PROT_EXEC
        } else {
            segment.protection
        }
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

    fn check_entry(&self, elf: &'static Elf) -> Result<(), Invalid> {
        if self.segments.is_empty() {
            return Err(Invalid::NoSegments);
        }
        if !self.entry.is_multiple_of(elf.unit) {
            return Err(Invalid::EntryMisaligned(elf, self.entry));
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
pub fn parse(file: &[u8], elf: &'static Elf) -> Result<Plan, Invalid> {
    let header = header(file.get(..LONGEST_HEADER).unwrap_or(file), elf)?;
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

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    static NARROW: Elf = Elf {
        width: Width::Bits32,
        machine: 40,
        flags: 0xff00_0000,
        unit: 1,
        name: "32-bit Arm",
    };

    /// A program of 32 bits with one segment, and room behind its headers.
    fn narrow() -> Vec<u8> {
        let mut file = b"\x7fELF\x01\x01\x01".to_vec();
        file.resize(16, 0);
        for half in [2_u16, 40, 1, 0] {
            file.extend_from_slice(&half.to_le_bytes());
        }
        // Entry, of Thumb; program headers, no sections; flags.
        for word in [0x1_0055_u32, 52, 0, 0x500_0400] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        for half in [52_u16, 32, 1, 40, 0, 0] {
            file.extend_from_slice(&half.to_le_bytes());
        }
        assert_eq!(file.len(), 52);
        for word in [PT_LOAD, 0, 0x1_0000, 0x1_0000, 0x60, 0x1234, 5, 0x1_0000] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.resize(0x60, 0);
        file
    }

    #[test]
    fn a_program_of_32_bits() {
        let plan = parse(&narrow(), &NARROW).unwrap();
        assert_eq!(plan.entry, 0x1_0055);
        assert_eq!(plan.headers, 0x1_0034);
        assert_eq!(plan.alignment, 0x1_0000);
        let segment = &plan.segments[0];
        assert_eq!(segment.range(), 0x1_0000..0x1_1234);
        assert_eq!((segment.offset, segment.file_size), (0, 0x60));
        assert_eq!(segment.protection, PROT_READ | PROT_EXEC);
    }

    #[test]
    fn what_is_no_program_of_32_bits() {
        let with = |at: usize, bytes: &[u8]| {
            let mut file = narrow();
            file[at..at + bytes.len()].copy_from_slice(bytes);
            parse(&file, &NARROW).unwrap_err()
        };
        let wide = with(4, &[2]);
        assert_eq!(
            wide.to_string(),
            "a 64-bit program for 32-bit Arm: only 32-bit ones run here"
        );
        // Of another machine, in either order of bytes.
        let mut file = narrow();
        (file[4], file[18]) = (2, 243);
        let other = parse(&file, &NARROW).unwrap_err();
        assert_eq!(other, Invalid::Machine(&NARROW, 243));
        (file[5], file[18], file[19]) = (2, 0, 43);
        let other = parse(&file, &NARROW).unwrap_err();
        assert_eq!(other, Invalid::Machine(&NARROW, 43));
        assert_eq!(with(18, &[183]), Invalid::Machine(&NARROW, 183));
        assert_eq!(with(36, &[0; 4]), Invalid::OlderAbi(&NARROW));
        assert_eq!(with(42, &[56]), Invalid::EntrySize(Width::Bits32, 56));
        // To the end of all addresses, and past it.
        let beyond = 0xffff_0001_u32.to_le_bytes();
        assert!(matches!(
            with(52 + 20, &beyond),
            Invalid::SegmentAddress { index: 0, .. }
        ));
        let cut = header(&narrow()[..51], &NARROW).unwrap_err();
        let (width, length) = (Width::Bits32, 51);
        assert_eq!(cut, Invalid::HeaderCut { width, length });
    }
}
