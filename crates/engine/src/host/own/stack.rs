//! The room below a first stack that the engine maps, in a process whose guest has
//! fewer bits of addresses than the host's kernel gives.
//!
//! Elsewhere the first stack is the kernel's, and nothing comes near it. Here the
//! kernel would put the guest's mappings right below. So what the stack may grow to
//! is reserved by a mapping that nobody can access, and that the guest does not see.
//! An access there, be it the guest's or the engine's for it, is a fault; its handler
//! takes away as much of the reserve as the access needs, if the limit of the moment
//! allows it, and lets the kernel grow the stack there. The access is done again.
//!
//! Invariants: the lock is held while the reserve is made smaller; who holds it takes
//! no other and does not fault. What is not reserved any more is never so much that
//! the kernel would put a mapping between there and the stack.
//!
//! Nothing is reserved where the kernel's entry for programs of 32 bits chooses the guest's
//! places ([`super::room::leave`]): it keeps clear of what a stack may grow to by itself.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use super::nothing::{self, Nothing};
use crate::host::lock::{SpinLock, Unlock};
use crate::host::page::page_down;
use crate::host::sys::{self, Errno, PROT_READ, PROT_WRITE, number};

/// Where the reserved room begins; 0 where there is none, ...
static START: AtomicU64 = AtomicU64::new(0);
/// ... to where it is reserved still, ...
static OPEN: AtomicU64 = AtomicU64::new(0);
/// ... and where the stack ends.
static END: AtomicU64 = AtomicU64::new(0);

/// Taken by who makes the reserve smaller.
static LOCK: SpinLock<()> = SpinLock::new(());

/// As much is open from the start, as a kernel has it.
const FIRST: u64 = 132 << 10;
/// The room: as much as the limit says at the start, but at least so much, as kernels
/// have it, and not more than leaves room for mappings.
const ROOM: Range<u64> = 128 << 20..1 << 30;

/// Maps a stack with this end, and room for it to grow, in which there is nothing. Returns both.
///
/// # Errors
/// The kernel's, also where something is mapped there.
pub fn reserve(end: u64, nothing: Nothing<'_>) -> Result<Range<u64>, Errno> {
    const MAP_GROWSDOWN: u32 = 0x100;
    const FLAGS: u32 = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE;
    let size = page_down(sys::stack_limit().clamp(ROOM.start, ROOM.end));
    let start = end - size;
    let open = end - FIRST;
    let access = PROT_READ | PROT_WRITE;
    let stack = FLAGS | MAP_GROWSDOWN | sys::MAP_FIXED_NOREPLACE;
    // SAFETY: the mapping takes free addresses only.
    unsafe { sys::mmap(open, FIRST, access, stack, None) }?;
    if super::room::is_left() {
        return Ok(start..end);
    }
    nothing::take(&(start..open), Some(nothing))?;
    super::add(start..open);
    START.store(start, Ordering::Relaxed);
    END.store(end, Ordering::Relaxed);
    OPEN.store(open, Ordering::Release);
    Ok(start..end)
}

/// Reserves the gap between an address and the stack, which is to end so many bytes below it:
/// nobody maps anything there.
///
/// # Errors
/// The kernel's, also where something is mapped there.
pub fn reserve_gap(above: u64, gap: u64, nothing: Nothing<'_>) -> Result<(), Errno> {
    if gap == 0 {
        return Ok(());
    }
    nothing::take(&(above - gap..above), Some(nothing))?;
    super::add(above - gap..above);
    Ok(())
}

/// What is reserved still, if anything ever was.
#[must_use]
pub fn reserved() -> Option<Range<u64>> {
    let open = OPEN.load(Ordering::Acquire);
    (open != 0).then(|| START.load(Ordering::Relaxed)..open)
}

/// Lets the stack grow to an address that is used. Returns whether it did. Called
/// by a signal handler.
pub fn grow(address: u64) -> bool {
    let Some(reserved) = reserved().filter(|reserved| reserved.contains(&address)) else {
        return false;
    };
    let page = page_down(address);
    let length = END.load(Ordering::Relaxed) - page;
    reserved.start <= page && length <= sys::stack_limit() && LOCK.with(|()| open(page)).is_ok()
}

/// The same for addresses that a system call may use, or numbers that look so.
pub fn grow_to(addresses: &[u64]) {
    if reserved().is_some() {
        addresses.iter().for_each(|&address| {
            grow(address);
        });
    }
}

/// Opens the stack down to an address, in steps. The kernel keeps so much free below
/// a mapping that grows (`stack_guard_gap`).
fn open(page: u64) -> Result<(), Errno> {
    const STEP: u64 = 1 << 20;
    let mut open = OPEN.load(Ordering::Acquire);
    while page < open {
        let next = page.max(open.saturating_sub(STEP));
        // SAFETY: nobody can access these pages.
        unsafe { sys::munmap(next, open - next) }?;
        if let Err(error) = touch(next) {
            // Above is something else than the stack by now.
            let _ = nothing::take(&(next..open), None);
            return Err(error);
        }
        OPEN.store(next, Ordering::Release);
        super::end_at(START.load(Ordering::Relaxed), next);
        open = next;
    }
    Ok(())
}

/// Lets the kernel read there: it grows the stack for that, or says that it can't.
fn touch(page: u64) -> Result<(), Errno> {
    /// The kernel reads the limits before it looks what they are of.
    const OF_NOTHING: u64 = u32::MAX as u64;
    let arguments = [0, OF_NOTHING, page, 0, 0, 0];
    // SAFETY: the kernel reads two words there, and changes nothing.
    match unsafe { sys::syscall(number::PRLIMIT64, arguments) } {
        Err(Errno::EFAULT) => Err(Errno::EFAULT),
        _ => Ok(()),
    }
}

/// Keeps the reserve as it is over a `fork`.
#[must_use]
pub fn hold() -> Unlock<'static> {
    LOCK.hold()
}
