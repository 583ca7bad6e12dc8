//! What the bytes of a program must be for it to serve as an emulator.
//!
//! Pure: bytes in, verdict out. Invariant: no input panics, and nothing is read
//! but the headers. "Static" means that no segment is PT_INTERP: a static-pie
//! program has a dynamic section and yet needs no loader.

use armistice_arch::elf::NotElf;
use armistice_arch::{Arch, Class, ElfHeader};
use object::Endianness;
use object::elf::{ET_DYN, ET_EXEC, FileHeader32, FileHeader64, PT_INTERP, PT_LOAD};
use object::read::ReadRef;
use object::read::elf::{FileHeader, ProgramHeader};

/// Why bytes can't be an emulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Begins with `#!`.
    Script,
    /// Not an ELF file.
    NotElf(NotElf),
    /// For another machine: its name.
    WrongArch(String),
    /// ELF, but nothing to execute: what it is.
    NotAProgram(&'static str),
    /// Headers that contradict themselves.
    Malformed(object::Error),
    /// Shorter than this many bytes.
    Truncated(u64),
    /// Needs this loader.
    Dynamic(String),
}

/// The longest path of a loader that the kernel accepts (PATH_MAX).
const LOADER_MAX: u64 = 4096;

/// Checks that `data` is a whole, static program for `host`.
///
/// # Errors
/// The first [`Fault`] found; one for the wrong machine before one for a
/// dynamic program, because it explains more.
pub fn inspect<'data, R: ReadRef<'data>>(data: R, host: &Arch) -> Result<(), Fault> {
    let size = data.len().unwrap_or(0);
    let start = data.read_bytes_at(0, size.min(64)).unwrap_or(&[]);
    if start.starts_with(b"#!") {
        return Err(Fault::Script);
    }
    let header = ElfHeader::parse(start).map_err(Fault::NotElf)?;
    match Arch::of_elf(&header) {
        Some(arch) if arch.name == host.name => {}
        Some(arch) => return Err(Fault::WrongArch(arch.name.to_owned())),
        None => {
            return Err(Fault::WrongArch(format!(
                "an unknown machine ({})",
                header.machine
            )));
        }
    }
    match header.class {
        Class::Elf32 => program::<FileHeader32<Endianness>, R>(data, size),
        Class::Elf64 => program::<FileHeader64<Endianness>, R>(data, size),
    }
}

/// The checks that need the whole header and the program headers.
fn program<'data, H, R>(data: R, size: u64) -> Result<(), Fault>
where
    H: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let header_size = size_of::<H>() as u64;
    if size < header_size {
        return Err(Fault::Truncated(header_size));
    }
    let header = H::parse(data).map_err(Fault::Malformed)?;
    let endian = header.endian().map_err(Fault::Malformed)?;
    let kind = header.e_type(endian);
    if kind != ET_EXEC && kind != ET_DYN {
        return Err(Fault::NotAProgram("an object file or a core dump"));
    }
    let table = u64::from(header.e_phnum(endian)) * u64::from(header.e_phentsize(endian));
    let table_end = header.e_phoff(endian).into().saturating_add(table);
    if table_end > size {
        return Err(Fault::Truncated(table_end));
    }
    let segments = header
        .program_headers(endian, data)
        .map_err(Fault::Malformed)?;
    let end = segments
        .iter()
        .filter(|s| matches!(s.p_type(endian), PT_LOAD | PT_INTERP))
        .map(|s| {
            let (offset, length) = s.file_range(endian);
            offset.saturating_add(length)
        })
        .max();
    match end {
        None => return Err(Fault::NotAProgram("an ELF file without a program in it")),
        Some(end) if end > size => return Err(Fault::Truncated(end)),
        Some(_) => {}
    }
    if let Some(s) = segments.iter().find(|s| s.p_type(endian) == PT_INTERP) {
        let (offset, length) = s.file_range(endian);
        let path = data
            .read_bytes_at(offset, length.min(LOADER_MAX))
            .unwrap_or(&[]);
        return Err(Fault::Dynamic(loader_name(path)));
    }
    if header.e_entry(endian).into() == 0 {
        return Err(Fault::NotAProgram("a shared library"));
    }
    Ok(())
}

