//! What the guest is told that its processor can do.

/// `HWCAP_FP`.
const FP: u64 = 1 << 0;
/// `HWCAP_ASIMD`.
const ASIMD: u64 = 1 << 1;
/// `HWCAP_CPUID`: the ID registers may be read.
const CPUID: u64 = 1 << 11;

/// `AT_HWCAP` and `AT_HWCAP2`.
#[must_use]
pub fn hwcaps() -> (u64, u64) {
    (FP | ASIMD | CPUID, 0)
}
