//! Which emulator file a handler holds open ("pins"), and whether the disk has another by now.
//!
//! For Armistice's own entries the mark says which file was opened; comparing it with the file
//! at the path takes microseconds. For any entry, a test program can be started, and the
//! emulator that runs it can be looked at.

use std::fmt;
use std::fs::File;

use armistice_arch::Arch;
use armistice_arch::pattern::hex;
use armistice_binfmt::{Entry, Mark, Pin};
use armistice_emulators::Identity;
use serde::Serialize;

use crate::registration::request::ctime_ns;

/// What is known of the emulator behind an entry.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Pinned {
    pub(crate) state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// Hexadecimal; the first 16 digits where only the mark is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
}

/// How the pinned file stands to the file at the entry's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// It is that file, or one of the same content.
    Current,
    /// Another file is there now: an upgrade that has not reached the kernel.
    Stale,
    /// No file is there (a container's path, or it was removed): still runs.
    NotOnDisk,
    /// No flag F: whatever lies at the path where a program runs.
    NotPinned,
    /// Somebody else's entry: the kernel does not tell; `--probe` finds out.
    Unknown,
}

impl Pinned {
    pub(crate) fn is_stale(&self) -> bool {
        matches!(self.state, State::Stale | State::NotPinned)
    }

    fn only(state: State) -> Pinned {
        Pinned {
            state,
            version: None,
            sha256: None,
        }
    }
}

impl fmt::Display for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(version) = &self.version {
            write!(f, "{version} ")?;
        }
        if let Some(sha256) = &self.sha256 {
            write!(f, "{} ", sha256.get(..12).unwrap_or(sha256))?;
        }
        f.write_str(match self.state {
            State::Current => "current",
            State::Stale => "STALE: the disk has another",
            State::NotOnDisk => "pinned, not on this disk",
            State::NotPinned => "not pinned (no F)",
            State::Unknown => "pinned, unknown (see --probe)",
        })
    }
}

/// From the entry's own text and the disk; runs nothing.
pub(crate) fn by_mark(entry: &Entry) -> Pinned {
    if !entry.flags.fix_binary {
        return Pinned::only(State::NotPinned);
    }
    let Mark::Ours(pin) = &entry.mark else {
        return Pinned::only(State::Unknown);
    };
    Pinned {
        state: compare(pin, &entry.interpreter),
        version: Some(pin.version.clone()).filter(|v| !v.is_empty()),
        // An entry of `shell`'s has none: its emulator was not read.
        sha256: (pin.sha256_prefix != [0; 8]).then(|| hex(&pin.sha256_prefix)),
    }
}

fn compare(pin: &Pin, path: &std::path::Path) -> State {
    let Ok(file) = File::open(path) else {
        return State::NotOnDisk;
    };
    let same_file = file.metadata().is_ok_and(|m| {
        use std::os::unix::fs::MetadataExt;
        m.ino() == pin.inode && ctime_ns(&m) == pin.ctime_ns
    });
    if same_file {
        return State::Current;
    }
    // Another inode may hold the same bytes: a copy, a restored backup.
    match armistice_emulators::Emulator::open(path).and_then(|e| e.sha256()) {
        Ok(digest) if digest.0.starts_with(&pin.sha256_prefix) => State::Current,
        _ => State::Stale,
    }
}

/// From the emulator that really runs a test program of this architecture.
pub(crate) fn by_running(entry: &Entry, arch: &Arch) -> Pinned {
    let Ok(Some(file)) = armistice_proof::emulator_of(arch, LIMIT) else {
        return by_mark(entry);
    };
    let Ok(identity) = armistice_emulators::identify_open(&file, &entry.interpreter) else {
        return by_mark(entry);
    };
    let state = match File::open(&entry.interpreter) {
        _ if !entry.flags.fix_binary => State::NotPinned,
        Err(_) => State::NotOnDisk,
        Ok(on_disk) if same_content(&on_disk, &file, &identity, &entry.interpreter) => {
            State::Current
        }
        Ok(_) => State::Stale,
    };
    Pinned {
        state,
        version: identity.version.ok().map(|v| v.number),
        sha256: Some(identity.sha256.to_string()),
    }
}

/// How long a test program may take to start.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

fn same_content(
    on_disk: &File,
    running: &File,
    identity: &Identity,
    path: &std::path::Path,
) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |f: &File| f.metadata().map(|m| (m.dev(), m.ino())).ok();
    id(on_disk).is_some_and(|a| Some(a) == id(running))
        || armistice_emulators::identify_open(on_disk, path)
            .is_ok_and(|other| other.sha256 == identity.sha256)
}
