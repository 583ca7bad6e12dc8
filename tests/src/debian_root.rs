//! A whole Debian: packages with their dependencies, each unpacked and
//! configured by its own maintainer scripts, which for arm64 run on an
//! emulator. Commands run in it by chroot, each on a layer of its own, so that
//! no command sees what another changed. It is gone with its owner, or kept in a
//! folder for the next run.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs};

use armistice_arch::Arch;
use tempfile::TempDir;

use crate::command::{Done, run};
use crate::isolation::{self, run_isolated};
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
    /// What mmdebstrap said. Nothing if an earlier run kept the root.
    pub made: Option<Done>,
    emulator: Option<PathBuf>,
    place: Place,
}

/// Where it is.
#[derive(Debug)]
enum Place {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl DebianRoot {
    /// Makes one with these packages. Without an emulator it is this
    /// machine's own architecture's, else that of the emulator's programs.
    ///
    /// # Panics
    /// When it can't be made.
    #[must_use]
    pub fn make(suite: &str, packages: &[&str], emulator: Option<&Path>) -> DebianRoot {
        DebianRoot::of(architecture(emulator), suite, packages, emulator)
    }

    /// The same for an architecture that the emulator, or this machine, runs beside
    /// others: armel, or i386.
    ///
    /// # Panics
    /// When it can't be made.
    #[must_use]
    pub fn of(
        architecture: &'static str,
        suite: &str,
        packages: &[&str],
        emulator: Option<&Path>,
    ) -> DebianRoot {
        let folder = crate::temporary();
        let root = folder.path().join(ROOT);
        let made = debootstrap((suite, architecture), packages, emulator, &root);
        DebianRoot {
            suite: suite.to_owned(),
            architecture,
            made: Some(made),
            emulator: emulator.map(Path::to_owned),
            place: Place::Temporary(folder),
        }
    }

    /// The same in a folder, where it stays, for an architecture that the emulator, or this
    /// machine, runs. What an earlier run made there of the same packages is taken as it is.
    /// `prepare` is given a new root to add to it.
    ///
    /// # Panics
    /// When it can't be made.
    pub fn keep<E: fmt::Debug>(
        architecture: &'static str,
        folder: &Path,
        suite: &str,
        packages: &[&str],
        emulator: Option<&Path>,
        prepare: impl FnOnce(&Path) -> Result<(), E>,
    ) -> DebianRoot {
        let wanted = format!("{suite} {}\n", packages.join(" "));
        let note = folder.join("packages");
        let mut made = None;
        if fs::read_to_string(&note).ok().as_ref() != Some(&wanted) {
            let _ = fs::remove_dir_all(folder);
            fs::create_dir_all(folder).expect("the root's folder can be made");
            let root = folder.join(ROOT);
            made = Some(debootstrap(
                (suite, architecture),
                packages,
                emulator,
                &root,
            ));
            prepare(&root).expect("a new root can be added to");
            fs::write(note, wanted).expect("the root's folder can be written to");
        }
        DebianRoot {
            suite: suite.to_owned(),
            architecture,
            made,
            emulator: emulator.map(Path::to_owned),
            place: Place::Kept(folder.to_owned()),
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
        self.enter(emulator, shared, &[], &["chroot", ROOT_INSIDE], command)
    }

    /// The same by a native program that changes the root itself: `by` is the program and its arguments,
    /// behind which come the root's path and the command.
    #[must_use]
    pub fn run_by(
        &self,
        emulator: Option<&Path>,
        shared: &Path,
        by: &[&str],
        command: &[impl AsRef<str>],
    ) -> Done {
        let by: Vec<&str> = by.iter().copied().chain([ROOT_INSIDE]).collect();
        self.enter(emulator, shared, &[], &by, command)
    }

    /// The same, but it and all it started are killed after a time; the exit code
    /// is then 124, or 137 if SIGTERM does not end it. It has no terminal, and
    /// a network of its own, with nothing but loopback.
    #[must_use]
    pub fn run_briefly(
        &self,
        emulator: Option<&Path>,
        shared: &Path,
        patience: Duration,
        command: &[impl AsRef<str>],
    ) -> Done {
        let patience = patience.as_secs().to_string();
        let _ = need::program("ip", "iproute2");
        let mut by = vec!["setsid", "timeout", "--kill-after=5", &patience];
        by.extend(["unshare", "--net", "sh", "-ec", LOOPBACK, "loopback"]);
        self.enter(emulator, shared, &by, &["chroot", ROOT_INSIDE], command)
    }

    /// By a native command that runs all, if any, and one that changes the root.
    fn enter(
        &self,
        emulator: Option<&Path>,
        shared: &Path,
        by: &[&str],
        change_root: &[&str],
        command: &[impl AsRef<str>],
    ) -> Done {
        let layer = crate::temporary();
        let mounts = format!(
            "cd '{layer}'; mkdir up work root
             mount -t overlay -o lowerdir='{lower}',upperdir=up,workdir=work overlay root
             mount --bind '{shared}' root/mnt
             cat /etc/resolv.conf > root/etc/resolv.conf",
            layer = layer.path().display(),
            lower = self.root().display(),
            shared = shared.display(),
        );
        let mut enter = by.to_vec();
        enter.extend(["sh", "-ec", ENTER, "enter"]);
        enter.extend(change_root);
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
            .arg(self.root())
            .arg("."))
        .ok();
    }

    fn root(&self) -> PathBuf {
        match &self.place {
            Place::Temporary(folder) => folder.path().join(ROOT),
            Place::Kept(folder) => folder.join(ROOT),
        }
    }
}

/// In its folder.
const ROOT: &str = "debian";
/// In the layer's folder, which commands are started in.
const ROOT_INSIDE: &str = "root";

fn architecture(emulator: Option<&Path>) -> &'static str {
    let of = emulator.map_or_else(Arch::host, isolation::runs);
    of.debian.expect("Debian has a port to it")
}

#[track_caller]
fn debootstrap(
    (suite, architecture): (&str, &str),
    packages: &[&str],
    emulator: Option<&Path>,
    root: &Path,
) -> Done {
    let mmdebstrap = need::program("mmdebstrap", "mmdebstrap");
    if emulator.is_some() {
        // Without it mmdebstrap knows of no foreign architecture.
        let _ = need::program("arch-test", "arch-test");
    }
    let keys = need::program(
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "debian-archive-keyring",
    );
    let source = format!(
        "deb [signed-by={} check-valid-until=no] {} {suite} main",
        keys.display(),
        userland::mirror()
    );
    run_isolated(
        emulator,
        "",
        &[
            &mmdebstrap.to_string_lossy(),
            "--mode=root",
            "--variant=minbase",
            &format!("--architectures={architecture}"),
            &format!("--include={}", packages.join(",")),
            suite,
            &root.to_string_lossy(),
            &source,
        ],
        LIMIT,
    )
    .ok()
}

/// In a new network.
const LOOPBACK: &str = r#"ip link set lo up; exec "$@""#;

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
ln -s fd/0 root/dev/stdin
ln -s fd/1 root/dev/stdout
ln -s fd/2 root/dev/stderr
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root LANG=C.UTF-8 "$@""#;
