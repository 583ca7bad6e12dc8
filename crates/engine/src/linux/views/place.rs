//! Where in procfs an open file is.
//!
//! Many paths lead to a file, and `/proc` need not be where procfs is mounted.
//! The kernel says of a descriptor what its path is at this moment, without
//! symbolic links, and which mount it was opened by. From both follows the
//! path from procfs's own root, that says what the file is. A mount can be of
//! a folder or of a file of procfs's; then the mount says where in procfs
//! that is.

use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::host::sys::{
    self, AT_FDCWD, Errno, Fd, Status, fd_argument, number, read_link, status_at,
};

/// A file's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The path to the root of its procfs; none where that is mounted nowhere.
    pub(super) root: Option<Vec<u8>>,
    /// The path from there, which begins with a slash.
    pub(super) path: Vec<u8>,
    /// What its link says, `/proc/self/fd/N`.
    pub(super) link: Vec<u8>,
}

/// What is found out about an open file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Where it is.
    At(Place),
    /// It has none of the names that are asked for.
    Another,
    /// The kernel does not say where it is: its mount is hidden, or was taken
    /// away. Its link says this.
    Somewhere(Vec<u8>),
}

/// The inode of procfs's root.
const ROOT: u64 = 1;
/// The inodes of what is there for all processes begin here, the same in every
/// procfs.
pub(super) const FIRST_OF_ALL: u64 = 0xf000_0000;
/// `AT_SYMLINK_NOFOLLOW`.
const NO_FOLLOW: u64 = 0x100;

/// Whether a file is one of procfs's.
#[must_use]
pub(super) fn is_procfs(file: &Fd) -> bool {
    const PROC_SUPER_MAGIC: u64 = 0x9fa0;
    file_system(file) == Some(PROC_SUPER_MAGIC)
}

/// The magic number of a file's file system.
#[must_use]
pub(super) fn file_system(file: &Fd) -> Option<u64> {
    // `struct statfs` begins with the type.
    let mut about = [0_u64; 15];
    let place = about.as_mut_ptr() as u64;
    let arguments = [fd_argument(file.number()), place, 0, 0, 0, 0];
    // SAFETY: the kernel writes into the array only, which is as large as the
    // structure.
    unsafe { sys::syscall(number::FSTATFS, arguments) }.ok()?;
    Some(about[0])
}

/// The inode of `cpuinfo`, which is the same in every procfs, where `/proc` is
/// one. So the other files that there are once need no look at their names.
pub(super) fn processors() -> Option<u64> {
    /// 0 is no inode.
    static KNOWN: AtomicU64 = AtomicU64::new(0);
    const CPUINFO: &CStr = c"/proc/cpuinfo";
    let known = KNOWN.load(Ordering::Relaxed);
    if known != 0 {
        return Some(known);
    }
    let about = About::of(AT_FDCWD, CPUINFO)?;
    // Another file may be mounted there.
    if about.is_mount || !is_procfs(&Fd::open(CPUINFO).ok()?) {
        return None;
    }
    KNOWN.store(about.inode, Ordering::Relaxed);
    Some(about.inode)
}

impl Place {
    /// The place of a file of procfs's, if its name is one of those that are
    /// asked for. It has this status.
    #[must_use]
    pub(super) fn of(file: &Fd, status: &Status, asked: fn(&[u8]) -> bool) -> Found {
        let about = About::of(file.number(), c"");
        let link = link_below(b"/proc", file);
        // The name is procfs's own, unless something is mounted there.
        let is_mount = about.as_ref().is_none_or(|about| about.is_mount);
        if !is_mount && link.as_ref().is_some_and(|link| !asked(name(link))) {
            return Found::Another;
        }
        let place = about.and_then(|about| Self::by(file, status, link.clone(), &about));
        match place {
            Some(place) if asked(name(&place.path)) => Found::At(place),
            Some(_) => Found::Another,
            None => Found::Somewhere(link.unwrap_or_default()),
        }
    }

    fn by(file: &Fd, status: &Status, link: Option<Vec<u8>>, about: &About) -> Option<Self> {
        let main = About::of(AT_FDCWD, c"/proc").filter(|main| main.inode == ROOT);
        let is_main = main.as_ref().is_some_and(|main| main.mount == about.mount);
        if is_main && let Some(link) = &link {
            let path = below(link, b"/proc")?.to_vec();
            return Some(Self {
                root: Some(b"/proc".to_vec()),
                path,
                link: link.clone(),
            });
        }
        match Mount::of(file, about) {
            Some(mount) => Self::by_mount(file, status, link, &mount),
            None => Self::by_end(status, &link?),
        }
    }

