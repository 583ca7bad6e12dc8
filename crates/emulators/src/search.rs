//! Where emulators are looked for, and in which order.
//!
//! 1. directories that somebody named: by option, then by environment variable;
//! 2. the directory of the command itself, for Armistice's own engines only:
//!    there a build leaves them;
//! 3. the project's own folders, which its image and its packages fill;
//! 4. the distribution's places.
//!
//! The first usable file wins. An [`Engine`] may say which kind it has to be; else, where a
//! directory has several, Armistice's own engine comes before QEMU.
//!
//! In a directory that somebody named, an unusable file ends the search with an
//! error, because they meant that one; elsewhere it is passed over and
//! remembered, so that the caller can say so.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use armistice_arch::Arch;

pub use crate::origin::{ENV, Origin};
use crate::{Emulator, Error, OsRelease, Packages, baked};

/// The project's own folders.
const OWN: [&str; 2] = ["/usr/libexec/armistice", "/usr/local/libexec/armistice"];

/// The distributions' places. Debian 12 keeps links to its emulators in
/// `qemu-binfmt`; `/run/current-system` is NixOS.
const DISTRIBUTION: [&str; 4] = [
    "/usr/bin",
    "/usr/local/bin",
    "/usr/libexec/qemu-binfmt",
    "/run/current-system/sw/bin",
];

/// Which emulators may be used where Armistice has an engine of its own for an
/// architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// Armistice's own, else QEMU, as the directories have them.
    #[default]
    Any,
    /// Armistice's own only; QEMU for the other architectures.
    Armistice,
    /// QEMU only.
    Qemu,
}

/// A directory to look in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dir {
    /// The directory.
    pub path: PathBuf,
    /// Who named it.
    pub origin: Origin,
}

/// The directories to look in, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// First in this list, first looked in.
    pub dirs: Vec<Dir>,
    /// Which emulators may be used.
    pub engine: Engine,
    /// Which processor will run them.
    pub processor: Processor,
    /// Folders in which a baked engine may lie, which is taken in the place of the same
    /// engine without translations, on this processor only.
    pub baked: Vec<PathBuf>,
}

/// Which processor will run what is found. Armistice's own engines need one of
/// x86-64-v3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Processor {
    /// This one.
    #[default]
    This,
    /// Any: what is found goes into an image.
    Any,
}

/// An emulator, and how it was found.
#[derive(Debug)]
pub struct Found {
    /// The emulator, checked and open.
    pub emulator: Emulator,
    /// Whose directory it was in.
    pub origin: Origin,
    /// Whose program it is.
    pub maker: Maker,
    /// Files before it in the search that could not be used, and why.
    pub passed_over: Vec<Error>,
}

/// Whose program an emulator is, as its file's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// Armistice's own engine.
    Armistice,
    /// QEMU's.
    Qemu,
    /// Not known.
    Other,
}

impl Maker {
    /// By a file's path.
    #[must_use]
    pub fn of(path: &Path) -> Maker {
        let name = path.file_name().unwrap_or_default().as_bytes();
        if name.starts_with(b"armistice-") {
            Maker::Armistice
        } else if name.starts_with(b"qemu-") || name.ends_with(b"-binfmt-P") {
            Maker::Qemu
        } else {
            Maker::Other
        }
    }

    /// Its name; `None` where it is not known.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Maker::Armistice => Some("armistice"),
            Maker::Qemu => Some("qemu"),
            Maker::Other => None,
        }
    }
}

