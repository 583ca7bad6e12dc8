//! Where the kernel chooses a place for something of the guest's, and that place has to be below
//! 4 GiB: by the kernel's entry for programs of i386, which chooses such places since Linux 4.12.
//!
//! The addresses above stay free then. So a limit of the address space counts what the guest and
//! the engine have mapped, and nothing else. Where the kernel does not have that entry, or
//! the guest has addresses of more than 32 bits, calls are made by the usual entry.
//!
//! A filter of system calls (seccomp), of those who started the program, may kill for that entry,
//! as systemd's `SystemCallArchitectures=native` does. Under filters a child tries it first; if
//! that is refused or ends the child, no call at all is made by the entry.

use core::sync::atomic::AtomicU32;

use crate::host::own::nothing::Nothing;
use crate::host::own::room;
use crate::host::page::PAGE;
use crate::host::sys::{
    self, AT_FDCWD, Errno, MAP_ANONYMOUS, MAP_FIXED_NOREPLACE, MAP_NORESERVE, MAP_PRIVATE,
    fd_argument, number,
};
use crate::thread::interruptible::{self, Entry};

/// i386's `mmap`, which counts the offset in pages.
pub const MMAP2: u32 = 192;

/// Where addresses of 32 bits end.
const END: u64 = 1 << 32;

/// Leaves the addresses above a guest's end free, if the kernel has the entry and lets this process
/// use it; those of them that have 32 bits are taken, since the entry would choose them, too.
///
/// # Errors
/// The kernel's, `ENOSYS` where it has no such entry, and where a filter refuses the entry, ends who
/// uses it, or may do so. No address is taken then.
pub fn leave(end: u64, nothing: Nothing<'_>) -> Result<(), Errno> {
    if is_filtered() {
        match trial() {
            Trial::Answered => {}
            Trial::Refused => {
                interruptible::leave_out_narrow();
                return Err(Errno::ENOSYS);
            }
            Trial::NotMade => return Err(Errno::ENOSYS),
        }
    }
    take_rest(end, nothing)?;
    room::leave(end);
    Ok(())
}

/// Takes the addresses of 32 bits above a guest's end.
fn take_rest(end: u64, nothing: Nothing<'_>) -> Result<u64, Errno> {
    let take = |flags: u32, file: u64, page: u64| {
        let flags = MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED_NOREPLACE | flags;
        let arguments = [end, END - end, 0, flags.into(), file, page];
        // SAFETY: NOREPLACE takes only free addresses.
        unsafe { narrow_map(&arguments) }
    };
    let (file, offset) = nothing.place();
    match take(0, fd_argument(file.number()), offset / PAGE) {
        // A file that is not mapped.
        Err(error) if error != Errno::ENOSYS => take(MAP_ANONYMOUS, u64::MAX, 0),
        taken => taken,
    }
}

/// Maps something for a guest that does not run yet, where the kernel chooses.
///
/// # Errors
/// The kernel's.
pub fn map(length: u64, protection: u32, flags: u32) -> Result<u64, Errno> {
    if !room::is_left() {
        // SAFETY: the mapping takes free addresses.
        return unsafe { sys::mmap(0, length, protection, flags, None) };
    }
    let arguments = [0, length, protection.into(), flags.into(), u64::MAX, 0];
    // SAFETY: the mapping takes free addresses.
    unsafe { narrow_map(&arguments) }
}

/// [`MMAP2`] by the entry.
///
/// # Safety
/// The call does with the process's memory what its manual says.
unsafe fn narrow_map(arguments: &[u64; 6]) -> Result<u64, Errno> {
    static NOTHING: AtomicU32 = AtomicU32::new(0);
    // SAFETY: the caller's.
    unsafe { interruptible::enter(&NOTHING, Entry::Narrow, MMAP2, arguments) }
}

/// Whether filters judge this process's calls.
fn is_filtered() -> bool {
    const PR_GET_SECCOMP: u64 = 21;
    // SAFETY: the call touches no memory.
    let mode = unsafe { sys::syscall(number::PRCTL, [PR_GET_SECCOMP, 0, 0, 0, 0, 0]) };
    // Whoever refuses to say filters.
    mode != Ok(0)
}

/// What became of a child that made a call by the entry.
enum Trial {
    /// The call did what it does.
    Answered,
    /// The call was refused, or a signal ended the child.
    Refused,
    /// There was no such child.
    NotMade,
}

/// Has a child make a call by the entry.
///
/// The child is another process, with its own copy of memory, so that whatever a filter ends, and
/// a kernel ends with that, is the child only. It leaves no core file, and no tracer sees it.
fn trial() -> Trial {
    const CLONE_UNTRACED: u64 = 0x0080_0000;
    const PR_SET_DUMPABLE: u64 = 4;
    const WALL: u64 = 0x4000_0000;
    if !children_are_of_this_namespace() {
        return Trial::NotMade;
    }
    // No signal at its end: nobody but this waits for it.
    // SAFETY: there is no other thread yet, so the child may do what the parent may; it ends here.
    let child = match unsafe { sys::syscall(number::CLONE, [CLONE_UNTRACED, 0, 0, 0, 0, 0]) } {
        Ok(0) => {
            // SAFETY: the call touches no memory.
            let _ = unsafe { sys::syscall(number::PRCTL, [PR_SET_DUMPABLE, 0, 0, 0, 0, 0]) };
            let arguments = [
                0,
                PAGE,
                0,
                (MAP_PRIVATE | MAP_ANONYMOUS).into(),
                u64::MAX,
                0,
            ];
            // SAFETY: the mapping takes free addresses.
            let answer = unsafe { narrow_map(&arguments) };
            sys::exit_group(i32::from(answer.is_err()))
        }
        Ok(child) => child,
        Err(_) => return Trial::NotMade,
    };
    let mut status = 0_u32;
    loop {
        let place = (&raw mut status) as u64;
        // SAFETY: the kernel writes the status there.
        match unsafe { sys::syscall(number::WAIT4, [child, place, WALL, 0, 0, 0]) } {
            Err(Errno::EINTR) => {}
            Ok(_) if status == 0 => return Trial::Answered,
            Ok(_) => return Trial::Refused,
            Err(_) => return Trial::NotMade,
        }
    }
}

/// Whether a child would be in this process's namespace of processes. In a new one it would be the
/// first, and nobody could be there after it.
fn children_are_of_this_namespace() -> bool {
    let of = |link| sys::link_at(AT_FDCWD, link).ok();
    let own = of(c"/proc/self/ns/pid");
    own.is_some() && own == of(c"/proc/self/ns/pid_for_children")
}
