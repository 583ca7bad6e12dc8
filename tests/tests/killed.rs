//! Promise: killed between any two writes, the command leaves the machine able
//! to run its own programs, and what was registered before in effect; the next
//! run cleans up.
//!
//! strace kills it: first it lists the writes to the table, then the same
//! command is run once for each of them in a table of its own, and killed in
//! place of the write.

use std::collections::BTreeSet;

use e2e::PrivateTable;
use e2e::killing::{BINFMT, armistice, killed_at, runs_its_own_programs, writes};

/// A command, and what has to be so wherever it is killed.
struct Case<'a> {
    /// Makes the table that it begins with.
    before: &'a dyn Fn(&PrivateTable),
    command: &'a [&'a str],
    /// Architectures that have to run all the time.
    run: &'a [&'a str],
    /// A command after which the table has to have these names.
    next: (&'a [&'a str], &'a [&'a str]),
}

impl Case<'_> {
    #[track_caller]
    fn hold(&self) {
        let writes = {
            let table = PrivateTable::new();
            (self.before)(&table);
            writes(&table, self.command, |mut command| {
                let _ = e2e::run(&mut command);
            })
        };
        assert!(!writes.is_empty(), "{:?} writes nothing", self.command);
        let files: BTreeSet<String> = writes.iter().cloned().collect();
        for nth in 1..=writes.len() {
            let table = PrivateTable::new();
            (self.before)(&table);
            let killed = e2e::run(&mut killed_at(&table, "write", &files, nth, self.command));
            assert_eq!(killed.status.code(), None, "killed at {nth}: {killed}");
            self.check(&table, nth, &writes);
        }
    }

    #[track_caller]
    fn check(&self, table: &PrivateTable, nth: usize, writes: &[String]) {
        let place = format!("{:?} killed at write {nth} of {writes:?}", self.command);
        runs_its_own_programs(table, &place);
        if !self.run.is_empty() {
            let done = armistice(table, &[&["verify"], self.run].concat());
            assert!(done.status.success(), "{place}: {done}");
        }
        let (command, names) = self.next;
        let done = armistice(table, command);
        assert!(done.status.success(), "{place}: {done}");
        assert_eq!(table.names(), names, "{place}: {done}");
    }
}

/// Somebody else's entry for an architecture: by its header only, so that it
/// takes whatever begins like its programs.
fn foreign(table: &PrivateTable, arch: &str) {
    let row = armistice_arch::Arch::by_name(arch).expect("a row of the table");
    let text = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|b| format!("\\x{b:02x}"))
            .collect::<String>()
    };
    let pattern = row.pattern();
    let line = format!(
        ":qemu-{arch}:M::{}:{}:/usr/bin/qemu-{arch}-static:PF",
        text(&pattern.magic),
        text(&pattern.mask)
    );
    table
        .sh(&format!("printf '%s' '{line}' > {BINFMT}/register"))
        .ok();
}

#[test]
fn while_it_adds() {
    Case {
        before: &|table| {
            armistice(table, &["register", "riscv64"]).ok();
        },
        command: &["register", "arm64", "arm"],
        run: &["riscv64"],
        next: (&["register", "arm64"], &["qemu-aarch64", "qemu-riscv64"]),
    }
    .hold();
}

#[test]
fn while_it_replaces_its_own() {
    Case {
        before: &|table| {
            armistice(table, &["register", "arm64", "arm", "--engine", "qemu"]).ok();
        },
        command: &["register", "arm64", "arm", "--no-credentials"],
        run: &["arm64", "arm"],
        next: (&["register", "arm64", "arm"], &["qemu-aarch64", "qemu-arm"]),
    }
    .hold();
}

#[test]
fn while_it_comes_before_somebody_elses() {
    Case {
        before: &|table| foreign(table, "aarch64"),
        command: &["register", "arm64"],
        run: &["arm64"],
        next: (
            &["register", "arm64"],
            &["armistice-aarch64", "qemu-aarch64"],
        ),
    }
    .hold();
    Case {
        before: &|table| foreign(table, "aarch64"),
        command: &["register", "arm64"],
        run: &["arm64"],
        next: (&["unregister"], &["qemu-aarch64"]),
    }
    .hold();
}

#[test]
fn while_it_replaces_somebody_elses_for_good() {
    Case {
        before: &|table| foreign(table, "aarch64"),
        command: &["register", "arm64", "--replace"],
        run: &["arm64"],
        next: (&["register", "arm64", "--replace"], &["qemu-aarch64"]),
    }
    .hold();
}

#[test]
fn while_it_takes_its_own_away() {
    Case {
        before: &|table| {
            foreign(table, "aarch64");
            armistice(table, &["register", "arm64", "riscv64", "arm"]).ok();
        },
        command: &["unregister", "arm64", "riscv64"],
        run: &["arm64", "arm"],
        next: (&["unregister"], &["qemu-aarch64"]),
    }
    .hold();
}

/// An emulator that passes every check but emulates nothing is never in effect.
#[test]
fn while_it_tries_an_emulator_that_does_not_work() {
    let folder = e2e::liar::folder();
    let folder = folder.path().to_string_lossy().into_owned();
    Case {
        before: &|table| {
            armistice(table, &["register", "arm64"]).ok();
        },
        command: &["register", "arm64", "--emulator-dir", &folder],
        run: &["arm64"],
        next: (&["register", "arm64"], &["qemu-aarch64"]),
    }
    .hold();
}

/// Handlers for programs that this machine runs itself: one that was insisted
/// on, and somebody else's.
#[test]
fn while_handlers_take_the_machines_own_programs() {
    let force = "--force-native=to see it killed";
    Case {
        before: &|table| {
            armistice(table, &["register", "i386", force]).ok();
        },
        command: &["register", "i386", force, "--no-credentials"],
        run: &["i386"],
        next: (&["unregister"], &[]),
    }
    .hold();
    Case {
        before: &|table| foreign(table, "i386"),
        command: &["register", "i386", "arm64", force],
        run: &["i386"],
        next: (&["unregister"], &["qemu-i386"]),
    }
    .hold();
}
