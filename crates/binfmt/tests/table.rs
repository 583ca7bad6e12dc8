//! The real kernel's table: what is written reads back, in order, and refusals
//! are explained.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::PathBuf;

use armistice_arch::ARCHES;
use armistice_binfmt::{BinfmtError, Flags, Mark, Matching, Registration};
use common::{lock, registration, with_private_table};

#[test]
fn every_architecture_registers_and_reads_back() {
    with_private_table("every_architecture_registers_and_reads_back", |table| {
        let table = lock(&table);
        for arch in ARCHES {
            table.register(&registration(arch.name)).unwrap();
        }
        let live = table.snapshot().unwrap();
        assert!(live.enabled);
        assert_eq!(live.entries.len(), ARCHES.len());
        for (entry, arch) in live.entries.iter().zip(ARCHES.iter().rev()) {
            let wanted = registration(arch.name);
            assert_eq!(entry.name, wanted.name, "newest first");
            assert!(entry.enabled);
            assert_eq!(entry.flags.to_string(), "POCF");
            assert_eq!(entry.interpreter, wanted.interpreter);
            assert_eq!(entry.matching, Matching::Magic(wanted.pattern));
            assert_eq!(entry.mark, Mark::Ours(wanted.pin));
            assert!(entry.unknown_lines.is_empty());
        }
        for entry in &live.entries {
            table.remove(&entry.name).unwrap();
        }
        table
            .remove("qemu-aarch64")
            .expect("removing what is gone is no error");
        assert!(table.snapshot().unwrap().entries.is_empty());
    });
}

#[test]
fn each_flag_can_be_left_out() {
    with_private_table("each_flag_can_be_left_out", |table| {
        let table = lock(&table);
        for letters in ["", "P", "O", "OC", "F", "PF", "OF", "POF", "OCF", "POCF"] {
            let wanted = Registration {
                flags: Flags::parse(letters),
                ..registration("arm")
            };
            table.register(&wanted).unwrap();
            assert_eq!(
                table.snapshot().unwrap().entries[0].flags.to_string(),
                letters
            );
            table.remove(&wanted.name).unwrap();
        }
    });
}

#[test]
fn refusals_of_the_kernel_are_explained() {
    with_private_table("refusals_of_the_kernel_are_explained", |table| {
        let table = lock(&table);
        let with = |path: &str| Registration {
            interpreter: PathBuf::from(path),
            ..registration("arm")
        };
        let why = |r: &Registration| table.register(r).unwrap_err().to_string();
        assert!(
            why(&with("/nonexistent/qemu"))
                .ends_with("the interpreter /nonexistent/qemu is not there")
        );
        assert!(why(&with("/etc/passwd")).contains("not executable, or lies on a noexec mount"));
        assert!(why(&with("/etc")).contains("not executable"));
        table.register(&with("/bin/true")).unwrap();
        assert!(why(&with("/bin/true")).contains("exists already"));
        assert_eq!(
            table.snapshot().unwrap().entries.len(),
            1,
            "refusals leave nothing behind"
        );
    });
}

#[test]
fn what_the_kernel_would_misread_is_refused_before() {
    let base = registration("arm");
    let zero = armistice_arch::Pattern {
        offset: 0,
        magic: vec![0; 4],
        mask: vec![0; 4],
    };
    for (bad, why) in [
        (
            Registration {
                name: "a/b".into(),
                ..base.clone()
            },
            "'/'",
        ),
        (
            Registration {
                name: "status".into(),
                ..base.clone()
            },
            "keeps that name",
        ),
        (
            Registration {
                name: "..".into(),
                ..base.clone()
            },
            "empty or a dot",
        ),
        (
            Registration {
                interpreter: "relative/qemu".into(),
                ..base.clone()
            },
            "not absolute",
        ),
        (
            Registration {
                interpreter: "/a\nb".into(),
                ..base.clone()
            },
            "line break",
        ),
        (
            Registration {
                interpreter: format!("/{}", "x".repeat(1900)).into(),
                ..base.clone()
            },
            "1920",
        ),
        (
            Registration {
                pattern: zero,
                ..base.clone()
            },
            "every file",
        ),
    ] {
        match bad.line() {
            Err(BinfmtError::BadRegistration { why: said, .. }) => {
                assert!(said.contains(why), "{said}")
            }
            other => panic!("{other:?}"),
        }
    }
    let odd = Registration {
        interpreter: "/opt/a:b|c/qemu".into(),
        ..base
    };
    assert!(
        odd.line().unwrap().starts_with(','),
        "a delimiter that no field has"
    );
}

#[test]
fn a_delimiter_in_a_path_survives_the_kernel() {
    with_private_table("a_delimiter_in_a_path_survives_the_kernel", |table| {
        let table = lock(&table);
        let flags = Flags::parse("P"); // without F the kernel opens nothing
        let wanted = Registration {
            interpreter: "/opt/a:b |,c/qemu".into(),
            flags,
            ..registration("arm")
        };
        table.register(&wanted).unwrap();
        assert_eq!(
            table.snapshot().unwrap().entries[0].interpreter,
            wanted.interpreter
        );
    });
}
