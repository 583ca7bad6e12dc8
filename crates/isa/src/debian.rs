//! Debian's packages of other architectures, whose code the tests of guests' tables decode:
//! fetched by an apt-get with folders of its own, so that the machine's package lists stay as they
//! are.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The suite that packages are of.
pub const SUITE: &str = "trixie";
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Packages of an architecture, in a folder that is kept between runs.
#[derive(Clone, Debug)]
pub struct Packages {
    root: PathBuf,
    architecture: &'static str,
}

/// Runs a program to its good end.
fn run(command: &mut Command, package: &str) {
    let output = match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => panic!(
            "{command:?} is missing. Install it: apt-get install {package} (`cargo xtask test` does so)"
        ),
        output => output.unwrap(),
    };
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

impl Packages {
    /// Fetches and unpacks what is not there yet, each package into a folder of
    /// its name.
    ///
    /// # Panics
    /// When a package can't be fetched.
    #[must_use]
    pub fn fetch(root: PathBuf, architecture: &'static str, packages: &[&str]) -> Self {
        let found = Self { root, architecture };
        for name in [
            "state/lists/partial",
            "cache/archives/partial",
            "debs",
            "unpacked",
        ] {
            std::fs::create_dir_all(found.root.join(name)).unwrap();
        }
        let missing: Vec<&str> = packages
            .iter()
            .copied()
            .filter(|package| found.deb(package).is_none())
            .collect();
        if !missing.is_empty() {
            std::fs::write(found.root.join("status"), "").unwrap();
            let source =
                format!("deb [signed-by={KEYS}] http://deb.debian.org/debian {SUITE} main\n");
            std::fs::write(found.root.join("sources.list"), source).unwrap();
            found.apt(&["update"]);
            found.apt(&[&["download"], &missing[..]].concat());
        }
        for package in packages {
            found.unpack(package);
        }
        found
    }

    fn apt(&self, args: &[&str]) {
        let at = |name: &str| self.root.join(name).display().to_string();
        let options = [
            format!("APT::Architecture={}", self.architecture),
            format!("APT::Architectures={}", self.architecture),
            "Acquire::Languages=none".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
            format!("Dir::State={}", at("state")),
            format!("Dir::State::status={}", at("status")),
            format!("Dir::Cache={}", at("cache")),
            format!("Dir::Etc::sourcelist={}", at("sources.list")),
            "Dir::Etc::sourceparts=-".to_owned(),
        ];
        let mut command = Command::new("apt-get");
        command
            .arg("-q")
            .args(options.iter().flat_map(|o| ["-o", o]));
        run(
            command.args(args).current_dir(self.root.join("debs")),
            "apt",
        );
    }

    /// The file of a package, and its version, which the file's name tells.
    fn deb(&self, package: &str) -> Option<(PathBuf, String)> {
        std::fs::read_dir(self.root.join("debs"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .find_map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                let rest = name.strip_prefix(package)?.strip_prefix('_')?;
                let (version, _) = rest.split_once('_')?;
                Some((entry.path(), version.replace("%3a", ":")))
            })
    }

    fn unpack(&self, package: &str) {
        let place = self.folder(package);
        if place.exists() {
            return;
        }
        // Whole or not at all.
        let partial = self.root.join("unpacking");
        let _ = std::fs::remove_dir_all(&partial);
        let (file, _) = self
            .deb(package)
            .unwrap_or_else(|| panic!("{package} was not fetched"));
        let mut command = Command::new("dpkg-deb");
        run(command.arg("-x").arg(file).arg(&partial), "dpkg");
        std::fs::rename(&partial, &place).unwrap();
    }

    /// Where a package is unpacked.
    #[must_use]
    pub fn folder(&self, package: &str) -> PathBuf {
        self.root.join("unpacked").join(package)
    }

    /// A package's version.
    ///
    /// # Panics
    /// When it was not fetched.
    #[must_use]
    pub fn version(&self, package: &str) -> String {
        self.deb(package).unwrap().1
    }
}

/// The regular files below a folder.
///
/// # Panics
/// When a folder can't be read.
#[must_use]
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}
