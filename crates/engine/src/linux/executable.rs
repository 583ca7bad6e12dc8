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
use core::hint::spin_loop;
use core::mem::ManuallyDrop;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

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
///
/// The number changes where the guest wants it. A thread that put a descriptor at the old
/// number, or closed one at the new number, in the middle of that would lose it, or take the
/// engine's. So whoever closes or replaces a descriptor by its number *uses* the table
/// ([`Held::uses`]), and the number changes while nobody does. Who asks for the number
/// meanwhile waits.
#[derive(Debug)]
pub struct Held {
    /// The number; how many use the table; whether the number is being changed.
    state: AtomicU64,
}

/// One who uses the table.
const USER: u64 = 1 << 32;
const CHANGING: u64 = 1 << 63;

#[allow(clippy::cast_possible_truncation, reason = "it is the lower half")]
const fn number_in(state: u64) -> i32 {
    (state as u32).cast_signed()
}

/// Lets another thread go on, of whatever priority: 0.1 ms.
fn pause() {
    sys::pause(100_000);
}

/// The number stays the same until this is dropped.
#[derive(Debug)]
pub struct Uses<'a>(&'a Held);

impl Uses<'_> {
    /// The number, or none that a descriptor can have.
    #[must_use]
    pub fn number(&self) -> i32 {
        number_in(self.0.state.load(Ordering::Relaxed))
    }
}

impl Drop for Uses<'_> {
    fn drop(&mut self) {
        self.0.state.fetch_sub(USER, Ordering::Release);
    }
}

