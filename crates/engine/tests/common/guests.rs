//! Both guests, for promises that hold for each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::compiled::{Target, usual};

/// The kernel's table, in a namespace where a test may write to it.
pub(crate) const TABLE: &str = "/proc/sys/fs/binfmt_misc";

/// An engine, and what its programs are compared with.
pub(crate) struct Guest {
    /// The engine's file.
    pub(crate) engine: &'static str,
    pub(crate) target: Target,
    /// This machine's, with words as wide.
    pub(crate) native: Target,
    /// Its programs, as a rule of the kernel's has them: magic and mask.
    pub(crate) magic: &'static str,
}

pub(crate) const BOTH: [Guest; 2] = [
    Guest {
        engine: env!("CARGO_BIN_EXE_armistice-aarch64"),
        target: Target::Guest,
        native: Target::Host,
        magic: concat!(
            r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:",
            r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff",
        ),
    },
    Guest {
        engine: env!("CARGO_BIN_EXE_armistice-arm"),
        target: Target::Hard,
        native: Target::I386,
        magic: concat!(
            r"\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00:",
            r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff",
        ),
    },
];

impl Guest {
    /// Whether its addresses have 64 bits.
    pub(crate) fn is_wide(&self) -> bool {
        matches!(self.target, Target::Guest)
    }

    pub(crate) fn engine(&self) -> Command {
        Command::new(self.engine)
    }

    /// The engine, where the kernel knows no other programs than this machine's, whatever is
    /// registered outside.
    pub(crate) fn alone(&self) -> Command {
        let script = format!("mount -t binfmt_misc none {TABLE}; exec \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-ec"]);
        command.args([&script, "sh", self.engine]);
        command
    }

    /// One of `programs/`, for the guest.
    pub(crate) fn guest(&self, dir: &TempDir, source: &str, level: &str) -> PathBuf {
        usual(self.target, dir, source, level)
    }

    /// The same for this machine.
    pub(crate) fn native(&self, dir: &TempDir, source: &str) -> PathBuf {
        usual(self.native, dir, source, "-O2")
    }

    /// Copies the engine to a path, and has the kernel start the copy, with these flags. The rule's
    /// name.
    pub(crate) fn register(&self, engine: &str, flags: &str) -> String {
        fs::copy(self.engine, engine).unwrap();
        let name = format!(
            "{}-{flags}",
            Path::new(engine).file_name().unwrap().display()
        );
        let line = format!(":{name}:M::{}:{engine}:{flags}", self.magic);
        fs::write(format!("{TABLE}/register"), line).unwrap();
        name
    }
}
