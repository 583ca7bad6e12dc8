//! From what a person types to rows of the table.
//!
//! Accepts QEMU's names, `uname -m`, Debian's names, OCI platforms and their
//! parts (`arm64`, `linux/arm64/v8`, `arm/v7`) in the spellings that containerd
//! normalises, and kernel entry names (`qemu-aarch64`,
//! `armistice-aarch64`). Letter case is ignored.

use crate::table::{ARCHES, Arch};

/// An OCI platform, normalised as containerd does: `arm64` has no variant for
/// v8, `arm` always has one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Platform {
    /// `linux`, or another system's name.
    pub os: String,
    /// GOARCH: `amd64`, `arm64`, `arm`, ...
    pub architecture: String,
    /// `v7`, ... or empty.
    pub variant: String,
}

/// Systems that images are made for: the first part of two is one of these,
/// or else an architecture.
const SYSTEMS: &[&str] = &[
    "linux", "windows", "darwin", "macos", "freebsd", "netbsd", "openbsd", "wasi", "wasip1",
];

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if self.variant.is_empty() {
            Ok(())
        } else {
            write!(f, "/{}", self.variant)
        }
    }
}

impl Platform {
    /// A platform from an image's fields, normalised.
    #[must_use]
    pub fn new(os: &str, architecture: &str, variant: &str) -> Platform {
        let os = os.to_ascii_lowercase();
        let os = if os.is_empty() {
            "linux".to_owned()
        } else {
            os
        };
        let (architecture, variant) = normalise(architecture, variant);
        Platform {
            os,
            architecture,
            variant,
        }
    }

    /// Parses `os/arch/variant`, `os/arch`, `arch/variant` or `arch`; the
    /// system is Linux where none is given.
    #[must_use]
    pub fn parse(text: &str) -> Option<Platform> {
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|p| p.is_empty()) {
            return None;
        }
        match parts[..] {
            [arch] => Some(Platform::new("linux", arch, "")),
            [os, arch] if SYSTEMS.contains(&os.to_ascii_lowercase().as_str()) => {
                Some(Platform::new(os, arch, ""))
            }
            [arch, variant] => Some(Platform::new("linux", arch, variant)),
            [os, arch, variant] => Some(Platform::new(os, arch, variant)),
            _ => None,
        }
    }

    /// The most usual platform of an architecture; `None` where OCI has none.
    #[must_use]
    pub fn of(arch: &Arch) -> Option<Platform> {
        Platform::parse(arch.platforms.first()?)
    }

    /// The row of the table that runs it.
    #[must_use]
    pub fn arch(&self) -> Option<&'static Arch> {
        if self.os != "linux" {
            return None;
        }
        let full = self.to_string();
        let without_variant = format!("linux/{}", self.architecture);
        ARCHES
            .iter()
            .find(|a| a.platforms.contains(&full.as_str()))
            .or_else(|| {
                ARCHES
                    .iter()
                    .find(|a| a.platforms.contains(&without_variant.as_str()))
            })
    }
}

/// containerd's normalisation (its platforms package, documented behaviour).
fn normalise(architecture: &str, variant: &str) -> (String, String) {
    let arch = architecture.to_ascii_lowercase();
    let variant = variant.to_ascii_lowercase();
    let own = |a: &str, v: &str| (a.to_owned(), v.to_owned());
    match (arch.as_str(), variant.as_str()) {
        ("i386" | "i486" | "i586" | "i686" | "x86", _) => own("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => own("amd64", ""),
        ("x86_64" | "x86-64", v) => own("amd64", v),
        ("aarch64" | "arm64", "8" | "v8" | "v8.0") => own("arm64", ""),
        ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => own("arm64", "v9"),
        ("aarch64", v) => own("arm64", v),
        ("armhf", _) => own("arm", "v7"),
        ("armel", _) => own("arm", "v6"),
        ("arm", "" | "7") => own("arm", "v7"),
        ("arm", "5" | "6" | "8") => ("arm".to_owned(), format!("v{variant}")),
        ("loongarch64", v) => own("loong64", v),
        _ => (arch, variant),
    }
}

/// A name that no row has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownArch {
    /// What was typed.
    pub name: String,
    /// The names closest to it, best first; at most three.
    pub nearest: Vec<&'static str>,
}

impl std::fmt::Display for UnknownArch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "unknown architecture '{}'", self.name)?;
        if self.nearest.is_empty() {
            write!(
                f,
                "; known are the names of Docker (arm64, arm/v7, s390x), of QEMU (aarch64, ppc64le) and of uname -m"
            )
        } else {
            write!(f, "; did you mean {}?", self.nearest.join(", "))
        }
    }
}

impl std::error::Error for UnknownArch {}

/// The row that a name, platform or entry name means.
///
/// # Errors
/// [`UnknownArch`], with the nearest names.
pub fn find(name: &str) -> Result<&'static Arch, UnknownArch> {
    let wanted = name.trim().to_ascii_lowercase();
    let second = |a: &&Arch| a.second_entry_name() == wanted;
    if let Some(arch) = ARCHES.iter().find(second) {
        return Ok(arch);
    }
    let bare = wanted.strip_prefix("qemu-").unwrap_or(&wanted);
    ARCHES
        .iter()
        .find(|a| a.name == bare)
        .or_else(|| {
            ARCHES
                .iter()
                .find(|a| a.debian == Some(bare) || a.aliases.contains(&bare))
        })
        .or_else(|| Platform::parse(bare).and_then(|p| p.arch()))
        .or_else(|| ARCHES.iter().find(|a| a.uname == bare))
        .ok_or_else(|| UnknownArch {
            name: name.to_owned(),
            nearest: nearest(bare),
        })
}

/// The known names closest in spelling.
fn nearest(name: &str) -> Vec<&'static str> {
    let mut scored: Vec<(f64, &'static str)> = ARCHES
        .iter()
        .flat_map(|a| {
            [a.name, a.display_name()]
                .into_iter()
                .chain(a.debian)
                .chain(a.aliases.iter().copied())
        })
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(score, _)| *score > 0.75)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut out: Vec<&'static str> = Vec::new();
    for (_, known) in scored {
        if !out.contains(&known) {
            out.push(known);
        }
    }
    out.truncate(3);
    out
}
