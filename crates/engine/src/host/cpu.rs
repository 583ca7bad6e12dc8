//! Whether the host's processor is new enough: x86-64-v3, which has AVX2, FMA
//! and BMI2, and an operating system that saves its registers.
//!
//! The engine itself is compiled for the first x86-64, so that it can say so
//! on any.

use core::arch::asm;
use core::arch::x86_64::__cpuid;
use core::sync::atomic::{AtomicBool, Ordering};

/// The registers of CPUID that the features are read from, and XCR0. Who starts the
/// engine reads them, once for all.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "the names are CPUID's")]
pub struct Words {
    pub leaf1_ecx: u32,
    pub leaf7_ebx: u32,
    pub leaf7_ecx: u32,
    pub leaf7_edx: u32,
    pub extended_ecx: u32,
    pub xcr0: u64,
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

/// Of leaf 7: the kernel has switched on memory protection keys.
const OSPKE: u32 = 4;
/// Of leaf 7's EDX: SERIALIZE.
const SERIALIZE: u32 = 14;
/// XCR0: the registers of SSE and AVX are saved.
const SAVED: u64 = 0b110;

/// The first feature that is missing.
fn first_missing(words: &Words) -> Option<&'static str> {
    FEATURES
        .iter()
        .find(|(_, word, bit)| word(words) >> bit & 1 == 0)
        .map(|&(name, ..)| name)
        .or((words.xcr0 & SAVED != SAVED).then_some("saving of AVX registers (XSAVE)"))
}

static KEYS: AtomicBool = AtomicBool::new(false);
static SERIALIZES: AtomicBool = AtomicBool::new(false);

/// Whether it has memory protection keys, and the kernel lets them be used: no,
/// before [`missing`] has looked.
#[must_use]
pub fn has_keys() -> bool {
    KEYS.load(Ordering::Acquire)
}

/// What the host's processor lacks, if anything.
#[must_use]
pub fn missing(words: &Words) -> Option<&'static str> {
    KEYS.store(words.leaf7_ecx >> OSPKE & 1 != 0, Ordering::Release);
    SERIALIZES.store(words.leaf7_edx >> SERIALIZE & 1 != 0, Ordering::Release);
    first_missing(words)
}

/// Has this processor read anew what it executes from here on, since code was changed
/// through another mapping.
///
/// SERIALIZE does, where there is one. CPUID does everywhere, and leaves a virtual machine,
/// which takes a microsecond, or 35 in a machine within a machine. IRET would do and stay in
/// the process, but a thread of a machine that QEMU makes in software was lost by it.
pub fn serialize() {
    if SERIALIZES.load(Ordering::Relaxed) {
        // SAFETY: the processor has the instruction, which changes no register and no flag
        // and touches no memory. The bytes are SERIALIZE, whatever the assembler knows.
        unsafe { asm!(".byte 0x0f, 0x01, 0xe8", options(nostack, preserves_flags)) };
    } else {
        let _ = __cpuid(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Words = Words {
        leaf1_ecx: u32::MAX,
        leaf7_ebx: u32::MAX,
        leaf7_ecx: u32::MAX,
        leaf7_edx: u32::MAX,
        extended_ecx: u32::MAX,
        xcr0: 7,
    };

    #[test]
    fn it_goes_on_where_it_was() {
        let before = [1_u64, 2, 3];
        serialize();
        assert_eq!(before.iter().sum::<u64>(), 6);
    }

    #[test]
    fn each_feature_is_needed() {
        assert_eq!(first_missing(&ALL), None);
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
            assert!(first_missing(&words).is_some(), "{name}");
        }
        let no_avx2 = Words {
            leaf7_ebx: !(1 << 5),
            ..ALL
        };
        assert_eq!(first_missing(&no_avx2), Some("AVX2"));
        let no_state = Words { xcr0: 3, ..ALL };
        assert_eq!(
            first_missing(&no_state),
            Some("saving of AVX registers (XSAVE)")
        );
        assert_eq!(first_missing(&Words::default()), Some("SSE3"));
    }
}
