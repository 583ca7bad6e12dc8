//! The guest's vDSO: a shared library of one page that the kernel puts into
//! every process, with the names and the version that arm64's has.
//!
//! Here are the library and its tables; its code is in `text`.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the image is a page, and the host has 64 bits"
)]

mod text;

use alloc::vec::Vec;
use core::ops::Range;

use crate::host::page::PAGE;
use crate::host::sys::{self, Errno, PROT_EXEC, PROT_READ, PROT_WRITE};
use crate::memory::address_space::{AddressSpace, Mapping};
use crate::memory::guest_memory;
use text::FUNCTIONS;

const SONAME: &str = "linux-vdso.so.1";
const VERSION: &str = "LINUX_2.6.39";

/// Where in the image the functions are.
const TEXT: u64 = 0xe00;

/// Where `__kernel_rt_sigreturn` is in the image: handlers return there.
pub const SIGNAL_RETURN: u64 = TEXT + 4;

/// The functions' names, and where in the image their instructions are.
pub fn functions() -> impl Iterator<Item = (&'static str, Range<u64>)> {
    let places = FUNCTIONS.iter().zip(text::places());
    places.map(|(function, at)| {
        let start = TEXT + u64::from(at);
        (
            function.name,
            start..start + u64::from(text::length(function)),
        )
    })
}

/// Maps the vDSO; returns its page.
///
/// # Errors
/// The kernel's.
pub fn map(space: &AddressSpace) -> Result<Range<u64>, Errno> {
    let flags = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS;
    // SAFETY: the mapping takes free addresses, and nobody uses it yet.
    unsafe {
        let start = sys::mmap(0, PAGE, PROT_READ | PROT_WRITE, flags, None)?;
        guest_memory::write(start, &image()).map_err(|_| Errno::ENOMEM)?;
        sys::mprotect(start, PAGE, PROT_READ)?;
        let page = start..start + PAGE;
        space.map(page.clone(), Mapping::own(PROT_READ | PROT_EXEC));
        space.let_call(start);
        Ok(page)
    }
}

/// Bytes that grow.
struct Image(Vec<u8>);

impl Image {
    fn half(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn word(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn long(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// The address of what comes next.
    fn align(&mut self) -> u64 {
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        self.0.len() as u64
    }

    fn program_header(&mut self, kind: u32, flags: u32, range: &Range<u64>) {
        self.word(kind);
        self.word(flags);
        // The same in the file and in memory.
        for value in [range.start; 3] {
            self.long(value);
        }
        for value in [range.end - range.start; 2] {
            self.long(value);
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

/// The whole library: a page.
#[must_use]
pub fn image() -> Vec<u8> {
    const HEADERS: u64 = 64 + 2 * 56;
    let mut strings = Strings {
        bytes: alloc::vec![0],
    };
    let mut image = Image(alloc::vec![0; HEADERS as usize]);

    let symbols = image.align();
    image.0.extend_from_slice(&[0; 24]);
    for (name, range) in functions() {
        const GLOBAL_FUNCTION: u32 = 0x12;
        const SECTION: u32 = 1;
        let name = strings.add(name);
        image.word(name);
        image.word(GLOBAL_FUNCTION | SECTION << 16);
        image.long(range.start);
        image.long(range.end - range.start);
    }
    let hashes = image.align();
    // One bucket: a list of all.
    let count = FUNCTIONS.len() as u32 + 1;
    for value in [1, count, 1, 0] {
        image.word(value);
    }
    for index in 1..count {
        image.word((index + 1) % count);
    }
    let versions = image.align();
    image.half(0);
    for _ in FUNCTIONS {
        image.half(2);
    }
    let definitions = image.align();
    version(&mut image, &mut strings, SONAME, 1, true);
    version(&mut image, &mut strings, VERSION, 2, false);
    let names = image.align();
    let soname = strings.add(SONAME);
    let length = strings.bytes.len() as u64;
    image.0.append(&mut strings.bytes);

    let dynamic = image.align();
    for (key, value) in [
        (14, u64::from(soname)),    // DT_SONAME
        (4, hashes),                // DT_HASH
        (5, names),                 // DT_STRTAB
        (6, symbols),               // DT_SYMTAB
        (10, length),               // DT_STRSZ
        (11, 24),                   // DT_SYMENT
        (0x6fff_fff0, versions),    // DT_VERSYM
        (0x6fff_fffc, definitions), // DT_VERDEF
        (0x6fff_fffd, 2),           // DT_VERDEFNUM
        (0, 0),
    ] {
        image.long(key);
        image.long(value);
    }
    let dynamic = dynamic..image.align();
    debug_assert!(dynamic.end <= TEXT, "the tables reach the code");
    image.0.resize(TEXT as usize, 0);
    for word in text::words() {
        image.word(word);
    }
    let end = image.align();
    image.0.resize(PAGE as usize, 0);

    let mut header = Image(Vec::new());
    header
        .0
        .extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    header.half(3); // ET_DYN
    header.half(183); // EM_AARCH64
    header.word(1);
    for value in [TEXT + 4, 64, 0] {
        header.long(value);
    }
    header.word(0);
    for value in [64, 56, 2, 64, 0, 0] {
        header.half(value);
    }
    header.program_header(1, 5, &(0..end)); // PT_LOAD
    header.program_header(2, 4, &dynamic); // PT_DYNAMIC
    image.0[..HEADERS as usize].copy_from_slice(&header.0);
    image.0
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
    use object::read::elf::{ElfFile64, FileHeader as _};
    use object::{Endianness, Object as _};

    /// As another reader of ELF sees it.
    #[test]
    fn a_library_with_versions() {
        let image = image();
        assert_eq!(image.len(), 4096);
        let file = ElfFile64::<Endianness>::parse(&*image).unwrap();
        assert_eq!(file.architecture(), object::Architecture::Aarch64);
        let _ = file.elf_header().endian().unwrap();
    }

    /// As the engine itself looks functions up in the host's.
    #[test]
    fn functions_are_found() {
        let image = image();
        let word = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
        for function in &FUNCTIONS {
            let name = alloc::ffi::CString::new(function.name).unwrap();
            // SAFETY: the image is one.
            let at = unsafe { crate::host::vdso::symbol(image.as_ptr() as u64, &name).unwrap() }
                - image.as_ptr() as u64;
            let at = usize::try_from(at).unwrap();
            assert_eq!(word(at - 4), 0xd503_201f, "{name:?}: a NOP before it");
            for (n, &expected) in function.words.iter().enumerate() {
                assert_eq!(word(at + 4 * n), expected, "{name:?}, word {n}");
            }
        }
        assert_eq!(SIGNAL_RETURN, 0xe04);
        assert_eq!(word(0xe04), 0xd280_1168);
    }

    #[test]
    fn hashes_of_names() {
        // Go's runtime has this one.
        assert_eq!(hash("LINUX_2.6.39"), 0x075f_cb89);
        assert_eq!(hash("LINUX_2.6"), 0x03ae_75f6);
    }
}
