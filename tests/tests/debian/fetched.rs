//! What cases need that Debian's archives do not have: packages of npm (`# npm:`
//! in a case's head, with `ARCH` where npm's names have the architecture) and
//! wheels of PyPI (`# wheels:`), of pinned versions.
//!
//! Both are fetched here, by npm and pip, for both architectures, kept in
//! `target/fetched`, and laid where the userlands see them: in
//! `/mnt/ARCHITECTURE/npm/NAME`, unpacked, and `/mnt/ARCHITECTURE/wheels`, to be
//! installed by the userland's own pip.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::{need, product, python, run};

use super::case::Case;

/// An architecture's names.
struct Names {
    debian: &'static str,
    npm: &'static str,
    wheels: &'static str,
}

const ARCHITECTURES: [Names; 4] = [
    Names {
        debian: "amd64",
        npm: "x64",
        wheels: "x86_64",
    },
    Names {
        debian: "arm64",
        npm: "arm64",
        wheels: "aarch64",
    },
    Names {
        debian: "i386",
        npm: "ia32",
        wheels: "i686",
    },
    Names {
        debian: "armhf",
        npm: "arm",
        wheels: "armv7l",
    },
];

/// The releases' Python, which wheels are made for.
const PYTHONS: [(&str, &str); 2] = [("bookworm", "3.11"), ("trixie", "3.13")];

/// Platforms of wheels that these releases' C library runs: pip takes each literally.
const MANYLINUX: [&str; 4] = [
    "manylinux2014",
    "manylinux_2_17",
    "manylinux_2_27",
    "manylinux_2_28",
];

/// Lays out what the cases of a release need on these of Debian's architectures.
///
/// # Panics
/// When something can't be fetched.
pub(crate) fn lay_out(cases: &[Case], suite: &str, architectures: &[&str], to: &Path) {
    let npm: BTreeSet<&str> = cases.iter().flat_map(Case::npm).collect();
    let wheels: BTreeSet<&str> = cases.iter().flat_map(Case::wheels).collect();
    let wanted = |names: &&Names| architectures.contains(&names.debian);
    for names in ARCHITECTURES.iter().filter(wanted) {
        let folder = to.join(names.debian);
        for package in &npm {
            unpack(&package.replace("ARCH", names.npm), &folder.join("npm"));
        }
        if !wheels.is_empty() {
            copy(&fetch_wheels(&wheels, suite, names), &folder.join("wheels"));
        }
    }
}

/// Unpacks an npm package, `NAME@VERSION`, as `NAME`.
fn unpack(package: &str, to: &Path) {
    let (name, _) = package
        .rsplit_once('@')
        .filter(|(name, _)| !name.is_empty())
        .unwrap_or_else(|| panic!("{package} in a case's head has no version"));
    let kept = once(&package.replace('/', "+"), |folder| {
        run(Command::new(need::program("npm", "npm"))
            .args(["pack", "--silent", "--pack-destination"])
            .arg(folder)
            .arg(package)
            .current_dir(folder))
        .ok();
    });
    let to = to.join(name);
    fs::create_dir_all(&to).expect("the shared folder can be written");
    for archive in files(&kept) {
        run(Command::new(need::program("tar", "tar"))
            .args(["--no-same-owner", "--strip-components=1", "-xzf"])
            .arg(archive)
            .arg("-C")
            .arg(&to))
        .ok();
    }
}

/// A folder with these wheels.
fn fetch_wheels(wheels: &BTreeSet<&str>, suite: &str, names: &Names) -> PathBuf {
    let (_, version) = PYTHONS
        .iter()
        .find(|(of, _)| *of == suite)
        .unwrap_or_else(|| panic!("which Python {suite} has is not known: add it to PYTHONS"));
    let list: Vec<&str> = wheels.iter().copied().collect();
    let name = format!("wheels-{version}-{}-{}", names.wheels, list.join("-"));
    once(&name, |folder| {
        run(python::tool("pip")
            .args(["download", "--quiet", "--no-deps", "--only-binary=:all:"])
            .args(["--implementation=cp", "--python-version", version])
            .args(MANYLINUX.map(|many| format!("--platform={many}_{}", names.wheels)))
            .arg("--dest")
            .arg(folder)
            .args(&list))
        .ok();
    })
}

/// The folder `target/fetched/NAME`, filled if it is not there yet. A fetching
/// that failed leaves none.
fn once(name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
    let all = product::target_dir().join("fetched");
    let folder = all.join(name);
    if !folder.is_dir() {
        fs::create_dir_all(&all).expect("target/fetched can be made");
        let new = tempfile::tempdir_in(&all).expect("target/fetched can be written");
        fill(new.path());
        assert!(!files(new.path()).is_empty(), "{name}: nothing was fetched");
        fs::rename(new.keep(), &folder).expect("what was fetched can be renamed");
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the shared folder can be written");
    for file in files(from) {
        fs::copy(&file, to.join(file.file_name().expect("a file has a name")))
            .expect("the shared folder can be written");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .expect("a folder of our own can be read")
        .map(|entry| entry.expect("a folder that is read").path())
        .collect()
}
