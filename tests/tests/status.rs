//! Promise: `armistice status` tells whose table it is, every handler, whose
//! it is, which one wins, and which emulator it really pins.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use e2e::{Done, PrivateTable, armistice, need, product, run};
use serde_json::Value;

fn status(table: &PrivateTable, args: &[&str]) -> Done {
    run(table.command(product::binary()).arg("status").args(args))
}

fn handler(table: &PrivateTable, name: &str, args: &[&str]) -> Value {
    let done = status(table, &[&["-o", "json"], args].concat());
    let handlers = done.json()["handlers"].clone();
    let found = handlers
        .as_array()
        .into_iter()
        .flatten()
        .find(|h| h["name"] == name)
        .cloned();
    found.unwrap_or_else(|| panic!("no {name}:\n{done}"))
}

/// A folder with a copy of an emulator, to upgrade.
fn copy_of_emulator() -> (tempfile::TempDir, PathBuf) {
    let folder = e2e::temporary();
    let path = folder.path().join("qemu-aarch64-static");
    fs::copy(
        need::program("qemu-aarch64-static", "qemu-user-static"),
        &path,
    )
    .expect("a copy");
    (folder, path)
}

/// As a package manager does it: written aside, then renamed over.
fn upgrade(path: &Path) {
    let new = path.with_extension("new");
    fs::copy(path, &new).expect("a copy");
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(&new)
        .expect("open");
    file.write_all(b"newer").expect("write");
    drop(file);
    fs::rename(&new, path).expect("rename");
}

#[test]
fn an_upgraded_emulator_is_stale_until_registered_again() {
    let table = PrivateTable::new();
    let (folder, emulator) = copy_of_emulator();
    let register = [
        "register",
        "arm64",
        "--emulator-dir",
        &folder.path().to_string_lossy(),
    ];
    run(table.command(product::binary()).args(register)).ok();
    let before = handler(&table, "qemu-aarch64", &["--probe"]);
    assert_eq!(before["pinned"]["state"], "current");
    assert_eq!(before["owner"], "armistice");

    upgrade(&emulator);
    for args in [&[][..], &["--probe"]] {
        assert_eq!(
            handler(&table, "qemu-aarch64", args)["pinned"]["state"],
            "stale",
            "{args:?}"
        );
    }
    let probed = handler(&table, "qemu-aarch64", &["--probe"]);
    assert_eq!(
        probed["pinned"]["sha256"], before["pinned"]["sha256"],
        "the old file still runs"
    );
    status(&table, &[]).ok().says("STALE");

    run(table.command(product::binary()).args(register))
        .ok()
        .says("pinned another file than is there now");
    assert_eq!(
        handler(&table, "qemu-aarch64", &[])["pinned"]["state"],
        "current"
    );
    fs::remove_file(&emulator).expect("removed");
    assert_eq!(
        handler(&table, "qemu-aarch64", &[])["pinned"]["state"],
        "not-on-disk"
    );
    run(table.command(product::binary()).args(["verify", "arm64"])).ok();
}

#[test]
fn other_peoples_handlers_are_listed_and_the_winner_is_named() {
    let table = PrivateTable::new();
    run(table.command(product::binary()).args(["register", "arm64"])).ok();
    let line = ":rosetta:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:/usr/bin/qemu-aarch64-static:F";
    let jar = ":jar:E::jar::/usr/bin/jexec:";
    for line in [line, jar] {
        table
            .sh(&format!(
                "printf '%s' '{line}' > /proc/sys/fs/binfmt_misc/register"
            ))
            .ok();
    }
    let ours = handler(&table, "qemu-aarch64", &[]);
    assert_eq!(ours["wins"], false);
    assert_eq!(ours["overlaps"][0]["name"], "rosetta");
    assert_eq!(ours["overlaps"][0]["comes_first"], true);
    let other = handler(&table, "rosetta", &[]);
    assert_eq!(
        (&other["wins"], &other["owner"]),
        (&Value::Bool(true), &Value::from("other"))
    );
    assert_eq!(handler(&table, "jar", &[])["extension"], "jar");
    status(&table, &[]).ok().says("hidden by rosetta");
    // Without a mark only running it tells what it pins.
    assert_eq!(other["pinned"]["state"], "unknown");
    assert_eq!(
        handler(&table, "rosetta", &["--probe"])["pinned"]["state"],
        "current"
    );
    // Asked for by name, ours comes first again.
    run(table.command(product::binary()).args(["register", "arm64"]))
        .ok()
        .says("another handler came before it");
    assert_eq!(handler(&table, "qemu-aarch64", &[])["wins"], true);
}

#[test]
fn to_overlap_is_not_to_hide() {
    let table = PrivateTable::new();
    let register = |line: &str| {
        let line = format!("printf '%s' '{line}' > /proc/sys/fs/binfmt_misc/register");
        table.sh(&line).ok();
    };
    register(":dos:M::MZ::/bin/true:");
    register(":ape:M::MZqFpD::/bin/true:");
    for name in ["dos", "ape"] {
        assert_eq!(handler(&table, name, &[])["wins"], true, "{name}");
    }
    // The other way round, one has nothing left.
    table.sh("echo -1 > /proc/sys/fs/binfmt_misc/dos").ok();
    register(":dos:M::MZ::/bin/true:");
    let ape = handler(&table, "ape", &[]);
    assert_eq!(
        (&ape["wins"], &ape["hidden_by"]),
        (&Value::Bool(false), &Value::from("dos"))
    );
    status(&table, &[]).ok().says("hidden by dos");
}

#[test]
fn the_scope_is_told() {
    let table = PrivateTable::new();
    let scope = |done: Done| done.json()["scope"].as_str().unwrap_or_default().to_owned();
    assert_eq!(scope(status(&table, &["-o", "json"])), "private");
    let mut inner = table.command("unshare");
    inner
        .args(["--user", "--map-user=7", "--mount"])
        .arg(product::binary())
        .args(["status", "-o", "json"]);
    assert_eq!(scope(run(&mut inner)), "inherited");
    assert_eq!(
        scope(run(armistice().args(["status", "-o", "json"]))),
        "initial"
    );
}

#[test]
fn names_and_exit_codes_serve_scripts() {
    let table = PrivateTable::new();
    status(&table, &["arm64"]).exits(1);
    run(table
        .command(product::binary())
        .args(["register", "arm64", "riscv64"]))
    .ok();
    status(&table, &["arm64"]).ok();
    status(&table, &["-o", "name"])
        .ok()
        .prints("qemu-riscv64\nqemu-aarch64");
    status(&table, &["-o", "name", "arm64"])
        .ok()
        .prints("qemu-aarch64");
    status(&table, &["arm64", "s390x"]).exits(1);
}
