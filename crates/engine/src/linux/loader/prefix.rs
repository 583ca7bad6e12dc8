//! Another folder in which a program's loader and libraries are looked for
//! first: `-L DIR`, as QEMU's user has it, or the environment's word for it.
//!
//! An absolute path that is there below the folder is taken there; all others are
//! the machine's. That goes for the dynamic loader that a program names, and for
//! calls that open a file or tell of one (`CALLS`). What makes, removes or
//! renames a name, changes directory or executes a program does not look there.
//! The kernel's own folders (`/proc`, `/sys`, `/dev`) are always the machine's.
//!
//! A program whose loader is not on this machine gets Debian's cross libc, where
//! that is installed and has the loader ([`Prefix::of_machine`]).
//!
//! None of this costs anything without a folder: one comparison a call.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::CStr;

use crate::host::sys::{self, AT_FDCWD, Errno, Fd};
use crate::linux::abi::open_flags::OpenFlags;

/// A folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Its path, without a slash at the end.
    folder: Vec<u8>,
    /// Whether programs that are executed later get it by an option: they find
    /// the others by themselves.
    pub told: bool,
}

/// Variables that name a folder, the first that does.
const VARIABLES: [&[u8]; 2] = [b"ARMISTICE_LD_PREFIX=", b"QEMU_LD_PREFIX="];

/// The folder of a program that is to be executed.
#[derive(Debug)]
pub struct Next<'a, F: Fn() -> Option<Prefix>> {
    /// That of an option, which it is given too.
    pub told: Option<&'a Prefix>,
    /// That of its environment; asked for if its loader is not at its own path.
    pub named: F,
}

/// Folders that the kernel fills.
const KERNELS: [&[u8]; 3] = [b"/proc", b"/sys", b"/dev"];

/// So many symbolic links the kernel follows in a path.
const LINKS: u32 = 40;

const S_IFMT: u32 = 0o170_000;
const S_IFLNK: u32 = 0o120_000;
const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
const O_NOFOLLOW: u64 = 0o400_000;

/// When the last link of a path is followed.
#[derive(Clone, Copy)]
enum When {
    Always,
    Never,
    /// Unless this argument has this flag; of `open`, as x86-64 has it.
    Unless(usize, u64),
}

use When::{Always, Never, Unless};

/// The calls that look below the folder, and which argument is the path.
/// (`openat2` says itself where a path may lead.) Not every guest has all.
const CALLS: [(&str, usize, When); 16] = [
    ("openat", 1, Unless(2, O_NOFOLLOW)),
    ("newfstatat", 1, Unless(3, AT_SYMLINK_NOFOLLOW)),
    ("statx", 1, Unless(2, AT_SYMLINK_NOFOLLOW)),
    ("readlinkat", 1, Never),
    ("faccessat", 1, Always),
    ("faccessat2", 1, Unless(3, AT_SYMLINK_NOFOLLOW)),
    ("statfs", 0, Always),
    ("open", 0, Unless(1, O_NOFOLLOW)),
    ("stat", 0, Always),
    ("lstat", 0, Never),
    ("stat64", 0, Always),
    ("lstat64", 0, Never),
    ("fstatat64", 1, Unless(3, AT_SYMLINK_NOFOLLOW)),
    ("readlink", 0, Never),
    ("access", 0, Always),
    ("statfs64", 0, Always),
];

impl Prefix {
    /// The folder of the option, wherever the program goes later.
    ///
    /// # Errors
    /// The kernel's, where it is no folder that can be looked into.
    pub fn named(folder: &CStr) -> Result<Self, Errno> {
        const O_PATH_DIRECTORY_CLOEXEC: u64 = 0o12_200_000;
        let file = Fd::open_at(AT_FDCWD, folder, O_PATH_DIRECTORY_CLOEXEC)?;
        let path = match file.path() {
            empty if empty.is_empty() => folder.to_bytes().to_vec(),
            path => path,
        };
        Ok(Self::at(&path, true))
    }

    /// The folder that the environment names, if it is one.
    #[must_use]
    pub fn of_environment(environment: &[&CStr]) -> Option<Self> {
        let value = VARIABLES.iter().find_map(|&name| {
            let mut values = environment.iter();
            values.find_map(|text| text.to_bytes_with_nul().strip_prefix(name))
        })?;
        let folder = CStr::from_bytes_with_nul(value).ok()?;
        let found = Self::named(folder).ok()?;
        Some(Self {
            told: false,
            ..found
        })
    }

    /// The machine's own, where Debian's cross libc is, for a loader that is only there.
    #[must_use]
    pub fn of_machine(folders: &[&CStr], loader: &CStr) -> Option<Self> {
        let mut prefixes = folders
            .iter()
            .map(|folder| Self::at(folder.to_bytes(), false));
        prefixes.find(|prefix| prefix.lead(loader.to_bytes(), true).is_some())
    }

