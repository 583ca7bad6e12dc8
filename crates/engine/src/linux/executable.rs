//! The guest's executable: the file itself, and not its name.
//!
//! To the host's kernel the executable of every guest is the engine. What
//! `/proc/PID/exe` should lead to has to be kept here, and kept as a file: its
//! name may be removed, given to another file, hidden by a mount or by
//! `chroot`, or it never had one. So a descriptor of the file stays open, from
//! the start of the program to its end ([`Held`]). [`super::exe_link`] finds
//! who asks for it.
//!
//! The descriptor is `O_PATH`: it names the file and gives no right to it. Who
//! opens the file through it is asked for permission as by any other path.
//! The guest does not see it: its number is for the guest's calls one that is
//! not open, and the guest may take the number, for which the descriptor
//! moves out of its way ([`super::syscalls`]). Where one thread uses the table, it also
//! moves up before the guest's numbers reach it, so that each new descriptor of the guest's
//! has the lowest number that is free; descriptors that come in a message are not counted.
//! It is close-on-exec. Where no descriptor is left for the guest, this one is given
//! up; from then on the file is found by the name that it had ([`given_up`]).

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::mem::ManuallyDrop;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU64, Ordering};

use crate::host::sys::{self, AT_FDCWD, Errno, Fd, Status, fd_argument, number};

/// Which file it is: device and inode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// As `st_dev` has it.
    pub device: u64,
    /// `st_ino`.
    pub inode: u64,
}

impl From<&Status> for Identity {
    fn from(status: &Status) -> Self {
        Self {
            device: status.dev,
            inode: status.ino,
        }
    }
}

/// The engine's own file, once it was asked for.
static ENGINE: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
static IS_KNOWN: AtomicBool = AtomicBool::new(false);

/// Whether a file is the engine's own. Where `/proc` is not mounted, nobody
/// gets there by a process's link.
#[must_use]
pub fn is_engine(file: Identity) -> bool {
    if !IS_KNOWN.load(Ordering::Acquire) {
        let Ok(status) = sys::status_at(AT_FDCWD, c"/proc/self/exe", 0) else {
            return false;
        };
        // Two threads at once find the same.
        ENGINE[0].store(status.dev, Ordering::Relaxed);
        ENGINE[1].store(status.ino, Ordering::Relaxed);
        IS_KNOWN.store(true, Ordering::Release);
    }
    let [device, inode] = [0, 1].map(|word: usize| ENGINE[word].load(Ordering::Relaxed));
    file == Identity { device, inode }
}

/// The name of the program's file, once its descriptor was given up: without a
/// descriptor, `maps` can't be opened to find it.
static NAME: AtomicPtr<Vec<u8>> = AtomicPtr::new(ptr::null_mut());

/// The name that the program's file had when its descriptor was given up.
#[must_use]
pub fn given_up() -> Option<&'static [u8]> {
    let name = NAME.load(Ordering::Acquire);
    // SAFETY: it is null, or a vector that was leaked and is never written to.
    unsafe { name.as_ref() }.map(Vec::as_slice)
}

/// Remembers the name of the file that a descriptor is of.
fn remember(number: i32) {
    let link = format!("/proc/thread-self/fd/{number}\0");
    let name = CStr::from_bytes_with_nul(link.as_bytes())
        .ok()
        .and_then(|link| sys::link_at(AT_FDCWD, link).ok());
    if let Some(name) = name {
        // The one before stays, since it may be looked at: that is as seldom as
        // programs run out of descriptors.
        NAME.store(Box::into_raw(Box::new(name)), Ordering::Release);
    }
}

/// The descriptor of the program's file in a table of descriptors. Those who
/// share the table share this.
#[derive(Debug)]
pub struct Held {
    number: AtomicI32,
}

/// What a process knows of its own executable.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    /// The descriptor that holds it; none that can be where there is none.
    pub number: i32,
    /// Which file it is.
    pub file: Identity,
}

/// No descriptor.
const NONE: i32 = -1;
/// From here on a number is looked for: above what programs have open, and
/// below what would make the kernel's table large, which `fork` copies.
const PLACE: u64 = 236;
const F_DUPFD_CLOEXEC: u64 = 1030;

impl Held {
    /// Holds the file that a descriptor is of. Where that can't be, none.
    #[must_use]
    pub fn new(file: &Fd) -> Self {
        let number = name_only(file).map(|file| {
            let number = to_place(file.number());
            number.unwrap_or_else(|| ManuallyDrop::new(file).number())
        });
        Self {
            number: AtomicI32::new(number.unwrap_or(NONE)),
        }
    }

    /// The number, or none that a descriptor can have.
    #[must_use]
    pub fn number(&self) -> i32 {
        self.number.load(Ordering::Acquire)
    }

    /// For a copy of the table.
    #[must_use]
    pub fn copied(&self) -> Self {
        Self {
            number: AtomicI32::new(self.number()),
        }
    }

    /// Leaves the number to the guest, which is about to put a descriptor
    /// there: that closes the one here.
    pub fn move_away(&self) {
        let number = self.number();
        if number != NONE {
            let moved = to_place(number).unwrap_or(NONE);
            self.number.store(moved, Ordering::Release);
        }
    }

