//! Promise: `guard`, killed in place of any of its writes to the table (at its start,
//! when it puts back, when it ends), leaves the machine able to run its own programs
//! and what others registered in effect; `shell`, killed at any step, leaves no
//! trace. The next command mends the rest.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use e2e::command::wait_until;
use e2e::killing::{BINFMT, MOST, armistice, killed_at, runs_its_own_programs, writes};
use e2e::{PrivateTable, need, run};

const SOON: Duration = Duration::from_secs(120);

/// A table with an entry that the commands here have nothing to do with.
fn table() -> PrivateTable {
    let table = PrivateTable::new();
    armistice(&table, &["register", "riscv64"]).ok();
    table
}

/// The guard of two architectures.
struct Guard {
    strace: Child,
}

impl Guard {
    /// Its life: it registers, puts back what is removed, and removes all when it
    /// is told to end. Ends where the guard does; how it ended.
    fn live(mut command: Command, table: &PrivateTable, ready: &Path) -> ExitStatus {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut guard = Guard {
            strace: command.spawn().expect("strace can be started"),
        };
        guard.wait(|| ready.exists());
        if guard.runs() {
            // Where the guard has just been killed, it may be gone.
            table
                .sh(&format!("echo -1 > {BINFMT}/qemu-aarch64 || true"))
                .ok();
            guard.wait(|| ready.exists() && table.names().contains(&"qemu-aarch64".to_owned()));
        }
        if guard.runs() {
            guard.tell_to_end();
            guard.wait(|| false);
        }
        guard.strace.wait().expect("it has ended")
    }

    fn runs(&mut self) -> bool {
        matches!(self.strace.try_wait(), Ok(None))
    }

    /// Until it is so, or the guard has ended.
    fn wait(&mut self, is_so: impl Fn() -> bool) {
        wait_until("the guard acts or ends", SOON, || !self.runs() || is_so());
    }

    fn tell_to_end(&self) {
        let id = self.strace.id();
        let file = format!("/proc/{id}/task/{id}/children");
        let children = std::fs::read_to_string(file).expect("a kernel with CONFIG_PROC_CHILDREN");
        for child in children.split_whitespace() {
            run(Command::new(need::program("kill", "procps")).args(["-TERM", child])).ok();
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}

#[test]
fn guard_at_each_write() {
    let folder = e2e::temporary();
    let ready = folder.path().join("ready");
    let file = ready.to_string_lossy().into_owned();
    let args = [
        "guard",
        "arm64",
        "arm",
        "--interval=1",
        "--unregister-on-exit",
        "--ready-file",
        &file,
    ];
    let all = {
        let table = table();
        let all = writes(&table, &args, |command| {
            let end = Guard::live(command, &table, &ready);
            assert!(end.success(), "the guard that nobody kills: {end}");
        });
        assert_eq!(table.names(), ["qemu-riscv64"]);
        all
    };
    let removals = all.iter().filter(|file| file.ends_with("/qemu-aarch64"));
    assert!(
        removals.count() > 0,
        "it removed nothing at its end: {all:?}"
    );
    let files: BTreeSet<String> = all.iter().cloned().collect();
    let nexts: [(&[&str], &[&str]); 2] = [
        (
            &["register", "arm64", "arm"],
            &["qemu-aarch64", "qemu-arm", "qemu-riscv64"],
        ),
        (&["unregister", "arm64", "arm"], &["qemu-riscv64"]),
    ];
    for nth in 1..=all.len() {
        for (next, names) in nexts {
            let table = table();
            let _ = std::fs::remove_file(&ready);
            let end = Guard::live(
                killed_at(&table, "write", &files, nth, &args),
                &table,
                &ready,
            );
            let place = format!("guard killed at write {nth} of {all:?}");
            assert_eq!(end.code(), None, "{place}");
            let before = table.names();
            runs_its_own_programs(&table, &place);
            let done = armistice(&table, &["verify", "riscv64"]);
            assert!(done.status.success(), "{place}: {done}");
            let done = armistice(&table, next);
            assert!(done.status.success(), "{place}, {before:?}: {done}");
            assert_eq!(table.names(), names, "{place}, {before:?}: {done}");
        }
    }
}

/// What makes its namespaces and fills its table.
const STEPS: [&str; 5] = ["unshare", "mount", "write", "clone", "clone3"];

#[test]
fn shell_at_each_step() {
    let table = table();
    let temporary = e2e::temporary();
    let mounts = || {
        table
            .sh("cut -d ' ' -f 4- /proc/self/mountinfo")
            .ok()
            .stdout
    };
    let before = mounts();
    let args = ["shell", "-a", "arm64", "-a", "arm", "--", "true"];
    let mut killed = 0;
    for step in STEPS {
        for nth in 1.. {
            assert!(
                nth <= MOST,
                "shell was killed at {MOST} calls of {step}, and never came through"
            );
            let mut command = killed_at(&table, step, &BTreeSet::new(), nth, &args);
            let done = run(command.env("TMPDIR", temporary.path()));
            if done.status.success() {
                break;
            }
            killed += 1;
            let place = format!("shell killed at {step} {nth}");
            runs_its_own_programs(&table, &place);
            assert_eq!(table.names(), ["qemu-riscv64"], "{place}");
            let verified = armistice(&table, &["verify", "riscv64"]);
            assert!(verified.status.success(), "{place}: {verified}");
            assert_eq!(mounts(), before, "{place}");
            let left = std::fs::read_dir(temporary.path()).expect("it is there");
            assert_eq!(left.count(), 0, "{place}");
        }
    }
    assert!(killed > 5, "shell was killed {killed} times");
    armistice(&table, &args).ok();
}
