//! Promise: a name on the command line means what it says. One that says
//! nothing does not mean all, and what is refused is not advised.

use e2e::{Done, PrivateTable, product};

const BINFMT: &str = "/proc/sys/fs/binfmt_misc";

fn armistice(table: &PrivateTable, args: &[&str]) -> Done {
    e2e::run(table.command(product::binary()).args(args))
}

/// An entry of somebody else's that takes arm64 programs.
fn foreign(table: &PrivateTable, name: &str) {
    let pattern = concat!(
        r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:",
        r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
    );
    let line = format!(":{name}:M::{pattern}:/usr/bin/qemu-aarch64-static:F");
    table
        .sh(&format!("printf '%s' '{line}' > {BINFMT}/register"))
        .ok();
}

/// A script's variable that is not set: `armistice unregister "$ARCH"`.
#[test]
fn an_empty_name_does_not_mean_all() {
    let table = PrivateTable::new();
    armistice(&table, &["register", "arm64"]).ok();
    for verb in ["register", "unregister", "verify", "status", "guard"] {
        for name in ["", " ", ",", " , "] {
            armistice(&table, &[verb, name])
                .exits(2)
                .says("unknown architecture");
        }
    }
    for args in [
        &["shell", "-a", "", "--", "true"][..],
        &["register", "arm64", ""],
        &["unregister", "--persist", ""],
    ] {
        armistice(&table, args).fails();
    }
    assert_eq!(table.names(), ["qemu-aarch64"]);
    // A comma too many is none.
    armistice(&table, &["register", "arm64, riscv64,"]).ok();
    assert_eq!(table.names(), ["qemu-aarch64", "qemu-riscv64"]);
}

#[test]
fn a_wrong_name_beside_all_is_told() {
    let table = PrivateTable::new();
    armistice(&table, &["register", "all", "amr64"])
        .exits(2)
        .says("unknown architecture 'amr64'");
    assert!(table.names().is_empty());
}

/// The name that `register` and `status` print for an entry beside somebody else's.
#[test]
fn the_second_name_of_an_entry_is_known() {
    let table = PrivateTable::new();
    foreign(&table, "qemu-aarch64");
    armistice(&table, &["register", "arm64"]).ok();
    armistice(&table, &["status", "armistice-aarch64", "-o", "name"]).ok();
    armistice(&table, &["unregister", "armistice-aarch64"]).ok();
    assert_eq!(table.names(), ["qemu-aarch64"]);

    armistice(&table, &["register", "arm64"]).ok();
    let uninstall = ["entrypoint", "--uninstall", "armistice-aarch64"];
    armistice(&table, &uninstall).ok();
    assert_eq!(table.names(), ["qemu-aarch64"], "only the one of that name");
}

#[test]
fn others_are_removed_by_what_they_take_not_by_their_name() {
    let table = PrivateTable::new();
    for name in ["qemu-aarch64", "arm64-by-hand"] {
        foreign(&table, name);
    }
    let windows = format!("printf ':wine:M::MZ::/bin/true:' > {BINFMT}/register");
    table.sh(&windows).ok();
    armistice(&table, &["unregister", "arm64"])
        .exits(1)
        .says("somebody else's");
    armistice(&table, &["unregister", "--others", "riscv64"]).ok();
    assert_eq!(table.names().len(), 3);
    armistice(&table, &["unregister", "--others", "arm64"]).ok();
    assert_eq!(table.names(), ["wine"]);
    foreign(&table, "arm64-by-hand");
    armistice(&table, &["unregister", "arm64"])
        .exits(1)
        .says("arm64-by-hand");
    armistice(&table, &["unregister", "--others"]).ok();
    assert_eq!(table.names(), ["wine"], "which takes no architecture's");
}

/// A form of the image's that was asked for is not passed over.
#[test]
fn reset_and_install_do_both() {
    let table = PrivateTable::new();
    armistice(&table, &["register", "riscv64"]).ok();
    let both = ["entrypoint", "--reset", "--install", "arm64,"];
    armistice(&table, &both).ok();
    assert_eq!(table.names(), ["qemu-aarch64"]);
    armistice(&table, &["entrypoint", "--install", ""]).exits(2);
    armistice(&table, &["entrypoint", "--reset"]).ok();
    assert!(table.names().is_empty());
}

#[test]
fn what_register_refuses_is_not_advised() {
    let table = PrivateTable::new();
    let done = armistice(&table, &["verify", "amd64"])
        .exits(1)
        .says("runs amd64 programs by itself");
    assert!(!done.stderr.contains("register"), "{done}");
}
