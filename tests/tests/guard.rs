//! Promise: `armistice guard` puts back what others remove, and says who it was.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use e2e::command::wait_until;
use e2e::{Guard, PrivateTable, product};
use rustix::process::{Pid, Signal, kill_process};

const SOON: Duration = Duration::from_secs(30);

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
    e2e::copy_program("/bin/sh".as_ref(), &flusher);
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

/// A bug once: where the ready file could not be removed, the entries stayed.
#[test]
fn what_fails_at_its_end_keeps_no_entry_from_being_removed() {
    let table = PrivateTable::new();
    let folder = e2e::temporary();
    let ready = folder.path().join("ready");
    let mut guard = Guard::start(
        &table,
        &[
            "arm64",
            "--unregister-on-exit",
            "--ready-file",
            &ready.to_string_lossy(),
        ],
    );
    wait_until("the guard is ready", SOON, || ready.exists());
    // What it can't remove as a file.
    std::fs::remove_file(&ready).expect("the test's own file");
    std::fs::create_dir(&ready).expect("the test's own folder");
    assert_eq!(guard.stop().code(), Some(1), "{}", guard.said());
    assert!(
        guard.said().contains("cannot remove the ready file"),
        "{}",
        guard.said()
    );
    assert!(!has(&table, "qemu-aarch64"), "{}", guard.said());
}

/// A bug once: rights were asked for, which root has in `/proc`, too; so the entries were
/// registered before the guard failed.
#[test]
fn a_ready_file_that_cannot_be_written_fails_before_anything_is_changed() {
    let table = PrivateTable::new();
    let mut guard = table.command(product::binary());
    guard.args(["guard", "arm64", "--ready-file", "/proc/ready"]);
    e2e::run(&mut guard)
        .exits(1)
        .says("cannot write the ready file /proc/ready; nothing was changed");
    assert_eq!(table.names(), Vec::<String>::new());
}

/// A bug once: without names, all that an emulator is installed for was registered.
#[test]
fn without_names_it_keeps_what_is_registered_and_adds_nothing() {
    let table = PrivateTable::new();
    let register = ["register", "arm64", "--engine", "qemu", "--no-credentials"];
    e2e::run(table.command(product::binary()).args(register)).ok();
    let before = table.entry("qemu-aarch64");
    let folder = e2e::temporary();
    let ready = folder.path().join("ready");
    let _guard = Guard::start(
        &table,
        &["--interval", "1", "--ready-file", &ready.to_string_lossy()],
    );
    wait_until("the guard is ready", SOON, || ready.exists());
    assert_eq!(table.names(), ["qemu-aarch64"]);
    table
        .sh("echo -1 > /proc/sys/fs/binfmt_misc/qemu-aarch64")
        .ok();
    wait_until("it is back", SOON, || has(&table, "qemu-aarch64"));
    wait_until("the guard is ready again", SOON, || ready.exists());
    assert_eq!(table.names(), ["qemu-aarch64"]);
    // As it was: the same emulator, the same flags, the same magic.
    assert_eq!(table.entry("qemu-aarch64"), before);
}

/// After a boot the rules of `register --persist` say what was registered.
#[test]
fn without_names_it_keeps_what_is_persisted() {
    let table = PrivateTable::new();
    let line =
        e2e::run(
            table
                .command(product::binary())
                .args(["register", "riscv64", "--dry-run"]),
        )
        .ok()
        .stdout;
    table
        .sh(&format!(
            "cat > /etc/binfmt.d/zz-armistice.conf <<'EOF'\n{line}EOF"
        ))
        .ok();
    let folder = e2e::temporary();
    let ready = folder.path().join("ready");
    let _guard = Guard::start(&table, &["--ready-file", &ready.to_string_lossy()]);
    wait_until("the guard is ready", SOON, || ready.exists());
    assert_eq!(table.names(), ["qemu-riscv64"]);
}

/// A bug once: "another handler came before it", without its name.
#[test]
fn a_foreign_entry_that_shadows_ours_is_named() {
    let table = PrivateTable::new();
    let guard = Guard::start(&table, &["arm64", "--interval", "1"]);
    wait_until("it is registered", SOON, || {
        guard.said().contains("Flag C") || has(&table, "qemu-aarch64")
    });
    wait_until("it is proven", SOON, || table.names() == ["qemu-aarch64"]);
    let shadow = r":rosetta:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/rosetta:";
    table
        .sh(&format!(
            "printf '%s' '{shadow}' > /proc/sys/fs/binfmt_misc/register"
        ))
        .ok();
    wait_until("the shadow is named", SOON, || {
        let said = guard.said();
        said.contains("Somebody put rosetta (/usr/bin/rosetta, flags -) before qemu-aarch64")
            && said.contains("Put back and verified: qemu-aarch64")
    });
    assert!(has(&table, "rosetta"), "somebody else's stays");
}

