//! Words for which engine runs programs, Armistice's own or QEMU: for an entry, and for the
//! choice among the emulators that were found.

use std::fmt;
use std::path::Path;

use armistice_arch::Arch;
use armistice_binfmt::{Entry, Mark};
use armistice_emulators::search::has_own;
use armistice_emulators::{Engine, Error, Found, Maker, Search};
use serde::Serialize;

use crate::output::Output;

/// An engine and its version, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct EngineLine {
    /// `armistice` or `qemu`.
    pub(crate) name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
}

impl EngineLine {
    /// Of an emulator's file and version; none where its name is nobody's.
    pub(crate) fn new(path: &Path, version: &str) -> Option<EngineLine> {
        Some(EngineLine {
            name: Maker::of(path).name()?,
            version: Some(version.to_owned()).filter(|v| !v.is_empty()),
        })
    }

    /// Of an entry: by its interpreter's name, and the version in our mark.
    pub(crate) fn of(entry: &Entry) -> Option<EngineLine> {
        let version = match &entry.mark {
            Mark::Ours(pin) => pin.version.as_str(),
            Mark::OursOtherLayout(_) | Mark::Foreign => "",
        };
        EngineLine::new(&entry.interpreter, version)
    }
}

impl fmt::Display for EngineLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.name {
            "armistice" => "Armistice's own engine",
            _ => "QEMU",
        })?;
        match &self.version {
            Some(version) => write!(f, " {version}"),
            None => Ok(()),
        }
    }
}

/// The name under which an emulator is kept where Armistice looks: what it was
/// called, for Armistice's own engine; else QEMU's usual.
pub(crate) fn file_name(emulator: &Path, arch: &str) -> String {
    match emulator.file_name().and_then(|name| name.to_str()) {
        Some(name) if name.starts_with("armistice-") => name.to_owned(),
        _ => format!("qemu-{arch}"),
    }
}

/// Says that QEMU was taken where Armistice has an engine of its own, and why.
pub(crate) fn say_choice(arch: &Arch, found: &Found, search: &Search, output: Output) {
    if search.engine != Engine::Any || !has_own(arch) || found.maker == Maker::Armistice {
        return;
    }
    let old = found
        .passed_over
        .iter()
        .find(|fault| matches!(fault, Error::OldProcessor { .. }));
    let why = match old {
        Some(fault) => fault.to_string(),
        None => format!(
            "Armistice's own engine (armistice-{}) was not found before it",
            arch.name
        ),
    };
    output.note(format!(
        "{} is run by QEMU ({}): {why}",
        arch.display_name(),
        found.emulator.path().display()
    ));
}