/// The loader's path, up to its terminating zero, fit to be shown.
fn loader_name(bytes: &[u8]) -> String {
    let bytes = bytes.split(|b| *b == 0).next().unwrap_or(&[]);
    if bytes.is_empty() {
        "a loader".to_owned()
    } else {
        bytes.escape_ascii().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::read::ReadCache;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn verdict(bytes: &[u8]) -> Result<(), Fault> {
        let cache = ReadCache::new(Cursor::new(bytes));
        inspect(&cache, Arch::host())
    }

    /// A 64-bit little-endian program of one PT_LOAD segment for this machine.
    fn program() -> Vec<u8> {
        let mut p = Arch::host().sample_header(2, 0).to_vec();
        p[24] = 1; // e_entry
        p[32] = 64; // e_phoff
        p[52] = 64; // e_ehsize
        p[54] = 56; // e_phentsize
        p[56] = 1; // e_phnum
        p.resize(64 + 56, 0);
        p[64] = 1; // PT_LOAD
        p[64 + 32] = 120; // p_filesz
        p
    }

    #[test]
    fn a_whole_static_program_passes() {
        assert_eq!(verdict(&program()), Ok(()));
    }

    #[test]
    fn cut_off_at_every_length() {
        let p = program();
        for n in 0..p.len() {
            let fault = verdict(&p[..n]).unwrap_err();
            match n {
                0..4 => assert_eq!(fault, Fault::NotElf(NotElf::NoMagic), "{n}"),
                4..20 => assert_eq!(fault, Fault::NotElf(NotElf::CutOff(n)), "{n}"),
                20..64 => assert_eq!(fault, Fault::Truncated(64), "{n}"),
                _ => assert_eq!(fault, Fault::Truncated(120), "{n}"),
            }
        }
    }

    #[test]
    fn segments_past_the_end_and_past_all_numbers() {
        let mut p = program();
        p[64 + 32] = 121;
        assert_eq!(verdict(&p), Err(Fault::Truncated(121)));
        p[64 + 8..64 + 16].fill(0xff);
        p[64 + 32..64 + 40].fill(0xff);
        assert_eq!(verdict(&p), Err(Fault::Truncated(u64::MAX)));
        let mut p = program();
        p[32..40].fill(0xff);
        assert_eq!(verdict(&p), Err(Fault::Truncated(u64::MAX)));
    }

    #[test]
    fn what_is_not_a_program() {
        let mut object = program();
        object[16] = 1;
        assert!(matches!(verdict(&object), Err(Fault::NotAProgram(_))));
        let mut core = program();
        core[16] = 4;
        assert!(matches!(verdict(&core), Err(Fault::NotAProgram(_))));
        let mut empty = program();
        empty[56] = 0;
        assert!(matches!(verdict(&empty), Err(Fault::NotAProgram(_))));
        let mut library = program();
        library[16] = 3;
        library[24] = 0;
        assert_eq!(
            verdict(&library),
            Err(Fault::NotAProgram("a shared library"))
        );
    }

    #[test]
    fn other_machines_are_named() {
        for arch in armistice_arch::ARCHES {
            let bytes = arch.sample_header(2, 0);
            if arch.name == Arch::host().name {
                continue;
            }
            assert_eq!(
                verdict(&bytes),
                Err(Fault::WrongArch(arch.name.into())),
                "{}",
                arch.name
            );
        }
        let mut odd = program();
        odd[18..20].copy_from_slice(&[0xfe, 0xfe]);
        assert!(matches!(verdict(&odd), Err(Fault::WrongArch(text)) if text.contains("65278")));
    }

    #[test]
    fn a_loader_is_named_and_escaped() {
        let mut p = program();
        p[64] = 3; // PT_INTERP
        p[64 + 8] = 120;
        p[64 + 32] = 8;
        p.extend_from_slice(b"/l\x1b[2J\0\0");
        assert_eq!(verdict(&p), Err(Fault::Dynamic(r"/l\x1b[2J".into())));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = verdict(&bytes);
        }

        /// Random changes of a good program reach the code behind the magic.
        #[test]
        fn no_damage_panics(
            hits in proptest::collection::vec((0usize..120, any::<u8>()), 1..12),
            tail in proptest::collection::vec(any::<u8>(), 0..200),
            cut in 0usize..320,
        ) {
            let mut p = program();
            for (at, value) in hits {
                p[at] = value;
            }
            p.extend(tail);
            p.truncate(cut.max(20));
            let _ = verdict(&p);
        }
    }
}
