//! The core file's layout, and writing it: the ELF header, a program header for
//! the notes and one for each mapping, the notes, and from the next page on what
//! the mappings hold.
//!
//! Memory is read by `/proc/self/mem`, as the kernel reads it: also where the
//! guest may not. Pages that were never used are left as holes. The limit counts
//! what is written, and ends the file there; a file that is cut is the user's
//! wish, and no failure.

use alloc::vec::Vec;
use core::ops::Range;

use super::contents::{Share, share};
use crate::host::sys::{self, Errno, Fd, fd_argument, number};
use crate::linux::abi::platform::{Elf, Width};
use crate::linux::views::maps::Mapping;

const PAGE: u64 = 4096;

const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;

/// The memory of the process.
#[derive(Debug)]
pub(super) struct Memory {
    bytes: Fd,
    /// Which pages there are.
    pages: Option<Fd>,
}

impl Memory {
    pub(super) fn open() -> Result<Self, Errno> {
        Ok(Self {
            bytes: Fd::open(c"/proc/self/mem")?,
            pages: Fd::open(c"/proc/self/pagemap").ok(),
        })
    }

    /// Up to `most` bytes at an address, as many as there are.
    pub(super) fn read(&self, range: &Range<u64>, most: usize) -> Vec<u8> {
        let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0);
        let mut bytes = alloc::vec![0; length.min(most)];
        let length = self.bytes.read_at(&mut bytes, range.start).unwrap_or(0);
        bytes.truncate(length);
        bytes
    }

    fn starts_as_elf(&self, mapping: &Mapping<'_>) -> bool {
        self.read(&mapping.range, 4) == b"\x7fELF"
    }

    /// Which pages were ever used; the kernel would read the others as zeros.
    fn used(&self, pages: &Range<u64>) -> Vec<bool> {
        const PRESENT: u64 = 1 << 63;
        const SWAPPED: u64 = 1 << 62;
        let count = usize::try_from((pages.end - pages.start) / PAGE).unwrap_or(0);
        let mut bytes = alloc::vec![0; 8 * count];
        let read = |file: &Fd| file.read_at(&mut bytes, pages.start / PAGE * 8);
        if self.pages.as_ref().map(read) != Some(Ok(8 * count)) {
            return alloc::vec![true; count];
        }
        let words = bytes.as_chunks().0.iter();
        words
            .map(|&word| u64::from_le_bytes(word) & (PRESENT | SWAPPED) != 0)
            .collect()
    }
}

/// How many pages are looked at in one go.
const WINDOW: u64 = 4096;
/// How many are written in one go, and their bytes.
const BATCH: usize = 64;
const BYTES: usize = BATCH * 4096;

/// What is written of a mapping, in bytes.
fn sizes(mappings: &[Mapping<'_>], filter: u64, memory: &Memory) -> Vec<u64> {
    let size = |mapping: &Mapping<'_>| match share(mapping, filter) {
        Share::All => mapping.range.end - mapping.range.start,
        Share::Header if memory.starts_as_elf(mapping) => PAGE,
        Share::Header | Share::Nothing => 0,
    };
    mappings.iter().map(size).collect()
}

/// Bytes of the ELF header and of a program header.
const fn sizes_of_heads(width: Width) -> [u16; 2] {
    match width {
        Width::Bits32 => [52, 32],
        Width::Bits64 => [64, 56],
    }
}

/// The ELF header.
fn header(elf: &Elf, entries: u16) -> Vec<u8> {
    const CORE: u16 = 4;
    let [size, size_of_entry] = sizes_of_heads(elf.width);
    let mut header = alloc::vec![0x7f, b'E', b'L', b'F', elf.class(), 1, 1];
    header.resize(16, 0);
    for half in [CORE, elf.machine] {
        header.extend_from_slice(&half.to_le_bytes());
    }
    header.extend_from_slice(&1_u32.to_le_bytes());
    // No entry; the program headers follow; no sections; no flags.
    for word in [0, u64::from(size), 0] {
        header.extend_from_slice(&word.to_le_bytes()[..elf.width.bytes()]);
    }
    header.extend_from_slice(&0_u32.to_le_bytes());
    for half in [size, size_of_entry, entries, 0, 0, 0] {
        header.extend_from_slice(&half.to_le_bytes());
    }
    header
}

/// A program header: kind and flags; offset, address, size in the file, size in
/// memory and alignment.
fn entry(width: Width, kind: u32, flags: u32, places: [u64; 5]) -> Vec<u8> {
    let [offset, address, in_file, in_memory, align] = places;
    let mut entry = kind.to_le_bytes().to_vec();
    if width == Width::Bits64 {
        entry.extend_from_slice(&flags.to_le_bytes());
    }
    // There are no physical addresses.
    let words = [offset, address, 0, in_file, in_memory, align];
    for (index, word) in words.into_iter().enumerate() {
        // Here they are in the narrow one.
        if width == Width::Bits32 && index == 5 {
            entry.extend_from_slice(&flags.to_le_bytes());
        }
        entry.extend_from_slice(&word.to_le_bytes()[..width.bytes()]);
    }
    entry
}

/// `PF_R`, `PF_W` and `PF_X`.
fn flags(mapping: &Mapping<'_>) -> u32 {
    let all = mapping.permissions.iter().zip([4, 2, 1]);
    all.filter(|&(&letter, _)| letter != b'-')
        .map(|(_, flag)| flag)
        .sum()
}