/// A bug once: with one of one gone, the table was said to be emptied.
#[test]
fn one_of_one_is_removed_not_emptied() {
    let table = PrivateTable::new();
    let folder = e2e::temporary();
    let ready = folder.path().join("ready");
    let guard = Guard::start(
        &table,
        &[
            "arm64",
            "--interval",
            "1",
            "--ready-file",
            &ready.to_string_lossy(),
        ],
    );
    wait_until("the guard is ready", SOON, || ready.exists());
    table
        .sh("echo -1 > /proc/sys/fs/binfmt_misc/qemu-aarch64")
        .ok();
    wait_until("it is told", SOON, || {
        guard.said().contains("Somebody removed qemu-aarch64")
    });
    assert!(!guard.said().contains("emptied"), "{}", guard.said());
}

/// The main switch is somebody's will: told, waited for, never switched on.
#[test]
fn the_main_switch_is_left_as_it_is_and_waited_for() {
    let table = PrivateTable::new();
    let folder = e2e::temporary();
    let ready = folder.path().join("ready");
    let status = "/proc/sys/fs/binfmt_misc/status";
    let mut guard = Guard::start(
        &table,
        &[
            "arm64",
            "--interval",
            "1",
            "--ready-file",
            &ready.to_string_lossy(),
        ],
    );
    wait_until("the guard is ready", SOON, || ready.exists());
    table.sh(&format!("echo 0 > {status}")).ok();
    wait_until("it is told", SOON, || {
        guard.said().contains("switched binfmt_misc off as a whole")
    });
    wait_until("the guard is not ready", SOON, || !ready.exists());
    std::thread::sleep(Duration::from_secs(3));
    table.sh(&format!("cat {status}")).ok().prints("disabled");
    let told = guard.said().matches("as a whole").count();
    assert_eq!(told, 1, "what lasts is said once:\n{}", guard.said());
    // What is removed meanwhile is put back once it is on again.
    table
        .sh(&format!(
            "echo -1 > {}; echo 1 > {status}",
            status.replace("status", "qemu-aarch64")
        ))
        .ok();
    wait_until("the guard is ready again", SOON, || ready.exists());
    assert!(has(&table, "qemu-aarch64"));
    // At the start it is the user's to mend.
    assert!(guard.stop().success());
    table.sh(&format!("echo 0 > {status}")).ok();
    e2e::run(table.command(product::binary()).args(["guard", "arm64"]))
        .exits(1)
        .says("switched off as a whole")
        .says("echo 1 >");
}

/// Where it has to guess, it guesses neither itself nor a probe of its pod.
#[test]
fn it_never_suspects_itself() {
    let table = PrivateTable::new();
    let folder = e2e::temporary();
    let ready = folder.path().join("ready");
    let binary = product::binary().to_string_lossy();
    let guard = table
        .command("timeout")
        .args([
            "60",
            &binary,
            "guard",
            "arm64",
            "--interval",
            "1",
            "--ready-file",
        ])
        .arg(&ready)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the guard can be started");
    wait_until("the guard is ready", SOON, || ready.exists());
    // A probe as Kubernetes makes it, then a culprit that is gone at once.
    let done = table.sh(&format!(
        "for i in 1 2 3 4 5; do '{binary}' verify arm64; done; echo -1 > /proc/sys/fs/binfmt_misc/status"
    ));
    wait_until("the entry is back", SOON, || has(&table, "qemu-aarch64"));
    std::thread::sleep(Duration::from_secs(1));
    let pid = i32::try_from(guard.id()).ok().and_then(Pid::from_raw);
    let _ = kill_process(pid.expect("a process id"), Signal::TERM);
    let said = guard.wait_with_output().expect("the guard ends").stderr;
    let said = String::from_utf8_lossy(&said);
    let accused: Vec<&str> = said.lines().filter(|l| l.contains("Somebody")).collect();
    assert!(!accused.is_empty(), "{said}\n{done}");
    for line in accused {
        let suspects: Vec<&str> = line.split("perhaps ").skip(1).collect();
        for suspect in suspects {
            let looks = ["guard arm64", "verify arm64"];
            let script = suspect.contains("sh -ec");
            assert!(
                script || !looks.iter().any(|l| suspect.contains(l)),
                "{said}"
            );
        }
    }
}

/// The ready file of a guard that was killed says nothing of the next one, and
/// one that cannot be written is told of before anything is registered.
#[test]
fn the_ready_file_is_seen_to_before_anything_is_registered() {
    let folder = e2e::temporary();
    let left = folder.path().join("ready");
    std::fs::write(&left, "ready\n").expect("a file");
    let table = PrivateTable::new();
    let guard = |ready: &Path| {
        let args = ["guard", "amd64", "--ready-file"];
        e2e::run(table.command(product::binary()).args(args).arg(ready)).exits(1)
    };
    guard(&left).says("runs amd64 programs by itself");
    assert!(!left.exists(), "nothing is ready");

    let nowhere = folder.path().join("none/ready");
    guard(&nowhere).says("cannot write the ready file");
    let arm64 = ["guard", "arm64", "--ready-file"];
    e2e::run(table.command(product::binary()).args(arm64).arg(&nowhere))
        .exits(1)
        .says("nothing was changed");
    assert!(table.names().is_empty());
}
