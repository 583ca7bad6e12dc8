//! Promise: `register --persist` survives what systemd does at each boot: it
//! empties the table and registers what binfmt.d says.
//!
//! The real systemd-binfmt, run by hand in a private table, with empty folders
//! in place of the machine's binfmt.d and of /usr/local, where the command puts
//! its copies of the emulators.

use e2e::{PrivateTable, need, product};

const SYSTEMD_BINFMT: &str = "/lib/systemd/systemd-binfmt";

fn table() -> PrivateTable {
    let _ = need::program(SYSTEMD_BINFMT, "systemd");
    let table = PrivateTable::new();
    // What is written ends with the namespace; nothing may reach the machine.
    table
        .sh("mount -t tmpfs tmpfs /usr/local
            for dir in /etc/binfmt.d /usr/lib/binfmt.d /usr/local; do
                test \"$(stat -f -c %T $dir)\" = tmpfs
            done")
        .ok();
    table
}

fn armistice(table: &PrivateTable, args: &[&str]) -> e2e::Done {
    e2e::run(table.command(product::binary()).args(args))
}

#[test]
fn systemd_binfmt_empties_the_table() {
    let table = table();
    armistice(&table, &["register", "arm64"]).ok();
    table.sh(SYSTEMD_BINFMT).ok();
    // With an empty configuration it does nothing, so there has to be one.
    table
        .sh(&format!(
            "echo ':other:E::other::/bin/true:' > /etc/binfmt.d/other.conf; {SYSTEMD_BINFMT}"
        ))
        .ok();
    assert_eq!(table.names(), ["other"]);
    armistice(&table, &["verify", "arm64"]).exits(1);
}

#[test]
fn persisted_entries_come_back_marked_and_working() {
    let table = table();
    armistice(&table, &["register", "arm64", "arm/v7", "--persist"]).ok();
    let before = table.entry("qemu-aarch64");
    table
        .sh(&format!(
            "{SYSTEMD_BINFMT} --unregister && {SYSTEMD_BINFMT}"
        ))
        .ok();
    assert_eq!(table.entry("qemu-aarch64"), before);
    assert_eq!(table.names(), ["qemu-aarch64", "qemu-arm"]);
    armistice(&table, &["verify", "arm64", "arm/v7"]).ok();
}

/// Debian's qemu-user-static brings files of its own, with other flags; ours
/// have to win over them, whatever the order of their names.
#[test]
fn ours_win_over_the_distributions() {
    let table = table();
    let others = "printf '%s\\n' ':qemu-aarch64:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:/usr/bin/qemu-aarch64-static:PF' > /usr/lib/binfmt.d/qemu-aarch64.conf";
    // Theirs was there first: ours gets a name of its own.
    table.sh(others).ok();
    armistice(&table, &["register", "arm64", "--persist"]).ok();
    let before = table.entry("armistice-aarch64");
    table.sh(SYSTEMD_BINFMT).ok();
    assert_eq!(table.entry("armistice-aarch64"), before);
    assert!(before.contains("flags: POCF"), "{before}");
    armistice(&table, &["verify", "arm64", "-o", "name"])
        .ok()
        .prints("armistice-aarch64");
    armistice(&table, &["unregister", "arm64", "--persist"]).ok();
    table
        .sh("rm /usr/lib/binfmt.d/qemu-aarch64.conf; echo -1 > /proc/sys/fs/binfmt_misc/status")
        .ok();

    // Theirs came later: ours has taken the name.
    armistice(&table, &["register", "arm64", "--persist"]).ok();
    let before = table.entry("qemu-aarch64");
    table.sh(others).ok();
    table.sh(SYSTEMD_BINFMT).ok();
    assert_eq!(table.entry("qemu-aarch64"), before);
    armistice(&table, &["unregister", "arm64", "--persist"])
        .ok()
        .says("systemctl restart systemd-binfmt");
}

/// One engine in place of the other: no copy of the first is left.
#[test]
fn another_engine_takes_the_place_of_the_persisted_one() {
    let table = table();
    let copies = "ls /usr/local/libexec/armistice";
    for (engine, copy) in [
        ("qemu", "qemu-aarch64"),
        ("armistice", "armistice-aarch64"),
        ("qemu", "qemu-aarch64"),
    ] {
        armistice(
            &table,
            &["register", "arm64", "--persist", "--engine", engine],
        )
        .ok();
        table.sh(copies).ok().prints(copy);
        let entry = table.entry("qemu-aarch64");
        assert!(entry.contains(&format!("/{copy}\n")), "{entry}");
        table.sh(SYSTEMD_BINFMT).ok();
        assert_eq!(table.entry("qemu-aarch64"), entry);
    }
    armistice(&table, &["unregister", "arm64", "--persist"]).ok();
    table.sh("test ! -e /usr/local/libexec/armistice").ok();
}

/// A bug once: with the copies went an empty /usr/local/libexec that had been there
/// before. One that was made for them goes, also where the registration fails.
#[test]
fn the_folder_above_the_copies_is_as_it_was() {
    let table = table();
    let persist = |table: &PrivateTable| armistice(table, &["register", "arm64", "--persist"]);
    let undo = |table: &PrivateTable| armistice(table, &["unregister", "arm64", "--persist"]);
    persist(&table).ok();
    persist(&table).ok();
    undo(&table).ok();
    table
        .sh("ls -A /usr/local /etc/binfmt.d")
        .ok()
        .prints("/etc/binfmt.d:\n\n/usr/local:");
    table.sh("mkdir /usr/local/libexec").ok();
    persist(&table).ok();
    undo(&table).ok();
    table.sh("rmdir /usr/local/libexec").ok();
    table.sh("mount -o remount,size=64k /usr/local").ok();
    persist(&table).exits(1);
    table
        .sh("ls -A /usr/local /etc/binfmt.d")
        .ok()
        .prints("/etc/binfmt.d:\n\n/usr/local:");
}

/// A bug once: each `register --persist` copied all emulators again. What is there byte
/// for byte stays, down to its inode; what is not is put right.
#[test]
fn a_copy_that_is_there_already_stays() {
    let table = table();
    let register = ["register", "arm64", "arm/v7", "riscv64", "--persist"];
    let copies =
        "cd /usr/local/libexec/armistice && stat -c '%n %i %Z' * && stat -c '%i' /etc/binfmt.d/*";
    let sound = "cd /usr/local/libexec/armistice && stat -c '%n %a' * && sha256sum *";
    armistice(&table, &register).ok();
    let (before, was) = (table.sh(copies).ok().stdout, table.sh(sound).ok().stdout);
    armistice(&table, &register).ok().says("kept");
    assert_eq!(table.sh(copies).ok().stdout, before);
    // What the kernel has open cannot be written to.
    let folder = "echo -1 > /proc/sys/fs/binfmt_misc/status; cd /usr/local/libexec/armistice; ";
    for damage in [
        "echo x >> armistice-arm",
        // The same size.
        "printf x | dd of=armistice-arm bs=1 seek=100000 conv=notrunc status=none",
        "chmod 700 armistice-arm",
        "chmod u+s armistice-arm",
        "rm armistice-arm",
        "cp qemu-riscv64 armistice-arm",
        "mv armistice-arm x; ln -s x armistice-arm",
        "rm armistice-arm; mkfifo armistice-arm",
    ] {
        table.sh(&format!("{folder}{damage}")).ok();
        armistice(&table, &register).ok();
        table.sh("rm -f /usr/local/libexec/armistice/x").ok();
        assert_eq!(table.sh(sound).ok().stdout, was, "{damage}");
        assert!(
            table.names().contains(&"qemu-arm".to_owned()),
            "{damage}: {:?}",
            table.names()
        );
        armistice(&table, &["verify", "arm/v7"]).ok();
    }
    table
        .sh(&format!(
            "{SYSTEMD_BINFMT} --unregister && {SYSTEMD_BINFMT}"
        ))
        .ok();
    armistice(&table, &["verify", "arm64", "arm/v7", "riscv64"]).ok();
}

#[test]
fn unregister_persist_leaves_nothing() {
    let table = table();
    let list = "find /etc/binfmt.d /usr/lib/binfmt.d /usr/local /var/lib -name '*armistice*' -o -path '*binfmt.d/*'";
    let before = table.sh(list).stdout;
    armistice(&table, &["register", "arm64", "--persist"]).ok();
    assert_ne!(table.sh(list).stdout, before);
    armistice(&table, &["unregister", "--persist"]).ok();
    assert_eq!(table.sh(list).stdout, before);
    assert!(table.names().is_empty());
}

/// In a namespace with a table of its own, the machine's folders are not touched
/// for it, by whoever is root there.
#[test]
fn the_machines_files_are_not_written_for_a_private_table() {
    let persisted = || std::fs::read("/etc/binfmt.d/zz-armistice.conf").ok();
    let before = persisted();
    let bin = product::binary();
    let inside = |args: &[&str]| {
        let mut command = std::process::Command::new(bin);
        command
            .args(["shell", "--map-root", "-a", "riscv64", "--"])
            .arg(bin)
            .args(args);
        e2e::run(&mut command)
    };
    inside(&["register", "riscv64", "--persist"])
        .exits(1)
        .says("leave --persist out");
    assert_eq!(persisted(), before);
    inside(&["register", "riscv64"]).ok();
}
