//! What tells programs which processor they have: `/proc/cpuinfo`, and the identification
//! registers under `/sys`. Both show as many processors as the host does, each of the kind that
//! the guest's registers tell of.

use alloc::vec::Vec;
use core::fmt::Write as _;

use a64::features::{self, hwcap as one, hwcap2 as two};

use crate::host::clock::FREQUENCY;
use crate::linux::views::text::Text;

/// `AT_HWCAP` of the auxiliary vector: what the processor has.
pub const HWCAP: u64 = features::HWCAP;
/// `AT_HWCAP2` of the auxiliary vector: what else the processor has.
pub const HWCAP2: u64 = features::HWCAP2;
/// The processor's kind, as its registers tell it.
pub const MIDR_EL1: u64 = features::MIDR_EL1;
/// Its revision.
pub const REVIDR_EL1: u64 = features::REVIDR_EL1;

/// The names in `Features`, in the order of their bits.
const NAMES: [(u32, &str); 26] = [
    (one::FP, "fp"),
    (one::ASIMD, "asimd"),
    (one::EVTSTRM, "evtstrm"),
    (one::AES, "aes"),
    (one::PMULL, "pmull"),
    (one::SHA1, "sha1"),
    (one::SHA2, "sha2"),
    (one::CRC32, "crc32"),
    (one::ATOMICS, "atomics"),
    (one::FPHP, "fphp"),
    (one::ASIMDHP, "asimdhp"),
    (one::CPUID, "cpuid"),
    (one::ASIMDRDM, "asimdrdm"),
    (one::JSCVT, "jscvt"),
    (one::FCMA, "fcma"),
    (one::LRCPC, "lrcpc"),
    (one::SHA3, "sha3"),
    (one::SM3, "sm3"),
    (one::SM4, "sm4"),
    (one::ASIMDDP, "asimddp"),
    (one::SHA512, "sha512"),
    (one::ASIMDFHM, "asimdfhm"),
    (one::DIT, "dit"),
    (one::ILRCPC, "ilrcpc"),
    (one::FLAGM, "flagm"),
    (one::SB, "sb"),
];

/// Those of the second word.
const NAMES_2: [(u32, &str); 5] = [
    (two::FLAGM2, "flagm2"),
    (two::FRINT, "frint"),
    (two::I8MM, "i8mm"),
    (two::BF16, "bf16"),
    (two::MOPS, "mops"),
];

/// `/proc/cpuinfo`, for the processors in the host's.
pub fn info(host: &[u8]) -> Vec<u8> {
    let mut text = Text::default();
    for line in host.split(|&byte| byte == b'\n') {
        let Some(number) = line.strip_prefix(b"processor\t: ") else {
            continue;
        };
        text.bytes(b"processor\t: ");
        text.bytes(number);
        processor(&mut text);
    }
    text.0
}

fn processor(text: &mut Text) {
    // The kernel prints twice the timer's frequency, in millions. The timer has the 1 GHz that
    // Armv8.6 fixes.
    let _ = write!(text, "\nBogoMIPS\t: {}.00\n", FREQUENCY / 500_000);
    text.bytes(b"Features\t:");
    for (names, word) in [(&NAMES[..], HWCAP), (&NAMES_2[..], HWCAP2)] {
        for (_, name) in names.iter().filter(|(bit, _)| word >> bit & 1 != 0) {
            let _ = write!(text, " {name}");
        }
    }
    let field = |lsb: u32, bits: u32| MIDR_EL1 >> lsb & ((1 << bits) - 1);
    let _ = write!(
        text,
        "\nCPU implementer\t: {:#04x}\nCPU architecture: 8\nCPU variant\t: {:#x}\n\
         CPU part\t: {:#05x}\nCPU revision\t: {}\n\n",
        field(24, 8),
        field(20, 4),
        field(4, 12),
        field(0, 4)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_has_a_name() {
        let bits = |names: &[(u32, &str)]| names.iter().fold(0, |word, (bit, _)| word | 1 << bit);
        assert_eq!(bits(&NAMES), HWCAP);
        assert_eq!(bits(&NAMES_2), HWCAP2);
    }

    #[test]
    fn as_many_as_the_host() {
        let host = b"processor\t: 0\nvendor_id\t: GenuineIntel\n\nprocessor\t: 3\nflags\t: x\n";
        let text = info(host);
        let text = core::str::from_utf8(&text).unwrap();
        assert!(text.starts_with("processor\t: 0\nBogoMIPS\t: 2000.00\nFeatures\t: fp asimd "));
        assert!(text.contains("\n\nprocessor\t: 3\n"));
        assert!(!text.contains("Intel") && !text.contains("flags"));
        assert!(text.ends_with("CPU part\t: 0xd49\nCPU revision\t: 3\n\n"));
    }
}