    /// Moves the descriptor up where the guest's descriptors come close to it, so that the
    /// guest's next number is not one too high. `given` is what a call has returned, which
    /// may be a new descriptor; `None` where the call has put two descriptors into memory.
    ///
    /// No other thread may use the table: one that put a descriptor at the old number, before
    /// that is closed here, would lose it.
    pub fn make_room(&self, given: Option<u64>) {
        /// So many numbers below is close: a call may make some that are not counted.
        const CLOSE: u64 = 8;
        const F_GETFD: u64 = 1;
        let number = self.number();
        let Ok(held) = u64::try_from(number) else {
            return;
        };
        // If two descriptors were just made and are the lowest, this number comes next.
        let given = given.unwrap_or(held.saturating_sub(2));
        if given >= held || held - given > CLOSE {
            return;
        }
        // SAFETY: the call touches no memory.
        if unsafe { sys::syscall(number::FCNTL, [given, F_GETFD, 0, 0, 0, 0]) }.is_err() {
            return;
        }
        let top = sys::descriptor_limit().saturating_sub(1);
        let from = (2 * (held + 1)).min(top);
        let Some(moved) = (from > held).then(|| copy(number, from)).flatten() else {
            return;
        };
        self.number.store(moved, Ordering::Release);
        drop(Fd::new(number));
    }

    /// The guest was told that it has no descriptors left. Gives this one to it
    /// where that is so, and returns whether the guest should try again. It may want two.
    #[must_use]
    pub fn give_up(&self, wants_two: bool) -> bool {
        let number = self.number();
        if number == NONE || u64::from(number.unsigned_abs()) >= sys::descriptor_limit() {
            return false;
        }
        // Other things have limits with the same error.
        let free = || {
            let one = [fd_argument(number), 0, 0, 0, 0, 0];
            // SAFETY: the call touches no memory.
            let copy = unsafe { sys::syscall(number::DUP, one) };
            copy.ok()
                .and_then(|copy| i32::try_from(copy).ok().map(Fd::new))
        };
        let one = free();
        if one.is_some() && (!wants_two || free().is_some()) {
            return false;
        }
        drop(one);
        remember(number);
        let taken = self
            .number
            .compare_exchange(number, NONE, Ordering::AcqRel, Ordering::Acquire);
        if taken.is_ok() {
            drop(Fd::new(number));
        }
        true
    }
}

/// A descriptor for the same file that gives no right to it.
fn name_only(file: &Fd) -> Option<Fd> {
    const O_PATH_CLOEXEC: u64 = 0o12_000_000;
    /// `AT_EMPTY_PATH | OPEN_TREE_CLOEXEC`.
    const THE_FILE: u64 = 0x1000 | 0o2_000_000;
    let link = format!("/proc/self/fd/{}\0", file.number());
    let link = CStr::from_bytes_with_nul(link.as_bytes()).ok()?;
    match Fd::open_at(AT_FDCWD, link, O_PATH_CLOEXEC) {
        // Without `/proc`. Not the first choice, since filters that jail
        // services may end who makes this call.
        Err(Errno::ENOENT) => {
            let number = fd_argument(file.number());
            let arguments = [number, c"".as_ptr() as u64, THE_FILE, 0, 0, 0];
            // SAFETY: the kernel reads the string only.
            let fd = unsafe { sys::syscall(number::OPEN_TREE, arguments) };
            i32::try_from(fd.ok()?).ok().map(Fd::new)
        }
        opened => opened.ok(),
    }
}

/// Another number for a descriptor, the lowest one from here on.
fn copy(number: i32, from: u64) -> Option<i32> {
    let arguments = [fd_argument(number), F_DUPFD_CLOEXEC, from, 0, 0, 0];
    // SAFETY: the call touches no memory.
    unsafe { sys::syscall(number::FCNTL, arguments) }
        .ok()
        .and_then(|fd| i32::try_from(fd).ok())
}

/// Another number for a descriptor, out of the way.
fn to_place(number: i32) -> Option<i32> {
    // Below a small limit the last number, else any.
    let limit = sys::descriptor_limit();
    copy(number, PLACE)
        .or_else(|| copy(number, limit.saturating_sub(1)))
        .or_else(|| copy(number, limit / 2))
        .or_else(|| copy(number, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(number: i32) -> Option<Identity> {
        let file = ManuallyDrop::new(Fd::new(number));
        file.status().ok().map(|status| Identity::from(&status))
    }

    #[test]
    fn a_file_is_held_out_of_the_way() {
        let file = Fd::open(c"/proc/self/exe").unwrap();
        let which = Identity::from(&file.status().unwrap());
        assert!(is_engine(which));
        let held = Held::new(&file);
        let first = held.number();
        assert!(u64::from(first.unsigned_abs()) >= PLACE);
        assert_eq!(identity(first), Some(which));
        // It gives no right to the file.
        let same = ManuallyDrop::new(Fd::new(first));
        assert_eq!(same.read_at(&mut [0; 1], 0), Err(Errno::EBADF));
        held.move_away();
        let second = held.number();
        assert_ne!(first, second);
        assert_eq!(identity(second), Some(which));
        // There are descriptors left.
        assert!(!held.give_up(false) && !held.give_up(true));
        drop((Fd::new(first), Fd::new(second)));
    }
}