impl Search {
    /// The full order: `options` from the command line, then the value of
    /// [`ENV`] (a list with colons; empty parts are ignored), then the folder
    /// that the command lies in, then the usual places.
    #[must_use]
    pub fn new(options: &[PathBuf], environment: Option<&OsStr>, beside: Option<&Path>) -> Search {
        let named = options.iter().map(|path| (path.clone(), Origin::Option));
        let environment = environment
            .unwrap_or_default()
            .as_bytes()
            .split(|b| *b == b':')
            .filter(|part| !part.is_empty())
            .map(|part| (PathBuf::from(OsStr::from_bytes(part)), Origin::Environment));
        let beside = beside.map(|path| (path.to_owned(), Origin::Beside));
        let own = OWN.map(|d| (PathBuf::from(d), Origin::Own));
        let distribution = DISTRIBUTION.map(|d| (PathBuf::from(d), Origin::Distribution));
        let dirs = named
            .chain(environment)
            .chain(beside)
            .chain(own)
            .chain(distribution)
            .map(|(path, origin)| Dir { path, origin })
            .collect();
        Search {
            dirs,
            engine: Engine::default(),
            processor: Processor::default(),
            baked: Vec::new(),
        }
    }

    /// Where a baked engine may lie, for an emulator of this maker's.
    fn baked(&self, maker: Maker) -> impl Iterator<Item = &Path> {
        let may = maker == Maker::Armistice && self.processor == Processor::This;
        let folders = self.baked.iter().filter(move |_| may);
        folders.map(PathBuf::as_path)
    }

    /// The first usable emulator for an architecture.
    ///
    /// # Errors
    /// [`Error::NoDirectory`] for a named directory that can't be looked into;
    /// the failed check for an unusable file in a named directory;
    /// [`Error::NotFound`], with all that was passed over, where none is left.
    pub fn find(&self, arch: &Arch) -> Result<Found, Error> {
        let mut passed_over = Vec::new();
        for dir in &self.dirs {
            if dir.origin.is_explicit() {
                look_into(dir)?;
            }
            for name in candidates(arch, self.engine) {
                let path = dir.path.join(&name);
                let maker = Maker::of(&path);
                if dir.origin == Origin::Beside && maker != Maker::Armistice
                    || path.symlink_metadata().is_err()
                {
                    continue;
                }
                match open(&path, maker, self.processor) {
                    Ok(emulator) => {
                        return Ok(Found {
                            emulator: self
                                .baked(maker)
                                .find_map(|folder| baked::of(folder, &emulator).ok())
                                .unwrap_or(emulator),
                            origin: dir.origin,
                            maker,
                            passed_over,
                        });
                    }
                    // An old processor is no fault of who named the directory.
                    Err(fault @ Error::OldProcessor { .. }) if self.engine == Engine::Any => {
                        passed_over.push(fault);
                    }
                    Err(fault) if dir.origin.is_explicit() => return Err(fault),
                    Err(fault) => passed_over.push(fault),
                }
            }
        }
        let searched = |d: &&Dir| d.origin != Origin::Beside || has_own(arch);
        let searched = self.dirs.iter().filter(searched);
        let searched = searched.map(|d| d.path.clone()).collect();
        if self.engine == Engine::Armistice && has_own(arch) {
            return Err(Error::NoEngine {
                arch: arch.name,
                searched,
                passed_over,
            });
        }
        Err(Error::NotFound {
            arch: arch.name,
            searched,
            passed_over,
            advice: Packages::of(&[arch], &OsRelease::read(Path::new("/"))).advice(),
        })
    }
}

/// Architectures that Armistice has an engine of its own for, which comes before QEMU where
/// nobody asks for either.
const OWN_ENGINES: [&str; 2] = ["aarch64", "arm"];

/// Whether Armistice has an engine of its own for an architecture.
#[must_use]
pub fn has_own(arch: &Arch) -> bool {
    OWN_ENGINES.contains(&arch.name)
}

/// Whether this processor has what Armistice's own engine needs.
#[must_use]
pub fn own_engine_runs() -> bool {
    missing_features().is_empty()
}

/// The file names an emulator may have, the best first.
fn candidates(arch: &Arch, engine: Engine) -> Vec<String> {
    let qemu = [
        format!("qemu-{}-static", arch.emulator),
        format!("qemu-{}", arch.emulator),
        format!("{}-binfmt-P", arch.emulator), // Debian 12's links
    ];
    let own = has_own(arch).then(|| own_name(arch));
    match (engine, own) {
        (Engine::Armistice, Some(own)) => vec![own],
        (Engine::Any, Some(own)) => [own].into_iter().chain(qemu).collect(),
        _ => qemu.into(),
    }
}

