//! A private binfmt_misc table for a test, in namespaces of its own.
//!
//! The test binary starts itself again for the one test, in a new user and
//! mount namespace with a fresh table. Needs no root; nothing outside changes.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use armistice_arch::Arch;
use armistice_binfmt::{Flags, Locked, Pin, Registration, STANDARD_PATH, Table};
use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::thread::UnshareFlags;

const INSIDE: &str = "ARMISTICE_TEST_INSIDE";

/// Runs `body` with a fresh private table, mounted at the standard path.
/// `name` is the calling test's full name.
pub(crate) fn with_private_table(name: &str, body: impl FnOnce(Table)) {
    in_namespaces(name, || {
        mount_table();
        body(Table::at(Path::new(STANDARD_PATH)).expect("just mounted"));
    });
}

/// The table, for changing it. Nobody else does.
pub(crate) fn lock(table: &Table) -> Locked<'_> {
    let nobody = |_: Option<&_>| panic!("nobody else has this table");
    table.lock(Duration::from_secs(10), nobody).unwrap()
}

/// Runs `body` as root of a new user namespace that has no table yet.
pub(crate) fn in_namespaces(name: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let (uid, gid) = (
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    let mut again = Command::new(std::env::current_exe().unwrap());
    again
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1");
    let enter = move || -> std::io::Result<()> {
        // SAFETY: between fork and exec there is one thread, and no descriptor is unshared.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER | UnshareFlags::NEWNS)? };
        std::fs::write("/proc/self/setgroups", "deny")?;
        std::fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
        std::fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
        Ok(())
    };
    // SAFETY: `enter` allocates only small strings; no other thread holds a
    // lock of the allocator at this fork that the child would wait for, as
    // glibc makes malloc usable after fork.
    let status = unsafe { again.pre_exec(enter) }
        .status()
        .expect("user namespaces must be allowed for this test");
    assert!(status.success(), "inside: {status}");
}

/// Mounts a fresh table at the standard path, seen by nobody else.
pub(crate) fn mount_table() {
    rustix::mount::mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .unwrap();
    rustix::mount::mount(
        "binfmt_misc",
        STANDARD_PATH,
        "binfmt_misc",
        MountFlags::empty(),
        None,
    )
    .unwrap();
}

/// A wanted entry for an architecture, with an interpreter that any machine has.
pub(crate) fn registration(arch: &str) -> Registration {
    let arch = Arch::by_name(arch).unwrap();
    Registration {
        name: arch.entry_name(),
        names: [arch.entry_name(), arch.second_entry_name()],
        pattern: arch.pattern(),
        interpreter: PathBuf::from("/bin/true"),
        flags: Flags::all(),
        pin: Pin {
            sha256_prefix: *b"\x01\x02\x03\x04\x05\x06\x07\x08",
            inode: 1234,
            ctime_ns: -5,
            version: "7.2.22".to_owned(),
        },
    }
}
