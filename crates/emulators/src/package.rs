//! Which package of a distribution brings an emulator.
//!
//! Debian and Ubuntu: `qemu-user-static` up to Debian 12 and Ubuntu 24.10; from
//! Debian 13 and Ubuntu 25.04 (QEMU 9.1 and later) `qemu-user` is the static
//! one. Elsewhere the name is the one that the distribution is known to use;
//! the advice says so.

use std::path::Path;

use armistice_arch::Arch;

/// What `/etc/os-release` says of a distribution (os-release(5)).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OsRelease {
    /// `ID`: `debian`, `ubuntu`, `fedora`, ...; empty where unknown.
    pub id: String,
    /// `ID_LIKE`: what it is derived from, the closest first.
    pub id_like: Vec<String>,
    /// `VERSION_ID`; empty for a rolling or unreleased one.
    pub version_id: String,
    /// `VERSION_CODENAME`; empty where there is none.
    pub codename: String,
    /// `UBUNTU_CODENAME`: of the Ubuntu that a derivative is built on.
    pub ubuntu_codename: String,
}

impl OsRelease {
    /// Parses the file's contents; lines that are not understood are ignored.
    #[must_use]
    pub fn parse(text: &str) -> OsRelease {
        let mut os = OsRelease::default();
        for line in text.lines() {
            let Some((key, value)) = line.trim().split_once('=') else {
                continue;
            };
            let value = value.trim().trim_matches(['"', '\'']);
            match key.trim() {
                "ID" => os.id = value.to_ascii_lowercase(),
                "ID_LIKE" => {
                    os.id_like = value
                        .split_whitespace()
                        .map(str::to_ascii_lowercase)
                        .collect();
                }
                "VERSION_ID" => os.version_id = value.to_owned(),
                "VERSION_CODENAME" => os.codename = value.to_owned(),
                "UBUNTU_CODENAME" => os.ubuntu_codename = value.to_owned(),
                _ => {}
            }
        }
        os
    }

    /// Reads `etc/os-release` or `usr/lib/os-release` under a root directory;
    /// an unknown distribution where neither can be read.
    #[must_use]
    pub fn read(root: &Path) -> OsRelease {
        ["etc/os-release", "usr/lib/os-release"]
            .iter()
            .find_map(|file| std::fs::read_to_string(root.join(file)).ok())
            .map_or_else(OsRelease::default, |text| OsRelease::parse(&text))
    }

    /// Its own name and those it is derived from.
    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.id.as_str()).chain(self.id_like.iter().map(String::as_str))
    }

    /// Whether its `qemu-user` is static, and no `qemu-user-static` needed.
    fn has_static_qemu_user(&self) -> bool {
        let older = [
            "buster", "bullseye", "bookworm", "bionic", "focal", "jammy", "mantic", "noble",
            "oracular",
        ];
        if older.contains(&self.ubuntu_codename.as_str()) || older.contains(&self.codename.as_str())
        {
            return false;
        }
        let mut parts = self
            .version_id
            .split('.')
            .map(|p| p.parse::<u32>().unwrap_or(0));
        let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        match self.id.as_str() {
            _ if self.version_id.is_empty() => true, // testing and unstable
            "debian" | "raspbian" => version >= (13, 0),
            "ubuntu" => version >= (25, 4),
            _ => true,
        }
    }
}

/// The packages to install, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    /// Their names; empty where none is known.
    pub names: Vec<String>,
    /// The command that installs them; empty where none is known.
    pub command: String,
}

impl Packages {
    /// Which packages bring static emulators for these architectures.
    #[must_use]
    pub fn of(arches: &[&Arch], os: &OsRelease) -> Packages {
        for name in os.names() {
            let (install, package): (&str, fn(&Arch, &OsRelease) -> String) = match name {
                "debian" | "ubuntu" | "raspbian" => ("apt-get install", debian),
                "fedora" => ("dnf install", fedora),
                "alpine" => ("apk add", |arch, _| format!("qemu-{}", arch.emulator)),
                "arch" => ("pacman -S", |_, _| "qemu-user-static".to_owned()),
                "opensuse" | "suse" => ("zypper install", |_, _| "qemu-linux-user".to_owned()),
                "void" => ("xbps-install", |_, _| "qemu-user-static".to_owned()),
                _ => continue,
            };
            let mut names: Vec<String> = Vec::new();
            for arch in arches {
                let package = package(arch, os);
                if !names.contains(&package) {
                    names.push(package);
                }
            }
            let command = format!("{install} {}", names.join(" "));
            return Packages { names, command };
        }
        Packages {
            names: Vec::new(),
            command: String::new(),
        }
    }

