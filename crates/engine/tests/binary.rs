//! Promise: `armistice-aarch64` is one small static file that needs no other
//! at run time and leaves thread-local storage to the guest.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use object::Endianness;
use object::elf::{
    DT_NEEDED, ET_DYN, FileHeader64, PF_W, PF_X, PT_DYNAMIC, PT_GNU_STACK, PT_INTERP, PT_LOAD,
    PT_TLS, R_X86_64_RELATIVE, SHT_RELA, SHT_RELR,
};
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _, SectionHeader as _};

/// With both guests. The release build, which `cargo xtask bench` measures, is a third of that.
const MOST_BYTES: usize = 8 << 20;

fn with_file(check: impl FnOnce(&FileHeader64<Endianness>, Endianness, &[u8])) {
    let data = std::fs::read(env!("CARGO_BIN_EXE_armistice-aarch64")).unwrap();
    let header = FileHeader64::<Endianness>::parse(&*data).unwrap();
    check(header, header.endian().unwrap(), &data);
}

#[test]
fn nothing_is_loaded_with_it() {
    with_file(|header, endian, data| {
        assert_eq!(header.e_type(endian), ET_DYN, "it is position-independent");
        let segments = header.program_headers(endian, data).unwrap();
        let has = |kind| {
            segments
                .iter()
                .any(|segment| segment.p_type(endian) == kind)
        };
        assert!(!has(PT_INTERP), "it has a dynamic loader");
        assert!(!has(PT_TLS), "it has thread-local storage");
        assert!(has(PT_GNU_STACK));
        for segment in segments {
            if let Some(entries) = segment.dynamic(endian, data).unwrap() {
                assert_eq!(segment.p_type(endian), PT_DYNAMIC);
                assert!(entries.iter().all(|entry| entry.d_tag(endian) != DT_NEEDED));
            }
            let flags = segment.p_flags(endian);
            if segment.p_type(endian) == PT_LOAD || segment.p_type(endian) == PT_GNU_STACK {
                assert_ne!(flags & (PF_W | PF_X), PF_W | PF_X, "writable code");
            }
        }
    });
}

/// The start code knows no other relocation. They are packed.
#[test]
fn its_relocations_are_relative() {
    with_file(|header, endian, data| {
        let sections = header.section_headers(endian, data).unwrap();
        let mut seen = 0;
        for section in sections {
            if section.sh_type(endian) == SHT_RELR {
                seen += section.sh_size(endian) / 8;
            }
            if section.sh_type(endian) != SHT_RELA {
                continue;
            }
            let (relocations, _) = section.rela(endian, data).unwrap().unwrap();
            for relocation in relocations {
                assert_eq!(relocation.r_type(endian, false), R_X86_64_RELATIVE);
            }
        }
        assert!(seen > 0, "there are relocations to look at");
    });
}

/// As built for use; the test's own build carries line numbers. What is loaded
/// is what counts.
#[test]
fn it_is_small() {
    with_file(|header, endian, data| {
        let loaded: u64 = header
            .program_headers(endian, data)
            .unwrap()
            .iter()
            .filter(|segment| segment.p_type(endian) == PT_LOAD)
            .map(|segment| segment.p_memsz(endian))
            .sum();
        assert!(loaded > 0);
        assert!(loaded < MOST_BYTES as u64, "{loaded} bytes are loaded");
    });
}
