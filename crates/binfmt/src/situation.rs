//! Whose table is this, may we write to it, and will it outlive us?
//!
//! From Linux 6.7 a table belongs to a user namespace and its entries die with
//! its last mount. So a container that mounts it for itself and ends has done
//! nothing, and no file in `/proc` tells. `held_elsewhere` finds out by
//! trying; [`open_for_writing`] mounts the table where it stays, or refuses.
//!
//! Invariant: in a child user namespace nothing is ever mounted here: the first
//! mount would give the namespace a table of its own, which hides its
//! ancestors' for as long as it lives.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags};

use crate::error::BinfmtError;
use crate::mounts;
use crate::table::Table;

/// Inode numbers of the initial namespaces (`include/linux/proc_ns.h`).
const INITIAL_USER_NS: &str = "user:[4026531837]";
const INITIAL_PID_NS: &str = "pid:[4026531836]";

/// Whose table a process here uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The machine's own.
    Initial,
    /// A child user namespace's own, which hides its ancestors'.
    Private,
    /// An ancestor's: this child user namespace has none.
    Inherited,
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Scope::Initial => "initial",
            Scope::Private => "private",
            Scope::Inherited => "inherited",
        })
    }
}

/// How a table for writing was had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It was mounted already.
    Mounted,
    /// It is mounted where we cannot see it.
    HeldElsewhere,
    /// We mounted it on this machine, to stay.
    MountedHere,
    /// We mounted it on the host, from a container.
    MountedOnHost,
}

/// Whether we are in the machine's initial user namespace.
#[must_use]
pub fn in_initial_user_namespace() -> bool {
    link("/proc/self/ns/user").is_none_or(|ns| ns.as_os_str() == INITIAL_USER_NS)
}

/// Whose table this is.
#[must_use]
pub fn scope(table: Option<&Table>) -> Scope {
    if in_initial_user_namespace() {
        return Scope::Initial;
    }
    let Some(table) = table else {
        return Scope::Inherited;
    };
    // An ancestor's root may be unmapped here; or its table is seen at PID 1.
    let foreign_owner = table.owner() != Some(0);
    let device = format!(
        "{}:{}",
        rustix::fs::major(table.device()),
        rustix::fs::minor(table.device())
    );
    let other_ns = link("/proc/1/ns/user").is_some_and(|ns| Some(ns) != link("/proc/self/ns/user"));
    let at_init = other_ns
        && mounts::of("1")
            .iter()
            .any(|m| m.fs_type == "binfmt_misc" && m.device == device);
    if foreign_owner || at_init {
        Scope::Inherited
    } else {
        Scope::Private
    }
}

/// The table for looking at it: where it is mounted, else (as the machine's
/// root) a view of our own that vanishes when dropped.
///
/// # Errors
/// [`BinfmtError::Unsupported`], [`BinfmtError::NotMounted`].
pub fn open_for_reading() -> Result<Table, BinfmtError> {
    if let Some(table) = visible() {
        return Ok(table);
    }
    if !in_initial_user_namespace() {
        return Err(BinfmtError::NotMounted { source: None });
    }
    detached()
}

/// The table for changing it, mounted so that the change will last.
///
/// # Errors
/// What is missing, with the command that mends it: see [`BinfmtError`].
pub fn open_for_writing() -> Result<(Table, How), BinfmtError> {
    if let Some(table) = visible() {
        table.check_writable()?;
        return Ok((table, How::Mounted));
    }
    if !in_initial_user_namespace() {
        return Err(BinfmtError::WouldBePrivate);
    }
    if !rustix::process::geteuid().is_root() {
        let missing = "only root may mount binfmt_misc and write to it".to_owned();
        return Err(BinfmtError::NoRight {
            missing,
            source: None,
        });
    }
    if is_machine() {
        mount_at(Path::new(crate::STANDARD_PATH))?;
        let table = visible().ok_or(BinfmtError::NotMounted { source: None })?;
        return Ok((table, How::MountedHere));
    }
    if held_elsewhere()? {
        return Ok((detached()?, How::HeldElsewhere));
    }
    mount_on_host()?;
    Ok((detached()?, How::MountedOnHost))
}

/// Whether anything beside ourselves holds the machine's table: a probe entry
/// outlives the only mount that we have of it.
///
/// # Errors
/// As for mounting and registering.
fn held_elsewhere() -> Result<bool, BinfmtError> {
    let name = format!("armistice-probe-{}", std::process::id());
    let first = detached()?;
    first.check_writable()?;
    // By an ending that no file has, and without opening an interpreter.
    let line = format!(":{name}:E::{name}::/nonexistent:");
    first
        .write("register", &line)
        .map_err(|errno| BinfmtError::NoRight {
            missing: "the kernel refused a probe entry".to_owned(),
            source: Some(errno.into()),
        })?;
    drop(first);
    let second = detached()?;
    let held = second.contains(&name);
    second.remove(&name)?;
    Ok(held)
}