/// The file name of Armistice's own engine.
#[must_use]
pub fn own_name(arch: &Arch) -> String {
    format!("armistice-{}", arch.name)
}

/// Opens a candidate and checks it.
fn open(path: &Path, maker: Maker, processor: Processor) -> Result<Emulator, Error> {
    let emulator = Emulator::open(path)?;
    let missing = match (maker, processor) {
        (Maker::Armistice, Processor::This) => missing_features(),
        _ => Vec::new(),
    };
    if missing.is_empty() {
        return Ok(emulator);
    }
    Err(Error::OldProcessor {
        path: emulator.path().to_owned(),
        missing: missing.join(", "),
    })
}

/// What this processor lacks of x86-64-v3, which Armistice's engine needs.
fn missing_features() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    {
        [
            ("AVX2", std::is_x86_feature_detected!("avx2")),
            ("BMI1", std::is_x86_feature_detected!("bmi1")),
            ("BMI2", std::is_x86_feature_detected!("bmi2")),
            ("F16C", std::is_x86_feature_detected!("f16c")),
            ("FMA", std::is_x86_feature_detected!("fma")),
            ("LZCNT", std::is_x86_feature_detected!("lzcnt")),
            ("MOVBE", std::is_x86_feature_detected!("movbe")),
        ]
        .into_iter()
        .filter_map(|(name, there)| (!there).then_some(name))
        .collect()
    }
    #[cfg(not(target_arch = "x86_64"))]
    vec!["x86-64"]
}

/// Refuses a named directory that is none.
fn look_into(dir: &Dir) -> Result<(), Error> {
    std::fs::read_dir(&dir.path)
        .map(drop)
        .map_err(|source| Error::NoDirectory {
            dir: dir.path.clone(),
            origin: dir.origin,
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_option_environment_own_distribution() {
        let search = Search::new(
            &["/a".into(), "b".into()],
            Some(OsStr::new("/c::relative/d:")),
            Some(Path::new("/opt/bin")),
        );
        let dirs: Vec<String> = search
            .dirs
            .iter()
            .map(|d| d.path.display().to_string())
            .collect();
        assert_eq!(dirs[..4], ["/a", "b", "/c", "relative/d"]);
        assert_eq!(
            dirs[4..7],
            [
                "/opt/bin",
                "/usr/libexec/armistice",
                "/usr/local/libexec/armistice"
            ]
        );
        assert_eq!(dirs[7], "/usr/bin");
        let explicit: Vec<bool> = search.dirs.iter().map(|d| d.origin.is_explicit()).collect();
        assert_eq!(explicit[..6], [true, true, true, true, false, false]);
        assert_eq!(
            Search::new(&[], None, None).dirs.len(),
            OWN.len() + DISTRIBUTION.len()
        );
    }

    #[test]
    fn i486_is_run_by_the_emulator_of_i386() {
        let arch = Arch::by_name("i486").unwrap();
        assert_eq!(candidates(arch, Engine::Any)[0], "qemu-i386-static");
    }

    #[test]
    fn the_engine_decides_what_may_run_arm() {
        for name in OWN_ENGINES {
            let arch = Arch::by_name(name).unwrap();
            let own = format!("armistice-{name}");
            let qemu = candidates(arch, Engine::Qemu);
            assert!(qemu.iter().all(|name| !name.starts_with("armistice")));
            assert_eq!(candidates(arch, Engine::Armistice), [own.as_str()]);
            let any = candidates(arch, Engine::Any);
            assert_eq!(any, [&[own][..], &qemu].concat());
        }
        // The other order of bytes is another architecture.
        for name in ["riscv64", "armeb", "aarch64_be"] {
            let other = Arch::by_name(name).unwrap();
            assert_eq!(
                candidates(other, Engine::Armistice),
                candidates(other, Engine::Qemu),
                "QEMU runs what has no engine"
            );
        }
    }
}