    fn at(path: &[u8], told: bool) -> Self {
        let end = path.iter().rposition(|&byte| byte != b'/');
        Self {
            folder: path[..end.map_or(0, |end| end + 1)].to_vec(),
            told,
        }
    }

    /// Its path.
    #[must_use]
    pub fn folder(&self) -> &[u8] {
        if self.folder.is_empty() {
            b"/"
        } else {
            &self.folder
        }
    }

    /// The path in the place of an absolute one that is there below the folder. Its
    /// last link is followed below the folder too, where it is absolute.
    #[must_use]
    pub fn lead(&self, path: &[u8], follow: bool) -> Option<CString> {
        let mut path = path.to_vec();
        let mut found = None;
        for _ in 0..LINKS {
            if !is_ours(&path) {
                return found;
            }
            let below = CString::new([&self.folder[..], &path].concat()).ok()?;
            let Ok(status) = sys::status_at(AT_FDCWD, &below, AT_SYMLINK_NOFOLLOW) else {
                return found;
            };
            let link = follow && status.mode & S_IFMT == S_IFLNK;
            let to = link.then(|| sys::read_link(&below)).flatten();
            found = Some(below);
            match to {
                Some(to) if to.starts_with(b"/") => path = to,
                _ => return found,
            }
        }
        found
    }

    /// Looks below the folder for the path of a call of this name, which
    /// `read` gives; the index of the path's argument with what replaces it.
    #[must_use]
    pub fn lead_call(
        &self,
        open_flags: OpenFlags,
        name: &str,
        arguments: &[u64; 6],
        read: impl Fn(u64) -> Option<Vec<u8>>,
    ) -> Option<(usize, CString)> {
        let &(_, index, when) = CALLS.iter().find(|(call, ..)| *call == name)?;
        let path = read(arguments[index])?;
        let follow = match when {
            Always => true,
            Never => false,
            Unless(flags, O_NOFOLLOW) => open_flags.to_host(arguments[flags]) & O_NOFOLLOW == 0,
            Unless(flags, flag) => arguments[flags] & flag == 0,
        };
        Some((index, self.lead(&path, follow)?))
    }
}

/// Whether a path can be one below the folder: absolute, not above the root, and
/// not the kernel's.
fn is_ours(path: &[u8]) -> bool {
    if !path.starts_with(b"/") {
        return false;
    }
    let mut depth = 0_u32;
    for name in path.split(|&byte| byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." if depth == 0 => return false,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    let below = |folder: &&[u8]| matches!(path.strip_prefix(*folder), Some([] | [b'/', ..]));
    depth > 0 && !KERNELS.iter().any(below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::abi::arm;
    use crate::linux::abi::arm64::syscalls::table::ROWS;

    #[test]
    fn paths_that_are_looked_for() {
        for path in [
            "/lib/x", "/a/../b", "//lib", "/devices", "/proc2/x", "/lib/",
        ] {
            assert!(is_ours(path.as_bytes()), "{path}");
        }
        for path in [
            "",
            "lib",
            "./lib",
            "/",
            "//",
            "/..",
            "/../etc",
            "/a/../../b",
            "/a/..",
            "/proc",
            "/proc/self",
            "/dev/null",
            "/sys/",
        ] {
            assert!(!is_ours(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn the_calls_have_a_path_there() {
        for (name, path, when) in CALLS {
            let all = ROWS.iter().chain(arm::syscalls::table::ROWS);
            let calls: alloc::vec::Vec<_> = all.filter(|call| call.name == name).collect();
            assert!(!calls.is_empty(), "{name}");
            for call in calls {
                let letters = call.arguments.as_bytes();
                assert_eq!(letters[path], b's', "{name}");
                if let Unless(flags, _) = when {
                    assert!(matches!(letters[flags], b'x' | b'O'), "{name}");
                }
            }
        }
    }

    #[test]
    fn the_environment_names_the_projects_own_first() {
        let of = |environment: &[&CStr]| {
            Prefix::of_environment(environment).map(|prefix| prefix.folder().to_vec())
        };
        assert_eq!(of(&[c"HOME=/"]), None);
        assert_eq!(of(&[c"QEMU_LD_PREFIX=/usr/"]), Some(b"/usr".to_vec()));
        let both = [c"QEMU_LD_PREFIX=/usr", c"ARMISTICE_LD_PREFIX=/proc/.."];
        assert_eq!(of(&both), Some(b"/".to_vec()));
        // Of an image that this is not.
        assert_eq!(of(&[c"QEMU_LD_PREFIX=/nonexistent"]), None);
    }
}
