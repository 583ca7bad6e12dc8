//! What the tests share: the installed emulators, and a private table of
//! handlers to try them in.

#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod table;

use std::path::PathBuf;

/// The installed emulator of this name.
pub(crate) fn emulator(name: &str) -> PathBuf {
    [
        format!("/usr/bin/qemu-{name}-static"),
        format!("/usr/bin/qemu-{name}"),
    ]
    .map(PathBuf::from)
    .into_iter()
    .find(|path| path.exists())
    .unwrap_or_else(|| panic!("no qemu-{name}: install qemu-user-static"))
}
