//! Mounting the machine's table: for a look, or where a registration lasts.
//!
//! Invariant: nothing here is called in a child user namespace: the first mount
//! would give the namespace a table of its own, which hides its ancestors' for as
//! long as it lives.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags};

use crate::error::BinfmtError;
use crate::mounts;
use crate::table::Table;

/// Inode number of the initial PID namespace (`include/uapi/linux/nsfs.h`).
const INITIAL_PID_NS: &str = "pid:[4026531836]";

/// Whether anything beside ourselves holds the machine's table: a probe entry
/// outlives the only mount that we have of it.
///
/// # Errors
/// As for mounting and registering.
pub(crate) fn held_elsewhere() -> Result<bool, BinfmtError> {
    let name = probe_name();
    let first = detached()?;
    first.check_writable()?;
    // By an ending that no file has, and without opening an interpreter.
    let line = format!(":{name}:E::{name}::/nonexistent:");
    first.write("register", &line).map_err(probe_refused)?;
    drop(first);
    let second = detached()?;
    let held = second.contains(&name);
    second.remove_probe(&name)?;
    Ok(held)
}

/// A name for a probe entry that nobody else uses at this moment.
pub(crate) fn probe_name() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = since.map_or(0, |since| since.as_nanos());
    format!("armistice-probe-{}-{now:x}", std::process::id())
}

pub(crate) fn probe_refused(errno: Errno) -> BinfmtError {
    BinfmtError::NoRight {
        missing: "the kernel refused a probe entry".to_owned(),
        source: Some(errno.into()),
    }
}

/// A view of the table of our own, mounted nowhere.
pub(crate) fn detached() -> Result<Table, BinfmtError> {
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
pub(crate) fn is_machine() -> bool {
    mounts_as_init() && (sees_all_processes() || systemd_is_init())
}

/// Whether the PID 1 in sight is systemd. That systemd's folder is there does not
/// say so: a container may have the machine's, to talk to its systemd.
fn systemd_is_init() -> bool {
    Path::new("/run/systemd/system").is_dir()
        && std::fs::read_to_string("/proc/1/comm").is_ok_and(|name| name.trim_end() == "systemd")
}

/// Whether PID 1 is the machine's.
#[must_use]
pub fn sees_all_processes() -> bool {
    link("/proc/self/ns/pid").is_some_and(|ns| ns.as_os_str() == INITIAL_PID_NS)
}

/// Whether we are in PID 1's mount namespace.
pub(crate) fn mounts_as_init() -> bool {
    match (link("/proc/self/ns/mnt"), link("/proc/1/ns/mnt")) {
        (Some(own), Some(init)) => own == init,
        // PID 1 may not be looked at; no two namespaces share a mount's number.
        _ => mounts::numbers("self").is_some_and(|own| mounts::numbers("1") == Some(own)),
    }
}

pub(crate) fn mount_at(path: &Path) -> Result<(), BinfmtError> {
    let flags = MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::NOSUID;
    rustix::mount::mount("binfmt_misc", path, "binfmt_misc", flags, None).map_err(mount_error)
}

/// Mounts the table on the host from inside a container: through the host's
/// PID 1 where it is in sight, else through a shared bind of its folder.
pub(crate) fn mount_on_host() -> Result<(), BinfmtError> {
    if sees_all_processes() {
        let mounted = in_mount_namespace_of_init(|| {
            let path = Path::new(crate::STANDARD_PATH);
            if Table::at(path).is_some() {
                Ok(())
            } else {
                mount_at(path)
            }
        })
        .map_err(|errno| BinfmtError::NoRight {
            missing: "entering the host's mount namespace needs --privileged".to_owned(),
            source: Some(errno.into()),
        })?;
        return mounted;
    }
    match mounts::shared_binds(&mounts::of("self")).first() {
        Some(place) => mount_at(place),
        None => Err(BinfmtError::WouldBeLost),
    }
}

/// Whether the caller's root is the machine's own: PID 1's, and that PID 1 the
/// machine's.
#[must_use]
pub fn is_machines_root() -> bool {
    let id = |path: &str| rustix::fs::stat(path).map(|s| (s.st_dev, s.st_ino));
    let same_folder = match (id("/"), id("/proc/1/root")) {
        (Ok(own), Ok(init)) => own == init,
        _ => true, // only PID 1's owner may look there; the mounts tell enough
    };
    sees_all_processes() && mounts_as_init() && same_folder
}

/// Runs `work` in the machine's own root; `None` where the caller may not go there.
pub fn in_machines_root<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    if !sees_all_processes() {
        return None;
    }
    in_mount_namespace_of_init(work).ok()
}

/// Runs `work` in the mount namespace of PID 1, on a thread of its own.
fn in_mount_namespace_of_init<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Errno> {
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
        let thread = scope.spawn(|| enter().map(|()| work()));
        thread.join().unwrap_or(Err(Errno::IO))
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
            text.contains("no binfmt_misc") && text.contains("CONFIG_BINFMT_MISC"),
            "{text}"
        );
    }
}