/// The number is being changed, and nobody uses the table; to the number that is here when
/// this is dropped.
#[derive(Debug)]
struct Changing<'a> {
    held: &'a Held,
    number: i32,
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        let state = u64::from(self.number.cast_unsigned());
        self.held.state.store(state, Ordering::Release);
    }
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
        Self::at(number.unwrap_or(NONE))
    }

    fn at(number: i32) -> Self {
        Self {
            state: AtomicU64::new(number.cast_unsigned().into()),
        }
    }

    /// The state, once the number is not being changed.
    fn settled(&self) -> u64 {
        /// Some microseconds: a change takes a few system calls.
        const SPINS: usize = 1000;
        let mut attempts = 0;
        loop {
            let state = self.state.load(Ordering::Acquire);
            if state & CHANGING == 0 {
                return state;
            }
            if attempts < SPINS {
                attempts += 1;
                spin_loop();
            } else {
                pause();
            }
        }
    }

    /// The number, or none that a descriptor can have.
    #[must_use]
    pub fn number(&self) -> i32 {
        number_in(self.settled())
    }

    /// Keeps the number as it is, for a call that closes or replaces a descriptor.
    #[must_use]
    pub fn uses(&self) -> Uses<'_> {
        loop {
            let state = self.settled();
            let taken = self.state.compare_exchange_weak(
                state,
                state + USER,
                Ordering::Acquire,
                Ordering::Relaxed,
            );
            if taken.is_ok() {
                return Uses(self);
            }
        }
    }

    /// Changes the number: nothing where somebody uses the table for long, as who closes a
    /// file whose file system waits for something.
    fn change(&self) -> Option<Changing<'_>> {
        const SHORT: usize = 1000;
        /// 0.1 s in all: who uses the table may have to wait for a processor.
        const PATIENCE: usize = SHORT + 1000;
        for attempt in 0..PATIENCE {
            let state = self.settled();
            let to = state | CHANGING;
            let take = |from| {
                self.state
                    .compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed)
            };
            if state < USER && take(state).is_ok() {
                let number = number_in(state);
                return Some(Changing { held: self, number });
            }
            if attempt < SHORT {
                sys::yield_processor();
            } else {
                pause();
            }
        }
        None
    }

    /// For a copy of the table.
    #[must_use]
    pub fn copied(&self) -> Self {
        Self::at(self.number())
    }

    /// Leaves a number to the guest while `take` puts a descriptor there, which closes the
    /// one here. Where `take` fails, all stays as it is; where this is not the number any
    /// more, nothing is done.
    ///
    /// # Errors
    /// Those of `take`, and `EBUSY` where the number can't be changed now: a kernel says so,
    /// too, of a number that another thread is about to have.
    pub fn leave_to(
        &self,
        wanted: i32,
        take: impl FnOnce() -> Result<u64, Errno>,
    ) -> Option<Result<u64, Errno>> {
        let Some(mut changing) = self.change() else {
            return Some(Err(Errno::EBUSY));
        };
        if changing.number != wanted {
            return None;
        }
        let moved = to_place(wanted);
        if moved.is_none() {
            remember(wanted);
        }
        let result = take();
        match (&result, moved) {
            (Ok(_), moved) => changing.number = moved.unwrap_or(NONE),
            (Err(_), Some(moved)) => drop(Fd::new(moved)),
            (Err(_), None) => {}
        }
        Some(result)
    }

    /// Moves the descriptor up where the guest's descriptors come close to it, so that the
    /// guest's next number is not one too high. `given` is what a call has returned, which
    /// may be a new descriptor; `None` where the call has put two descriptors into memory.
    ///
    /// Another thread that uses the table would have the number in between.
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
        let Some(mut changing) = (from > held).then(|| self.change()).flatten() else {
            return;
        };
        if changing.number == number
            && let Some(moved) = copy(number, from)
        {
            drop(Fd::new(number));
            changing.number = moved;
        }
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
        self.leave(number)
    }

    /// Closes the descriptor. Returns whether there is none here now.
    fn leave(&self, number: i32) -> bool {
        let Some(mut changing) = self.change() else {
            return false;
        };
        if changing.number == number {
            drop(Fd::new(number));
            changing.number = NONE;
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
    extern crate std;

    use super::*;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// The numbers from [`PLACE`] on are one test's at a time: a test puts a descriptor at a
    /// number that was closed before, which another test could have got meanwhile.
    fn alone() -> MutexGuard<'static, ()> {
        static NUMBERS: Mutex<()> = Mutex::new(());
        NUMBERS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn identity(number: i32) -> Option<Identity> {
        let file = ManuallyDrop::new(Fd::new(number));
        file.status().ok().map(|status| Identity::from(&status))
    }

    #[test]
    fn a_file_is_held_out_of_the_way() {
        let _alone = alone();
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
        let taken = held.leave_to(first, || Ok(7));
        assert_eq!(taken, Some(Ok(7)));
        let second = held.number();
        assert_ne!(first, second);
        assert_eq!(identity(second), Some(which));
        assert_eq!(held.leave_to(first, || Ok(7)), None);
        // What fails changes nothing.
        let refused = held.leave_to(second, || Err(Errno::EBADF));
        assert_eq!((refused, held.number()), (Some(Err(Errno::EBADF)), second));
        // Nor does anything while the table is used.
        let uses = held.uses();
        assert_eq!(
            held.leave_to(uses.number(), || Ok(0)),
            Some(Err(Errno::EBUSY))
        );
        drop(uses);
        // There are descriptors left.
        assert!(!held.give_up(false) && !held.give_up(true));
        drop((Fd::new(first), Fd::new(second)));
    }

    /// Two threads at once: one gives the descriptor up, one puts its own at that number.
    #[test]
    fn what_takes_the_number_stays_there() {
        use std::sync::atomic::AtomicUsize;
        const TIMES: usize = 2_000;
        let _alone = alone();
        let file = Fd::open(c"/proc/self/exe").unwrap();
        let other = Fd::open(c"/dev/null").unwrap();
        let which = Identity::from(&other.status().unwrap());
        let turn = AtomicUsize::new(0);
        let now = Mutex::new(std::sync::Arc::new(Held::at(NONE)));
        let meet = |round: usize| {
            turn.fetch_add(1, Ordering::SeqCst);
            let mut spins = 0;
            while turn.load(Ordering::SeqCst) < 2 * round {
                spins += 1;
                if spins % 10_000 == 0 {
                    std::thread::yield_now();
                } else {
                    spin_loop();
                }
            }
        };
        let put = |to: i32| {
            let arguments = [other.number(), to, 0].map(fd_argument);
            let [a, b, c] = arguments;
            // SAFETY: the number is the test's.
            unsafe { sys::syscall(number::DUP3, [a, b, c, 0, 0, 0]) }
        };
        let lost = std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..TIMES {
                    meet(3 * round + 1);
                    let held = now.lock().unwrap().clone();
                    let number = held.number();
                    meet(3 * round + 2);
                    held.leave(number);
                    meet(3 * round + 3);
                }
            });
            let mut lost = 0;
            for round in 0..TIMES {
                let held = std::sync::Arc::new(Held::new(&file));
                let to = held.number();
                *now.lock().unwrap() = held.clone();
                meet(3 * round + 1);
                meet(3 * round + 2);
                for _ in 0..round % 64 {
                    spin_loop();
                }
                loop {
                    let uses = held.uses();
                    if uses.number() != to {
                        put(to).unwrap();
                        break;
                    }
                    drop(uses);
                    if held.leave_to(to, || put(to)).is_some() {
                        break;
                    }
                }
                meet(3 * round + 3);
                lost += usize::from(identity(to) != Some(which));
                drop(Fd::new(to));
                if held.number() != NONE {
                    drop(Fd::new(held.number()));
                }
            }
            lost
        });
        assert_eq!(lost, 0);
    }
}
