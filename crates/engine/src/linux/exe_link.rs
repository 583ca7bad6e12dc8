//! Links to executables: `/proc/PID/exe`, by whatever path.
//!
//! To the host's kernel they lead to the engine. So who has been led to the
//! engine's file ([`super::executable::is_engine`]) may have meant a guest's
//! program. That is decided here: the path is followed once more, link by link,
//! to see whether its last link is a process's `exe`. Where it is another, or
//! none, the engine's file was meant. Only a last link can be one, since an
//! executable is no directory.
//!
//! What is behind it is the file that the process holds, reached through the
//! same directory of `/proc`: `fd/NUMBER` beside `exe`. Permissions are then
//! the kernel's to ask for, as at `exe`, and so is what the link says.
//!
//! Another process is not asked for its number: that it could be wrong about, on
//! purpose too. The kernel was told where its program's code is mapped, and
//! says from which file; the descriptor is the one with that file.

use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;

use super::executable::{Identity, Own, given_up, is_engine};
use super::views::maps;
use crate::host::directory;
use crate::host::sys::{self, AT_FDCWD, Errno, Fd, PATH_MAX, Status};

/// As many links in a path as the kernel follows.
const MOST_LINKS: usize = 40;
const S_IFMT: u32 = 0o170_000;
const S_IFREG: u32 = 0o100_000;
const S_IFLNK: u32 = 0o120_000;
/// `AT_SYMLINK_NOFOLLOW`.
const NO_FOLLOW: u64 = 0x100;
/// `O_PATH | O_CLOEXEC`.
const NAME_ONLY: u64 = 0o12_000_000;

/// A path to a program's file.
#[derive(Debug)]
pub struct Target {
    /// Where a relative path starts.
    pub directory: i32,
    /// The path.
    pub path: CString,
    /// What `exe` says, where the path is no link that would say it.
    says: Option<Vec<u8>>,
    /// What the path leads through, open as long as it is used.
    _through: Option<Fd>,
}

impl Target {
    fn link(directory: i32, path: CString) -> Self {
        Self {
            directory,
            path,
            says: None,
            _through: None,
        }
    }

    /// What a link to the file says.
    ///
    /// # Errors
    /// The kernel's.
    pub fn says(&self) -> Result<Vec<u8>, Errno> {
        match &self.says {
            Some(text) => Ok(text.clone()),
            None => sys::link_at(self.directory, &self.path),
        }
    }
}

/// The file that a path leads to, where the host would lead to the engine and
/// the guest means a program. `status` is of the file that the path leads to.
#[must_use]
pub fn of_file(own: Own, status: &Status, directory: i32, path: &[u8]) -> Option<Target> {
    if status.mode & S_IFMT != S_IFREG || !is_engine(Identity::from(status)) {
        return None;
    }
    let (directory, folder) = folder_of_exe(directory, path)?;
    program(own, directory, &folder)
}

/// Whether a path ends at a process's `exe`.
#[must_use]
pub fn ends_there(directory: i32, path: &[u8]) -> bool {
    folder_of_exe(directory, path).is_some()
}

/// The same as [`of_file`], where it is not known yet what the path leads to.
#[must_use]
pub fn of_path(own: Own, directory: i32, path: &CStr) -> Option<Target> {
    let status = sys::status_at(directory, path, 0).ok()?;
    of_file(own, &status, directory, path.to_bytes())
}

/// The file that is behind a link, where the path is that of the link itself;
/// with no path, the descriptor is the link's.
#[must_use]
pub fn of_link(own: Own, directory: i32, path: &[u8]) -> Option<Target> {
    if path.is_empty() {
        return of_open_link(own, directory);
    }
    // The kernel does not follow the last link, so its name is in the path.
    let folder = path.strip_suffix(b"exe")?;
    if !(folder.is_empty() || folder.ends_with(b"/")) {
        return None;
    }
    let path = CString::new(path).ok()?;
    let status = sys::status_at(directory, &path, NO_FOLLOW).ok()?;
    if !is_of_proc(&status) {
        return None;
    }
    // Most ask for their own.
    let beside = Folder {
        directory,
        path: folder,
    };
    match beside.has_own(own) {
        Some(file) => Some(Target::link(directory, file)),
        None => of_path(own, directory, &path),
    }
}

/// The same, by a descriptor of the link: it has a path as long as it can be
/// reached.
fn of_open_link(own: Own, link: i32) -> Option<Target> {
    const EMPTY_PATH: u64 = 0x1000;
    let status = sys::status_at(link, c"", EMPTY_PATH).ok()?;
    if !is_of_proc(&status) {
        return None;
    }
    let to_link = CString::new(format!("/proc/thread-self/fd/{link}")).ok()?;
    let path = CString::new(sys::link_at(AT_FDCWD, &to_link).ok()?).ok()?;
    let there = sys::status_at(AT_FDCWD, &path, NO_FOLLOW).ok()?;
    if Identity::from(&there) != Identity::from(&status) || path.is_empty() {
        return None;
    }
    of_link(own, AT_FDCWD, path.to_bytes())
}

