//! Prerequisites. What a test needs and does not find fails the test with the
//! command that mends it; nothing is skipped.

use std::path::{Path, PathBuf};

/// The program's path: in `PATH`, or where system programs are even when a
/// user's `PATH` leaves them out.
///
/// # Panics
/// When it is not installed, naming the Debian package that has it.
#[track_caller]
#[must_use]
pub fn program(name: &str, package: &str) -> PathBuf {
    find(name).unwrap_or_else(|| {
        panic!(
            "{name} is missing. Install it: apt-get install {package} (`cargo xtask test` does so)"
        )
    })
}

/// The program's path, if it is installed.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    if name.starts_with('/') {
        return Some(PathBuf::from(name)).filter(|p| p.exists());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// Requires root in the initial user namespace, for tests of the host's table
/// and of system-wide engines.
///
/// # Panics
/// When this process is not that.
#[track_caller]
pub fn host_root() {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let whole: Vec<&str> = map.split_whitespace().collect();
    assert!(
        rustix::process::geteuid().is_root() && whole == ["0", "0", "4294967295"],
        "this test changes the host's table and needs root outside containers: run `sudo -E cargo xtask test`, or `cargo xtask test --quick` for the tests that don't"
    );
}

/// Whether something is mounted there.
#[must_use]
pub fn is_mounted(at: &Path, fs_type: &str) -> bool {
    std::fs::read_to_string("/proc/self/mountinfo")
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split_once(" - "))
        .any(|(left, right)| {
            left.split(' ').nth(4).map(Path::new) == Some(at)
                && right.split(' ').next() == Some(fs_type)
        })
}
