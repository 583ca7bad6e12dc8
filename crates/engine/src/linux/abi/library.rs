//! A guest's vDSO: a shared library of one page that the kernel puts into every process. Here
//! are its headers and tables, whatever the guest; which functions it has, and what they are, a
//! guest says.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the image is a page, and the host has 64 bits"
)]

use alloc::vec::Vec;
use core::ops::Range;

use super::platform::Width;
use crate::host::page::PAGE;

const SONAME: &str = "linux-vdso.so.1";

/// A function: its name, and its instructions.
#[derive(Debug)]
pub struct Function {
    /// The name.
    pub name: &'static str,
    /// The instructions.
    pub words: &'static [u32],
}

/// A library.
#[derive(Debug)]
pub struct Library {
    /// The width of a word.
    pub width: Width,
    /// `e_machine`.
    pub machine: u16,
    /// `e_flags`.
    pub flags: u32,
    /// The version of the names.
    pub version: &'static str,
    /// The functions, in their order.
    pub functions: &'static [Function],
    /// Where in the image the functions are.
    pub text: u64,
    /// What does nothing: it comes before each function, since who unwinds looks at the instruction
    /// before a return address.
    pub nop: u32,
}

impl Library {
    /// The functions' names, and where in the image their instructions are: behind a NOP.
    pub fn functions(&self) -> impl Iterator<Item = (&'static str, Range<u64>)> {
        let mut at = self.text;
        self.functions.iter().map(move |function| {
            let start = at + 4;
            let end = start + 4 * function.words.len() as u64;
            at = end.next_multiple_of(16);
            (function.name, start..end)
        })
    }

    /// The instructions of all, with NOPs between them.
    fn words(&self) -> impl Iterator<Item = u32> {
        self.functions.iter().flat_map(|function| {
            let count = function.words.len() + 1;
            let before = core::iter::once(self.nop);
            let after = core::iter::repeat_n(self.nop, count.next_multiple_of(4) - count);
            before.chain(function.words.iter().copied()).chain(after)
        })
    }

    /// The whole library: a page.
    #[must_use]
    pub fn image(&self) -> Vec<u8> {
        let width = self.width;
        let headers = width.header() + 2 * width.program_header();
        let mut image = Image {
            bytes: alloc::vec![0; headers],
            width,
        };
        let dynamic = self.tables(&mut image);
        debug_assert!(dynamic.end <= self.text, "the tables reach the code");
        image.bytes.resize(self.text as usize, 0);
        for word in self.words() {
            image.word(word);
        }
        let end = image.align();
        image.bytes.resize(PAGE as usize, 0);
        let header = self.header(&dynamic, end);
        image.bytes[..headers].copy_from_slice(&header);
        image.bytes
    }

    /// Symbols, their versions and names; returns where the dynamic section is, which is last.
    fn tables(&self, image: &mut Image) -> Range<u64> {
        let width = image.width;
        let mut strings = Strings {
            bytes: alloc::vec![0],
        };
        let symbols = image.align();
        image.bytes.resize(image.bytes.len() + symbol(width), 0);
        for (name, range) in self.functions() {
            let name = strings.add(name);
            image.symbol(name, &range);
        }
        let hashes = image.align();
        // One bucket: a list of all.
        let count = self.functions.len() as u32 + 1;
        for value in [1, count, 1, 0] {
            image.word(value);
        }
        for index in 1..count {
            image.word((index + 1) % count);
        }
        let versions = image.align();
        image.half(0);
        for _ in self.functions {
            image.half(2);
        }
        let definitions = image.align();
        version(image, &mut strings, SONAME, 1, true);
        version(image, &mut strings, self.version, 2, false);
        let names = image.align();
        let soname = strings.add(SONAME);
        let length = strings.bytes.len() as u64;
        image.bytes.append(&mut strings.bytes);

        let dynamic = image.align();
        for (key, value) in [
            (14, u64::from(soname)),    // DT_SONAME
            (4, hashes),                // DT_HASH
            (5, names),                 // DT_STRTAB
            (6, symbols),               // DT_SYMTAB
            (10, length),               // DT_STRSZ
            (11, symbol(width) as u64), // DT_SYMENT
            (0x6fff_fff0, versions),    // DT_VERSYM
            (0x6fff_fffc, definitions), // DT_VERDEF
            (0x6fff_fffd, 2),           // DT_VERDEFNUM
            (0, 0),
        ] {
            image.long(key);
            image.long(value);
        }
        dynamic..image.align()
    }