/// A mounted table in sight.
fn visible() -> Option<Table> {
    // Opening the standard path also wakes an automount waiting there.
    Table::at(Path::new(crate::STANDARD_PATH)).or_else(|| {
        mounts::of_binfmt_misc(&mounts::of("self"))
            .into_iter()
            .find_map(Table::at)
    })
}

/// A view of the table of our own, mounted nowhere.
fn detached() -> Result<Table, BinfmtError> {
    let attempt = || -> Result<OwnedFd, Errno> {
        let fs = rustix::mount::fsopen("binfmt_misc", FsOpenFlags::FSOPEN_CLOEXEC)?;
        rustix::mount::fsconfig_create(&fs)?;
        rustix::mount::fsmount(
            &fs,
            FsMountFlags::FSMOUNT_CLOEXEC,
            MountAttrFlags::MOUNT_ATTR_NODEV,
        )
    };
    attempt().and_then(Table::view).map_err(mount_error)
}

fn mount_error(errno: Errno) -> BinfmtError {
    match errno {
        Errno::NODEV => BinfmtError::Unsupported,
        Errno::PERM | Errno::ACCESS if rustix::process::geteuid().is_root() => {
            BinfmtError::NoRight {
                missing: "binfmt_misc is not mounted here and mounting it needs CAP_SYS_ADMIN; \
                      in a container: docker run --privileged"
                    .to_owned(),
                source: Some(errno.into()),
            }
        }
        other => BinfmtError::NotMounted {
            source: Some(other.into()),
        },
    }
}

/// Whether this mount namespace is one that lasts: the machine's own, or that
/// of a container with an init system of its own.
fn is_machine() -> bool {
    let initial = link("/proc/self/ns/pid").is_some_and(|ns| ns.as_os_str() == INITIAL_PID_NS);
    mounts_as_init() && (initial || Path::new("/run/systemd/system").is_dir())
}

/// Whether we are in PID 1's mount namespace.
fn mounts_as_init() -> bool {
    match (link("/proc/self/ns/mnt"), link("/proc/1/ns/mnt")) {
        (Some(own), Some(init)) => own == init,
        // PID 1 may not be looked at; no two namespaces share a mount's number.
        _ => mounts::numbers("self").is_some_and(|own| mounts::numbers("1") == Some(own)),
    }
}

fn mount_at(path: &Path) -> Result<(), BinfmtError> {
    let flags = MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::NOSUID;
    rustix::mount::mount("binfmt_misc", path, "binfmt_misc", flags, None).map_err(mount_error)
}

/// Mounts the table on the host from inside a container: through the host's
/// PID 1 where it is in sight, else through a shared bind of its folder.
fn mount_on_host() -> Result<(), BinfmtError> {
    if link("/proc/self/ns/pid").is_some_and(|ns| ns.as_os_str() == INITIAL_PID_NS) {
        return in_mount_namespace_of_init(|| {
            let path = Path::new(crate::STANDARD_PATH);
            if Table::at(path).is_some() {
                Ok(())
            } else {
                mount_at(path)
            }
        });
    }
    match mounts::shared_binds(&mounts::of("self")).first() {
        Some(place) => mount_at(place),
        None => Err(BinfmtError::WouldBeLost),
    }
}

/// Runs `work` in the mount namespace of PID 1, on a thread of its own.
fn in_mount_namespace_of_init(
    work: impl FnOnce() -> Result<(), BinfmtError> + Send,
) -> Result<(), BinfmtError> {
    use rustix::thread::{LinkNameSpaceType, UnshareFlags};
    let enter = || -> Result<(), Errno> {
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
        let open = |path| rustix::fs::open(path, flags, rustix::fs::Mode::empty());
        // PID 1 may keep its namespaces to itself even from root. PID 2 is the
        // kernel's own (we are in the initial PID namespace), in the same one.
        let ns = open("/proc/1/ns/mnt").or_else(|_| open("/proc/2/ns/mnt"))?;
        // SAFETY: CLONE_FS gives only this thread its own root and working
        // directory; it shares nothing with the others that it could unmap.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::FS)? };
        rustix::thread::move_into_link_name_space(
            std::os::fd::AsFd::as_fd(&ns),
            Some(LinkNameSpaceType::Mount),
        )
    };
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            enter().map_err(|errno| BinfmtError::NoRight {
                missing: "entering the host's mount namespace needs --privileged".to_owned(),
                source: Some(errno.into()),
            })?;
            work()
        });
        thread.join().unwrap_or(Err(BinfmtError::WouldBeLost))
    })
}

fn link(path: &str) -> Option<PathBuf> {
    std::fs::read_link(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_without_binfmt_misc_is_named_so() {
        let text = mount_error(Errno::NODEV).to_string();
        assert!(
            text.contains("no binfmt_misc") && text.contains("modprobe binfmt_misc"),
            "{text}"
        );
    }
}
