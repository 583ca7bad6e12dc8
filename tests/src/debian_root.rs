//! A whole Debian: packages with their dependencies, each unpacked and
//! configured by its own maintainer scripts, which for arm64 run on an
//! emulator. Commands run in it by chroot, each on a layer of its own, so that
//! no command sees what another changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::command::{Done, run};
use crate::isolation::run_isolated;
use crate::{need, userland};

/// Longer than anything in here takes on a loaded machine.
const LIMIT: Duration = Duration::from_secs(3600);

/// A root folder.
#[derive(Debug)]
pub struct DebianRoot {
    /// Debian's name of the release.
    pub suite: String,
    /// Debian's name of the architecture.
    pub architecture: &'static str,
    /// What mmdebstrap said.
    pub made: Done,
    emulator: Option<PathBuf>,
    folder: TempDir,
}

impl DebianRoot {
    /// Makes one with these packages. Without an emulator it is this
    /// machine's own architecture's.
    ///
    /// # Panics
    /// When it can't be made.
    #[must_use]
    pub fn make(suite: &str, packages: &[&str], emulator: Option<&Path>) -> DebianRoot {
        let mmdebstrap = need::program("mmdebstrap", "mmdebstrap");
        if emulator.is_some() {
            // Without it mmdebstrap knows of no foreign architecture.
            let _ = need::program("arch-test", "arch-test");
        }
        let keys = need::program(
            "/usr/share/keyrings/debian-archive-keyring.gpg",
            "debian-archive-keyring",
        );
        let architecture = if emulator.is_some() { "arm64" } else { "amd64" };
        let folder = crate::temporary();
        let source = format!(
            "deb [signed-by={} check-valid-until=no] {} {suite} main",
            keys.display(),
            userland::mirror()
        );
        let made = run_isolated(
            emulator,
            "",
            &[
                &mmdebstrap.to_string_lossy(),
                "--mode=root",
                "--variant=minbase",
                &format!("--architectures={architecture}"),
                &format!("--include={}", packages.join(",")),
                suite,
                &root_of(&folder).to_string_lossy(),
                &source,
            ],
            LIMIT,
        )
        .ok();
        DebianRoot {
            suite: suite.to_owned(),
            architecture,
            made,
            emulator: emulator.map(Path::to_owned),
            folder,
        }
    }

    /// Runs a program with its arguments inside. `shared` is at `/mnt` there.
    #[must_use]
    pub fn run(&self, shared: &Path, command: &[impl AsRef<str>]) -> Done {
        self.run_on(self.emulator.as_deref(), shared, command)
    }

    /// The same on another emulator.
    #[must_use]
    pub fn run_on(
        &self,
        emulator: Option<&Path>,
        shared: &Path,
        command: &[impl AsRef<str>],
    ) -> Done {
        let layer = crate::temporary();
        let mounts = format!(
            "cd '{layer}'; mkdir up work root
             mount -t overlay -o lowerdir='{lower}',upperdir=up,workdir=work overlay root
             mount --bind '{shared}' root/mnt
             cat /etc/resolv.conf > root/etc/resolv.conf",
            layer = layer.path().display(),
            lower = root_of(&self.folder).display(),
            shared = shared.display(),
        );
        let mut enter = vec!["sh", "-ec", ENTER, "enter"];
        enter.extend(command.iter().map(AsRef::as_ref));
        run_isolated(emulator, &mounts, &enter, LIMIT)
    }

    /// The root as a tar archive, for an image's layer.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn write_tar(&self, to: &Path) {
        let tar = need::program("tar", "tar");
        run(std::process::Command::new(tar)
            .args(["--numeric-owner", "--one-file-system", "-cf"])
            .arg(to)
            .arg("-C")
            .arg(root_of(&self.folder))
            .arg("."))
        .ok();
    }
}

fn root_of(folder: &TempDir) -> PathBuf {
    folder.path().join("debian")
}

/// What a container's start makes: `/proc`, `/sys`, `/dev`; then the command, with
/// nothing of the tests' environment. The working folder is the layer's.
const ENTER: &str = r#"
mount -t proc proc root/proc
mount --rbind /sys root/sys
mount -t tmpfs -o mode=755 tmpfs root/dev
for device in null zero full random urandom tty; do
    : > root/dev/$device
    mount --bind /dev/$device root/dev/$device
done
mkdir root/dev/pts root/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts root/dev/pts
mount -t tmpfs -o mode=1777 tmpfs root/dev/shm
ln -s pts/ptmx root/dev/ptmx
ln -s /proc/self/fd root/dev/fd
for n in 0 1 2; do ln -s fd/$n root/dev/$(echo stdin stdout stderr | cut -d' ' -f$((n + 1))); done
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root LANG=C.UTF-8 chroot root "$@""#;