    fn by_mount(file: &Fd, status: &Status, link: Option<Vec<u8>>, mount: &Mount) -> Option<Self> {
        let whole = mount.root == b"/";
        let link = match link {
            Some(link) => link,
            None if whole => link_below(&mount.point, file)?,
            None => mount.point.clone(),
        };
        let rest = below(&link, &mount.point)?;
        let mut path = if whole {
            Vec::new()
        } else {
            mount.root.clone()
        };
        path.extend_from_slice(rest);
        let root = if whole {
            Some(mount.point.clone())
        } else {
            let main = status_at(AT_FDCWD, c"/proc", 0).ok();
            main.filter(|main| (main.dev, main.ino) == (status.dev, ROOT))
                .map(|_| b"/proc".to_vec())
        };
        Some(Self { root, path, link })
    }

    /// The place of a file by a mount that cannot be seen from here. What its
    /// path ends with leads to the same file from `/proc`.
    fn by_end(status: &Status, link: &[u8]) -> Option<Self> {
        let main = status_at(AT_FDCWD, c"/proc", 0).ok()?;
        let ends = link.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let path = ends.map(|(start, _)| &link[start..]).find(|end| {
            let path = CString::new([b"/proc", *end].concat());
            path.ok()
                .and_then(|path| status_at(AT_FDCWD, &path, NO_FOLLOW).ok())
                .is_some_and(|other| {
                    let of_all = main.ino == ROOT && other.ino >= FIRST_OF_ALL;
                    other.ino == status.ino && (other.dev == status.dev || of_all)
                })
        })?;
        Some(Self {
            root: (main.dev == status.dev).then(|| b"/proc".to_vec()),
            path: path.to_vec(),
            link: link.to_vec(),
        })
    }

    /// A path below the root.
    #[must_use]
    pub(super) fn below_root(&self, path: &[&[u8]]) -> Option<CString> {
        let mut whole = self.root.clone()?;
        for part in path {
            whole.push(b'/');
            whole.extend_from_slice(part);
        }
        CString::new(whole).ok()
    }
}

/// The last part of a path.
fn name(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}

/// The rest of a path below a folder, or nothing of the folder's own path.
fn below<'a>(path: &'a [u8], folder: &[u8]) -> Option<&'a [u8]> {
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    let rest = path.strip_prefix(folder)?;
    (rest.is_empty() || rest.starts_with(b"/")).then_some(rest)
}

/// What a descriptor of this thread leads to, as the procfs that is mounted
/// there says.
fn link_below(procfs: &[u8], file: &Fd) -> Option<Vec<u8>> {
    let mut link = procfs.to_vec();
    link.extend_from_slice(format!("/thread-self/fd/{}", file.number()).as_bytes());
    read_link(&CString::new(link).ok()?)
}

/// What `statx` says of a file.
struct About {
    inode: u64,
    /// The mount that it was found by, if the kernel says so (Linux 5.8).
    mount: Option<u64>,
    /// Whether something is mounted there.
    is_mount: bool,
}

/// Of `struct statx`, as words of 64 bits.
const STATX: usize = 32;

fn statx(directory: i32, path: &CStr, mask: u64) -> Result<[u64; STATX], Errno> {
    const AT_EMPTY_PATH: u64 = 0x1000;
    let mut all = [0; STATX];
    let place = all.as_mut_ptr() as u64;
    let [directory, path] = [fd_argument(directory), path.as_ptr() as u64];
    let arguments = [directory, path, AT_EMPTY_PATH, mask, place, 0];
    // SAFETY: the kernel reads the string, and writes into the array only, that
    // is as large as the structure.
    unsafe { sys::syscall(number::STATX, arguments) }?;
    Ok(all)
}

impl About {
    fn of(directory: i32, path: &CStr) -> Option<Self> {
        const STATX_INO: u64 = 0x100;
        const STATX_MNT_ID: u64 = 0x1000;
        const STATX_ATTR_MOUNT_ROOT: u64 = 0x2000;
        const ATTRIBUTES: usize = 1;
        const INO: usize = 4;
        const MNT_ID: usize = 18;
        let all = statx(directory, path, STATX_INO | STATX_MNT_ID).ok()?;
        Some(Self {
            inode: all[INO],
            mount: (all[0] & STATX_MNT_ID != 0).then_some(all[MNT_ID]),
            is_mount: all[ATTRIBUTES] & STATX_ATTR_MOUNT_ROOT != 0,
        })
    }
}

/// A mount: which part of a file system is where.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    root: Vec<u8>,
    point: Vec<u8>,
}

impl Mount {
    fn of(file: &Fd, about: &About) -> Option<Self> {
        Self::asked(file).or_else(|| {
            let list = Fd::open(c"/proc/thread-self/mountinfo").ok()?;
            Self::listed(&list.read_all().ok()?, about.mount?)
        })
    }

