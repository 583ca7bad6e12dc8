//! Promise: arm64 and 32-bit Arm are run by Armistice's own engines, unless QEMU is asked for,
//! the engine is not there or the processor is too old; and every verb says which it is, with
//! its version.

use std::path::Path;

use e2e::{Done, PrivateTable, copy_program, need, product, run};
use serde_json::Value;

fn armistice(table: &PrivateTable, args: &[&str]) -> Done {
    run(table.command(product::binary()).args(args))
}

/// What `status` says of an architecture's handler.
#[track_caller]
fn told_of(table: &PrivateTable, arch: &str) -> (String, String) {
    let done = armistice(table, &["status", arch, "-o", "json"]).ok();
    let engine = done.json()["handlers"][0]["engine"].clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&engine["name"]), text(&engine["version"]))
}

/// What `status` says of arm64's handler.
#[track_caller]
fn told(table: &PrivateTable) -> (String, String) {
    told_of(table, "arm64")
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn they_are_the_default_and_every_verb_names_them() {
    let table = PrivateTable::new();
    let own = format!("Armistice's own engine {VERSION}");
    for (register, arch, engine) in [
        (
            &["register", "arm64"][..],
            "aarch64",
            &product::engines()[0],
        ),
        (&["register", "arm/v7"], "arm", &product::engines()[1]),
    ] {
        let name = register[1];
        let engine = engine.canonicalize().expect("the engine");
        armistice(&table, register)
            .ok()
            .says("argv[0] came through")
            .says("set-user-ID")
            .says(&own)
            .says(&engine.to_string_lossy());
        let told = told_of(&table, name);
        assert_eq!(told, ("armistice".to_owned(), VERSION.to_owned()));
        armistice(&table, &["status"])
            .ok()
            .says(&format!("armistice-{arch}"));
        armistice(&table, &["verify", name])
            .ok()
            .says("in an empty root")
            .says(&own);
        let folder = e2e::temporary();
        let program = folder.path().join("program");
        let proofs = product::workspace().join("crates/proof/programs/bin");
        copy_program(&proofs.join(arch), &program);
        armistice(&table, &["explain", &program.to_string_lossy()])
            .ok()
            .says(&format!("qemu-{arch} runs it"))
            .says(&own);
    }
}

/// One entry and one engine for all that people call 32-bit Arm.
#[test]
fn every_name_of_32_bit_arm_means_its_engine() {
    let table = PrivateTable::new();
    for name in [
        "arm",
        "arm/v5",
        "arm/v6",
        "arm/v7",
        "linux/arm/v7",
        "armhf",
        "armel",
        "armv7l",
    ] {
        armistice(&table, &["register", name]).ok();
        assert_eq!(table.names(), ["qemu-arm"], "{name}");
        assert_eq!(told_of(&table, name).0, "armistice", "{name}");
        armistice(&table, &["unregister", name]).ok();
    }
    armistice(&table, &["register", "armhf", "--engine", "qemu"])
        .ok()
        .says("QEMU ");
    assert_eq!(told_of(&table, "arm").0, "qemu");
}

#[test]
fn qemu_where_it_is_asked_for_and_back() {
    let table = PrivateTable::new();
    armistice(&table, &["register", "arm64", "--engine", "qemu"])
        .ok()
        .says("QEMU ");
    assert_eq!(told(&table).0, "qemu");
    // One of ours gives way, and what it was is said.
    armistice(&table, &["register"])
        .ok()
        .says("replaced: its interpreter was /usr/bin/qemu-aarch64");
    assert_eq!(told(&table).0, "armistice");
    assert_eq!(
        table
            .names()
            .iter()
            .filter(|n| *n == "qemu-aarch64")
            .count(),
        1
    );
}

/// Nothing of Armistice's is installed in there.
fn without_engine() -> (PrivateTable, tempfile::TempDir) {
    let table = PrivateTable::new();
    table
        .sh("for dir in /usr/libexec/armistice /usr/local; do
                if [ -d $dir ]; then mount -t tmpfs tmpfs $dir; fi
            done")
        .ok();
    let folder = e2e::temporary();
    copy_program(product::binary(), &folder.path().join("armistice"));
    (table, folder)
}

#[test]
fn where_it_is_not_found_qemu_is_taken_and_that_is_said() {
    let (table, folder) = without_engine();
    let alone = folder.path().join("armistice");
    run(table.command(&alone).args(["register", "arm64"]))
        .ok()
        .says("arm64 is run by QEMU (/usr/bin/qemu-aarch64")
        .says("armistice-aarch64) was not found");
    assert_eq!(told(&table).0, "qemu");
    run(table
        .command(&alone)
        .args(["register", "arm64", "--engine", "armistice"]))
    .exits(1)
    .says("no engine of Armistice's own");
    // Beside the command it counts.
    copy_program(&product::engine(), &folder.path().join("armistice-aarch64"));
    run(table.command(&alone).args(["register", "arm64"])).ok();
    assert_eq!(told(&table).0, "armistice");
}

/// The command on a processor of 2008, which QEMU plays.
#[test]
fn on_an_older_processor_qemu_stays_and_that_is_said() {
    let qemu = need::program("qemu-x86_64-static", "qemu-user-static");
    let table = PrivateTable::new();
    let old = |args: &[&str]| {
        run(table
            .command(&qemu)
            .args(["-cpu", "Nehalem"])
            .arg(product::binary())
            .args(args))
    };
    old(&["register", "arm64", "--dry-run"])
        .ok()
        .says("arm64 is run by QEMU (/usr/bin/qemu-aarch64")
        .says("needs a processor of x86-64-v3")
        .says("AVX2");
    old(&["register", "arm64", "--dry-run", "--engine", "armistice"])
        .exits(1)
        .says("use QEMU: --engine qemu");
    // An image is for other machines too: both engines are in it.
    let folder = e2e::temporary();
    let image = folder.path().join("image.tar");
    old(&[
        "image",
        "build",
        "--arch",
        "arm64",
        "-o",
        &image.to_string_lossy(),
    ])
    .ok();
    let list = run(std::process::Command::new("grep")
        .args(["--text", "--only-matching", "--no-filename", "-E"])
        .arg("libexec/armistice/(armistice|qemu)-aarch64")
        .arg(&image));
    assert!(Path::new(&image).is_file());
    list.ok()
        .says("libexec/armistice/armistice-aarch64")
        .says("libexec/armistice/qemu-aarch64");
}
