//! Promise: bad input is answered with what is wrong and what to do, with the
//! documented exit code, and the table is what it was before.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use e2e::{Done, HostTable, PrivateTable, need, product};

fn armistice(table: &PrivateTable, args: &[&str]) -> Done {
    e2e::run(table.command(product::binary()).args(args))
}

/// Runs in a table that has an entry of ours already, and requires that all
/// entries are afterwards what they were.
#[track_caller]
fn unchanged(args: &[&str]) -> Done {
    let table = PrivateTable::new();
    armistice(&table, &["register", "riscv64"]).ok();
    unchanged_in(&table, args)
}

#[track_caller]
fn unchanged_in(table: &PrivateTable, args: &[&str]) -> Done {
    let text = |t: &PrivateTable| {
        t.names()
            .iter()
            .map(|n| format!("{n}\n{}", t.entry(n)))
            .collect::<String>()
    };
    let before = text(table);
    let done = armistice(table, args);
    assert_eq!(text(table), before, "the table changed:\n{done}");
    done
}

/// A folder with one emulator for arm64, made by `make` from Debian's.
fn emulator_dir(make: impl FnOnce(&Path)) -> tempfile::TempDir {
    let folder = e2e::temporary();
    let path = folder.path().join("qemu-aarch64-static");
    fs::copy(
        need::program("qemu-aarch64-static", "qemu-user-static"),
        &path,
    )
    .expect("a copy");
    make(&path);
    folder
}

#[track_caller]
fn with_emulator(make: impl FnOnce(&Path)) -> Done {
    let folder = emulator_dir(make);
    unchanged(&[
        "register",
        "arm64",
        "--emulator-dir",
        &folder.path().to_string_lossy(),
    ])
}

#[test]
fn an_unknown_architecture_is_exit_2_with_the_nearest_names() {
    for verb in ["register", "unregister", "status", "verify"] {
        unchanged(&[verb, "aarch46"])
            .exits(2)
            .says("unknown architecture 'aarch46'")
            .says("aarch64");
    }
    unchanged(&["register", "--no-such-option"]).exits(2);
}

#[test]
fn no_root_is_told_with_the_command_that_has_the_right() {
    // With something of ours, or there would be nothing to have a right for.
    let _host = HostTable::mounted();
    e2e::run(product::armistice().args(["-q", "register", "riscv64"])).ok();
    let nobody = |args: &[&str]| {
        let mut command = Command::new(need::program("setpriv", "util-linux"));
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(product::binary())
            .args(args);
        e2e::run(&mut command)
    };
    nobody(&["register", "arm64", "arm"])
        .exits(1)
        .says("root")
        .says("sudo")
        .says("register arm64 arm");
    nobody(&["unregister"]).exits(1).says("sudo");
    e2e::run(product::armistice().args(["-q", "unregister", "riscv64"])).ok();
}

#[test]
fn a_read_only_table_is_named_so() {
    let table = PrivateTable::new();
    table
        .sh("mount -o remount,bind,ro /proc/sys/fs/binfmt_misc")
        .ok();
    unchanged_in(&table, &["register", "arm64"])
        .exits(1)
        .says("read-only")
        .says("--privileged");
}

#[test]
fn a_table_that_is_not_mounted_in_a_child_namespace_is_refused_as_private() {
    let mut command = Command::new(need::program("unshare", "util-linux"));
    // The machine's own table may be mounted, and can't be unmounted in here.
    let script = format!(
        "mount -t tmpfs tmpfs /proc/sys/fs/binfmt_misc && '{}' register arm64",
        product::binary().display()
    );
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
    e2e::run(&mut command).exits(1).says("armistice register");
}

#[test]
fn a_table_that_is_switched_off_is_not_switched_on_behind_the_admins_back() {
    let table = PrivateTable::new();
    table.sh("echo 0 > /proc/sys/fs/binfmt_misc/status").ok();
    unchanged_in(&table, &["register", "arm64"])
        .exits(1)
        .says("switched off")
        .says("echo 1");
}

