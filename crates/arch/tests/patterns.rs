//! Every pattern takes its own architecture's programs and no other's.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use armistice_arch::pattern::Pattern;
use armistice_arch::{ARCHES, Arch, ElfHeader};
use proptest::prelude::*;

/// EI_OSABI values that occur: System V, and GNU/Linux (for IFUNC and unique symbols).
const OSABIS: [u8; 2] = [0, 3];
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;

fn arch(name: &str) -> &'static Arch {
    Arch::by_name(name).unwrap()
}

#[test]
fn each_pattern_takes_its_own_headers_and_no_others() {
    for own in ARCHES {
        for other in ARCHES {
            for e_type in [ET_EXEC, ET_DYN] {
                for osabi in OSABIS {
                    let header = other.sample_header(e_type, osabi);
                    assert_eq!(
                        own.pattern().matches(&header),
                        own.name == other.name,
                        "pattern of {} against type {e_type}, OSABI {osabi} of {}",
                        own.name,
                        other.name
                    );
                }
            }
        }
    }
}

#[test]
fn no_two_patterns_overlap() {
    for (i, a) in ARCHES.iter().enumerate() {
        for b in &ARCHES[i + 1..] {
            assert!(
                !a.pattern().overlaps(&b.pattern()),
                "{} and {}",
                a.name,
                b.name
            );
        }
    }
}

#[test]
fn relocatable_and_core_files_are_not_programs() {
    for a in ARCHES {
        for e_type in [1, 4] {
            assert!(
                !a.pattern().matches(&a.sample_header(e_type, 0)),
                "{} type {e_type}",
                a.name
            );
        }
    }
}

#[test]
fn n32_and_o32_differ_only_by_a_flag_and_are_told_apart() {
    for (n32, o32) in [("mipsn32", "mips"), ("mipsn32el", "mipsel")] {
        let program = arch(n32).sample_header(ET_EXEC, 0);
        assert!(arch(n32).pattern().matches(&program));
        assert!(!arch(o32).pattern().matches(&program));
        let program = arch(o32).sample_header(ET_EXEC, 0);
        assert!(!arch(n32).pattern().matches(&program));
        assert!(arch(o32).pattern().matches(&program));
    }
}

#[test]
fn i386_is_native_to_x86_64_and_not_hijacked() {
    let host = arch("x86_64");
    assert!(arch("i386").is_native_to(host));
    assert!(arch("i486").is_native_to(host));
    assert!(!arch("aarch64").is_native_to(host));
    assert!(!arch("x86_64").is_native_to(arch("aarch64")));
    assert!(
        !arch("i386")
            .pattern()
            .matches(&host.sample_header(ET_DYN, 0))
    );
}

#[test]
fn x32_is_taken_by_neither_x86_64_nor_i386() {
    // 32-bit class with the 64-bit machine.
    let mut x32 = arch("i386").sample_header(ET_EXEC, 0);
    x32[18] = 62;
    assert!(ARCHES.iter().all(|a| !a.pattern().matches(&x32)));
}

#[test]
fn an_appimage_is_not_taken_and_byte_8_is_the_reason() {
    let mut appimage = arch("aarch64").sample_header(ET_DYN, 0);
    appimage[8..11].copy_from_slice(b"AI\x02");
    let why = arch("aarch64").pattern().first_mismatch(&appimage).unwrap();
    assert_eq!((why.at, why.found, why.wanted), (8, b'A', 0));
}

