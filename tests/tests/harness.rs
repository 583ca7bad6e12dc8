//! The harness itself: it sees failures, and leaves the machine as it was.

use std::fs;
use std::path::Path;
use std::process::Command;

use e2e::{Dockerd, HostTable, Podman, PrivateTable, run};

#[test]
fn a_wrong_exit_code_is_seen() {
    let done = run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]));
    done.clone().exits(3).says("ERR").prints("out");
    assert!(std::panic::catch_unwind(|| done.clone().ok()).is_err());
    assert!(std::panic::catch_unwind(|| done.says("other")).is_err());
}

#[test]
fn a_private_table_is_empty_and_nobody_elses() {
    let (one, other) = (PrivateTable::new(), PrivateTable::new());
    one.sh("echo ':only-here:E::only-here::/bin/true:' > /proc/sys/fs/binfmt_misc/register")
        .ok();
    assert_eq!(one.names(), ["only-here"]);
    assert!(other.names().is_empty());
    assert!(!Path::new("/proc/sys/fs/binfmt_misc/only-here").exists());
}

#[test]
fn the_hosts_table_is_put_back() {
    use e2e::host_table::{AT, Found, set_aside};

    let host = HostTable::mounted();
    let register = |line: &str| {
        fs::write(Path::new(AT).join("register"), line).expect("the line is right");
    };
    register(":qemu-kept:M:3:ab\\x3a\\x00c:\\xff\\xff\\x00\\x0f\\xff:/bin/sh:POCF");
    register(":by-extension:E::armistice-test::/bin/true:");
    fs::write(Path::new(AT).join("by-extension"), "0").expect("it can be disabled");
    let before = host.entries();
    let found = Found::record();

    set_aside();
    fs::write(Path::new(AT).join("by-extension"), "-1").expect("it can be removed");
    register(":new-one:E::armistice-new::/bin/true:");
    assert_ne!(host.entries(), before);
    found.put_back();
    assert_eq!(host.entries(), before);
    assert!(before["by-extension"].starts_with("disabled"), "{before:?}");
}

#[test]
fn a_table_that_nobody_held_is_released_again() {
    use e2e::host_table::Found;

    let host = HostTable::unmounted();
    let found = Found::record();
    run(Command::new("mount").args(["-t", "binfmt_misc", "x", e2e::host_table::AT])).ok();
    assert!(host.is_mounted());
    found.put_back();
    assert!(!host.is_mounted());
}

#[test]
fn engines_leave_nothing_behind() {
    let mounts = || fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let docker = Dockerd::start();
    let folder = docker
        .socket()
        .parent()
        .map(Path::to_path_buf)
        .expect("a folder");
    run(docker.docker().arg("info")).ok();
    drop(docker);
    assert!(!folder.exists());
    assert!(!mounts().contains(&*folder.to_string_lossy()));
    let podman = Podman::new();
    run(podman.podman().arg("info")).ok();
    run(podman.buildah().arg("info")).ok();
    drop(podman);
    assert!(!mounts().contains(e2e::PREFIX));
}

#[test]
fn what_a_killed_run_left_is_cleared() {
    // No process has this id: the kernel's highest is 4194304.
    let folder = std::env::temp_dir().join(format!("{}99999999-left", e2e::PREFIX));
    // First: another test may clear as soon as there is a folder.
    let mut left = Command::new("sh")
        .args(["-c", "while :; do sleep 1; done"])
        .arg(folder.join("socket"))
        .spawn()
        .expect("a shell can be started");
    fs::create_dir_all(folder.join("state")).expect("a folder can be made");
    // A folder of a living test, this one, stays.
    let living = e2e::temporary();
    e2e::leftovers::clear();
    let ended = left.wait().expect("it can be waited for");
    assert!(!ended.success());
    assert!(!folder.exists() && living.path().exists());
}
