//! Whether the host's processor is new enough: x86-64-v3, which has AVX2, FMA
//! and BMI2, and an operating system that saves its registers.
//!
//! The engine itself is compiled for the first x86-64, so that it can say so
//! on any.

use core::arch::x86_64::{__cpuid, __cpuid_count, __get_cpuid_max, _xgetbv};
use core::sync::atomic::{AtomicBool, Ordering};

/// The registers that the features are read from.
#[derive(Clone, Copy, Debug, Default)]
struct Words {
    leaf1_ecx: u32,
    leaf7_ebx: u32,
    leaf7_ecx: u32,
    extended_ecx: u32,
    xcr0: u64,
}

/// Where a feature's bit is.
type Word = fn(&Words) -> u32;

/// The features of x86-64-v3 beyond the first x86-64: name, where, bit.
const FEATURES: [(&str, Word, u32); 14] = [
    ("SSE3", |words| words.leaf1_ecx, 0),
    ("SSSE3", |words| words.leaf1_ecx, 9),
    ("FMA", |words| words.leaf1_ecx, 12),
    ("CMPXCHG16B", |words| words.leaf1_ecx, 13),
    ("SSE4.1", |words| words.leaf1_ecx, 19),
    ("SSE4.2", |words| words.leaf1_ecx, 20),
    ("MOVBE", |words| words.leaf1_ecx, 22),
    ("POPCNT", |words| words.leaf1_ecx, 23),
    ("AVX", |words| words.leaf1_ecx, 28),
    ("F16C", |words| words.leaf1_ecx, 29),
    ("BMI1", |words| words.leaf7_ebx, 3),
    ("AVX2", |words| words.leaf7_ebx, 5),
    ("BMI2", |words| words.leaf7_ebx, 8),
    ("LZCNT", |words| words.extended_ecx, 5),
];

const OSXSAVE: u32 = 27;
/// Of leaf 7: the kernel has switched on memory protection keys.
const OSPKE: u32 = 4;
/// XCR0: the registers of SSE and AVX are saved.
const SAVED: u64 = 0b110;

impl Words {
    fn read() -> Self {
        let (highest, _) = __get_cpuid_max(0);
        let (highest_extended, _) = __get_cpuid_max(0x8000_0000);
        let leaf1_ecx = __cpuid(1).ecx;
        let (leaf7_ebx, leaf7_ecx) = if highest < 7 {
            (0, 0)
        } else {
            let leaf7 = __cpuid_count(7, 0);
            (leaf7.ebx, leaf7.ecx)
        };
        Self {
            leaf1_ecx,
            leaf7_ebx,
            leaf7_ecx,
            extended_ecx: if highest_extended < 0x8000_0001 {
                0
            } else {
                __cpuid(0x8000_0001).ecx
            },
            xcr0: if leaf1_ecx >> OSXSAVE & 1 == 0 {
                0
            } else {
                // SAFETY: OSXSAVE says that the instruction is allowed.
                unsafe { xcr0() }
            },
        }
    }

    /// The first feature that is missing.
    fn missing(&self) -> Option<&'static str> {
        FEATURES
            .iter()
            .find(|(_, word, bit)| word(self) >> bit & 1 == 0)
            .map(|&(name, ..)| name)
            .or((self.xcr0 & SAVED != SAVED).then_some("saving of AVX registers (XSAVE)"))
    }
}

/// # Safety
/// The processor has OSXSAVE.
#[target_feature(enable = "xsave")]
unsafe fn xcr0() -> u64 {
    // SAFETY: the caller says that the instruction is allowed; register 0 is
    // always there.
    unsafe { _xgetbv(0) }
}

static KEYS: AtomicBool = AtomicBool::new(false);

/// Whether it has memory protection keys, and the kernel lets them be used: no,
/// before [`missing`] has looked.
#[must_use]
pub fn has_keys() -> bool {
    KEYS.load(Ordering::Acquire)
}

/// What the host's processor lacks, if anything.
#[must_use]
pub fn missing() -> Option<&'static str> {
    let words = Words::read();
    KEYS.store(words.leaf7_ecx >> OSPKE & 1 != 0, Ordering::Release);
    words.missing()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Words = Words {
        leaf1_ecx: u32::MAX,
        leaf7_ebx: u32::MAX,
        leaf7_ecx: u32::MAX,
        extended_ecx: u32::MAX,
        xcr0: 7,
    };

    #[test]
    fn each_feature_is_needed() {
        assert_eq!(ALL.missing(), None);
        for (name, word, bit) in FEATURES {
            let mut words = ALL;
            for register in [
                &mut words.leaf1_ecx,
                &mut words.leaf7_ebx,
                &mut words.extended_ecx,
            ] {
                *register &= !(1 << bit);
            }
            assert!(word(&words) != u32::MAX);
            assert!(words.missing().is_some(), "{name}");
        }
        let no_avx2 = Words {
            leaf7_ebx: !(1 << 5),
            ..ALL
        };
        assert_eq!(no_avx2.missing(), Some("AVX2"));
        let no_state = Words { xcr0: 3, ..ALL };
        assert_eq!(no_state.missing(), Some("saving of AVX registers (XSAVE)"));
        assert_eq!(Words::default().missing(), Some("SSE3"));
    }
}