/// Whether it is a link of `/proc`'s, which have no size, as others have.
const fn is_of_proc(status: &Status) -> bool {
    status.mode & S_IFMT == S_IFLNK && status.size == 0
}

/// The folder of the `exe` that a path ends at, with a slash behind, and where
/// that starts.
fn folder_of_exe(mut directory: i32, path: &[u8]) -> Option<(i32, Vec<u8>)> {
    let mut path = path.to_vec();
    for _ in 0..MOST_LINKS {
        let name = CString::new(path).ok()?;
        let status = sys::status_at(directory, &name, NO_FOLLOW).ok()?;
        if status.mode & S_IFMT != S_IFLNK {
            return None;
        }
        path = name.to_bytes().to_vec();
        let start = path
            .iter()
            .rposition(|&byte| byte == b'/')
            .map_or(0, |at| at + 1);
        // Those of `/proc` have no size, and those beside `exe` that lead to a
        // file lead to what they say.
        if is_of_proc(&status) {
            let is_exe = &path[start..] == b"exe";
            path.truncate(start);
            return is_exe.then_some((directory, path));
        }
        let text = sys::link_at(directory, &name).ok()?;
        if text.starts_with(b"/") {
            directory = AT_FDCWD;
            path = text;
        } else {
            path.truncate(start);
            path.extend_from_slice(&text);
        }
        if path.len() >= PATH_MAX {
            return None;
        }
    }
    None
}

/// The file of the program whose folder in `/proc` it is.
fn program(own: Own, directory: i32, folder: &[u8]) -> Option<Target> {
    let folder = Folder {
        directory,
        path: folder,
    };
    if let Some(path) = folder.has_own(own) {
        return Some(Target::link(directory, path));
    }
    // Where no descriptor is left, nothing of the folder can be opened.
    if own.number < 0
        && let Some(name) = given_up()
        && folder.is_own()
    {
        let mapped = Mapped {
            name: name.to_vec(),
            inode: own.file.inode,
        };
        return Some(mapped.by_name());
    }
    let Some(mapped) = folder.program() else {
        // It may have ended meanwhile, which the kernel says.
        let exe = folder.file("exe")?;
        let is_gone = sys::link_at(directory, &exe).is_err();
        return is_gone.then(|| Target::link(directory, exe));
    };
    match folder.descriptor_of(&mapped, own.number) {
        Some((_, path)) => folder.pinned(path),
        None => Some(mapped.by_name()),
    }
}

/// The number of the descriptor that holds the program of a process, by its
/// folder in `/proc`; none where it is no guest.
#[must_use]
pub fn held_in(own: Own, directory: i32, folder: &[u8]) -> Option<u32> {
    let folder = Folder {
        directory,
        path: folder,
    };
    let exe = sys::status_at(directory, &folder.file("exe")?, 0).ok()?;
    if !is_engine(Identity::from(&exe)) {
        return None;
    }
    if folder.has_own(own).is_some() {
        return u32::try_from(own.number).ok();
    }
    let (number, _) = folder.descriptor_of(&folder.program()?, own.number)?;
    let about = folder.read(&format!("fdinfo/{number}"))?;
    let mut lines = about.split(|&byte| byte == b'\n');
    let flags = lines.find_map(|line| line.strip_prefix(b"flags:"))?;
    let flags = u64::from_str_radix(core::str::from_utf8(flags.trim_ascii()).ok()?, 8);
    (flags == Ok(NAME_ONLY)).then_some(number.unsigned_abs())
}

/// A folder of a process in `/proc`.
#[derive(Clone, Copy)]
struct Folder<'a> {
    directory: i32,
    path: &'a [u8],
}

/// What is mapped where the code of a process begins.
struct Mapped {
    /// The file's name, as the kernel says it.
    name: Vec<u8>,
    inode: u64,
}

impl Mapped {
    /// The file by its name, if that is still its name; else nowhere.
    fn by_name(self) -> Target {
        const NOWHERE: &CStr = c"/proc/self/fd/-";
        let path = CString::new(&*self.name).ok().filter(|path| {
            let there = sys::status_at(AT_FDCWD, path, 0);
            there.is_ok_and(|there| there.ino == self.inode && there.mode & S_IFMT == S_IFREG)
        });
        Target {
            says: Some(self.name),
            ..Target::link(AT_FDCWD, path.unwrap_or_else(|| NOWHERE.into()))
        }
    }
}

