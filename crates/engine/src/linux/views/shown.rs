//! Texts that take the place of the host's: files in memory, which are to
//! look like the files that they stand for.
//!
//! The process remembers which files it made, by their inodes: who asks what
//! such a file is, is told what the other one is ([`Shown::of`]), and who reads
//! it again from its beginning gets a new text. What a file in memory says of
//! itself would not do: others can make one that says the same, and hand
//! it to a process that then tells or does what they want. So after an `exec` it
//! is a file in memory like any other.

use alloc::ffi::CString;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use super::place;
use super::registers::{self, Register};
use crate::host::lock::{SpinLock, Unlock};
use crate::host::sys::{self, AT_FDCWD, Errno, Fd, Status, fd_argument, number};
use crate::linux::executable::Identity;

/// What a text stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// The file's status.
    pub status: Status,
    /// What a descriptor's link says of it.
    pub link: Vec<u8>,
    /// Whether the host has the file.
    pub is_hosts: bool,
}

impl Original {
    /// What the kernel says to who wants to map it.
    #[must_use]
    pub const fn mapped(&self) -> Errno {
        if self.status.ino >= place::FIRST_OF_ALL {
            Errno::EIO
        } else {
            Errno::ENODEV
        }
    }

    /// A path to the file, if that is still there. Of a register, it is that of the file
    /// that takes its place.
    #[must_use]
    pub fn path(&self) -> Option<CString> {
        let path = if self.is_hosts {
            self.link.clone()
        } else {
            let processor = registers::processor_of(AT_FDCWD, &self.link)?;
            [&processor.path(), &b"/"[..], Register::INSTEAD.to_bytes()].concat()
        };
        let path = CString::new(path).ok()?;
        let there = sys::status_at(AT_FDCWD, &path, 0).ok()?;
        let is_same = (there.dev, there.ino) == (self.status.dev, self.status.ino);
        is_same.then_some(path)
    }

    /// Opens the file again with these flags of the host's; nothing where it is not found.
    ///
    /// # Errors
    /// What the kernel says of the file.
    #[must_use]
    pub fn open(&self, flags: u64) -> Option<Result<Fd, Errno>> {
        let path = self.path()?;
        Some(Fd::open_at(AT_FDCWD, &path, flags))
    }
}

/// A text that was made: the device and inode of the file in memory.
#[derive(Debug)]
struct Entry {
    device: u64,
    inode: u64,
    original: Arc<Original>,
}

/// As many as a process has open at a time. Where there are more, the one that was
/// asked for longest ago is a file in memory like any other.
const MOST: usize = 512;

/// The texts that the process has made.
#[derive(Debug, Default)]
pub struct Shown {
    /// Whether there is any.
    any: AtomicBool,
    entries: SpinLock<Vec<Entry>>,
}

impl Shown {
    /// Keeps others out until what is returned is dropped.
    #[must_use]
    pub fn hold(&self) -> Unlock<'_> {
        self.entries.hold()
    }

    /// Whether there is any text.
    #[must_use]
    pub fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// What the text stands for that has this status.
    #[must_use]
    pub fn of(&self, status: &Status) -> Option<Arc<Original>> {
        self.of_inode(status.dev, status.ino)
    }

    /// The same, of a descriptor. Most processes have no texts.
    #[must_use]
    pub fn of_descriptor(&self, fd: i32) -> Option<Arc<Original>> {
        if !self.any() {
            return None;
        }
        let file = core::mem::ManuallyDrop::new(Fd::new(fd));
        self.of(&file.status().ok()?)
    }

    /// The same, of a file.
    #[must_use]
    pub fn of_file(&self, file: Identity) -> Option<Arc<Original>> {
        self.of_inode(file.device, file.inode)
    }

    fn of_inode(&self, device: u64, inode: u64) -> Option<Arc<Original>> {
        if !self.any() {
            return None;
        }
        self.entries.with(|entries| {
            let is_it = |entry: &Entry| (entry.device, entry.inode) == (device, inode);
            let place = entries.iter().rposition(is_it)?;
            // The last one is the one that was asked for last.
            entries[place..].rotate_left(1);
            entries.last().map(|entry| Arc::clone(&entry.original))
        })
    }

    /// A file in memory with a text in place of another file, as if that were
    /// opened with these flags.
    ///
    /// # Errors
    /// The kernel's.
    pub fn make(&self, text: &[u8], original: Original, flags: u64) -> Result<Fd, Errno> {
        let made = file(text, &original.link, flags)?;
        if let Ok(status) = made.status() {
            let entry = Entry {
                device: status.dev,
                inode: status.ino,
                original: Arc::new(original),
            };
            self.add(entry);
        }
        Ok(made)
    }

    fn add(&self, entry: Entry) {
        let empty = self.entries.with(|entries| entries.capacity() == 0);
        let mut space = if empty {
            Vec::with_capacity(MOST)
        } else {
            Vec::new()
        };
        let old = self.entries.with(|entries| {
            if entries.capacity() == 0 {
                core::mem::swap(entries, &mut space);
            }
            let old = (entries.len() >= MOST).then(|| entries.remove(0));
            entries.push(entry);
            old
        });
        drop(old);
        self.any.store(true, Ordering::Relaxed);
    }
}

/// `O_CLOEXEC` and `O_NONBLOCK`, the same on both.
const O_CLOEXEC: u64 = 0o2_000_000;
const O_NONBLOCK: u64 = 0o4_000;

