//! Tests whose body runs in a machine of its own (see [`crate::machine`]),
//! because another user of this one would disturb them: who holds binfmt_misc
//! decides what they see.
//!
//! The body runs in the same program, which is static and is started again
//! inside with the test's name. All of one program's tests share one machine.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use crate::machine::{GIVEN, Machine, RELEASES, Release};
use crate::{Userland, armistice, product, run};

/// Set inside.
const INSIDE: &str = "ARMISTICE_INSIDE";
/// The file with what the outer half of a test hands to the inner.
const HANDED: &str = "/run/armistice-handed";

/// The release whose machine is shared: stable, with a table that ends with its
/// last mount.
pub const STABLE: Release = RELEASES[2];

/// Runs the body inside. `name` is the test's own, with its modules. What
/// `prepare` makes, out here, is handed to the body.
///
/// # Panics
/// When it does not pass there, with all that it said.
#[track_caller]
pub fn test(name: &str, prepare: impl FnOnce() -> String, body: impl FnOnce(&str)) {
    if std::env::var_os(INSIDE).is_some() {
        body(&fs::read_to_string(HANDED).unwrap_or_default());
        return;
    }
    let script = format!(
        "cat > {HANDED} <<'ARMISTICE_HANDED'\n{}\nARMISTICE_HANDED\n\
         export {INSIDE}=1 RUST_BACKTRACE=0 CARGO_TARGET_DIR={GIVEN}/target \
         ARMISTICE_BIN={GIVEN}/armistice ARMISTICE_IMAGE={GIVEN}/image.tar\n\
         {GIVEN}/tests --exact '{name}' --nocapture",
        prepare()
    );
    SHARED.run(&script).ok().says("1 passed");
}

/// The machine of this program's tests. It ends with the program. Where it does
/// not start, the first test says why, and the others wait for no other.
static SHARED: LazyLock<Machine> = LazyLock::new(|| {
    let machine = start(STABLE, &[]);
    // As where there is no systemd: nothing holds the table unless a test does.
    machine.run(LET_GO).ok();
    machine
});

/// Where systemd is, the first look at the folder would mount the table.
const LET_GO: &str = "
systemctl mask --now proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount systemd-binfmt
while umount /proc/sys/fs/binfmt_misc; do :; done
! grep binfmt_misc /proc/self/mountinfo";

/// A machine with what is under test: command, engine, an image of these for
/// arm64 and riscv64, Debian for arm64 as an image and as a folder's content, and
/// more files, as [`Machine::start`] takes them.
///
/// # Panics
/// When it does not start.
#[must_use]
pub fn start(release: Release, more: &[(&Path, &str)]) -> Machine {
    let folder = crate::temporary();
    let image = folder.path().join("image.tar");
    run(armistice()
        .args(["image", "build", "--arch", "arm64,riscv64", "-o"])
        .arg(&image))
    .ok();
    let this = std::env::current_exe().expect("/proc is mounted");
    // Most of a program with debugging information is that.
    let tests = folder.path().join("tests");
    run(Command::new(crate::need::program("strip", "binutils"))
        .arg("-o")
        .args([&tests, &this]))
    .ok();
    let (tar, archive) = (Userland::ARM64.tar(), Userland::ARM64.archive());
    let [arm64, arm] = product::engines();
    let kept = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        format!("target/userlands/{name}")
    };
    let (tar_kept, archive_kept) = (kept(&tar), kept(&archive));
    let mut given: Vec<(&Path, &str)> = vec![
        (product::binary(), "armistice"),
        (&arm64, "armistice-aarch64"),
        (&arm, "armistice-arm"),
        (&image, "image.tar"),
        (&tests, "tests"),
        (&tar, &tar_kept),
        (&archive, &archive_kept),
    ];
    given.extend_from_slice(more);
    Machine::start(release, &given)
}