    /// The ELF header and the program headers.
    fn header(&self, dynamic: &Range<u64>, end: u64) -> Vec<u8> {
        let width = self.width;
        let [header, program_header] = [width.header(), width.program_header()];
        let section_header = match width {
            Width::Bits32 => 40,
            Width::Bits64 => 64,
        };
        let mut image = Image {
            bytes: b"\x7fELF".to_vec(),
            width,
        };
        image.bytes.extend([width.class(), 1, 1]);
        image.bytes.resize(16, 0);
        image.half(3); // ET_DYN
        image.half(self.machine);
        image.word(1);
        for value in [self.text + 4, header as u64, 0] {
            image.long(value);
        }
        image.word(self.flags);
        for value in [header, program_header, 2, section_header, 0, 0] {
            image.half(value as u16);
        }
        image.program_header(1, 5, &(0..end)); // PT_LOAD
        image.program_header(2, 4, dynamic); // PT_DYNAMIC
        image.bytes
    }
}

/// The length of a symbol.
const fn symbol(width: Width) -> usize {
    match width {
        Width::Bits32 => 16,
        Width::Bits64 => 24,
    }
}

/// Bytes that grow.
struct Image {
    bytes: Vec<u8>,
    width: Width,
}

impl Image {
    fn half(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn word(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// A word of the width.
    fn long(&mut self, value: u64) {
        let bytes = value.to_le_bytes();
        self.bytes.extend_from_slice(&bytes[..self.width.bytes()]);
    }

    /// The address of what comes next.
    fn align(&mut self) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        self.bytes.len() as u64
    }

    fn symbol(&mut self, name: u32, range: &Range<u64>) {
        const GLOBAL_FUNCTION: u32 = 0x12;
        const SECTION: u32 = 1;
        let about = GLOBAL_FUNCTION | SECTION << 16;
        self.word(name);
        if self.width == Width::Bits64 {
            self.word(about);
        }
        self.long(range.start);
        self.long(range.end - range.start);
        if self.width == Width::Bits32 {
            self.word(about);
        }
    }

    fn program_header(&mut self, kind: u32, flags: u32, range: &Range<u64>) {
        self.word(kind);
        if self.width == Width::Bits64 {
            self.word(flags);
        }
        // The same in the file and in memory.
        for value in [range.start; 3] {
            self.long(value);
        }
        for value in [range.end - range.start; 2] {
            self.long(value);
        }
        if self.width == Width::Bits32 {
            self.word(flags);
        }
        self.long(8);
    }
}

/// The hash of names in ELF's first hash table and in versions.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0, |hash: u32, byte| {
        let hash = (hash << 4).wrapping_add(u32::from(byte));
        (hash ^ (hash & 0xf000_0000) >> 24) & 0x0fff_ffff
    })
}

/// The strings, and where each name is in them.
struct Strings {
    bytes: Vec<u8>,
}

impl Strings {
    fn add(&mut self, name: &str) -> u32 {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        at as u32
    }
}

/// A version's definition, and the next one's place.
fn version(image: &mut Image, strings: &mut Strings, name: &str, index: u16, base: bool) {
    const LENGTH: u32 = 20 + 8;
    for value in [1, u16::from(base), index, 1] {
        image.half(value);
    }
    image.word(hash(name));
    image.word(20);
    image.word(if base { LENGTH } else { 0 });
    let name = strings.add(name);
    image.word(name);
    image.word(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_names() {
        // Go's runtime has both.
        assert_eq!(hash("LINUX_2.6.39"), 0x075f_cb89);
        assert_eq!(hash("LINUX_2.6"), 0x03ae_75f6);
    }
}
