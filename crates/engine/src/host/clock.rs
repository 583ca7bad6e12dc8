//! Clocks, read by the host's vDSO where it has one, and a counter.
//!
//! The functions here are the host's own where its vDSO has them, so that code which
//! calls them is as far from the time as a program of the host's. All have one signature: a clock and two words to
//! write, 0 or a negated error number.
//!
//! [`counter`] counts nanoseconds of the host's monotonic clock.

use core::mem;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::sys::{self, Errno, number};

/// The counter's, in Hz.
pub const FREQUENCY: u64 = 1_000_000_000;

/// How many functions there are.
pub const FUNCTIONS: usize = 2;
/// The number of the one that tells a clock's time.
pub const TIME: u8 = 0;
/// The number of the one that tells a clock's resolution.
pub const RESOLUTION: u8 = 1;

type Function = unsafe extern "sysv64" fn(u32, *mut [u64; 2]) -> u32;

/// By system calls.
const KERNELS: [Function; FUNCTIONS] = [kernels_time, kernels_resolution];

/// The functions in use.
static IN_USE: [AtomicPtr<()>; FUNCTIONS] = [
    AtomicPtr::new(KERNELS[0] as *mut ()),
    AtomicPtr::new(KERNELS[1] as *mut ()),
];

/// By a system call.
fn ask(call: u32, clock: u32, values: *mut [u64; 2]) -> u32 {
    // The kernel takes an int.
    let clock = i64::from(clock.cast_signed()).cast_unsigned();
    // SAFETY: the kernel writes into the array only.
    match unsafe { sys::syscall(call, [clock, values as u64, 0, 0, 0, 0]) } {
        Ok(_) => 0,
        Err(error) => u32::from(error.0).wrapping_neg(),
    }
}

unsafe extern "sysv64" fn kernels_time(clock: u32, values: *mut [u64; 2]) -> u32 {
    ask(number::CLOCK_GETTIME, clock, values)
}

unsafe extern "sysv64" fn kernels_resolution(clock: u32, values: *mut [u64; 2]) -> u32 {
    ask(number::CLOCK_GETRES, clock, values)
}

/// Finds the functions of the host's vDSO, whose header the kernel says is
/// there.
///
/// # Safety
/// `header` is 0 or the address in `AT_SYSINFO_EHDR`.
pub unsafe fn find(header: u64) {
    let names = [c"__vdso_clock_gettime", c"__vdso_clock_getres"];
    for ((name, function), kernels) in names.into_iter().zip(&IN_USE).zip(KERNELS) {
        // SAFETY: the caller says what `header` is.
        let found = unsafe { super::vdso::symbol(header, name) };
        let at = found.map_or(kernels as *mut (), |at| at as *mut ());
        function.store(at, Ordering::Release);
    }
}

/// Their addresses, by number.
#[must_use]
pub fn functions() -> [u64; FUNCTIONS] {
    IN_USE
        .each_ref()
        .map(|function| function.load(Ordering::Acquire) as u64)
}

/// Calls a function.
fn call_at(function: &AtomicPtr<()>, clock: u32) -> Result<[u64; 2], Errno> {
    let at = function.load(Ordering::Acquire);
    // SAFETY: it is one of those here or one that `find` found, all of that type.
    // They need little stack, no thread-local storage, and write into the array
    // only.
    let function = unsafe { mem::transmute::<*mut (), Function>(at) };
    let mut values = [0; 2];
    // SAFETY: the function writes two numbers into the array, and nothing else.
    match unsafe { function(clock, &raw mut values) } {
        0 => Ok(values),
        error => Err(Errno(u16::try_from(error.wrapping_neg()).unwrap_or(5))),
    }
}

/// What a function tells of a clock, if there is one of that number and it does.
#[must_use]
pub fn call(number: u8, clock: u32) -> Option<[u64; 2]> {
    call_at(IN_USE.get(usize::from(number))?, clock).ok()
}

/// A clock's seconds and nanoseconds.
///
/// # Errors
/// The kernel's.
#[inline]
pub fn time(clock: i32) -> Result<[u64; 2], Errno> {
    call_at(&IN_USE[usize::from(TIME)], clock.cast_unsigned())
}

/// The counter now.
#[must_use]
pub fn counter() -> u64 {
    const CLOCK_MONOTONIC: i32 = 1;
    let [seconds, nanoseconds] = time(CLOCK_MONOTONIC).unwrap_or_default();
    seconds.wrapping_mul(FREQUENCY).wrapping_add(nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_and_without_the_vdso() {
        let before = counter();
        // SAFETY: no vDSO.
        unsafe { find(0) };
        let by_the_kernel = counter();
        assert!(before <= by_the_kernel);
        assert_eq!(time(99), Err(Errno::EINVAL));
    }
}
