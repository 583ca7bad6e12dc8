//! The guest's counter, `CNTVCT_EL0`: nanoseconds of the host's monotonic
//! clock, at the 1 GHz that Armv8.6 fixes.

use super::sys::{self, number};

/// `CNTFRQ_EL0`, in Hz.
pub const FREQUENCY: u64 = 1_000_000_000;

/// The counter now.
#[must_use]
pub fn counter() -> u64 {
    const CLOCK_MONOTONIC: u64 = 1;
    let mut time = [0_u64; 2];
    // SAFETY: the kernel writes into the array only.
    let _ = unsafe {
        sys::syscall(
            number::CLOCK_GETTIME,
            [CLOCK_MONOTONIC, time.as_mut_ptr() as u64, 0, 0, 0, 0],
        )
    };
    time[0].wrapping_mul(FREQUENCY).wrapping_add(time[1])
}
