//! The container's root: an image's layers laid over each other, or a folder; and the change
//! into it.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    MountAttrFlags, MountFlags, MountPropagationFlags, UnmountFlags, mount_change, unmount,
};
use rustix::process::{chdir, pivot_root};

use super::copied;
use super::mount::{self, PLAIN};
use super::report::Failure;
use super::{Container, Root};

/// From here on nothing that is mounted is seen outside.
pub(super) fn keep_mounts_inside() -> Result<(), Failure> {
    let flags = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", flags).map_err(|errno| match errno {
        Errno::PERM => Failure::own(
            "cannot make a container here: mount(2) is refused, as it is in a container of armistice's or of \
             docker's; run this outside of that one",
        ),
        errno => Failure::doing("keep mounts inside the container")(errno),
    })
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
    mount::without_devices(mount)
        .and_then(|mount| Ok(mount::put(&mount, &at)?))
        .map_err(Failure::doing("mount the container's root"))?;
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

/// Nothing more is written to the root.
pub(super) fn make_read_only() -> Result<(), Failure> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    rustix::fs::open("/", flags, Mode::empty())
        .and_then(|root| mount::make_read_only(root, false))
        .map_err(Failure::doing("make the root read-only"))
}
