//! Promise: `armistice guard` puts back what others remove, and says who it was.

#![allow(
    clippy::print_stdout,
    reason = "what the guard said belongs to a failed test's output"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use e2e::command::wait_until;
use e2e::{PrivateTable, product};
use rustix::process::{Pid, Signal, kill_process};

const SOON: Duration = Duration::from_secs(30);

/// A guard in a private table.
struct Guard {
    process: Child,
    said: Arc<Mutex<String>>,
}

impl Guard {
    fn start(table: &PrivateTable, args: &[&str]) -> Guard {
        let mut process = table
            .command(product::binary())
            .arg("guard")
            .args(args)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the guard can be started");
        let said = Arc::new(Mutex::new(String::new()));
        let stderr = process.stderr.take().expect("its stderr is a pipe");
        let keep = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut all = keep.lock().unwrap_or_else(PoisonError::into_inner);
                all.push_str(&line);
                all.push('\n');
            }
        });
        Guard { process, said }
    }

    fn said(&self) -> String {
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn stop(&mut self) -> std::process::ExitStatus {
        let pid = i32::try_from(self.process.id())
            .ok()
            .and_then(Pid::from_raw);
        let _ = kill_process(pid.expect("a process id"), Signal::TERM);
        self.process.wait().expect("the guard ends")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        println!("the guard said:\n{}", self.said());
    }
}

fn has(table: &PrivateTable, name: &str) -> bool {
    table.names().iter().any(|n| n == name)
}

#[test]
fn entries_that_are_flushed_come_back_and_the_culprit_is_named() {
    let table = PrivateTable::new();
    let folder = e2e::temporary();
    let ready = folder.path().join("ready");
    let guard = Guard::start(
        &table,
        &[
            "arm64",
            "riscv64",
            "--interval",
            "1",
            "--ready-file",
            &ready.to_string_lossy(),
        ],
    );
    wait_until("the guard is ready", SOON, || ready.exists());
    assert!(has(&table, "qemu-aarch64") && has(&table, "qemu-riscv64"));

    // What wipes tables in the field is systemd-binfmt, in containers that run
    // systemd. Here nobody tells the guard who wrote (that takes root), so it
    // has to find the suspect: a shell of that name, which stays a moment.
    let flusher = folder.path().join("systemd-binfmt");
    std::fs::copy("/bin/sh", &flusher).expect("a shell can be copied");
    let flush = format!(
        "'{}' -c 'echo -1 > /proc/sys/fs/binfmt_misc/status; sleep 2'",
        flusher.display()
    );
    table.sh(&flush).ok();
    wait_until("the entries are back", SOON, || {
        has(&table, "qemu-aarch64") && has(&table, "qemu-riscv64")
    });
    wait_until("the guard is ready again", SOON, || ready.exists());
    wait_until("the culprit is named", SOON, || {
        guard.said().contains(&*flusher.to_string_lossy())
    });
    e2e::run(
        table
            .command(product::binary())
            .args(["verify", "arm64", "riscv64"]),
    )
    .ok();
}

#[test]
fn a_single_entry_and_the_switch_are_put_back_too() {
    let table = PrivateTable::new();
    let _guard = Guard::start(&table, &["arm64", "--interval", "1"]);
    wait_until("it is registered", SOON, || has(&table, "qemu-aarch64"));
    table
        .sh("echo -1 > /proc/sys/fs/binfmt_misc/qemu-aarch64")
        .ok();
    wait_until("it is back", SOON, || has(&table, "qemu-aarch64"));
    table
        .sh("echo 0 > /proc/sys/fs/binfmt_misc/qemu-aarch64")
        .ok();
    wait_until("it is enabled again", SOON, || {
        table.entry("qemu-aarch64").starts_with("enabled")
    });
}

#[test]
fn at_its_end_it_leaves_the_entries_or_takes_them_along() {
    let table = PrivateTable::new();
    for (args, stays) in [
        (&["arm64"][..], true),
        (&["arm64", "--unregister-on-exit"], false),
    ] {
        let folder = e2e::temporary();
        let ready = folder.path().join("ready");
        let mut guard = Guard::start(
            &table,
            &[args, &["--ready-file", &ready.to_string_lossy()][..]].concat(),
        );
        wait_until("the guard is ready", SOON, || ready.exists());
        assert!(
            guard.stop().success(),
            "SIGTERM is a regular end:\n{}",
            guard.said()
        );
        assert_eq!(has(&table, "qemu-aarch64"), stays, "{args:?}");
        assert!(!Path::new(&ready).exists(), "no guard, not ready");
    }
}
