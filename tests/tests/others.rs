//! Promise: somebody else's entry is never changed unasked. One that is in the
//! way stays where it is, Armistice's own comes before it, and `unregister`
//! gives its programs back to it.

use e2e::{Done, PrivateTable, product};

const BINFMT: &str = "/proc/sys/fs/binfmt_misc";
const SYSTEMD_BINFMT: &str = "/lib/systemd/systemd-binfmt";

/// As Debian's packages have it in /usr/lib/binfmt.d.
const DEBIANS: &str = concat!(
    r":qemu-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:",
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:",
    "/usr/bin/qemu-aarch64-static:PF"
);

fn armistice(table: &PrivateTable, args: &[&str]) -> Done {
    e2e::run(table.command(product::binary()).args(args))
}

/// A table in which arm64 is run by Debian's entry.
fn with_debians() -> PrivateTable {
    let table = PrivateTable::new();
    let line = format!("printf '%s' '{DEBIANS}' > {BINFMT}/register");
    table.sh(&line).ok();
    table
}

#[test]
fn debians_entry_is_no_obstacle_and_gets_its_programs_back() {
    let table = with_debians();
    let before = table.entry("qemu-aarch64");
    let planned = armistice(&table, &["register", "arm64", "--dry-run"]).ok();
    planned.says("before qemu-aarch64 (/usr/bin/qemu-aarch64-static)");
    assert_eq!(table.names(), ["qemu-aarch64"]);

    armistice(&table, &["register", "arm64"])
        .ok()
        .says("before qemu-aarch64 (/usr/bin/qemu-aarch64-static)")
        .says("takes over again after: armistice unregister arm64");
    assert_eq!(table.names(), ["armistice-aarch64", "qemu-aarch64"]);
    assert_eq!(table.entry("qemu-aarch64"), before, "untouched");
    armistice(&table, &["verify", "arm64", "-o", "name"])
        .ok()
        .prints("armistice-aarch64");
    armistice(&table, &["status", "arm64"])
        .ok()
        .says("hidden by armistice-aarch64");
    armistice(&table, &["register", "arm64"]).ok().says("kept");

    armistice(&table, &["unregister", "arm64"])
        .ok()
        .says("arm64 is run by qemu-aarch64 (/usr/bin/qemu-aarch64-static) again");
    assert_eq!(table.names(), ["qemu-aarch64"]);
    assert_eq!(table.entry("qemu-aarch64"), before);
    armistice(&table, &["verify", "arm64"]).ok();
}

#[test]
fn unregister_of_somebody_elses_entry_says_whose_it_is_and_how_to_remove_it() {
    let table = with_debians();
    let done = armistice(&table, &["unregister", "arm64"]).exits(1);
    assert!(!done.stderr.contains("--replace"), "{done}");
    done.says("somebody else's")
        .says("unregister --others arm64");
    assert_eq!(table.names(), ["qemu-aarch64"]);
    // Without names it is none of what is meant.
    armistice(&table, &["unregister"]).ok();
    assert_eq!(table.names(), ["qemu-aarch64"]);
    armistice(&table, &["unregister", "--others", "arm64"]).ok();
    assert!(table.names().is_empty());
}

#[test]
fn without_names_it_is_left_alone_and_told_to_replace_it_is_removed() {
    let table = with_debians();
    armistice(&table, &["register"])
        .ok()
        .says("Left alone: arm64")
        .says("to come before it: armistice register arm64");
    assert!(!table.names().contains(&"armistice-aarch64".to_owned()));
    armistice(&table, &["unregister"]).ok();
    assert_eq!(table.names(), ["qemu-aarch64"]);
    armistice(&table, &["register", "arm64", "--replace"]).ok();
    assert_eq!(table.names(), ["qemu-aarch64"]);
    assert!(table.entry("qemu-aarch64").contains("flags: POCF"));
}

#[test]
fn the_image_removes_ours_by_the_usual_name() {
    let table = with_debians();
    armistice(&table, &["register", "arm64", "riscv64"]).ok();
    armistice(&table, &["entrypoint", "--uninstall", "arm64"]).ok();
    assert_eq!(table.names(), ["qemu-riscv64"]);
}

/// What the distribution's package brought comes back at each boot: ours stays
/// in front of it, and gives its programs back.
#[test]
fn beside_the_distributions_rules_over_a_reboot() {
    let table = PrivateTable::new();
    table.sh("mount -t tmpfs tmpfs /usr/local").ok();
    let file = "/usr/lib/binfmt.d/qemu-aarch64.conf";
    table
        .sh(&format!(
            "printf '%s\\n' '{DEBIANS}' > {file}; {SYSTEMD_BINFMT}"
        ))
        .ok();
    let debians = table.entry("qemu-aarch64");
    for _ in 0..2 {
        armistice(&table, &["register", "arm64", "--persist"]).ok();
        let ours = table.entry("armistice-aarch64");
        table.sh(SYSTEMD_BINFMT).ok();
        assert_eq!(table.entry("armistice-aarch64"), ours);
        assert_eq!(table.entry("qemu-aarch64"), debians);
        armistice(&table, &["verify", "arm64", "-o", "name"])
            .ok()
            .prints("armistice-aarch64");
    }
    armistice(&table, &["unregister", "arm64", "--persist"]).ok();
    assert_eq!(table.names(), ["qemu-aarch64"]);
    table.sh(SYSTEMD_BINFMT).ok();
    assert_eq!(table.names(), ["qemu-aarch64"]);
    assert_eq!(table.entry("qemu-aarch64"), debians);
}
