//! What is under test: the binary, and the image that it builds of itself.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::command::run;

/// The folder of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// Cargo's target folder.
#[must_use]
pub fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || workspace().join("target"),
        |dir| workspace().join(PathBuf::from(dir)),
    )
}

/// The binary: `ARMISTICE_BIN`, else the release build, brought up to date,
/// with the engine beside it.
#[must_use]
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(given) = std::env::var_os("ARMISTICE_BIN") {
            return PathBuf::from(given);
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let build = run(Command::new(cargo)
            .args(["build", "--quiet", "--release", "--package", "armistice"])
            .args(["--package", "armistice-engine"])
            .current_dir(workspace()))
        .ok();
        let binary = target_dir().join("x86_64-unknown-linux-gnu/release/armistice");
        assert!(binary.is_file(), "no {}:\n{build}", binary.display());
        binary
    })
}

/// The engine for arm64: beside the binary, or where a package puts it.
///
/// # Panics
/// When it is in neither place.
#[must_use]
pub fn engine() -> PathBuf {
    engine_of(binary())
        .expect("armistice-aarch64 is beside the binary or in /usr/libexec/armistice")
}

/// The engine that such a binary takes.
#[must_use]
pub fn engine_of(binary: &Path) -> Option<PathBuf> {
    let beside = binary.with_file_name("armistice-aarch64");
    let installed = PathBuf::from("/usr/libexec/armistice/armistice-aarch64");
    [beside, installed].into_iter().find(|path| path.is_file())
}

/// A command of the product.
#[must_use]
pub fn armistice() -> Command {
    Command::new(binary())
}

/// The container image as an archive: `ARMISTICE_IMAGE`, else built once for each
/// test process.
#[must_use]
pub fn image() -> &'static Path {
    static IMAGE: OnceLock<PathBuf> = OnceLock::new();
    IMAGE.get_or_init(|| {
        if let Some(given) = std::env::var_os("ARMISTICE_IMAGE") {
            return PathBuf::from(given);
        }
        let folder = target_dir().join("e2e");
        std::fs::create_dir_all(&folder).expect("target/e2e can be made");
        let file = folder.join(format!("image-{}.tar", std::process::id()));
        run(armistice().args(["image", "build", "-o"]).arg(&file)).ok();
        // Over the common name, so that runs do not pile up; a rename takes
        // the file from nobody who reads it.
        let kept = folder.join("armistice-image.tar");
        std::fs::rename(&file, &kept).expect("the image can be renamed");
        kept
    })
}

/// The Debian package: `ARMISTICE_DEB`, else built once for each test process.
///
/// # Panics
/// When it can't be built.
#[must_use]
pub fn package() -> &'static Path {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        if let Some(given) = std::env::var_os("ARMISTICE_DEB") {
            return PathBuf::from(given);
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = run(Command::new(cargo)
            .args(["xtask", "deb"])
            .current_dir(workspace()))
        .ok();
        let path = built
            .stdout
            .lines()
            .find_map(|line| line.strip_prefix("Built "));
        PathBuf::from(path.unwrap_or_else(|| panic!("no package's path:\n{built}")))
    })
}
