//! Capabilities that this machine can't give to anybody, and a container
//! runtime that does not ask for them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::need;

/// By number, as in `linux/capability.h`.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// Those that are not in this process's bounding set.
///
/// # Panics
/// When the kernel does not tell.
#[must_use]
pub fn missing() -> Vec<&'static str> {
    let status = fs::read_to_string("/proc/self/status").expect("/proc/self/status can be read");
    let bounding = status
        .lines()
        .find_map(|line| line.strip_prefix("CapBnd:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .expect("/proc/self/status has a line CapBnd");
    (0..)
        .zip(NAMES)
        .filter(|(number, _)| bounding & (1 << number) == 0)
        .map(|(_, name)| name)
        .collect()
}

/// Writes a runtime that takes these out of a container's configuration and
/// leaves the rest to runc.
///
/// # Panics
/// When runc is missing or the file can't be written.
pub fn write_runtime(path: &Path, missing: &[&str]) {
    let runc = need::program("runc", "runc");
    let edits: String = missing
        .iter()
        .map(|name| format!(" -e 's/\"CAP_{name}\",//g' -e 's/,\"CAP_{name}\"//g'"))
        .collect();
    let script = format!(
        r#"#!/bin/sh
# runc, but for the capabilities that this machine lacks.
bundle=
previous=
for word in "$@"; do
    [ "$previous" = --bundle ] && bundle=$word
    previous=$word
done
if [ -n "$bundle" ]; then sed -i{edits} "$bundle/config.json"; fi
exec '{}' "$@"
"#,
        runc.display()
    );
    fs::write(path, script).expect("the runtime can be written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .expect("the runtime can be made executable");
}