    /// By `statmount` (Linux 6.8), which does without `/proc`.
    fn asked(file: &Fd) -> Option<Self> {
        const STATX_MNT_ID_UNIQUE: u64 = 0x4000;
        const MNT_ID: usize = 18;
        const STATMOUNT_MNT_ROOT: u64 = 8;
        const STATMOUNT_MNT_POINT: u64 = 16;
        /// Where the offsets of both strings are, and what they count from.
        const STRINGS: usize = 104;
        const FIRST: usize = 512;
        const SIZE: u64 = 24;
        let about = statx(file.number(), c"", STATX_MNT_ID_UNIQUE).ok()?;
        if about[0] & STATX_MNT_ID_UNIQUE == 0 {
            return None;
        }
        let wanted = STATMOUNT_MNT_ROOT | STATMOUNT_MNT_POINT;
        let request = [SIZE, about[MNT_ID], wanted];
        let mut answer = alloc::vec![0_u8; 3 * 4096];
        let [from, to] = [request.as_ptr() as u64, answer.as_mut_ptr() as u64];
        let arguments = [from, to, answer.len() as u64, 0, 0, 0];
        // SAFETY: the kernel reads the request, as long as it says, and writes
        // into the vector only.
        unsafe { sys::syscall(number::STATMOUNT, arguments) }.ok()?;
        let string = |at: usize| {
            let offset = u32::from_le_bytes(*answer.get(at..)?.first_chunk()?);
            let start = FIRST.checked_add(usize::try_from(offset).ok()?)?;
            let text = CStr::from_bytes_until_nul(answer.get(start..)?).ok()?;
            Some(text.to_bytes().to_vec())
        };
        let [root, point] = [string(STRINGS)?, string(STRINGS + 4)?];
        (root.starts_with(b"/") && point.starts_with(b"/")).then_some(Self { root, point })
    }

    /// By its number in `mountinfo`.
    fn listed(list: &[u8], number: u64) -> Option<Self> {
        list.split(|&byte| byte == b'\n').find_map(|line| {
            let mut fields = line.split(|&byte| byte == b' ');
            let found = core::str::from_utf8(fields.next()?).ok()?;
            if found.parse() != Ok(number) {
                return None;
            }
            Some(Self {
                root: plain(fields.nth(2)?),
                point: plain(fields.next()?),
            })
        })
    }
}

/// A path of `mountinfo`'s, where spaces and their like are octal numbers.
fn plain(text: &[u8]) -> Vec<u8> {
    let mut path = Vec::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let number = after
            .first_chunk::<3>()
            .filter(|_| byte == b'\\')
            .and_then(|digits| core::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if number.is_some() {
            rest = &after[3..];
        }
        path.push(number.unwrap_or(byte));
    }
    path
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use alloc::string::String;
    use std::os::fd::AsRawFd as _;

    fn place(path: &str) -> Found {
        let file = std::fs::File::open(path).unwrap();
        let file = core::mem::ManuallyDrop::new(Fd::new(file.as_raw_fd()));
        let status = file.status().unwrap();
        assert!(is_procfs(&file));
        Place::of(&file, &status, |name| name != b"uptime")
    }

    #[test]
    fn many_paths_one_place() {
        let process = std::process::id();
        let own = std::format!("/{process}/maps");
        for (path, expected) in [
            ("/proc/cpuinfo", "/cpuinfo"),
            ("//proc/./cpuinfo", "/cpuinfo"),
            ("/proc/self/root/proc/cpuinfo", "/cpuinfo"),
            ("/proc/self/maps", &own),
            ("/proc/self/../self/maps", &own),
        ] {
            let Found::At(place) = place(path) else {
                panic!("{path}");
            };
            assert_eq!(String::from_utf8_lossy(&place.path), expected, "{path}");
            assert_eq!(place.root.as_deref(), Some(&b"/proc"[..]));
        }
        assert_eq!(place("/proc/uptime"), Found::Another);
    }

    #[test]
    fn mounts_in_a_list() {
        let list = b"29 1 0:27 / /proc rw,nosuid shared:1 - proc proc rw\n\
            41 29 0:27 /12/maps /a\\040b\\134 rw - proc proc rw\n";
        let mount = |root: &[u8], point: &[u8]| Mount {
            root: root.to_vec(),
            point: point.to_vec(),
        };
        assert_eq!(Mount::listed(list, 29), Some(mount(b"/", b"/proc")));
        assert_eq!(Mount::listed(list, 41), Some(mount(b"/12/maps", b"/a b\\")));
        assert_eq!(Mount::listed(list, 2), None);
    }

    #[test]
    fn below_a_folder() {
        assert_eq!(below(b"/proc/1/maps", b"/proc"), Some(&b"/1/maps"[..]));
        assert_eq!(below(b"/proc", b"/proc"), Some(&b""[..]));
        assert_eq!(below(b"/process", b"/proc"), None);
        assert_eq!(below(b"/cpuinfo", b"/"), Some(&b"/cpuinfo"[..]));
    }
}