#[test]
fn no_emulator_is_told_with_the_package_that_has_it() {
    let table = PrivateTable::new();
    let hidden = "mount -t tmpfs tmpfs /usr/local/bin; mkdir /tmp/none; for f in /usr/bin/qemu-*; do mount --bind /dev/null $f; done";
    table.sh(&hidden.replace("mkdir /tmp/none; ", "")).ok();
    for args in [
        &["register", "riscv64"][..],
        &["register", "arm64", "--engine", "qemu"],
    ] {
        unchanged_in(&table, args)
            .exits(1)
            .says("apt-get install qemu-user");
    }
}

#[test]
fn a_dynamic_emulator_is_refused() {
    with_emulator(|path| drop(fs::copy("/bin/true", path)))
        .exits(1)
        .says("dynamically linked");
}

#[test]
fn a_setuid_emulator_is_refused() {
    with_emulator(|path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o4755)).expect("chmod")
    })
    .exits(1)
    .says("set-user-ID");
}

#[test]
fn a_truncated_emulator_is_refused() {
    with_emulator(|path| {
        let whole = fs::read(path).expect("read");
        fs::write(path, &whole[..whole.len() / 2]).expect("write");
    })
    .exits(1)
    .says("cut off");
}

#[test]
fn an_emulator_of_the_wrong_architecture_is_refused() {
    with_emulator(|path| {
        let mut whole = fs::read(path).expect("read");
        whole[18] = 183; // e_machine: an emulator built for arm64 itself
        fs::write(path, whole).expect("write");
    })
    .exits(1)
    .says("program for");
}

#[test]
fn an_emulator_that_emulates_nothing_fails_its_proof_and_is_taken_back() {
    let table = PrivateTable::new();
    let folder = e2e::liar::folder();
    armistice(&table, &["register", "arm64"]).ok();
    let done = unchanged_in(
        &table,
        &[
            "register",
            "arm64",
            "--emulator-dir",
            &folder.path().to_string_lossy(),
        ],
    );
    done.exits(1)
        .says("not proven")
        .says("the table is what it was");
    armistice(&table, &["verify", "arm64"]).ok();
}

#[test]
fn cut_off_programs_tars_and_images_are_named_so() {
    let folder = e2e::temporary();
    let path = |name: &str| folder.path().join(name);
    let explain = |name: &str| e2e::run(e2e::armistice().arg("explain").arg(path(name)));
    let program = product::workspace().join("crates/proof/programs/bin/aarch64");
    let whole = fs::read(program).expect("the proof program");
    fs::write(path("cut.elf"), &whole[..10]).expect("write");
    explain("cut.elf").exits(1).says("cut off");
    fs::write(path("empty"), b"").expect("write");
    explain("empty").exits(1);
    let image = fs::read(product::image()).expect("our image");
    fs::write(path("cut.tar"), &image[..image.len() / 3]).expect("write");
    explain("cut.tar").exits(1);
    fs::write(path("noise.tar"), vec![0xa5; 4096]).expect("write");
    explain("noise.tar").exits(1);
    explain("not-there").exits(1).says("not-there");
}

#[test]
fn a_full_disk_while_persisting_leaves_neither_files_nor_entries() {
    let table = PrivateTable::new();
    // Room for a part of an engine where the copies go.
    table
        .sh("mkdir -p /usr/local/libexec && mount -t tmpfs -o size=1m tmpfs /usr/local/libexec")
        .ok();
    let done = unchanged_in(&table, &["register", "arm64", "--persist"]);
    done.exits(1)
        .says("No space left")
        .says("nothing was changed");
    table
        .sh("test -z \"$(find /usr/local/libexec -type f)\"")
        .ok();
    table.sh("test ! -e /etc/binfmt.d/zz-armistice.conf").ok();
}