#[test]
fn the_fields_patterns_are_kept_to_the_byte() {
    // As registered by QEMU's users and distributions for years.
    let cases = [
        (
            "aarch64",
            "7f454c460201010000000000000000000200b700",
            "ffffffffffffff00fffffffffffffffffeffffff",
        ),
        (
            "arm",
            "7f454c4601010100000000000000000002002800",
            "ffffffffffffff00fffffffffffffffffeffffff",
        ),
        (
            "ppc64le",
            "7f454c4602010100000000000000000002001500",
            "ffffffffffffff00fffffffffffffffffeffff00",
        ),
        (
            "s390x",
            "7f454c4602020100000000000000000000020016",
            "ffffffffffffff00fffffffffffffffffffeffff",
        ),
        (
            "loongarch64",
            "7f454c4602010100000000000000000002000201",
            "fffffffffffffffc00fffffffffffffffeffffff",
        ),
        (
            "i386",
            "7f454c4601010100000000000000000002000300",
            "fffffffffffefe00fffffffffffffffffeffffff",
        ),
        (
            "mips64",
            "7f454c4602020100000000000000000000020008",
            "ffffffffffffff0000fffffffffffffffffeffff",
        ),
        (
            "m68k",
            "7f454c4601020100000000000000000000020004",
            "fffffffffffffe00fffffffffffffffffffeffff",
        ),
        (
            "mipsel",
            "7f454c46010101000000000000000000020008000100000000000000000000000000000000000000",
            "ffffffffffffff0000fffffffffffffffeffffffffffffff00000000000000000000000020000000",
        ),
        (
            "mipsn32",
            "7f454c46010201000000000000000000000200080000000100000000000000000000000000000020",
            "ffffffffffffff0000fffffffffffffffffeffffffffffff00000000000000000000000000000020",
        ),
    ];
    for (name, magic, mask) in cases {
        let pattern = arch(name).pattern();
        assert_eq!(
            armistice_arch::pattern::hex(&pattern.magic),
            magic,
            "magic of {name}"
        );
        assert_eq!(
            armistice_arch::pattern::hex(&pattern.mask),
            mask,
            "mask of {name}"
        );
    }
}

#[test]
fn a_header_leads_back_to_its_row() {
    for a in ARCHES {
        let header = ElfHeader::parse(&a.sample_header(ET_DYN, 3)).unwrap();
        assert_eq!(Arch::of_elf(&header).map(|a| a.name), Some(a.name));
    }
}

#[test]
fn a_cut_off_header_says_so() {
    let header = arch("arm").sample_header(ET_EXEC, 0);
    assert_eq!(
        ElfHeader::parse(&header[..12]).unwrap_err().to_string(),
        "an ELF file cut off after 12 bytes"
    );
    assert_eq!(
        ElfHeader::parse(b"#!/bin/sh").unwrap_err().to_string(),
        "not an ELF file"
    );
}

proptest! {
    #[test]
    fn reading_a_header_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = ElfHeader::parse(&bytes);
        for a in ARCHES {
            let _ = a.pattern().matches(&bytes);
        }
    }

    #[test]
    fn bytes_under_a_zero_mask_never_matter(at in 0usize..20, value: u8, row in 0..ARCHES.len()) {
        let a = &ARCHES[row];
        let pattern = a.pattern();
        let mut header = a.sample_header(ET_EXEC, 0);
        header[at] = (header[at] & pattern.mask[at]) | (value & !pattern.mask[at]);
        prop_assert!(pattern.matches(&header));
    }

    #[test]
    fn overlap_means_that_a_common_file_exists(
        m1 in prop::collection::vec(any::<u8>(), 1..6), k1 in prop::collection::vec(any::<u8>(), 6),
        m2 in prop::collection::vec(any::<u8>(), 1..6), k2 in prop::collection::vec(any::<u8>(), 6),
        o1 in 0usize..4, o2 in 0usize..4,
    ) {
        let p1 = Pattern { offset: o1, mask: k1[..m1.len()].to_vec(), magic: m1 };
        let p2 = Pattern { offset: o2, mask: k2[..m2.len()].to_vec(), magic: m2 };
        let mut file = vec![0u8; 16];
        for p in [&p1, &p2] {
            for (i, (magic, mask)) in p.magic.iter().zip(&p.mask).enumerate() {
                file[p.offset + i] |= magic & mask;
            }
        }
        prop_assert_eq!(p1.overlaps(&p2), p1.matches(&file) && p2.matches(&file));
    }

    #[test]
    fn covering_means_that_no_file_is_left(
        m1 in prop::collection::vec(0..2_u8, 1..3), k1 in prop::collection::vec(0..4_u8, 3),
        m2 in prop::collection::vec(0..2_u8, 1..3), k2 in prop::collection::vec(0..4_u8, 3),
        o1 in 0usize..2, o2 in 0usize..2,
    ) {
        let p1 = Pattern { offset: o1, mask: k1[..m1.len()].to_vec(), magic: m1 };
        let p2 = Pattern { offset: o2, mask: k2[..m2.len()].to_vec(), magic: m2 };
        // All files of three bytes of two bits.
        let mut files = (0..64_u8).map(|n| [n & 3, n >> 2 & 3, n >> 4]);
        let none_left = files.all(|file| p1.matches(&file) || !p2.matches(&file));
        prop_assert_eq!(p1.covers(&p2), none_left);
    }
}
