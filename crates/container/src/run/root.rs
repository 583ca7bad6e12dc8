//! The container's root and what is mounted in it.
//!
//! Everything is made or copied as a descriptor while the machine's root is there
//! ([`Mounts::gather`]): the kernel gives a new /proc only to those who see one.
//! Then the root is changed, and each is put at its path ([`Mounts::put`]).

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    MountAttrFlags, MountFlags, MountPropagationFlags, UnmountFlags, mount_change, unmount,
};
use rustix::process::{chdir, pivot_root};

use super::copied;
use super::mount::{self, DATA, PLAIN};
use super::report::Failure;
use super::{Container, Handlers, Root, Starter};
use crate::{Facts, diagnose, namespace};

/// The machine's devices that every container has.
pub(super) const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

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
const READ_ONLY: [&str; 5] = [
    "/proc/sys",
    "/proc/sysrq-trigger",
    "/proc/irq",
    "/proc/bus",
    "/proc/fs",
];

/// Parts that tell of the machine's inside: as docker, not seen.
const HIDDEN: [&str; 16] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/scsi",
    "/proc/timer_list",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
    // File systems that come with the machine's /sys, where docker has one without them.
    "/sys/fs/bpf",
    "/sys/fs/pstore",
    "/sys/kernel/debug",
    "/sys/kernel/tracing",
    "/sys/kernel/security",
    "/sys/kernel/config",
];

/// Where the table of foreign programs is looked for.
const TABLE: &str = "/proc/sys/fs/binfmt_misc";

/// A mount, and where it belongs.
struct Mount {
    at: PathBuf,
    mount: OwnedFd,
    folder: bool,
    /// Done without where there is no place for it.
    optional: bool,
}

/// All mounts but the root, not yet at their places.
pub(super) struct Mounts(Vec<Mount>);

/// By what foreign programs run.
enum Table {
    /// A new one, filled.
    New(OwnedFd),
    /// The machine's.
    Outside,
    /// None; the command is started by this.
    None(Starter),
}

/// From here on nothing that is mounted is seen outside.
pub(super) fn keep_mounts_inside() -> Result<(), Failure> {
    let flags = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", flags).map_err(Failure::doing("keep mounts inside the container"))
}

impl Mounts {
    /// Makes and copies what is to be mounted; and what starts the command, where the
    /// kernel can't.
    pub(super) fn gather(
        container: &Container,
        handlers: Option<&dyn Handlers>,
    ) -> Result<(Mounts, Option<Starter>), Failure> {
        let mut all = Mounts(Vec::new());
        let proc = mount::new("proc", &[], DATA).map_err(Failure::doing(
            "mount /proc (where a container hides parts of its own /proc, none can be mounted in it: start that one \
             with --security-opt systempaths=unconfined)",
        ))?;
        all.add("/proc", proc);
        let mut starter = None;
        match handlers.map(table).transpose()? {
            Some(Table::New(table)) => all.add(TABLE, table),
            Some(Table::None(without)) => starter = Some(without),
            Some(Table::Outside) | None => {}
        }
        let sys = mount::read_only_copy(Path::new("/sys"));
        all.add("/sys", sys.map_err(Failure::doing("show /sys"))?);
        all.devices()?;
        let first = all.0.len();
        for (path, content) in &container.files {
            let asked = container.volumes.iter().map(|v| &v.target);
            let mut asked = asked.chain(container.tmpfs.iter().map(|t| &t.target));
            if asked.any(|target| target == Path::new(path)) {
                continue;
            }
            let name = path.rsplit('/').next().unwrap_or_default();
            let file = container.folder.join(name);
            fs::write(&file, content)
                .map_err(Failure::doing(format!("write {}", file.display())))?;
            let mount = mount::copy(&file).map_err(Failure::doing(format!("show {path}")))?;
            all.0.push(Mount {
                at: path.into(),
                mount,
                folder: false,
                optional: true,
            });
        }
        all.given(container)?;
        // What is above comes before what is below it: a volume over /etc has the files, too.
        all.0[first..].sort_by_key(|m| m.at.components().count());
        Ok((all, starter))
    }

    fn add(&mut self, at: impl Into<PathBuf>, mount: OwnedFd) {
        self.0.push(Mount {
            at: at.into(),
            mount,
            folder: true,
            optional: false,
        });
    }

