//! What the tests share: programs to check, and a world to check them in.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use armistice_arch::Arch;

/// A whole, static, minimal program of this machine; not to be run.
pub(crate) fn tiny_program() -> Vec<u8> {
    let mut p = Arch::host().sample_header(2, 0).to_vec();
    assert_eq!(p[4], 2, "the tests know 64-bit machines");
    p[24] = 1; // e_entry
    p[32] = 64; // e_phoff
    p[54] = 56; // e_phentsize
    p[56] = 1; // e_phnum
    p.resize(64 + 56, 0);
    p[64] = 1; // PT_LOAD
    p[64 + 32] = 120; // p_filesz
    p
}

/// Writes a file with these permission bits.
pub(crate) fn put(path: &Path, bytes: &[u8], mode: u32) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, bytes).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    path.to_owned()
}

/// Compiles C into a static program of this machine.
pub(crate) fn compile(dir: &Path, name: &str, source: &str) -> PathBuf {
    let file = dir.join(format!("{name}.c"));
    std::fs::write(&file, source).unwrap();
    let program = dir.join(name);
    run(Command::new("cc")
        .args(["-static", "-Os", "-w", "-o"])
        .arg(&program)
        .arg(&file));
    program
}

/// Runs a command that has to succeed, and tells what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{text}{errors}",
        output.status
    );
    text
}

/// Set inside.
const INSIDE: &str = "ARMISTICE_TEST_INSIDE";

/// Runs `body` inside a private user and mount namespace, where it is root and may
/// mount: this test program is started again there for the one test, whose full name
/// is `test`.
pub(crate) fn in_private_namespaces(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        // It mounts and registers, and must not do so on the machine itself.
        let map = std::fs::read_to_string("/proc/self/uid_map").unwrap();
        let count = map.split_whitespace().nth(2);
        assert_eq!(count, Some("1"), "not in a private user namespace");
        return body();
    }
    let output = run(Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .env(INSIDE, "1"));
    assert!(output.contains("1 passed"), "{output}");
}
