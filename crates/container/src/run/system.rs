//! What every container has of the system: /proc, /sys and /dev.
//!
//! Invariants: each is a tree that is whole before the root is changed. What is read-only or
//! hidden in it is so wherever the tree lies, and stays so whatever an image has in that
//! place; each has its place in a real folder of the root's, as a link there would put it elsewhere. The
//! container's devices are opened by the tree, and not by paths that an image or a volume
//! may have changed.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use super::Network;
use super::mount::{self, DATA};
use super::place;
use super::report::Failure;

/// The machine's devices that every container has: their names, and Linux's numbers of
/// them.
const DEVICES: [(&str, (u32, u32)); 6] = [
    ("null", (1, 3)),
    ("zero", (1, 5)),
    ("full", (1, 7)),
    ("random", (1, 8)),
    ("urandom", (1, 9)),
    ("tty", (5, 0)),
];

/// Links in /dev.
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// Parts of /proc through which the whole machine is set up: as docker, not
/// written to. User 0 inside may be the machine's own user 0.
const READ_ONLY: [&str; 5] = ["sys", "sysrq-trigger", "irq", "bus", "fs"];

/// Parts of /proc that tell of the machine's inside: as docker, not seen.
const HIDDEN_PROC: [&str; 8] = [
    "acpi",
    "asound",
    "interrupts",
    "kcore",
    "keys",
    "latency_stats",
    "scsi",
    "timer_list",
];

/// The same of /sys.
const HIDDEN_SYS: [&str; 8] = [
    "devices/virtual/powercap",
    "firmware",
    // File systems that come with the machine's /sys, where docker has one without them.
    "fs/bpf",
    "fs/pstore",
    "kernel/debug",
    "kernel/tracing",
    "kernel/security",
    "kernel/config",
];

/// Where the table of foreign programs is in /proc.
const TABLE: &str = "sys/fs/binfmt_misc";

/// The three, mounted nowhere yet.
pub(super) struct System {
    proc: OwnedFd,
    sys: OwnedFd,
    dev: OwnedFd,
}

impl System {
    /// Makes them with the help of this folder, which is a container's own, while the
    /// machine's root is there.
    pub(super) fn make(
        folder: &Path,
        network: Network,
        table: Option<OwnedFd>,
    ) -> Result<System, Failure> {
        let at = |name: &str| {
            let at = folder.join("system").join(name);
            let made = fs::create_dir_all(&at);
            made.map_err(Failure::doing(format!("make {}", at.display())))
                .map(|()| at)
        };
        Ok(System {
            proc: proc(&at("proc")?, table)?,
            sys: sys(&at("sys")?, network)?,
            dev: dev(&at("dev")?)?,
        })
    }

    /// Puts them in their places in the new root.
    pub(super) fn put(&self) -> Result<(), Failure> {
        for (path, tree) in [
            ("/proc", &self.proc),
            ("/sys", &self.sys),
            ("/dev", &self.dev),
        ] {
            let place = place::make_without_links(Path::new(path)).map_err(Failure::doing(
                format!("put {path} into the container's root"),
            ))?;
            mount::put_at(tree, &place).map_err(Failure::doing(format!("put {path} in place")))?;
        }
        Ok(())
    }

    /// Opens one of the container's devices.
    pub(super) fn open(&self, name: &str, access: OFlags) -> Result<OwnedFd, Errno> {
        let flags = (access & OFlags::RWMODE) | OFlags::NOCTTY | OFlags::CLOEXEC;
        openat(&self.dev, name, flags, Mode::empty())
    }
}

/// Which of a container's devices this is, if one. (What /dev/tty is, only its process knows.)
pub(super) fn device(of: &rustix::fs::Stat) -> Option<&'static str> {
    let number = (rustix::fs::major(of.st_rdev), rustix::fs::minor(of.st_rdev));
    let is_device = FileType::from_raw_mode(of.st_mode).is_char_device();
    let mut devices = DEVICES.into_iter().filter(|(name, _)| *name != "tty");
    let found = devices.find(|(_, own)| is_device && *own == number);
    found.map(|(name, _)| name)
}

/// Whether a name of the container's root is taken by what it has of the system, and what
/// is to be done instead. A few of /proc's files may be covered, as with docker.
#[must_use]
pub fn is_taken(path: &Path) -> Option<&'static str> {
    const FREE: [&str; 9] = [
        "cpuinfo",
        "diskstats",
        "loadavg",
        "meminfo",
        "slabinfo",
        "stat",
        "swaps",
        "uptime",
        "sys/kernel/ns_last_pid",
    ];
    if path.parent().is_none() {
        return Some("it is the container's root; name a folder in it");
    }
    if path == Path::new("/dev") {
        return Some(
            "a container has a /dev of its own; show single devices and folders in it, as /dev/fuse at /dev/fuse",
        );
    }
    match path.strip_prefix("/proc") {
        Ok(inside) if !FREE.iter().any(|free| inside == Path::new(free)) => {
            Some("a container has a /proc of its own; name a place that is not in it")
        }
        _ => None,
    }
}

