//! Promise: `armistice shell` runs foreign programs without root, and without
//! changing anything outside.

use std::path::Path;
use std::process::Command;

use e2e::{Done, Userland, armistice, need, product, run};

/// A userland's files, readable by everybody.
fn unpacked(userland: &Userland) -> tempfile::TempDir {
    let folder = e2e::temporary();
    run(Command::new("tar")
        .args(["--extract", "--exclude=./dev/*", "--file"])
        .arg(userland.tar())
        .arg("--directory")
        .arg(folder.path()))
    .ok();
    run(Command::new("chmod").arg("755").arg(folder.path())).ok();
    folder
}

/// `uname -m` of a userland, in a shell for it.
fn uname(command: &mut Command, userland: &Userland, root: &Path) -> Done {
    run(command
        .args(["shell", "--arch", userland.debian, "--map-root", "--"])
        .arg("chroot")
        .arg(root)
        .args(["uname", "-m"]))
}

#[test]
fn foreign_programs_run_inside_and_nothing_changes_outside() {
    let table = || std::fs::read_dir("/proc/sys/fs/binfmt_misc").map_or(0, Iterator::count);
    let before = table();
    for userland in [Userland::ARM64, Userland::S390X] {
        let root = unpacked(&userland);
        uname(&mut armistice(), &userland, root.path())
            .ok()
            .prints(userland.uname);
    }
    assert_eq!(table(), before);
}

#[test]
fn a_user_without_rights_can_do_it() {
    let userland = Userland::ARM64;
    let root = unpacked(&userland);
    // The binaries where everybody may read them, wherever the workspace is.
    let copy = root.path().join("armistice");
    product::copy_all(root.path());
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new(need::program("setpriv", "util-linux"));
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&copy);
        command
    } else {
        Command::new(&copy)
    };
    let done = uname(command.current_dir("/"), &userland, root.path()).ok();
    assert!(!done.stderr.contains("QEMU"), "not by the engine:\n{done}");
    done.prints(userland.uname);
}

#[test]
fn the_commands_exit_code_is_the_shells() {
    for code in [0, 1, 7, 125] {
        let script = format!("exit {code}");
        run(armistice().args(["shell", "--arch", "arm64", "--", "sh", "-c", &script])).exits(code);
    }
}

/// A bug once: a user whose PATH has no /usr/sbin found no `chroot` as root inside.
#[test]
fn roots_programs_are_in_roots_path() {
    let path = |options: &[&str], path: &str| {
        let mut command = armistice();
        command.args(["shell", "--arch", "arm64"]).args(options);
        let script = ["--", "sh", "-c", "echo $PATH"];
        let done = run(command.args(script).env("PATH", path)).ok();
        done.stdout.trim().to_owned()
    };
    let users = "/usr/bin:/bin:/sbin";
    assert_eq!(
        path(&["--map-root"], users),
        "/usr/bin:/bin:/sbin:/usr/local/sbin:/usr/sbin"
    );
    assert_eq!(path(&[], users), users);
    // Found there as well.
    let mut command = armistice();
    command.args(["shell", "--arch", "arm64", "--map-root"]);
    let version = ["--", "chroot", "--version"];
    run(command.args(version).env("PATH", "/usr/bin:/bin")).ok();
}
