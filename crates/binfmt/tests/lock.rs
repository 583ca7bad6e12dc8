//! One lock for a table, whoever sees it through whatever mount.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use armistice_binfmt::{BinfmtError, Table};
use common::{lock, with_private_table};
use rustix::mount::MountFlags;

/// A process that holds the lock of the table mounted at `place` until it is killed.
fn holder(place: &str) -> Child {
    let mut child = Command::new("flock")
        .args(["--no-fork", &format!("{place}/register")])
        .args(["sh", "-ec", "echo held; exec sleep 60"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
    assert_eq!(line, "held\n", "flock (of util-linux) takes the lock");
    child
}

#[test]
fn it_holds_through_another_mount_and_ends_with_its_holder() {
    with_private_table(
        "it_holds_through_another_mount_and_ends_with_its_holder",
        |table| {
            let elsewhere = tempfile::tempdir().unwrap();
            let at = elsewhere.path();
            rustix::mount::mount("other", at, "binfmt_misc", MountFlags::empty(), None).unwrap();
            let mut holder = holder(&at.display().to_string());

            let mut told = None;
            let error = table
                .lock(Duration::from_millis(1500), |who| told = who.cloned())
                .unwrap_err();
            let pid = i32::try_from(holder.id()).unwrap();
            assert_eq!(told.map(|who| who.pid), Some(pid), "who holds it is told");
            assert!(matches!(&error, BinfmtError::Busy { .. }), "{error}");
            let text = error.to_string();
            assert!(
                text.contains("sleep 60") && text.contains("nothing was changed"),
                "{text}"
            );

            holder.kill().unwrap();
            let started = Instant::now();
            drop(lock(&table));
            assert!(
                started.elapsed() < Duration::from_secs(1),
                "freed by the kernel"
            );
            holder.wait().unwrap();
            // Once taken, it keeps others out; and once dropped it does not.
            let other = Table::at(at).unwrap();
            let taken = lock(&table);
            let error = other.lock(Duration::ZERO, |_| ()).unwrap_err();
            assert!(matches!(error, BinfmtError::Busy { .. }), "{error}");
            drop(taken);
            drop(lock(&other));
            drop(other);
            rustix::mount::unmount(at, rustix::mount::UnmountFlags::empty()).unwrap();
        },
    );
}

#[test]
fn another_table_has_another_lock() {
    // Each private table is a user namespace's own: this one's lock is free
    // though the outer one's, if there is one, may be taken.
    with_private_table("another_table_has_another_lock", |table| {
        let _taken = lock(&table);
        let script = "mount -t binfmt_misc b /proc/sys/fs/binfmt_misc
            flock -n /proc/sys/fs/binfmt_misc/register true";
        let status = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-ec", script])
            .status()
            .unwrap();
        assert!(status.success());
        assert!(Path::new("/proc/sys/fs/binfmt_misc/register").exists());
    });
}
