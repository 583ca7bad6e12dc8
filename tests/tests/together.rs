//! Promise: runs at the same time, also in other mount namespaces, change the
//! table one after the other; one that hangs is named; one that is killed
//! holds up nobody.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use e2e::{Done, PrivateTable, need, product};

const BINFMT: &str = "/proc/sys/fs/binfmt_misc";

fn armistice(table: &PrivateTable, args: &[&str]) -> Done {
    e2e::run(table.command(product::binary()).args(args))
}

/// The command, started in a mount namespace of its own that mounts the same
/// table once more.
fn elsewhere(table: &PrivateTable, args: &[&str]) -> Command {
    let mut command = table.command(need::program("unshare", "util-linux"));
    command
        .args(["--mount", "sh", "-ec"])
        .arg(format!(
            "umount {BINFMT}; mount -t binfmt_misc other {BINFMT}; exec \"$@\""
        ))
        .arg("sh")
        .arg(product::binary())
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// All must succeed.
#[track_caller]
fn all_succeed(children: Vec<Child>) {
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", output.status);
    }
}

#[test]
fn six_over_an_entry_with_other_flags() {
    let table = PrivateTable::new();
    for _ in 0..5 {
        armistice(&table, &["register", "arm64", "--no-credentials"]).ok();
        let six = (0..6).map(|_| elsewhere(&table, &["register", "arm64"]).spawn());
        all_succeed(six.map(|child| child.expect("it starts")).collect());
        assert_eq!(table.names(), ["qemu-aarch64"]);
        assert!(table.entry("qemu-aarch64").contains("flags: POCF"));
    }
}

#[test]
fn unregister_beside_register() {
    let table = PrivateTable::new();
    for _ in 0..5 {
        armistice(&table, &["register", "arm64", "arm", "--no-credentials"]).ok();
        let lines: [&[&str]; 4] = [
            &["register", "arm64", "arm"],
            &["unregister", "arm64"],
            &["register", "arm64", "arm"],
            &["unregister", "arm"],
        ];
        let four = lines.map(|args| elsewhere(&table, args).spawn().expect("it starts"));
        all_succeed(four.into_iter().collect());
        // Whoever was last: whole entries, and no others.
        let names = table.names();
        let whole = |name: &String| name == "qemu-aarch64" || name == "qemu-arm";
        assert!(names.iter().all(whole), "{names:?}");
        armistice(&table, &["register", "arm64", "arm"]).ok();
        assert_eq!(table.names().len(), 2);
    }
}

/// Holds the lock of the table until it is killed.
fn holder(table: &PrivateTable) -> Child {
    let mut child = table
        .command(need::program("flock", "util-linux"))
        .args(["--no-fork", &format!("{BINFMT}/register")])
        .args(["sh", "-c", "echo held; exec sleep 100"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("flock starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).expect("a line");
    assert_eq!(line, "held\n");
    child
}

#[test]
fn who_waits_says_for_whom_and_goes_on_when_that_one_is_killed() {
    let table = PrivateTable::new();
    for args in [&["register", "arm64"][..], &["unregister", "arm64"]] {
        let mut holder = holder(&table);
        let mut waiting = elsewhere(&table, args).spawn().expect("it starts");
        std::thread::sleep(Duration::from_secs(2));
        assert!(waiting.try_wait().expect("ours").is_none(), "it waits");
        let killed = Instant::now();
        holder.kill().expect("ours");
        holder.wait().expect("ours");
        let output = waiting.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(
            said.contains("Waiting: another") && said.contains("sleep 100"),
            "{said}"
        );
        assert!(killed.elapsed() < Duration::from_secs(20), "{said}");
    }
    assert!(table.names().is_empty());
}

/// Who only looks does not wait.
#[test]
fn looking_needs_no_lock() {
    let table = PrivateTable::new();
    armistice(&table, &["register", "arm64"]).ok();
    let mut holder = holder(&table);
    let started = Instant::now();
    for args in [
        &["status"][..],
        &["verify"],
        &["register", "--dry-run", "arm64"],
    ] {
        armistice(&table, args).ok();
    }
    assert!(started.elapsed() < Duration::from_secs(20));
    holder.kill().expect("ours");
    holder.wait().expect("ours");
}
