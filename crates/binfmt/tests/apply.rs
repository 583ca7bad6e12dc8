//! A change happens whole or not at all, and never leaves a moment without a
//! handler. The real kernel's table.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::PathBuf;

use armistice_arch::Arch;
use armistice_binfmt::{
    Action, BinfmtError, Flags, KernelVersion, Locked, Mark, Pin, Reason, Registration, Rules,
    Table, Transaction, plan, replay,
};
use common::{lock, registration, with_private_table};

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

fn begin<'t>(
    table: &'t Locked<'t>,
    wanted: Vec<Registration>,
) -> Result<Transaction<'t>, BinfmtError> {
    let live = table.snapshot().unwrap();
    let changes = plan(&live, wanted, &Rules::default(), NOW)?;
    Transaction::begin(table, &live, &changes)
}

fn register(table: &Locked<'_>, wanted: &[Registration]) {
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
        let table = lock(&table);
        register(&table, &[registration("arm")]);
        let changes = plan(
            &table.snapshot().unwrap(),
            vec![registration("arm")],
            &Rules::default(),
            NOW,
        )
        .unwrap();
        assert_eq!(changes[0].action, Action::Keep);
        register(&table, &[registration("arm")]);
        assert_eq!(names(&table), ["qemu-arm"]);
    });
}

/// The name of the entry that takes an architecture's programs.
fn winner(table: &Table, arch: &str) -> String {
    let live = table.snapshot().unwrap();
    let head = Arch::by_name(arch).unwrap().sample_header(2, 0);
    let winner = replay::winner(&live, &head, "").map(|e| e.name.clone());
    winner.unwrap_or_default()
}

