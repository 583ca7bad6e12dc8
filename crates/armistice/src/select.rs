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
    /// The first name that no architecture has. An argument without a name in it
    /// (a variable of a script's that is not set) is none, and must not mean all.
    pub(crate) fn read(arguments: &[String]) -> Result<Wanted, UnknownArch> {
        let mut names: Vec<&str> = Vec::new();
        for argument in arguments {
            let before = names.len();
            let parts = argument.split(',').map(str::trim);
            names.extend(parts.filter(|part| !part.is_empty()));
            if names.len() == before {
                find(argument)?;
            }
        }
        if names.is_empty() {
            return Ok(Wanted::Default);
        }
        let is_all = |name: &&str| name.eq_ignore_ascii_case("all");
        let mut arches: Vec<&'static Arch> = Vec::new();
        for name in names.iter().filter(|name| !is_all(name)) {
            let arch = find(name)?;
            if !arches.contains(&arch) {
                arches.push(arch);
            }
        }
        if names.iter().any(is_all) {
            return Ok(Wanted::All);
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
