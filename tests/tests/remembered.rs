//! What `register` says of an emulator is what the file has now, though it reads
//! whole only what has changed since the last time.
//!
//! In a private table, with a `/run` of its own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::{PrivateTable, need, product, run, temporary};

const KEPT: &str = "/run/armistice/identities";

/// A private table and a folder with an emulator.
struct Fixture {
    table: PrivateTable,
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Fixture {
        let fixture = Fixture {
            table: PrivateTable::new(),
            folder: temporary(),
        };
        fixture
            .table
            .sh("mount -t tmpfs -o mode=755 tmpfs /run")
            .ok();
        let qemu = need::program("qemu-arm-static", "qemu-user-static");
        std::fs::copy(qemu, fixture.emulator()).unwrap();
        fixture.let_it_settle();
        fixture
    }

    fn emulator(&self) -> std::path::PathBuf {
        self.folder.path().join("qemu-arm-static")
    }

    /// An emulator that changed less than two seconds ago is not remembered.
    fn let_it_settle(&self) {
        std::thread::sleep(Duration::from_millis(2200));
    }

    /// The digest that `register` reports.
    #[track_caller]
    fn register(&self) -> String {
        let mut command = self.table.command(product::binary());
        command.args(["register", "-q", "-o", "json", "--emulator-dir"]);
        command.arg(self.folder.path()).arg("arm");
        let report = run(&mut command).ok().json();
        report["emulators"][0]["sha256"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    #[track_caller]
    fn digest_on_disk(&self) -> String {
        let sum = run(Command::new("sha256sum").arg(self.emulator())).ok();
        sum.stdout[..64].to_owned()
    }

    fn kept(&self) -> String {
        self.table.sh(&format!("cat {KEPT} || true")).stdout
    }
}

/// Changes the file's last byte and sets its time of modification back.
fn change_unseen(path: &Path) {
    let metadata = std::fs::metadata(path).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    let last = metadata.len() - 1;
    let mut byte = [0];
    std::fs::File::open(path)
        .unwrap()
        .read_exact_at(&mut byte, last)
        .unwrap();
    file.write_all_at(&[!byte[0]], last).unwrap();
    file.set_modified(metadata.modified().unwrap()).unwrap();
    let now = std::fs::metadata(path).unwrap();
    assert_eq!(
        (now.len(), now.modified().unwrap()),
        (metadata.len(), metadata.modified().unwrap())
    );
}

#[test]
fn an_emulator_changed_in_place_unseen_is_named_by_its_new_digest() {
    let fixture = Fixture::new();
    let first = fixture.register();
    assert_eq!(first, fixture.digest_on_disk());
    assert!(fixture.kept().contains(&first), "{}", fixture.kept());
    assert_eq!(fixture.register(), first);
    // While it is registered the kernel lets nobody write to it.
    fixture
        .table
        .sh("echo -1 > /proc/sys/fs/binfmt_misc/status")
        .ok();
    change_unseen(&fixture.emulator());
    let second = fixture.register();
    assert_ne!(second, first);
    assert_eq!(second, fixture.digest_on_disk());
    let mut status = fixture.table.command(product::binary());
    let status = run(status.args(["status", "-o", "json"])).ok().json();
    let pinned = status["handlers"][0]["pinned"]["sha256"].as_str().unwrap();
    assert!(second.starts_with(pinned), "{pinned}");
}

#[test]
fn what_somebody_else_could_have_written_is_not_believed() {
    let fixture = Fixture::new();
    let digest = fixture.register();
    let forged = fixture.kept().replace(&digest, &"0".repeat(64));
    assert_ne!(forged, fixture.kept());
    fixture
        .table
        .sh(&format!("cat > {KEPT} <<'END'\n{forged}END"))
        .ok();
    assert_eq!(fixture.register(), digest);
    fixture.table.sh("chmod 777 /run/armistice").ok();
    assert_eq!(fixture.register(), digest);
}

#[test]
fn without_a_run_to_write_to_all_is_as_ever() {
    let fixture = Fixture::new();
    fixture.table.sh("mount -o remount,ro /run").ok();
    assert_eq!(fixture.register(), fixture.digest_on_disk());
    assert_eq!(fixture.kept(), "");
}

#[test]
fn a_plan_that_changes_nothing_keeps_nothing() {
    let fixture = Fixture::new();
    let mut command = fixture.table.command(product::binary());
    command.args(["register", "--dry-run", "--emulator-dir"]);
    run(command.arg(fixture.folder.path()).arg("arm")).ok();
    assert_eq!(fixture.kept(), "");
}
