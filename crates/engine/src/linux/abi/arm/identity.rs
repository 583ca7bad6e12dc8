//! What tells programs which processor they have: the auxiliary vector's words and
//! `/proc/cpuinfo`, as a kernel shows it to 32-bit programs.

use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::linux::views::text::Text;

/// The bits of `AT_HWCAP` that hold here, with their names in `Features`.
///
/// NEON and the half-precision and cryptographic instructions are not among them yet: they are
/// decoded, and not interpreted.
const FEATURES: [(u32, &str); 11] = [
    (1, "half"),
    (2, "thumb"),
    (4, "fastmult"),
    (6, "vfp"),
    (7, "edsp"),
    (13, "vfpv3"),
    (15, "tls"),
    (16, "vfpv4"),
    (17, "idiva"),
    (18, "idivt"),
    (19, "vfpd32"),
];
/// LPAE: LDRD and STRD of an aligned double word are atomic.
const LPAE: (u32, &str) = (20, "lpae");

/// `AT_HWCAP`.
pub(super) const HWCAP: u64 = bits();
/// `AT_HWCAP2`.
pub(super) const HWCAP2: u64 = 0;

const fn bits() -> u64 {
    let (mut bits, mut n) = (1 << LPAE.0, 0);
    while n < FEATURES.len() {
        bits |= 1 << FEATURES[n].0;
        n += 1;
    }
    bits
}

/// `/proc/cpuinfo`, for the processors in the host's. Programs that look for `ARMv7` in it, or
/// for `CPU architecture`, find an Armv7 processor.
pub(super) fn info(host: &[u8]) -> Vec<u8> {
    let mut text = Text::default();
    for line in host.split(|&byte| byte == b'\n') {
        let Some(number) = line.strip_prefix(b"processor\t: ") else {
            continue;
        };
        text.bytes(b"processor\t: ");
        text.bytes(number);
        text.bytes(b"\nmodel name\t: ARMv7 Processor rev 0 (v7l)\nBogoMIPS\t: 200.00\nFeatures\t:");
        for (_, name) in FEATURES.iter().chain([&LPAE]) {
            let _ = write!(text, " {name}");
        }
        text.bytes(
            b"\nCPU implementer\t: 0x41\nCPU architecture: 7\nCPU variant\t: 0x0\n\
              CPU part\t: 0xd0f\nCPU revision\t: 0\n\n",
        );
    }
    text.bytes(b"Hardware\t: Armistice\nRevision\t: 0000\nSerial\t\t: 0000000000000000\n");
    text.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_architecture_is_that_of_uname() {
        let text = info(b"processor\t: 0\nvendor_id\t: GenuineIntel\n\nprocessor\t: 1\n");
        let text = alloc::string::String::from_utf8(text).unwrap();
        assert_eq!(text.matches("processor\t: ").count(), 2);
        assert!(text.contains("Features\t: half thumb fastmult vfp edsp vfpv3 tls"));
        assert!(text.contains("\nCPU architecture: 7\n"));
        assert_eq!(HWCAP, 0x1f_a0d6);
    }
}
