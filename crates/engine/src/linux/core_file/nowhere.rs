//! A new directory that nobody else knows, for the core file of the host's kernel, which nobody
//! is to see. Found from `core_pattern`'s path: where the kernel is going to write, and how to
//! remove all of that again.

use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;

use super::calls::call;
use crate::host::sys::{AT_FDCWD, Errno, Fd, fd_argument, number};

/// As x86-64 has them.
const O_DIRECTORY: u64 = 0o200_000;
const O_NOFOLLOW: u64 = 0o400_000;
const O_CLOEXEC: u64 = 0o2_000_000;
const O_PATH: u64 = 0o10_000_000;
const AT_REMOVEDIR: u64 = 0x200;

/// A new directory that is going to be removed.
#[derive(Debug)]
pub(super) struct Nowhere {
    pub(super) parent: Fd,
    pub(super) name: CString,
    pub(super) directory: Fd,
}

impl Nowhere {
    /// In the first of some directories where it can be made.
    pub(super) fn make() -> Result<Self, Errno> {
        const PARENTS: [&CStr; 3] = [c"/dev/shm", c"/tmp", c"."];
        let made = PARENTS.iter().find_map(|parent| Self::within(parent).ok());
        made.ok_or(Errno::EACCES)
    }

    fn within(parent: &CStr) -> Result<Self, Errno> {
        let parent = Fd::open_at(AT_FDCWD, parent, O_PATH | O_DIRECTORY | O_CLOEXEC)?;
        let mut random = [0_u64; 2];
        call(
            number::GETRANDOM,
            [random.as_mut_ptr() as u64, 16, 0, 0, 0, 0],
        )?;
        let [high, low] = random;
        let name =
            CString::new(format!(".armistice-{high:016x}{low:016x}")).map_err(|_| Errno::EINVAL)?;
        make_directory(parent.number(), &name)?;
        match Fd::open_at(parent.number(), &name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) {
            Ok(directory) => Ok(Self {
                parent,
                name,
                directory,
            }),
            Err(error) => {
                remove(parent.number(), &name, true);
                Err(error)
            }
        }
    }

    /// Goes there, or so far below that a path's steps up don't lead out, and makes
    /// the directories that the path names, as if this was the root.
    pub(super) fn enter(&self, path: &[u8]) -> Result<(), Errno> {
        let is_up = |step: &&[u8]| *step == b"..";
        let ups = path.split(|&byte| byte == b'/').filter(is_up).count();
        let directory = fd_argument(self.directory.number());
        call(number::FCHDIR, [directory, 0, 0, 0, 0, 0])?;
        if !path.starts_with(b"/") {
            for _ in 0..ups {
                make_directory(AT_FDCWD, c"d")?;
                call(number::CHDIR, [c"d".as_ptr() as u64, 0, 0, 0, 0, 0])?;
            }
        }
        let start = path.iter().take_while(|&&byte| byte == b'/').count();
        let path = &path[start..];
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        for (end, _) in slashes {
            let step = CString::new(&path[..end]).map_err(|_| Errno::EINVAL)?;
            // It may be there, as what is above is.
            let _ = make_directory(AT_FDCWD, &step);
        }
        Ok(())
    }

    /// Removes it with all that is in it.
    pub(super) fn remove(&self) {
        self.remove_from(self.parent.number());
    }

    /// The same, where its parent has another descriptor.
    pub(super) fn remove_from(&self, parent: i32) {
        /// More than a path of directories can have.
        const DEEPEST: u32 = 4096;
        remove_tree(parent, &self.name, DEEPEST);
    }
}

fn make_directory(parent: i32, name: &CStr) -> Result<u64, Errno> {
    let arguments = [fd_argument(parent), name.as_ptr() as u64, 0o700, 0, 0, 0];
    call(number::MKDIRAT, arguments)
}

fn remove(parent: i32, name: &CStr, is_directory: bool) -> bool {
    let flags = if is_directory { AT_REMOVEDIR } else { 0 };
    let arguments = [fd_argument(parent), name.as_ptr() as u64, flags, 0, 0, 0];
    call(number::UNLINKAT, arguments).is_ok()
}

fn remove_tree(parent: i32, name: &CStr, depth: u32) {
    if remove(parent, name, true) || depth == 0 {
        return;
    }
    let flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if let Ok(directory) = Fd::open_at(parent, name, flags) {
        for entry in entries(&directory) {
            if !remove(directory.number(), &entry, false) {
                remove_tree(directory.number(), &entry, depth - 1);
            }
        }
    }
    remove(parent, name, true);
}

/// The names in a directory with few.
fn entries(directory: &Fd) -> Vec<CString> {
    /// Of `struct linux_dirent64`.
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    let mut found = Vec::new();
    let mut entries = [0_u8; 2048];
    let directory = fd_argument(directory.number());
    let place = [directory, entries.as_mut_ptr() as u64, 2048, 0, 0, 0];
    let read = call(number::GETDENTS64, place).unwrap_or(0);
    let mut rest = entries
        .get(..usize::try_from(read).unwrap_or(0))
        .unwrap_or_default();
    while let Some(&[low, high]) = rest.get(LENGTH..LENGTH + 2) {
        let length = usize::from(u16::from_le_bytes([low, high]));
        let name = rest.get(NAME..length).unwrap_or_default();
        let name = CStr::from_bytes_until_nul(name).unwrap_or_default();
        if ![c".", c".."].contains(&name) {
            found.push(name.into());
        }
        rest = rest.get(length.max(1)..).unwrap_or_default();
    }
    found
}
