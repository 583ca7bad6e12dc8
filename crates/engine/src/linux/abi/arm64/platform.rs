//! arm64's Linux, as far as it is data.

use crate::linux::abi::open_flags::OpenFlags;
use crate::linux::abi::platform::Platform;

/// `AUDIT_ARCH_AARCH64`.
const AUDIT: u32 = 0xc000_00b7;

/// Four flags of `open` have other bits on x86-64.
const OPEN_FLAGS: OpenFlags = OpenFlags(&[
    (0o40_000, 0o200_000),  // O_DIRECTORY
    (0o100_000, 0o400_000), // O_NOFOLLOW
    (0o200_000, 0o40_000),  // O_DIRECT
    (0o400_000, 0o100_000), // O_LARGEFILE
]);

/// Addresses have 48 bits.
pub static PLATFORM: Platform = Platform {
    audit: AUDIT,
    end: 1 << 48,
    has_tags: true,
    open_flags: OPEN_FLAGS,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_flags_there_and_back() {
        // O_WRONLY | O_CREAT | O_DIRECTORY | O_CLOEXEC
        assert_eq!(OPEN_FLAGS.to_host(0o2_040_101), 0o2_200_101);
        for flags in (0..=0xf).map(|n: u64| n << 14 | 0o2_000_000) {
            assert_eq!(OPEN_FLAGS.to_guest(OPEN_FLAGS.to_host(flags)), flags);
        }
        // O_TMPFILE is a bit of its own with O_DIRECTORY.
        assert_eq!(OPEN_FLAGS.to_host(0o20_040_000), 0o20_200_000);
    }
}
