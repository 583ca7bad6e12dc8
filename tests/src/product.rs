//! What is under test: the binary, and the image that it builds of itself.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::command::run;
use crate::copy_program;

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

/// The engines' programs: arm64's, and 32-bit Arm's.
pub const ENGINES: [&str; 2] = ["armistice-aarch64", "armistice-arm"];

/// The engine for arm64: beside the binary, or where a package puts it.
///
/// # Panics
/// When it is in neither place.
#[must_use]
pub fn engine() -> PathBuf {
    let [arm64, _] = engines();
    arm64
}

/// All engines, in the order of [`ENGINES`].
///
/// # Panics
/// When one is in neither place.
#[must_use]
pub fn engines() -> [PathBuf; 2] {
    engines_of(binary()).expect("the engines are beside the binary or in /usr/libexec/armistice")
}

/// The engines that such a binary takes.
#[must_use]
pub fn engines_of(binary: &Path) -> Option<[PathBuf; 2]> {
    let [arm64, arm] = ENGINES.map(|name| {
        let beside = binary.with_file_name(name);
        let installed = Path::new("/usr/libexec/armistice").join(name);
        [beside, installed].into_iter().find(|path| path.is_file())
    });
    Some([arm64?, arm?])
}

/// Copies the binary and the engines to a folder, with which all is there.
pub fn copy_all(to: &Path) {
    copy_program(binary(), &to.join("armistice"));
    for (engine, name) in engines().iter().zip(ENGINES) {
        copy_program(engine, &to.join(name));
    }
}

/// Copies the binary to a folder of the caller's, where every user may execute it.
///
/// # Panics
/// When the folder can't be opened to all.
#[must_use]
pub fn for_everybody(folder: &Path) -> PathBuf {
    let binary = folder.join("armistice");
    copy_program(self::binary(), &binary);
    let open = Permissions::from_mode(0o755);
    fs::set_permissions(folder, open).expect("the folder is the test's");
    binary
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
