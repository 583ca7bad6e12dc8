//! Promise: killed at any step of what `--persist` writes (rules in binfmt.d,
//! copies of emulators, the table), the command leaves the machine able to run its
//! own programs; what was persisted before is there after the next boot; and the
//! next command leaves the files of a run that nobody killed, and no other.

use std::collections::BTreeSet;

use e2e::killing::{MOST, armistice, killed_at, runs_its_own_programs, writes};
use e2e::{PrivateTable, need};

const SYSTEMD_BINFMT: &str = "/lib/systemd/systemd-binfmt";

/// What makes, names and removes files.
const CALLS: [&str; 10] = [
    "mkdir",
    "copy_file_range",
    "fchmod",
    "fsync",
    "link",
    "linkat",
    "rename",
    "unlink",
    "unlinkat",
    "rmdir",
];

type Args = &'static [&'static str];

const UNPERSIST: Args = &["unregister", "--persist"];

/// A command, and what has to be so wherever it is killed.
struct Case {
    /// What was done before.
    before: &'static [Args],
    command: Args,
    /// Architectures that run after each boot.
    stay: Args,
    /// The command after the killed one.
    next: Args,
}

impl Case {
    #[track_caller]
    fn hold(&self) {
        let expected = {
            let table = self.table();
            armistice(&table, self.command).ok();
            armistice(&table, self.next).ok();
            state(&table)
        };
        let files: BTreeSet<String> = {
            let table = self.table();
            writes(&table, self.command, |mut command| {
                e2e::run(&mut command).ok();
            })
            .into_iter()
            .collect()
        };
        let mut killed = 0;
        for call in CALLS {
            killed += self.kill_at_each(call, &BTreeSet::new(), &expected);
        }
        killed += self.kill_at_each("write", &files, &expected);
        assert!(killed > 5, "{:?} was killed {killed} times", self.command);
    }

    /// How often it could be killed.
    #[track_caller]
    fn kill_at_each(&self, call: &str, files: &BTreeSet<String>, expected: &str) -> usize {
        for nth in 1..=MOST {
            let table = self.table();
            let done = e2e::run(&mut killed_at(&table, call, files, nth, self.command));
            if done.status.success() {
                return nth - 1;
            }
            let place = format!("{:?} killed at {call} {nth}", self.command);
            runs_its_own_programs(&table, &place);
            // As at each boot: nothing is registered but what the files say.
            let boot = table.sh(&format!(
                "echo -1 > /proc/sys/fs/binfmt_misc/status; {SYSTEMD_BINFMT}"
            ));
            assert!(boot.status.success(), "{place}: {boot}");
            if !self.stay.is_empty() {
                let done = armistice(&table, &[&["verify"], self.stay].concat());
                assert!(done.status.success(), "{place}: {done}");
            }
            let next = armistice(&table, self.next);
            assert!(next.status.success(), "{place}: {next}");
            assert_eq!(state(&table), expected, "{place}: {next}");
        }
        panic!(
            "{:?} was killed at {MOST} calls of {call}, and never came through",
            self.command
        )
    }

    /// A table and files as before the command.
    fn table(&self) -> PrivateTable {
        let _ = need::program(SYSTEMD_BINFMT, "systemd");
        let table = PrivateTable::new();
        // What is written ends with the namespace; nothing may reach the machine.
        table
            .sh(
                "mount -t tmpfs tmpfs /usr/local; umask 022; mkdir -p /usr/local/bin
                for dir in /etc/binfmt.d /usr/local; do
                    test \"$(stat -f -c %T $dir)\" = tmpfs
                done",
            )
            .ok();
        for command in self.before {
            armistice(&table, command).ok();
        }
        table
    }
}

/// All files, with rights and number of names, what the rules are (but for the
/// magic, which tells when a copy was made), and entries.
fn state(table: &PrivateTable) -> String {
    table
        .sh("cd /
            find etc/binfmt.d usr/local -type d -printf '%p %m\\n' | sort
            find etc/binfmt.d usr/local ! -type d -printf '%p %m %n %s\\n' | sort
            cut -d : -f 2,7,8 etc/binfmt.d/* 2>/dev/null || true
            ls proc/sys/fs/binfmt_misc")
        .ok()
        .stdout
}

const ARM64: Args = &["register", "arm64", "--persist"];
const QEMU: Args = &[
    "register",
    "arm64",
    "arm/v7",
    "--persist",
    "--engine",
    "qemu",
];
const BOTH: Args = &["register", "arm64", "arm/v7", "--persist"];

#[test]
fn while_it_persists_the_first() {
    for next in [ARM64, UNPERSIST] {
        Case {
            before: &[],
            command: ARM64,
            stay: &[],
            next,
        }
        .hold();
    }
}

/// The copy of the other engine goes; the other rule stays.
#[test]
fn while_another_engine_takes_the_place_of_the_persisted_one() {
    for next in [ARM64, UNPERSIST] {
        Case {
            before: &[QEMU],
            command: ARM64,
            stay: &["arm64", "arm/v7"],
            next,
        }
        .hold();
    }
}

#[test]
fn while_it_undoes_one_of_two() {
    for next in [&["unregister", "arm64", "--persist"], UNPERSIST, BOTH] {
        Case {
            before: &[BOTH],
            command: &["unregister", "arm64", "--persist"],
            stay: &["arm/v7"],
            next,
        }
        .hold();
    }
}

#[test]
fn while_it_undoes_all() {
    for next in [UNPERSIST, BOTH] {
        Case {
            before: &[BOTH],
            command: UNPERSIST,
            stay: &[],
            next,
        }
        .hold();
    }
}
