//! Clocks, read by the host's vDSO where it has one, and the guest's counter.
//!
//! `CNTVCT_EL0` counts nanoseconds of the host's monotonic clock, at the 1 GHz
//! that Armv8.6 fixes.

use core::mem;
use core::sync::atomic::{AtomicU64, Ordering};

use super::sys::{self, Errno, number};

/// `CNTFRQ_EL0`, in Hz.
pub const FREQUENCY: u64 = 1_000_000_000;

type ClockGettime = unsafe extern "C" fn(i32, *mut [u64; 2]) -> i32;

/// The host's `__vdso_clock_gettime`, or 0.
static CLOCK_GETTIME: AtomicU64 = AtomicU64::new(0);

/// Finds the host's vDSO, whose header the kernel says is there.
///
/// # Safety
/// `header` is 0 or the address in `AT_SYSINFO_EHDR`.
pub unsafe fn find(header: u64) {
    // SAFETY: as the caller says.
    let function = unsafe { super::host_vdso::symbol(header, c"__vdso_clock_gettime") };
    CLOCK_GETTIME.store(function.unwrap_or(0), Ordering::Release);
}

/// A clock's seconds and nanoseconds.
///
/// # Errors
/// The kernel's.
#[inline]
pub fn time(clock: i32) -> Result<[u64; 2], Errno> {
    let mut time = [0; 2];
    let function = CLOCK_GETTIME.load(Ordering::Acquire);
    if function == 0 {
        let clock = i64::from(clock).cast_unsigned();
        // SAFETY: the kernel writes into the array only.
        unsafe {
            sys::syscall(
                number::CLOCK_GETTIME,
                [clock, time.as_mut_ptr() as u64, 0, 0, 0, 0],
            )
        }?;
        return Ok(time);
    }
    // SAFETY: `find` found the function of that type there. It needs little
    // stack, no thread-local storage, and writes into the array only.
    let result = unsafe {
        let function = mem::transmute::<u64, ClockGettime>(function);
        function(clock, &raw mut time)
    };
    match result {
        0 => Ok(time),
        error => Err(Errno(u16::try_from(-i64::from(error)).unwrap_or(5))),
    }
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