fn file(text: &[u8], link: &[u8], flags: u64) -> Result<Fd, Errno> {
    const MFD_CLOEXEC: u64 = 1;
    /// Since Linux 6.3.
    const MFD_NOEXEC_SEAL: u64 = 8;
    const NOT_TO_EXECUTE: u64 = 0o666;
    /// The longest name.
    const NAME: usize = 240;
    let name = CString::new(link.get(..NAME).unwrap_or(link)).unwrap_or_default();
    let close = if flags & O_CLOEXEC == 0 {
        0
    } else {
        MFD_CLOEXEC
    };
    // SAFETY: the kernel reads the string only; the other calls touch no
    // memory but the text.
    unsafe {
        let create = |flags| {
            let arguments = [name.as_ptr() as u64, flags, 0, 0, 0, 0];
            let fd = sys::syscall(number::MEMFD_CREATE, arguments)?;
            i32::try_from(fd).map(Fd::new).map_err(|_| Errno::EBADF)
        };
        let fd = match create(close | MFD_NOEXEC_SEAL) {
            Err(Errno::EINVAL) => {
                let fd = create(close)?;
                let this = fd_argument(fd.number());
                sys::syscall(number::FCHMOD, [this, NOT_TO_EXECUTE, 0, 0, 0, 0])?;
                fd
            }
            fd => fd?,
        };
        sys::write_all(fd.number(), text)?;
        let this = fd_argument(fd.number());
        sys::syscall(number::LSEEK, [this, 0, 0, 0, 0, 0])?;
        for_reading(&fd, flags & (O_CLOEXEC | O_NONBLOCK));
        Ok(fd)
    }
}

/// Opens what a descriptor leads to once more.
fn open_again(file: &Fd, flags: u64) -> Option<Fd> {
    let path = CString::new(format!("/proc/thread-self/fd/{}", file.number())).ok()?;
    Fd::open_at(AT_FDCWD, &path, flags).ok()
}

/// Has the descriptor be one that was opened to be read only, as the guest asked:
/// who writes to it is told so by the descriptor, not by the file. Where `/proc` does
/// not lead to it, or there is no descriptor left, it stays as it is.
fn for_reading(file: &Fd, flags: u64) {
    if let Some(opened) = open_again(file, flags) {
        let this = fd_argument(file.number());
        let arguments = [
            fd_argument(opened.number()),
            this,
            flags & O_CLOEXEC,
            0,
            0,
            0,
        ];
        // SAFETY: the descriptor that is replaced is the caller's.
        let _ = unsafe { sys::syscall(number::DUP3, arguments) };
    }
}

/// Gives a file in memory another text.
pub fn rewrite(file: &Fd, text: &[u8]) {
    const O_WRONLY: u64 = 1;
    let Some(file) = open_again(file, O_WRONLY | O_CLOEXEC) else {
        return;
    };
    if sys::write_all(file.number(), text).is_ok() {
        let length = text.len() as u64;
        let arguments = [fd_argument(file.number()), length, 0, 0, 0, 0];
        // SAFETY: the call touches no memory of this process's: nobody may map
        // the file.
        let _ = unsafe { sys::syscall(number::FTRUNCATE, arguments) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn original(inode: u64) -> Original {
        let status = Status {
            ino: inode,
            ..Status::default()
        };
        Original {
            status,
            link: b"/proc/a".to_vec(),
            is_hosts: true,
        }
    }

    #[test]
    fn texts_are_remembered() {
        let shown = Shown::default();
        let text = |file: &Fd| {
            let mut text = [0; 9];
            let length = file.read_at(&mut text, 0).unwrap();
            text[..length].to_vec()
        };
        let first = shown.make(b"text", original(7), O_CLOEXEC).unwrap();
        let second = shown.make(b"", original(8), O_CLOEXEC).unwrap();
        assert_eq!(text(&first), b"text");
        assert_eq!(first.path(), b"/memfd:/proc/a (deleted)");
        let inode = |file: &Fd| shown.of_descriptor(file.number()).unwrap().status.ino;
        assert_eq!([inode(&first), inode(&second), inode(&first)], [7, 8, 7]);
        assert_eq!(sys::write_all(first.number(), b"no"), Err(Errno::EBADF));
        rewrite(&first, b"another");
        assert_eq!(text(&first), b"another");
        rewrite(&first, b"one");
        assert_eq!(text(&first), b"one");
        // Those that others made are not.
        assert!(Shown::default().of_descriptor(first.number()).is_none());
        assert!(shown.of_descriptor(-1).is_none());
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let shown = Shown::default();
        let first = shown.make(b"", original(1), O_CLOEXEC).unwrap();
        for inode in 0..MOST as u64 - 1 {
            // No device has this number.
            shown.add(Entry {
                device: u64::MAX,
                inode,
                original: Arc::new(original(2)),
            });
        }
        assert!(shown.of_descriptor(first.number()).is_some());
        let add = |inode| {
            shown.add(Entry {
                device: u64::MAX,
                inode,
                original: Arc::new(original(2)),
            });
        };
        add(1 << 20);
        assert!(shown.of_descriptor(first.number()).is_some());
        assert!(shown.of_inode(u64::MAX, 0).is_none());
        (0..MOST as u64).for_each(|inode| add(1 << 30 | inode));
        assert!(shown.of_descriptor(first.number()).is_none());
    }
}