    fn devices(&mut self) -> Result<(), Failure> {
        let failed = |what: &str| Failure::doing::<Errno>(format!("mount {what}"));
        let options = [("mode", "755"), ("size", "65536k")];
        let nosuid = MountAttrFlags::MOUNT_ATTR_NOSUID;
        self.add(
            "/dev",
            mount::new("tmpfs", &options, nosuid).map_err(failed("/dev"))?,
        );
        for name in DEVICES {
            let path = Path::new("/dev").join(name);
            // Still written to, as devices are; but the machine's root inside changes nobody's
            // mode, owner or times.
            let mount = mount::read_only_copy(&path)
                .map_err(Failure::doing(format!("show {}", path.display())))?;
            self.0.push(Mount {
                at: path,
                mount,
                folder: false,
                optional: false,
            });
        }
        let noexec = nosuid | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        let base = [("newinstance", ""), ("ptmxmode", "0666"), ("mode", "0620")];
        let with_group = [&base[..], &[("gid", "5")]].concat();
        // Group 5 (tty) may not exist where there is one identity only.
        let pts = mount::new("devpts", &with_group, noexec)
            .or_else(|_| mount::new("devpts", &base, noexec));
        self.add("/dev/pts", pts.map_err(failed("/dev/pts"))?);
        let shm = [("mode", "1777"), ("size", "65536k")];
        self.add(
            "/dev/shm",
            mount::new("tmpfs", &shm, DATA).map_err(failed("/dev/shm"))?,
        );
        self.add(
            "/dev/mqueue",
            mount::new("mqueue", &[], DATA).map_err(failed("/dev/mqueue"))?,
        );
        Ok(())
    }

    /// What the caller wants to see inside.
    fn given(&mut self, container: &Container) -> Result<(), Failure> {
        for tmpfs in &container.tmpfs {
            let options: Vec<(&str, &str)> =
                tmpfs.options.iter().map(|(k, v)| (&**k, &**v)).collect();
            let at = tmpfs.target.display();
            let attributes = if tmpfs.programs { PLAIN } else { DATA };
            let mount = mount::new("tmpfs", &options, attributes)
                .map_err(Failure::doing(format!("mount a tmpfs at {at}")))?;
            self.add(&tmpfs.target, mount);
        }
        for volume in &container.volumes {
            let source = volume.source.display();
            let mount = match volume.read_only {
                true => mount::read_only_copy(&volume.source),
                false => mount::copy(&volume.source).map_err(Into::into),
            };
            self.0.push(Mount {
                at: volume.target.clone(),
                mount: mount.map_err(Failure::doing(format!("show {source}")))?,
                folder: volume.source.is_dir(),
                optional: false,
            });
        }
        Ok(())
    }

    /// Puts all at their places in the new root.
    pub(super) fn put(self) -> Result<(), Failure> {
        for Mount {
            at,
            mount,
            folder,
            optional,
        } in self.0
        {
            let shown = at.display();
            let place = match mount::make_place(&at, folder) {
                // A folder of the image's in the place of a file of the container's own.
                Ok(place) if optional && place.is_dir() => continue,
                Ok(place) => place,
                Err(_) if optional => continue,
                Err(error) => {
                    return Err(Failure::own(format!(
                        "cannot make a place for {shown} in the container's root: {error}"
                    )));
                }
            };
            mount::put(&mount, &place).map_err(Failure::doing(format!("put {shown} in place")))?;
            if at == Path::new("/dev") {
                for (name, target) in LINKS {
                    symlink(target, at.join(name))
                        .map_err(Failure::doing(format!("make /dev/{name}")))?;
                }
            }
        }
        Ok(())
    }
}

/// Makes the folders that the image wants to be there. In a root that is read-only they are
/// not, but for what is shown there already.
pub(super) fn make_folders(container: &Container) -> Result<(), Failure> {
    for folder in &container.folders {
        let failed = || format!("make {folder}, a VOLUME of the image");
        let place = mount::make_place(Path::new(folder), true).map_err(Failure::doing(failed()))?;
        if container.read_only && place != Path::new("/") {
            mount::copy(&place)
                .and_then(|mount| mount::put(mount, &place))
                .map_err(Failure::doing(failed()))?;
        }
    }
    Ok(())
}

/// A table of foreign programs; where there can be no new one, what serves instead.
fn table(handlers: &dyn Handlers) -> Result<Table, Failure> {
    let table = match namespace::new_table() {
        Ok(table) => table,
        Err(_) if handlers.are_outside() => return Ok(Table::Outside),
        Err((step, errno)) => {
            let why = diagnose(&Facts::gather(), step, errno).to_string();
            let starter = handlers.without_table(&why).map_err(Failure::own)?;
            return Ok(Table::None(starter));
        }
    };
    let path = format!("/proc/self/fd/{}", table.as_raw_fd());
    handlers.fill(Path::new(&path)).map_err(Failure::own)?;
    Ok(Table::New(table))
}

/// Makes the root, and makes it this process's.
pub(super) fn enter(container: &Container) -> Result<(), Failure> {
    let at = container.folder.join("root");
    make(&at)?;
    let mount = match &container.root {
        Root::Folder(folder) => mount::copy(folder).map_err(Failure::doing(format!(
            "use {} as a root",
            folder.display()
        )))?,
        Root::Layers { base, lowers } => {
            chdir(base).map_err(Failure::doing(format!("go to {}", base.display())))?;
            lay(&container.folder, lowers)?
        }
    };
    mount::put(&mount, &at).map_err(Failure::doing("mount the container's root"))?;
    let changed = chdir(&at)
        .and_then(|()| pivot_root(".", "."))
        // The machine's root lies on top of the new one now.
        .and_then(|()| unmount(".", UnmountFlags::DETACH))
        .and_then(|()| chdir("/"));
    changed.map_err(Failure::doing("change the root"))
}

fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(Failure::doing(format!("make {}", folder.display())))
}

/// Lays the layers, paths from the current folder, over each other. What is written
/// goes to `folder`; to memory where overlay does not take that file system; and where
/// there can be no overlay, to a copy.
fn lay(folder: &Path, lowers: &[PathBuf]) -> Result<OwnedFd, Failure> {
    overlay(lowers, folder).or_else(|error| {
        let at = folder.join("memory");
        make(&at)?;
        let in_memory = mount::new("tmpfs", &[("mode", "755")], PLAIN)
            .and_then(|memory| mount::put(&memory, &at))
            .and_then(|()| overlay(lowers, &at));
        in_memory.or_else(|_| {
            let at = folder.join("copy");
            make(&at)?;
            copied::lay(lowers, &at)
                .and_then(|()| Ok(mount::copy(&at)?))
                .map_err(|copying| {
                    Failure::own(format!(
                        "cannot lay the image's layers over each other (overlay: {error}), nor copy them: {copying}"
                    ))
                })
        })
    })
}

/// With folders in `writable` for what is written.
fn overlay(lowers: &[PathBuf], writable: &Path) -> Result<OwnedFd, Errno> {
    let (upper, work) = (writable.join("upper"), writable.join("work"));
    for folder in [&upper, &work] {
        fs::create_dir_all(folder).map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))?;
    }
    // The root's own mode and owner are the topmost layer's.
    copy_mode(lowers.first(), &upper);
    let text = |path: &Path| path.to_str().map(str::to_owned).ok_or(Errno::INVAL);
    let paths: Vec<String> = lowers.iter().map(|l| text(l)).collect::<Result<_, _>>()?;
    let (upper_path, work_path) = (text(&upper)?, text(&work)?);
    let mut options = vec![("userxattr", "")];
    options.extend(paths.iter().map(|lower| ("lowerdir+", lower.as_str())));
    options.extend([("upperdir", &*upper_path), ("workdir", &*work_path)]);
    mount::new("overlay", &options, MountAttrFlags::empty()).or_else(|error| {
        // Linux before 6.7 knows no lowerdir+.
        overlay_by_text(lowers, &upper, &work, &writable.join("mounted")).map_err(|_| error)
    })
}

/// By mount(2), put at a folder of its own and copied. Its text has to fit a page, and
/// some characters mean something in it: so folders are named by their descriptors.
fn overlay_by_text(
    lowers: &[PathBuf],
    upper: &Path,
    work: &Path,
    at: &Path,
) -> Result<OwnedFd, Errno> {
    let open = |path: &Path| {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(path, flags, Mode::empty())
    };
    let named = |folder: &OwnedFd| format!("/proc/self/fd/{}", folder.as_raw_fd());
    let below: Vec<OwnedFd> = lowers.iter().map(|l| open(l)).collect::<Result<_, _>>()?;
    let (upper, work) = (open(upper)?, open(work)?);
    let options = format!(
        "userxattr,lowerdir={},upperdir={},workdir={}",
        below.iter().map(named).collect::<Vec<_>>().join(":"),
        named(&upper),
        named(&work)
    );
    let options = std::ffi::CString::new(options).map_err(|_| Errno::INVAL)?;
    fs::create_dir_all(at).map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))?;
    rustix::mount::mount(
        "overlay",
        at,
        "overlay",
        MountFlags::empty(),
        options.as_c_str(),
    )?;
    mount::copy(at)
}

fn copy_mode(from: Option<&PathBuf>, to: &Path) {
    let from = from.and_then(|from| fs::metadata(from).ok());
    if let Some(from) = from {
        use std::os::unix::fs::MetadataExt;
        let _ = std::os::unix::fs::chown(to, Some(from.uid()), Some(from.gid()));
        let _ = rustix::fs::chmod(to, Mode::from_raw_mode(from.mode() & 0o7777));
    }
}

/// Takes away what concerns the whole machine, as docker does.
pub(super) fn protect() -> Result<(), Failure> {
    for path in READ_ONLY {
        let path = Path::new(path);
        if path.exists() {
            mount::read_only_copy(path)
                .and_then(|mount| Ok(mount::put(mount, path)?))
                .map_err(Failure::doing(format!("make {} read-only", path.display())))?;
        }
    }
    for path in HIDDEN {
        let path = Path::new(path);
        let cover = if path.is_dir() {
            mount::new(
                "tmpfs",
                &[("size", "0")],
                DATA | MountAttrFlags::MOUNT_ATTR_RDONLY,
            )
            .map_err(std::io::Error::from)
        } else if path.exists() {
            mount::read_only_copy(Path::new("/dev/null"))
        } else {
            continue;
        };
        cover
            .and_then(|mount| Ok(mount::put(mount, path)?))
            .map_err(Failure::doing(format!("hide {}", path.display())))?;
    }
    Ok(())
}

/// Nothing more is written to the root.
pub(super) fn make_read_only() -> Result<(), Failure> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    rustix::fs::open("/", flags, Mode::empty())
        .and_then(|root| mount::make_read_only(root, false))
        .map_err(Failure::doing("make the root read-only"))
}
