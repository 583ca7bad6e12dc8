//! A change happens whole or not at all, and never leaves a moment without a
//! handler. The real kernel's table.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::PathBuf;

use armistice_binfmt::{
    Action, BinfmtError, Flags, KernelVersion, Pin, Reason, Registration, Table, Transaction, plan,
};
use common::{registration, with_private_table};

const NOW: KernelVersion = KernelVersion {
    major: 6,
    minor: 18,
};

fn names(table: &Table) -> Vec<String> {
    table
        .snapshot()
        .unwrap()
        .entries
        .into_iter()
        .map(|e| e.name)
        .collect()
}

fn begin(table: &Table, wanted: Vec<Registration>) -> Result<Transaction<'_>, BinfmtError> {
    let live = table.snapshot().unwrap();
    let changes = plan(&live, wanted, false, NOW)?;
    Transaction::begin(table, &live, changes)
}

fn register(table: &Table, wanted: &[Registration]) {
    begin(table, wanted.to_vec())
        .unwrap()
        .commit(wanted)
        .unwrap();
}

/// As a distribution would write it: no mark.
fn foreign(table: &Table, arch: &str, interpreter: &str) {
    let wanted = registration(arch);
    let text = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|b| format!("\\x{b:02x}"))
            .collect::<String>()
    };
    let line = format!(
        ":{}:M::{}:{}:{interpreter}:PF",
        wanted.name,
        text(&wanted.pattern.magic),
        text(&wanted.pattern.mask)
    );
    std::fs::write(table.path().unwrap().join("register"), line).unwrap();
}

#[test]
fn an_identical_entry_is_left_alone() {
    with_private_table("an_identical_entry_is_left_alone", |table| {
        register(&table, &[registration("arm")]);
        let changes = plan(
            &table.snapshot().unwrap(),
            vec![registration("arm")],
            false,
            NOW,
        )
        .unwrap();
        assert_eq!(changes[0].action, Action::Keep);
        register(&table, &[registration("arm")]);
        assert_eq!(names(&table), ["qemu-arm"]);
    });
}

#[test]
fn a_replacement_works_beside_the_old_entry_until_committed() {
    with_private_table(
        "a_replacement_works_beside_the_old_entry_until_committed",
        |table| {
            register(&table, &[registration("arm")]);
            let other = Registration {
                interpreter: "/bin/false".into(),
                ..registration("arm")
            };
            let transaction = begin(&table, vec![other.clone()]).unwrap();
            assert_eq!(
                names(&table),
                ["qemu-arm.new", "qemu-arm"],
                "newest first: the new one runs"
            );
            transaction.commit(&[other]).unwrap();
            let live = table.snapshot().unwrap();
            assert_eq!(live.entries.len(), 1);
            assert_eq!(live.entries[0].interpreter, PathBuf::from("/bin/false"));
        },
    );
}

#[test]
fn a_failed_change_leaves_the_table_as_it_was() {
    with_private_table("a_failed_change_leaves_the_table_as_it_was", |table| {
        register(&table, &[registration("arm")]);
        let before = table.snapshot().unwrap();
        let replacement = Registration {
            interpreter: "/bin/false".into(),
            ..registration("arm")
        };
        let missing = Registration {
            interpreter: "/nonexistent".into(),
            ..registration("s390x")
        };
        let error = begin(&table, vec![replacement, registration("ppc64le"), missing]).unwrap_err();
        assert!(error.to_string().contains("qemu-s390x"), "{error}");
        assert_eq!(table.snapshot().unwrap(), before);
    });
}

#[test]
fn rolling_back_and_dropping_leave_the_table_as_it_was() {
    with_private_table(
        "rolling_back_and_dropping_leave_the_table_as_it_was",
        |table| {
            register(&table, &[registration("arm")]);
            let before = table.snapshot().unwrap();
            let wanted = || {
                vec![
                    Registration {
                        flags: Flags::parse("F"),
                        ..registration("arm")
                    },
                    registration("ppc64le"),
                ]
            };
            begin(&table, wanted()).unwrap().rollback().unwrap();
            assert_eq!(table.snapshot().unwrap(), before);
            drop(begin(&table, wanted()).unwrap());
            assert_eq!(table.snapshot().unwrap(), before);
        },
    );
}

#[test]
fn a_leftover_of_a_killed_run_is_cleaned_up() {
    with_private_table("a_leftover_of_a_killed_run_is_cleaned_up", |table| {
        register(&table, &[registration("arm")]);
        table
            .register(&registration("arm").named("qemu-arm.new"))
            .unwrap();
        let other = Registration {
            interpreter: "/bin/false".into(),
            ..registration("arm")
        };
        register(&table, &[other]);
        assert_eq!(names(&table), ["qemu-arm"]);
    });
}

#[test]
fn an_entry_that_is_somebody_elses_is_refused_unless_told() {
    with_private_table(
        "an_entry_that_is_somebody_elses_is_refused_unless_told",
        |table| {
            foreign(&table, "arm", "/bin/false");
            let before = table.snapshot().unwrap();
            let error =
                begin(&table, vec![registration("ppc64le"), registration("arm")]).unwrap_err();
            assert!(matches!(&error, BinfmtError::Foreign { name, .. } if name == "qemu-arm"));
            assert!(error.to_string().contains("--replace"), "{error}");
            assert_eq!(table.snapshot().unwrap(), before);
            let changes = plan(&before, vec![registration("arm")], true, NOW).unwrap();
            assert!(matches!(
                changes[0].action,
                Action::Replace {
                    why: Reason::TakenOver,
                    ..
                }
            ));
        },
    );
}

#[test]
fn each_difference_has_its_reason() {
    with_private_table("each_difference_has_its_reason", |table| {
        register(&table, &[registration("arm")]);
        let reason =
            |wanted: Registration| match plan(&table.snapshot().unwrap(), vec![wanted], false, NOW)
                .unwrap()
                .remove(0)
                .action
            {
                Action::Replace { why, .. } => why,
                other => panic!("{other:?}"),
            };
        let base = || registration("arm");
        assert_eq!(
            reason(Registration {
                flags: Flags::parse("PF"),
                ..base()
            }),
            Reason::Flags
        );
        assert_eq!(
            reason(Registration {
                interpreter: "/bin/false".into(),
                ..base()
            }),
            Reason::Interpreter
        );
        assert_eq!(
            reason(Registration {
                pattern: registration("armeb").pattern,
                ..base()
            }),
            Reason::Pattern
        );
        let upgraded = Pin {
            inode: 99,
            ..base().pin
        };
        assert_eq!(
            reason(Registration {
                pin: upgraded,
                ..base()
            }),
            Reason::Stale
        );
        std::fs::write(table.path().unwrap().join("qemu-arm"), "0").unwrap();
        assert_eq!(reason(base()), Reason::Disabled);
    });
}

#[test]
fn a_kernel_too_old_for_f_is_named_with_the_way_out() {
    let old = KernelVersion::parse("4.4.0-210-generic");
    let error = plan(&Default::default(), vec![registration("arm")], false, old).unwrap_err();
    assert_eq!(
        error.to_string(),
        "flag F needs Linux 4.8, this is 4.4; leave it out with --no-fix-binary"
    );
    let without = Registration {
        flags: Flags::parse("POC"),
        ..registration("arm")
    };
    assert!(plan(&Default::default(), vec![without], false, old).is_ok());
}