    /// What to do to have them, as the end of a message.
    #[must_use]
    pub fn advice(&self) -> String {
        if self.command.is_empty() {
            "install your distribution's static QEMU user-mode emulators".to_owned()
        } else {
            format!("install one (as root: {})", self.command)
        }
    }
}

/// One package has them all.
fn debian(_: &Arch, os: &OsRelease) -> String {
    if os.has_static_qemu_user() {
        "qemu-user".to_owned()
    } else {
        "qemu-user-static".to_owned()
    }
}

/// Fedora has one package for each family of architectures.
fn fedora(arch: &Arch, _: &OsRelease) -> String {
    let family = match arch.emulator {
        "aarch64" | "aarch64_be" => "aarch64",
        "arm" | "armeb" => "arm",
        "i386" | "x86_64" => "x86",
        "riscv32" | "riscv64" => "riscv",
        "ppc" | "ppc64" | "ppc64le" => "ppc",
        "sparc" | "sparc32plus" | "sparc64" => "sparc",
        "sh4" | "sh4eb" => "sh4",
        "xtensa" | "xtensaeb" => "xtensa",
        "microblaze" | "microblazeel" => "microblaze",
        other if other.starts_with("mips") => "mips",
        other => other,
    };
    format!("qemu-user-static-{family}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(os: &str, arches: &[&str]) -> String {
        let arches: Vec<&Arch> = arches.iter().map(|a| Arch::by_name(a).unwrap()).collect();
        Packages::of(&arches, &OsRelease::parse(os)).names.join(" ")
    }

    #[test]
    fn debian_and_ubuntu_by_release() {
        for (os, package) in [
            (
                "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm",
                "qemu-user-static",
            ),
            (
                "ID=debian\nVERSION_ID=\"13\"\nVERSION_CODENAME=trixie",
                "qemu-user",
            ),
            ("ID=debian\nVERSION_CODENAME=forky", "qemu-user"),
            ("ID=raspbian\nVERSION_ID=\"12\"", "qemu-user-static"),
            (
                "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"22.04\"",
                "qemu-user-static",
            ),
            (
                "ID=ubuntu\nID_LIKE=debian\nVERSION_ID='24.10'",
                "qemu-user-static",
            ),
            (
                "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"25.04\"",
                "qemu-user",
            ),
            (
                "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=\"22\"\nUBUNTU_CODENAME=noble",
                "qemu-user-static",
            ),
        ] {
            assert_eq!(names(os, &["aarch64", "arm"]), package, "{os}");
        }
    }

    #[test]
    fn other_distributions() {
        assert_eq!(
            names("ID=fedora\nVERSION_ID=42", &["aarch64", "mipsel", "i486"]),
            "qemu-user-static-aarch64 qemu-user-static-mips qemu-user-static-x86"
        );
        assert_eq!(
            names("ID=alpine", &["aarch64", "arm"]),
            "qemu-aarch64 qemu-arm"
        );
        assert_eq!(names("ID=arch", &["aarch64"]), "qemu-user-static");
        assert_eq!(
            names("ID=manjaro\nID_LIKE=arch", &["s390x"]),
            "qemu-user-static"
        );
        assert_eq!(
            names(
                "ID=opensuse-tumbleweed\nID_LIKE=\"opensuse suse\"",
                &["arm"]
            ),
            "qemu-linux-user"
        );
        assert_eq!(names("ID=plan9", &["arm"]), "");
    }

    #[test]
    fn advice_is_a_command_where_one_is_known() {
        let arm = Arch::by_name("arm").unwrap();
        let os = OsRelease::parse("ID=debian\nVERSION_ID=12");
        assert!(
            Packages::of(&[arm], &os)
                .advice()
                .contains("apt-get install qemu-user-static")
        );
        assert!(
            Packages::of(&[arm], &OsRelease::default())
                .advice()
                .contains("static QEMU user-mode emulators")
        );
    }

    #[test]
    fn this_machine_is_known() {
        assert!(!OsRelease::read(Path::new("/")).id.is_empty());
        assert_eq!(
            OsRelease::read(Path::new("/nonexistent")),
            OsRelease::default()
        );
    }
}
