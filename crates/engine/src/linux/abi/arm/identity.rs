//! What tells programs which processor they have: the auxiliary vector's words and
//! `/proc/cpuinfo`, as a kernel shows it to 32-bit programs.

use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::linux::views::text::Text;

/// The bits of `AT_HWCAP`, with their names in `Features`: all that `a32` has that bits tell
/// of. LPAE says that LDRD and STRD of an aligned double word are atomic.
const FEATURES: [(u32, &str); 19] = [
    (1, "half"),
    (2, "thumb"),
    (4, "fastmult"),
    (6, "vfp"),
    (7, "edsp"),
    (12, "neon"),
    (13, "vfpv3"),
    (15, "tls"),
    (16, "vfpv4"),
    (17, "idiva"),
    (18, "idivt"),
    (19, "vfpd32"),
    (20, "lpae"),
    (22, "fphp"),
    (23, "asimdhp"),
    (24, "asimddp"),
    (25, "asimdfhm"),
    (26, "asimdbf16"),
    (27, "i8mm"),
];

/// Those of `AT_HWCAP2`.
const FEATURES_2: [(u32, &str); 5] = [
    (0, "aes"),
    (1, "pmull"),
    (2, "sha1"),
    (3, "sha2"),
    (4, "crc32"),
];

/// `AT_HWCAP`.
pub(super) const HWCAP: u64 = bits(&FEATURES);
/// `AT_HWCAP2`.
pub(super) const HWCAP2: u64 = bits(&FEATURES_2);

const fn bits(features: &[(u32, &str)]) -> u64 {
    let (mut bits, mut n) = (0, 0);
    while n < features.len() {
        bits |= 1 << features[n].0;
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
        for (_, name) in FEATURES.iter().chain(&FEATURES_2) {
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
        assert!(text.contains("Features\t: half thumb fastmult vfp edsp neon vfpv3 tls"));
        assert!(text.contains("\nCPU architecture: 7\n"));
        assert_eq!([HWCAP, HWCAP2], [0xfdf_b0d6, 0x1f]);
    }
}
