//! Real Debian for other architectures: `sh` and coreutils, unpacked by
//! mmdebstrap without running any of it, so no emulator is needed to make one.
//!
//! Made once and kept in `target/userlands`. The packages come from the mirror
//! that apt is set up with on this machine.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use armistice_arch::Platform;

use crate::command::{Done, run};
use crate::{archive, need, product};

/// Debian for one architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Userland {
    /// What Debian calls the architecture.
    pub debian: &'static str,
    /// What images call it.
    pub platform: &'static str,
    /// What `uname -m` prints there.
    pub uname: &'static str,
    /// The suites that have it, the preferred first. (riscv64 is released
    /// with trixie; mirrors in the middle of an update refuse it at times.)
    pub suites: &'static [&'static str],
}

/// All userlands that the tests use.
pub const USERLANDS: [Userland; 5] = [
    userland("arm64", "linux/arm64", "aarch64", &["bookworm"]),
    userland("armhf", "linux/arm/v7", "armv7l", &["bookworm"]),
    userland("ppc64el", "linux/ppc64le", "ppc64le", &["bookworm"]),
    userland("riscv64", "linux/riscv64", "riscv64", &["trixie", "sid"]),
    userland("s390x", "linux/s390x", "s390x", &["bookworm"]),
];

const fn userland(
    debian: &'static str,
    platform: &'static str,
    uname: &'static str,
    suites: &'static [&'static str],
) -> Userland {
    Userland {
        debian,
        platform,
        uname,
        suites,
    }
}

impl Userland {
    /// Debian's arm64, with which most stories are told.
    pub const ARM64: Userland = USERLANDS[0];
    /// Debian's armhf: 32-bit, little-endian.
    pub const ARMHF: Userland = USERLANDS[1];
    /// Debian's armel: the same without floating point in hardware, for Armv5.
    pub const ARMEL: Userland = userland("armel", "linux/arm/v5", "armv7l", &["bookworm"]);
    /// Debian's s390x: 64-bit, big-endian.
    pub const S390X: Userland = USERLANDS[4];

    /// The image's name.
    #[must_use]
    pub fn image(&self) -> String {
        format!("armistice.test/debian:{}", self.debian)
    }

    /// The root folder's content as a tar archive.
    ///
    /// # Panics
    /// When no suite can be fetched.
    #[must_use]
    pub fn tar(&self) -> PathBuf {
        let folder = folder();
        let _lock = lock(&folder.join(format!(".{}.lock", self.debian)));
        let file = |suite: &str| folder.join(format!("{suite}-{}.tar", self.debian));
        if let Some(made) = self.suites.iter().map(|s| file(s)).find(|f| f.is_file()) {
            return made;
        }
        let mut tries = Vec::new();
        for suite in self.suites {
            let new = file(suite).with_extension("new.tar");
            let done = extract(self.debian, suite, &new);
            if done.status.success() {
                let made = file(suite);
                fs::rename(&new, &made).expect("the userland can be renamed");
                return made;
            }
            let _ = fs::remove_file(&new);
            tries.push(done.to_string());
        }
        panic!("no Debian for {}:\n{}", self.debian, tries.join("\n"));
    }

    /// The same as an image archive for `docker load` and `podman load`.
    ///
    /// # Panics
    /// When it can't be made.
    #[must_use]
    pub fn archive(&self) -> PathBuf {
        let layer = self.tar();
        let folder = folder();
        let _lock = lock(&folder.join(format!(".{}.lock", self.debian)));
        let file = folder.join(format!("image-{}.tar", self.debian));
        if !file.is_file() {
            let platform = Platform::parse(self.platform).expect("a platform of the table");
            let new = file.with_extension("new");
            archive::write(&new, &layer, &platform, &self.image())
                .and_then(|()| fs::rename(&new, &file))
                .unwrap_or_else(|error| panic!("can't write {}: {error}", file.display()));
        }
        file
    }
}

fn extract(debian: &str, suite: &str, tar: &Path) -> Done {
    let mmdebstrap = need::program("mmdebstrap", "mmdebstrap");
    let keyring = need::program(
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "debian-archive-keyring",
    );
    let source = format!(
        "deb [signed-by={} check-valid-until=no] {} {suite} main",
        keyring.display(),
        mirror()
    );
    run(Command::new(mmdebstrap)
        .args(["--quiet", "--variant=extract"])
        .arg(format!("--architectures={debian}"))
        .arg("--include=base-files,dash,coreutils")
        .arg(suite)
        .arg(tar)
        .arg(source))
}

/// Debian's mirror, as apt is set up here.
///
/// # Panics
/// When apt has none here.
#[must_use]
pub fn mirror() -> String {
    if let Ok(given) = std::env::var("ARMISTICE_DEBIAN_MIRROR") {
        return given;
    }
    let targets = run(Command::new(need::program("apt-get", "apt"))
        .args(["indextargets", "--format", "$(LABEL) $(REPO_URI)"])
        .args(["Created-By: Packages", "Origin: Debian"]))
    .ok();
    targets
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("Debian "))
        .map_or_else(
            || {
                panic!("apt has no Debian mirror here: run apt-get update, or name one in ARMISTICE_DEBIAN_MIRROR")
            },
            str::to_owned,
        )
}

fn folder() -> PathBuf {
    let folder = product::target_dir().join("userlands");
    fs::create_dir_all(&folder).expect("target/userlands can be made");
    folder
}

fn lock(path: &Path) -> File {
    let file = File::create(path)
        .unwrap_or_else(|error| panic!("can't create {}: {error}", path.display()));
    file.lock().expect("a file of our own can be locked");
    file
}
