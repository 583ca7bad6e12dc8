//! The flags of `open`, four of which have other bits on x86-64.

/// Flags of `open` that differ: arm64's and x86-64's.
const OPEN_FLAGS: [(u64, u64); 4] = [
    (0o40_000, 0o200_000),  // O_DIRECTORY
    (0o100_000, 0o400_000), // O_NOFOLLOW
    (0o200_000, 0o40_000),  // O_DIRECT
    (0o400_000, 0o100_000), // O_LARGEFILE
];

/// arm64's flags of `open` as x86-64 has them.
#[must_use]
pub fn to_host(guest: u64) -> u64 {
    let differing: u64 = OPEN_FLAGS.iter().map(|(guest, _)| guest).sum();
    OPEN_FLAGS
        .iter()
        .filter(|(flag, _)| guest & flag != 0)
        .fold(guest & !differing, |flags, (_, host)| flags | host)
}

/// x86-64's flags of `open` as arm64 has them.
#[must_use]
pub fn to_guest(host: u64) -> u64 {
    let differing: u64 = OPEN_FLAGS.iter().map(|(_, host)| host).sum();
    OPEN_FLAGS
        .iter()
        .filter(|(_, flag)| host & flag != 0)
        .fold(host & !differing, |flags, (guest, _)| flags | guest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_flags_there_and_back() {
        // O_WRONLY | O_CREAT | O_DIRECTORY | O_CLOEXEC
        assert_eq!(to_host(0o2_040_101), 0o2_200_101);
        for flags in (0..=0xf).map(|n: u64| n << 14 | 0o2_000_000) {
            assert_eq!(to_guest(to_host(flags)), flags);
        }
        // O_TMPFILE is a bit of its own with O_DIRECTORY.
        assert_eq!(to_host(0o20_040_000), 0o20_200_000);
    }
}
