//! From names on the command line to architectures.

use armistice_arch::name::find;
use armistice_arch::{ARCHES, Arch, UnknownArch};

use crate::native;

/// Which architectures a verb is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// No name was given.
    Default,
    /// `all`.
    All,
    /// These.
    These(Vec<&'static Arch>),
}

impl Wanted {
    /// Reads the names; commas separate as well as blanks.
    ///
    /// # Errors
    /// The first name that no architecture has.
    pub(crate) fn read(names: &[String]) -> Result<Wanted, UnknownArch> {
        let names: Vec<&str> = names
            .iter()
            .flat_map(|n| n.split(','))
            .filter(|n| !n.is_empty())
            .collect();
        if names.is_empty() {
            return Ok(Wanted::Default);
        }
        if names.iter().any(|n| n.eq_ignore_ascii_case("all")) {
            return Ok(Wanted::All);
        }
        let mut arches: Vec<&'static Arch> = Vec::new();
        for name in names {
            let arch = find(name)?;
            if !arches.contains(&arch) {
                arches.push(arch);
            }
        }
        Ok(Wanted::These(arches))
    }

    /// Whether an architecture is meant, where no name means all.
    pub(crate) fn includes(&self, arch: &Arch) -> bool {
        match self {
            Wanted::Default | Wanted::All => true,
            Wanted::These(arches) => arches.iter().any(|a| a.name == arch.name),
        }
    }
}

/// The architectures that this machine does not run by itself.
pub(crate) fn foreign() -> impl Iterator<Item = &'static Arch> {
    ARCHES.iter().filter(|a| !native::is_native(a))
}

/// The architectures that no machine of this kind runs by itself.
pub(crate) fn foreign_everywhere() -> impl Iterator<Item = &'static Arch> {
    let host = Arch::host();
    ARCHES.iter().filter(move |a| !a.is_native_to(host))
}
