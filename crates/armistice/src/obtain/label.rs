//! What the programs in a root are made for: of a root folder, and of an image whose label says
//! otherwise (`docker import` labels a tar of any root as this machine's own).

use std::fmt;
use std::path::{Path, PathBuf};

use armistice_arch::{Arch, ElfHeader, Platform};
use armistice_oci::{FileKind, Lookup, Root};

/// Programs that tell what a root is made for.
const TELLING: [&str; 6] = [
    "/bin/sh",
    "/usr/bin/sh",
    "/bin/busybox",
    "/bin/bash",
    "/usr/bin/env",
    "/bin/ls",
];

/// A program that is not what the label says.
#[derive(Debug, Clone)]
pub(crate) struct Otherwise {
    label: Platform,
    path: PathBuf,
    arch: &'static Arch,
    /// What the program is made for.
    pub(crate) platform: Platform,
}

impl Otherwise {
    /// For the start of a program; `None` where a machine of the label's kind runs it.
    pub(crate) fn of(label: &Platform, path: &Path, head: &[u8]) -> Option<Otherwise> {
        let arch = Arch::of_elf(&ElfHeader::parse(head).ok()?)?;
        let labelled = label.arch()?;
        // Most arm64 processors run 32-bit Arm, as x86-64 runs i386.
        let runs = arch.is_native_to(labelled)
            || (labelled.name == "aarch64" && matches!(arch.name, "arm" | "armeb"));
        let platform = Platform::of(arch)?;
        (!runs).then(|| Otherwise {
            label: label.clone(),
            path: path.to_owned(),
            arch,
            platform,
        })
    }

    /// For a whole root, by the first of its well-known programs.
    pub(crate) fn in_root(label: &Platform, root: &(impl Root + ?Sized)) -> Option<Otherwise> {
        let (path, head) = telling(root)?;
        Otherwise::of(label, path, &head)
    }
}

/// What a whole root is made for, by the first of its well-known programs.
pub(crate) fn platform_in(root: &(impl Root + ?Sized)) -> Option<Platform> {
    let (_, head) = telling(root)?;
    Platform::of(Arch::of_elf(&ElfHeader::parse(&head).ok()?)?)
}

/// The first of a root's well-known programs, and how it starts.
fn telling(root: &(impl Root + ?Sized)) -> Option<(&'static Path, Vec<u8>)> {
    TELLING.iter().find_map(|path| {
        let path = Path::new(path);
        match root.lookup(path).ok()? {
            Lookup::Found(file) if file.kind == FileKind::Regular => {}
            _ => return None,
        }
        let head = root.read_at(path, 0, 64).ok()?;
        ElfHeader::parse(&head).is_ok().then_some((path, head))
    })
}

impl fmt::Display for Otherwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "labelled {}, but {} in it is a program for {}",
            self.label,
            self.path.display(),
            self.arch.display_name()
        )
    }
}
