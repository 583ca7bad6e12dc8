//! The memory protection key of code memory, where the processor and the
//! kernel have keys (PKU).
//!
//! The mapping through which code is written has the key. PKRU, a register of each thread,
//! denies all access by the key except while the engine writes ([`open`]). So the guest's
//! stores do not reach code memory, and neither do system calls that write where the guest
//! tells them to: the kernel obeys the thread's PKRU.
//!
//! There is one key for the process. Threads and children inherit PKRU as it
//! is. A signal handler has the kernel's own, which denies every key but the
//! first, and its end brings back that of what it interrupted.
//!
//! Invariant: while the key is open, nothing touches the guest's memory, and no handler runs
//! that sends the thread elsewhere: the thread would go on there with an open key.

use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering};

use super::cpu;
use super::sys::{self, Errno, PROT_READ, PROT_WRITE, number};

/// The key; [`NONE`], since the first is the one that all other memory has; or
/// [`UNKNOWN`], as long as nobody asked.
static KEY: AtomicU32 = AtomicU32::new(UNKNOWN);
const NONE: u32 = 0;
const UNKNOWN: u32 = u32::MAX;

/// `PKEY_DISABLE_ACCESS` and `PKEY_DISABLE_WRITE`, which are also a key's two
/// bits in PKRU.
const DENIED: u32 = 3;

/// The process's key, if it can have one.
fn key() -> Option<u32> {
    let mut key = KEY.load(Ordering::Acquire);
    if key == UNKNOWN {
        key = allocate().unwrap_or(NONE);
        let first = KEY.compare_exchange(UNKNOWN, key, Ordering::AcqRel, Ordering::Acquire);
        if let Err(first) = first {
            // Another thread was faster.
            free(key);
            key = first;
        }
    }
    (key != NONE).then_some(key)
}

/// A key of the kernel's, closed for the calling thread.
fn allocate() -> Option<u32> {
    if !cpu::has_keys() {
        return None;
    }
    // SAFETY: the call touches no memory.
    let key = unsafe { sys::syscall(number::PKEY_ALLOC, [0, u64::from(DENIED), 0, 0, 0, 0]) };
    key.ok().and_then(|key| u32::try_from(key).ok())
}

fn free(key: u32) {
    if key != NONE {
        // SAFETY: no memory has the key.
        let _ = unsafe { sys::syscall(number::PKEY_FREE, [u64::from(key), 0, 0, 0, 0, 0]) };
    }
}

/// Whether code memory has a key.
#[must_use]
pub fn is_used() -> bool {
    key().is_some()
}

/// What memory is to be mapped with that [`lock`] is called for.
#[must_use]
pub fn first_protection() -> u32 {
    if is_used() { 0 } else { PROT_READ | PROT_WRITE }
}

/// Memory may be read and written from now on, by the key.
///
/// # Safety
/// The range is the engine's, and nobody uses it but while it is [`open`].
///
/// # Errors
/// The kernel's.
pub unsafe fn lock(start: u64, length: u64) -> Result<(), Errno> {
    let Some(key) = key() else { return Ok(()) };
    // SAFETY: the caller's.
    unsafe { protect(start, length, PROT_READ | PROT_WRITE, key) }
}

/// Changes what may be done with memory that may have had the key, and has it
/// no more.
///
/// # Safety
/// Nobody relies on what was allowed.
///
/// # Errors
/// The kernel's.
pub unsafe fn unlock(start: u64, length: u64, protection: u32) -> Result<(), Errno> {
    // SAFETY: the caller's.
    unsafe {
        match key() {
            Some(_) => protect(start, length, protection, NONE),
            None => sys::mprotect(start, length, protection),
        }
    }
}

/// # Safety
/// Nobody relies on what was allowed.
unsafe fn protect(start: u64, length: u64, protection: u32, key: u32) -> Result<(), Errno> {
    let arguments = [start, length, protection.into(), key.into(), 0, 0];
    // SAFETY: the caller's.
    unsafe { sys::syscall(number::PKEY_MPROTECT, arguments) }.map(drop)
}

/// The calling thread may access code memory until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Open {
    /// PKRU as it is to be then, if there is a key.
    closed: Option<u32>,
}

/// Opens it.
pub fn open() -> Open {
    let closed = key().map(|key| {
        let bits = DENIED << (2 * key);
        // SAFETY: there is a key, so there is PKRU, and memory that has the
        // key is accessed by who called this only.
        unsafe {
            let closed = read() | bits;
            write(closed & !bits);
            closed
        }
    });
    Open { closed }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(closed) = self.closed {
            // SAFETY: there is a key, so there is PKRU, which is what it was before then.
            unsafe { write(closed) };
        }
    }
}

/// PKRU.
///
/// # Safety
/// There are keys.
unsafe fn read() -> u32 {
    let value;
    // SAFETY: the caller's; the instruction changes eax and edx.
    unsafe {
        asm!("rdpkru", in("ecx") 0, out("eax") value, out("edx") _,
            options(nomem, nostack, preserves_flags));
    }
    value
}

/// Sets PKRU. What comes before it in the program is done before, and what
/// comes after it after.
///
/// # Safety
/// There are keys, and nobody needs what is denied.
unsafe fn write(value: u32) {
    // SAFETY: the caller's; the instruction changes no other register.
    unsafe {
        asm!("wrpkru", in("ecx") 0, in("eax") value, in("edx") 0,
            options(nostack, preserves_flags));
    }
}