fn proc(at: &Path, table: Option<OwnedFd>) -> Result<OwnedFd, Failure> {
    let proc = mount::new("proc", &[], DATA).map_err(Failure::doing(
        "mount /proc (where a container hides parts of its own /proc, none can be mounted in it: start that one \
         with --security-opt systempaths=unconfined)",
    ))?;
    put(&proc, at, "/proc")?;
    if let Some(table) = table {
        put(&table, &at.join(TABLE), "the table of foreign programs")?;
    }
    for name in READ_ONLY {
        let path = at.join(name);
        if path.exists() {
            mount::read_only_copy(&path)
                .and_then(|mount| Ok(mount::put(mount, &path)?))
                .map_err(Failure::doing(format!("make /proc/{name} read-only")))?;
        }
    }
    hide(at, "/proc", &HIDDEN_PROC)?;
    copy(at, "/proc")
}

/// The machine's; but one of a network of its own shows that network.
fn sys(at: &Path, network: Network) -> Result<OwnedFd, Failure> {
    let own = match network {
        Network::Host => None,
        // Refused where a part of the machine's is hidden.
        Network::None => mount::new("sysfs", &[], DATA | MountAttrFlags::MOUNT_ATTR_RDONLY).ok(),
    };
    let sys = own.map_or_else(|| mount::read_only_copy(Path::new("/sys")), Ok);
    let sys = sys.map_err(Failure::doing("show /sys"))?;
    put(&sys, at, "/sys")?;
    let groups = "fs/cgroup";
    if network == Network::None && at.join(groups).is_dir() {
        // Seen as ever, where there are any.
        let machines = mount::read_only_copy(&Path::new("/sys").join(groups));
        let _ = machines.map(|machines| mount::put(machines, &at.join(groups)));
    }
    hide(at, "/sys", &HIDDEN_SYS)?;
    copy(at, "/sys")
}

/// Takes away what concerns the whole machine.
fn hide(at: &Path, tree: &str, names: &[&str]) -> Result<(), Failure> {
    for name in names {
        let path = at.join(name);
        let cover = if path.is_dir() {
            let read_only = DATA | MountAttrFlags::MOUNT_ATTR_RDONLY;
            mount::new("tmpfs", &[("size", "0")], read_only).map_err(std::io::Error::from)
        } else if path.exists() {
            mount::read_only_copy(Path::new("/dev/null"))
        } else {
            continue;
        };
        cover
            .and_then(|mount| Ok(mount::put(mount, &path)?))
            .map_err(Failure::doing(format!("hide {tree}/{name}")))?;
    }
    Ok(())
}

fn dev(at: &Path) -> Result<OwnedFd, Failure> {
    let failed = |what: &str| Failure::doing::<Errno>(format!("mount {what}"));
    let options = [("mode", "755"), ("size", "65536k")];
    let nosuid = MountAttrFlags::MOUNT_ATTR_NOSUID;
    let tmpfs = mount::new("tmpfs", &options, nosuid).map_err(failed("/dev"))?;
    put(&tmpfs, at, "/dev")?;
    for (name, _) in DEVICES {
        let shown = || Failure::doing(format!("show /dev/{name}"));
        File::create(at.join(name)).map_err(shown())?;
        // Still written to, as devices are; but the machine's root inside changes nobody's
        // mode, owner or times.
        let device = mount::read_only_copy(&Path::new("/dev").join(name)).map_err(shown())?;
        put(&device, &at.join(name), &format!("/dev/{name}"))?;
    }
    for (name, target) in LINKS {
        symlink(target, at.join(name)).map_err(Failure::doing(format!("make /dev/{name}")))?;
    }
    let noexec = nosuid | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let base = [("newinstance", ""), ("ptmxmode", "0666"), ("mode", "0620")];
    let with_group = [&base[..], &[("gid", "5")]].concat();
    // Group 5 (tty) may not exist where there is one identity only.
    let pts =
        mount::new("devpts", &with_group, noexec).or_else(|_| mount::new("devpts", &base, noexec));
    let shm = [("mode", "1777"), ("size", "65536k")];
    for (name, made) in [
        ("pts", pts),
        ("shm", mount::new("tmpfs", &shm, DATA)),
        ("mqueue", mount::new("mqueue", &[], DATA)),
    ] {
        let mount = made.map_err(failed(&format!("/dev/{name}")))?;
        let path: PathBuf = at.join(name);
        fs::create_dir(&path).map_err(Failure::doing(format!("make /dev/{name}")))?;
        put(&mount, &path, &format!("/dev/{name}"))?;
    }
    copy(at, "/dev")
}

fn put(mount: &OwnedFd, at: &Path, what: &str) -> Result<(), Failure> {
    mount::put(mount, at).map_err(Failure::doing(format!("prepare {what}")))
}

/// The tree as it is now.
fn copy(at: &Path, what: &str) -> Result<OwnedFd, Failure> {
    mount::copy(at).map_err(Failure::doing(format!("prepare {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As docker 20.10 answers for each.
    #[test]
    fn what_is_taken() {
        for taken in [
            "/",
            "/dev",
            "/proc",
            "/proc/sys",
            "/proc/version",
            "/proc/1/fd",
        ] {
            assert!(is_taken(Path::new(taken)).is_some(), "{taken}");
        }
        for free in [
            "/dev/shm",
            "/dev/fuse",
            "/sys",
            "/proc/uptime",
            "/process",
            "/d",
        ] {
            assert!(is_taken(Path::new(free)).is_none(), "{free}");
        }
    }
}
