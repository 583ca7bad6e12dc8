//! A Debian release for a machine: kernel, initial RAM disk and a disk with
//! systemd, Docker, Podman and AppArmor, as Debian's packages make them. Made
//! once and kept in `target/machine`.
//!
//! What differs from a new installation: services that have nothing to do
//! without a network or a terminal, and Docker's, are not started at boot; what
//! systemd does once after an installation is done; AppArmor has the
//! profiles of what runs containers, and not those of a hundred programs which
//! are not there and take minutes to compile; there is an ordinary user, ada; a
//! service of ours runs what the tests send.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::command::{run, run_within};
use crate::{need, product, userland};

/// A release of Debian, with its kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// Debian's name of it.
    pub suite: &'static str,
    /// What it calls Docker's client, where that is a package of its own.
    client: Option<&'static str>,
}

/// The releases whose kernels are tried: 5.10, 6.1, 6.12, and the newest.
pub const RELEASES: [Release; 4] = [
    release("bullseye", None),
    release("bookworm", None),
    release("trixie", Some("docker-cli")),
    release("sid", Some("docker-cli")),
];

const fn release(suite: &'static str, client: Option<&'static str>) -> Release {
    Release { suite, client }
}

/// What all of them have.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,udev,kmod,procps,iproute2,iptables,apparmor,\
    linux-image-cloud-amd64,initramfs-tools,zstd,docker.io,podman,crun,runc,catatonit,passwd,uidmap";

/// Before packages are configured: the initial RAM disk has what finds the disk.
const SETUP: &str = r#"
mkdir -p "$1/etc/initramfs-tools/conf.d"
echo MODULES=list > "$1/etc/initramfs-tools/conf.d/armistice"
printf '%s\n' virtio_pci virtio_blk ext4 > "$1/etc/initramfs-tools/modules"
"#;

/// Afterwards, with the folder of our service's files in `$AGENT`.
const CUSTOMIZE: &str = r#"
cp "$AGENT/agent.sh" "$1/usr/local/sbin/armistice-agent"
chmod 755 "$1/usr/local/sbin/armistice-agent"
cp "$AGENT/agent.service" "$1/etc/systemd/system/armistice-agent.service"
chroot "$1" systemctl enable armistice-agent.service
for unit in docker.service docker.socket containerd.service podman.service podman.socket \
    podman-auto-update.timer podman-auto-update.service podman-restart.service \
    podman-clean-transient.service apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
    e2scrub_reap.service fstrim.timer getty@tty1.service; do
    chroot "$1" systemctl disable "$unit" || true
done
chroot "$1" systemctl mask serial-getty@ttyS0.service
touch "$1/etc/.updated" "$1/var/.updated"
mkdir -p "$1/etc/systemd/system.conf.d"
printf '[Manager]\nDefaultTimeoutStartSec=600\nDefaultTimeoutStopSec=60\nDefaultDeviceTimeoutSec=600\n' \
    > "$1/etc/systemd/system.conf.d/slow.conf"
find "$1/etc/apparmor.d" -maxdepth 1 -type f ! -name runc ! -name crun ! -name podman \
    ! -name buildah ! -name unprivileged_userns -delete
chroot "$1" useradd --create-home --shell /bin/bash ada
echo armistice > "$1/etc/hostname"
echo '127.0.0.1 localhost armistice' > "$1/etc/hosts"
rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*
"#;

/// The files that a machine starts from.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    pub(super) kernel: PathBuf,
    pub(super) ram_disk: PathBuf,
    pub(super) image: PathBuf,
}

impl Disk {
    /// Of this release.
    ///
    /// # Panics
    /// When it can't be made.
    pub(super) fn of(release: Release) -> Disk {
        let folder = product::target_dir().join("machine").join(release.suite);
        fs::create_dir_all(&folder).expect("the target folder can be written to");
        let lock = File::create(folder.join("lock")).expect("the target folder can be written to");
        lock.lock().expect("a file of our own can be locked");
        let disk = Disk {
            kernel: folder.join("vmlinuz"),
            ram_disk: folder.join("initrd"),
            image: folder.join("disk"),
        };
        let packages = match release.client {
            Some(client) => format!("{PACKAGES},{client}"),
            None => PACKAGES.to_owned(),
        };
        let recipe = [&packages, SETUP, CUSTOMIZE, AGENT[0].1, AGENT[1].1].join("\n");
        let note = folder.join("recipe");
        if fs::read_to_string(&note).ok().as_ref() != Some(&recipe) {
            let _ = fs::remove_file(&note);
            disk.make(release, &packages, &folder);
            fs::write(note, recipe).expect("the target folder can be written to");
        }
        disk
    }

    fn make(&self, release: Release, packages: &str, folder: &Path) {
        need::host_root();
        let keys = need::program(
            "/usr/share/keyrings/debian-archive-keyring.gpg",
            "debian-archive-keyring",
        );
        let work = crate::temporary();
        let root = work.path().join("root");
        for (name, text) in AGENT {
            fs::write(work.path().join(name), text).expect("the temporary folder is writable");
        }
        let source = format!(
            "deb [signed-by={} check-valid-until=no] {} {} main",
            keys.display(),
            userland::mirror(),
            release.suite
        );
        let made = run_within(
            Command::new(need::program("mmdebstrap", "mmdebstrap"))
                .args(["--mode=root", "--variant=minbase"])
                .arg(format!("--include={packages}"))
                .arg(format!("--setup-hook={SETUP}"))
                .arg(format!("--customize-hook={CUSTOMIZE}"))
                .arg(release.suite)
                .arg(&root)
                .arg(source)
                .env("AGENT", work.path()),
            Duration::from_secs(3600),
            |_| (),
        )
        .ok();
        for (to, name) in [(&self.kernel, "vmlinuz-"), (&self.ram_disk, "initrd.img-")] {
            let from = fs::read_dir(root.join("boot"))
                .expect("Debian has a folder /boot")
                .filter_map(|entry| Some(entry.ok()?.path()))
                .find(|path| {
                    let file = path.file_name().unwrap_or_default().to_string_lossy();
                    file.starts_with(name)
                })
                .unwrap_or_else(|| panic!("no {name}* in /boot:\n{made}"));
            fs::copy(from, to).expect("the target folder can be written to");
        }
        // Sparse, and named only when whole.
        let new = folder.join("disk.new");
        let _ = fs::remove_file(&new);
        run(Command::new(need::program("mke2fs", "e2fsprogs"))
            .args(["-q", "-t", "ext4", "-L", LABEL, "-d"])
            .arg(&root)
            .arg(&new)
            .arg("6G"))
        .ok();
        fs::rename(new, &self.image).expect("the target folder can be written to");
    }
}

/// The disk's name for the kernel's command line.
pub(super) const LABEL: &str = "armistice";

/// Our service's files.
const AGENT: [(&str, &str); 2] = [
    ("agent.sh", include_str!("agent.sh")),
    ("agent.service", include_str!("agent.service")),
];