#[test]
fn a_replacement_is_tried_out_beside_the_old_entry_and_takes_nothing_until_committed() {
    with_private_table(
        "a_replacement_is_tried_out_beside_the_old_entry_and_takes_nothing_until_committed",
        |table| {
            let table = lock(&table);
            register(&table, &[registration("arm")]);
            let other = Registration {
                interpreter: "/bin/false".into(),
                ..registration("arm")
            };
            let transaction = begin(&table, vec![other.clone()]).unwrap();
            assert_eq!(names(&table), ["qemu-arm.new", "qemu-arm"]);
            assert_eq!(winner(&table, "arm"), "qemu-arm", "unproven: not in effect");
            let live = table.snapshot().unwrap();
            let arm = Arch::by_name("arm").unwrap();
            let test_program = armistice_arch::trial::program(&arm.sample_header(2, 0));
            let tried = replay::winner(&live, &test_program, "").unwrap();
            assert_eq!(tried.name, "qemu-arm.new");
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
        let table = lock(&table);
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
            let table = lock(&table);
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
        let table = lock(&table);
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
fn somebody_elses_entry_stays_and_ours_comes_before_it() {
    with_private_table(
        "somebody_elses_entry_stays_and_ours_comes_before_it",
        |table| {
            let table = lock(&table);
            foreign(&table, "arm", "/bin/false");
            let before = table.snapshot().unwrap();
            register(&table, &[registration("arm")]);
            assert_eq!(names(&table), ["armistice-arm", "qemu-arm"]);
            assert_eq!(winner(&table, "arm"), "armistice-arm");
            assert_eq!(table.snapshot().unwrap().entries[1], before.entries[0]);
            // Again: nothing to do. Without ours: the other is in effect, as it was.
            register(&table, &[registration("arm")]);
            assert_eq!(names(&table), ["armistice-arm", "qemu-arm"]);
            table.remove("armistice-arm").unwrap();
            assert_eq!(table.snapshot().unwrap(), before);
        },
    );
}

#[test]
fn the_usual_name_is_taken_when_it_is_free_again() {
    with_private_table("the_usual_name_is_taken_when_it_is_free_again", |table| {
        let table = lock(&table);
        foreign(&table, "arm", "/bin/false");
        register(&table, &[registration("arm")]);
        table.remove("qemu-arm").unwrap();
        register(&table, &[registration("arm")]);
        assert_eq!(names(&table), ["qemu-arm"]);
        // And not where it is known that others will have it.
        let rules = Rules {
            reserved: vec!["qemu-arm".to_owned()],
            ..Rules::default()
        };
        let live = table.snapshot().unwrap();
        let changes = plan(&live, vec![registration("arm")], &rules, NOW).unwrap();
        assert_eq!(changes[0].wanted.name, "armistice-arm");
        let transaction = Transaction::begin(&table, &live, &changes).unwrap();
        transaction.commit(&[registration("arm")]).unwrap();
        assert_eq!(names(&table), ["armistice-arm"]);
    });
}

#[test]
fn told_to_replace_it_takes_the_name_of_somebody_elses_entry() {
    with_private_table(
        "told_to_replace_it_takes_the_name_of_somebody_elses_entry",
        |table| {
            let table = lock(&table);
            foreign(&table, "arm", "/bin/false");
            let rules = Rules {
                replace_foreign: true,
                ..Rules::default()
            };
            let live = table.snapshot().unwrap();
            let changes = plan(&live, vec![registration("arm")], &rules, NOW).unwrap();
            let why = match &changes[0].action {
                Action::Replace { why, .. } => *why,
                other => panic!("{other:?}"),
            };
            assert_eq!(why, Reason::TakenOver);
            let transaction = Transaction::begin(&table, &live, &changes).unwrap();
            transaction.commit(&[registration("arm")]).unwrap();
            let live = table.snapshot().unwrap();
            assert!(live.entries.len() == 1 && matches!(live.entries[0].mark, Mark::Ours(_)));
        },
    );
}

#[test]
fn where_others_have_both_names_it_is_refused() {
    with_private_table("where_others_have_both_names_it_is_refused", |table| {
        let table = lock(&table);
        foreign(&table, "arm", "/bin/false");
        let line = ":armistice-arm:E::nothing::/bin/false:";
        std::fs::write(table.path().unwrap().join("register"), line).unwrap();
        let before = table.snapshot().unwrap();
        let error = begin(&table, vec![registration("ppc64le"), registration("arm")]).unwrap_err();
        assert!(matches!(&error, BinfmtError::Foreign { name, .. } if name == "qemu-arm"));
        assert_eq!(table.snapshot().unwrap(), before);
    });
}

/// What a killed run left of another architecture goes, unless it is all that
/// runs that architecture's programs.
#[test]
fn what_a_killed_run_left_goes_with_the_next_of_any_architecture() {
    with_private_table(
        "what_a_killed_run_left_goes_with_the_next_of_any_architecture",
        |table| {
            let table = lock(&table);
            let [s390x, ppc64le] = ["s390x", "ppc64le"].map(registration);
            register(&table, std::slice::from_ref(&s390x));
            table.register(&s390x.named("qemu-s390x.new")).unwrap();
            table.register(&ppc64le.named("qemu-ppc64le.new+")).unwrap();
            let trial = registration("riscv64").for_trial("qemu-riscv64.new");
            table.register(&trial.unwrap()).unwrap();
            register(&table, &[registration("arm")]);
            assert_eq!(
                names(&table),
                ["qemu-arm", "qemu-ppc64le.new+", "qemu-s390x"]
            );
        },
    );
}

#[test]
fn each_difference_has_its_reason() {
    with_private_table("each_difference_has_its_reason", |table| {
        let table = lock(&table);
        register(&table, &[registration("arm")]);
        let reason = |wanted: Registration| match plan(
            &table.snapshot().unwrap(),
            vec![wanted],
            &Rules::default(),
            NOW,
        )
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
fn a_kernel_too_old_for_f_is_named() {
    let old = KernelVersion::parse("4.4.0-210-generic");
    let error = plan(
        &Default::default(),
        vec![registration("arm")],
        &Rules::default(),
        old,
    )
    .unwrap_err();
    assert_eq!(error.to_string(), "flag F needs Linux 4.8, this is 4.4");
    let without = Registration {
        flags: Flags::parse("POC"),
        ..registration("arm")
    };
    assert!(plan(&Default::default(), vec![without], &Rules::default(), old).is_ok());
}