/// The file while it is written.
struct Sink {
    file: i32,
    at: u64,
    /// What may still be written.
    left: u64,
}

/// Why nothing more is written: the limit, or the kernel would not.
struct Full;

impl Sink {
    /// Writes at the position.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(Full)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let [from, length] = [rest.as_ptr() as u64, rest.len() as u64];
            let arguments = [fd_argument(self.file), from, length, self.at, 0, 0];
            // SAFETY: the kernel reads the slice only.
            let written = unsafe { sys::syscall(number::PWRITE64, arguments) };
            let written = written.map_err(|_| Full)?;
            let index = usize::try_from(written).map_err(|_| Full)?;
            rest = rest.get(index..).filter(|_| index > 0).ok_or(Full)?;
            self.at += written;
        }
        Ok(())
    }

    /// Leaves a hole.
    const fn skip(&mut self, length: u64) {
        self.at += length;
    }

    /// Writes the pages of a range that there are.
    fn pages(&mut self, memory: &Memory, range: Range<u64>, sparse: bool) -> Result<(), Full> {
        let mut start = range.start;
        while start < range.end {
            let window = start..range.end.min(start + WINDOW * PAGE);
            start = window.end;
            if sparse {
                let used = memory.used(&window);
                self.window(memory, window, |page| used.get(page) == Some(&true))?;
            } else {
                self.window(memory, window, |_| true)?;
            }
        }
        Ok(())
    }

    /// The same, where it is known which there are.
    fn window(
        &mut self,
        memory: &Memory,
        window: Range<u64>,
        is_used: impl Fn(usize) -> bool,
    ) -> Result<(), Full> {
        let count = usize::try_from((window.end - window.start) / PAGE).unwrap_or(0);
        let address = |page: usize| window.start + page as u64 * PAGE;
        let mut page = 0;
        while page < count {
            let used = is_used(page);
            let most = if used { count.min(page + BATCH) } else { count };
            let end = (page..most).find(|&other| is_used(other) != used);
            let end = end.unwrap_or(most);
            let length = (end - page) as u64 * PAGE;
            if used {
                let written = self.used_pages(memory, address(page)..address(end))?;
                page += usize::try_from(written / PAGE).unwrap_or(count);
            } else {
                self.skip(length);
                page = end;
            }
        }
        Ok(())
    }

    /// Writes pages up to the first that cannot be read, and leaves that one out:
    /// past the end of a file there is nothing. Returns how far that went.
    fn used_pages(&mut self, memory: &Memory, pages: Range<u64>) -> Result<u64, Full> {
        let bytes = memory.read(&pages, BYTES);
        let whole = bytes.len() as u64 / PAGE * PAGE;
        let length = whole.min(self.left / PAGE * PAGE);
        self.put(&bytes[..usize::try_from(length).unwrap_or(0)])?;
        if length < whole {
            return Err(Full);
        }
        if pages.start + whole == pages.end {
            return Ok(whole);
        }
        self.skip(PAGE);
        Ok(whole + PAGE)
    }

    fn all(
        &mut self,
        heads: &[Vec<u8>],
        notes: &[Vec<u8>],
        parts: impl Iterator<Item = (Range<u64>, bool)>,
        memory: &Memory,
    ) -> Result<(), Full> {
        for bytes in heads.iter().chain(notes) {
            self.put(bytes)?;
        }
        self.at = self.at.next_multiple_of(PAGE);
        for (range, sparse) in parts {
            self.pages(memory, range, sparse)?;
        }
        Ok(())
    }
}

/// Writes a core file of mappings and notes, up to a limit.
pub(super) fn write(
    file: &Fd,
    (elf, limit): (&Elf, u64),
    notes: &[Vec<u8>],
    mappings: &[Mapping<'_>],
    (filter, memory): (u64, &Memory),
) {
    // One more number would say that there are others.
    let mappings = &mappings[..mappings.len().min(0xfffd)];
    let sizes = sizes(mappings, filter, memory);
    let entries = u16::try_from(mappings.len() + 1).unwrap_or(u16::MAX);
    let length: u64 = notes.iter().map(|note| note.len() as u64).sum();
    let [header_size, entry_size] = sizes_of_heads(elf.width).map(u64::from);
    let start = header_size + entry_size * u64::from(entries);
    let entry = |kind, flags, places| entry(elf.width, kind, flags, places);
    let mut heads = alloc::vec![
        header(elf, entries),
        entry(PT_NOTE, 0, [start, 0, length, 0, 4]),
    ];
    let mut offset = (start + length).next_multiple_of(PAGE);
    for (mapping, &size) in mappings.iter().zip(&sizes) {
        let range = &mapping.range;
        let places = [offset, range.start, size, range.end - range.start, PAGE];
        heads.push(entry(PT_LOAD, flags(mapping), places));
        offset += size;
    }
    let parts = mappings.iter().zip(&sizes);
    let parts = parts.map(|(mapping, &size)| {
        let start = mapping.range.start;
        (start..start + size, !mapping.is_file)
    });
    let mut sink = Sink {
        file: file.number(),
        at: 0,
        left: limit,
    };
    if sink.all(&heads, notes, parts, memory).is_ok() {
        let arguments = [fd_argument(file.number()), sink.at, 0, 0, 0, 0];
        // SAFETY: the call touches no memory. Failing leaves the last hole out.
        let _ = unsafe { sys::syscall(number::FTRUNCATE, arguments) };
    }
}