impl Folder<'_> {
    fn file(self, name: &str) -> Option<CString> {
        let mut path = self.path.to_vec();
        path.extend_from_slice(name.as_bytes());
        CString::new(path).ok()
    }

    fn read(self, name: &str) -> Option<Vec<u8>> {
        /// `O_CLOEXEC`.
        const FOR_READING: u64 = 0o2_000_000;
        let file = Fd::open_at(self.directory, &self.file(name)?, FOR_READING).ok()?;
        file.read_all().ok()
    }

    /// The link of a descriptor, and what it leads to.
    fn descriptor(self, number: i32) -> Option<(CString, Status)> {
        let path = self.file(&format!("fd/{}", u32::try_from(number).ok()?))?;
        let status = sys::status_at(self.directory, &path, 0).ok()?;
        Some((path, status))
    }

    /// What is mapped where the kernel was told that its code begins. A process
    /// that has just become another program is given the time to say it.
    fn program(self) -> Option<Mapped> {
        const ATTEMPTS: usize = 100;
        const MILLISECOND: u64 = 1_000_000;
        let mut before = None;
        for _ in 0..ATTEMPTS {
            let code = code_start(&self.read("stat")?)?;
            let maps = self.read("maps")?;
            let engine = sys::link_at(self.directory, &self.file("exe")?).ok()?;
            match maps::mapped_at(&maps, code) {
                Some((name, inode)) if name != engine => return Some(Mapped { name, inode }),
                // The one may be of the program before, the other of the next.
                None if code != 0 && before != Some(code) => {}
                None if code != 0 => return None,
                // The engine has not said it yet, nor has the kernel.
                _ => sys::pause(MILLISECOND),
            }
            before = Some(code);
        }
        None
    }

    /// The link of the descriptor that has this number in the calling process,
    /// if it is of that process's program: whose folder it is does not matter
    /// then.
    fn has_own(self, own: Own) -> Option<CString> {
        let (path, status) = self.descriptor(own.number)?;
        (Identity::from(&status) == own.file).then_some(path)
    }

    /// Whether it is that of the calling process or thread.
    fn is_own(self) -> bool {
        let identity = |directory, path: &CStr| {
            let status = sys::status_at(directory, path, 0).ok()?;
            Some(Identity::from(&status))
        };
        let here = self
            .file(".")
            .and_then(|path| identity(self.directory, &path));
        here.is_some()
            && [c"/proc/self", c"/proc/thread-self"]
                .into_iter()
                .any(|path| identity(AT_FDCWD, path) == here)
    }

    /// The descriptor that has the file: its number and its link. One number is
    /// tried first.
    fn descriptor_of(self, mapped: &Mapped, first: i32) -> Option<(i32, CString)> {
        let is_it = |number: i32, exact: bool| {
            let (path, status) = self.descriptor(number)?;
            let same = status.mode & S_IFMT == S_IFREG
                && (status.ino == mapped.inode || !exact)
                && sys::link_at(self.directory, &path).ok()? == mapped.name;
            same.then_some((number, path))
        };
        is_it(first, true).or_else(|| {
            let numbers = self.descriptors()?;
            // Some file systems show another inode at a mapping than at a file.
            [true, false]
                .into_iter()
                .find_map(|exact| numbers.iter().find_map(|&number| is_it(number, exact)))
        })
    }

    /// The numbers of its descriptors, the highest first.
    fn descriptors(self) -> Option<Vec<i32>> {
        /// `O_DIRECTORY | O_CLOEXEC`.
        const FOLDER: u64 = 0o2_200_000;
        let folder = Fd::open_at(self.directory, &self.file("fd")?, FOLDER).ok()?;
        let mut numbers: Vec<i32> = Vec::new();
        let number = |entry: directory::Entry<'_>| i32::try_from(entry.number()?).ok();
        directory::read(&folder, |entry| numbers.extend(number(entry))).ok()?;
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        Some(numbers)
    }

    /// Another process may put another file there, even one that nobody should
    /// open: so it is not looked for by the number again.
    fn pinned(self, path: CString) -> Option<Target> {
        let Ok(file) = Fd::open_at(self.directory, &path, NAME_ONLY) else {
            return Some(Target::link(self.directory, path));
        };
        let status = file.status().ok()?;
        let own = CString::new(format!("/proc/thread-self/fd/{}", file.number())).ok()?;
        let there = sys::status_at(AT_FDCWD, &own, 0).ok();
        if there.is_none_or(|there| Identity::from(&there) != Identity::from(&status)) {
            return Some(Target::link(self.directory, path));
        }
        (status.mode & S_IFMT == S_IFREG).then_some(Target {
            _through: Some(file),
            ..Target::link(AT_FDCWD, own)
        })
    }
}

/// Field 26 of `stat`.
fn code_start(stat: &[u8]) -> Option<u64> {
    // Behind the name, which may have spaces and parentheses, the third
    // field comes.
    let behind = stat.rsplit(|&byte| byte == b')').next()?;
    let field = behind.split(|&byte| byte == b' ').nth(26 - 2)?;
    core::str::from_utf8(field).ok()?.parse().ok()
}
