//! What the host's processor has: whether it is new enough, x86-64-v3, whose registers the
//! operating system saves, and which features translation makes use of.
//!
//! All of it is read from CPUID's registers ([`Words`]), and they are read here alone. The
//! engine itself is compiled for the first x86-64, so that it can say on any what is missing.

use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

/// The registers of CPUID that features are read from, and XCR0.
///
/// Read once at a process's start: a virtual machine's processor leaves it for each
/// CPUID, which takes a microsecond, and 35 where the machine around it is a virtual one too.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "the names are CPUID's")]
pub struct Words {
    pub leaf1_ecx: u32,
    pub leaf7_ebx: u32,
    pub leaf7_ecx: u32,
    pub leaf7_edx: u32,
    pub extended_ecx: u32,
    /// Which registers the kernel saves; none where it can't be read.
    pub xcr0: u64,
}

impl Words {
    /// This processor's.
    #[must_use]
    pub fn read() -> Self {
        const XSAVE: u32 = 26;
        const OSXSAVE: u32 = 27;
        let leaf1_ecx = __cpuid(1).ecx;
        let has = |bit: u32| leaf1_ecx >> bit & 1 == 1;
        // What XSAVE saves is told by leaf 13; so where there is XSAVE, there is leaf 7.
        let (leaf7_ebx, leaf7_ecx, leaf7_edx) = if has(XSAVE) {
            let leaf7 = __cpuid_count(7, 0);
            (leaf7.ebx, leaf7.ecx, leaf7.edx)
        } else {
            (0, 0, 0)
        };
        Self {
            leaf1_ecx,
            leaf7_ebx,
            leaf7_ecx,
            leaf7_edx,
            // That it has 64 bits is told there, so each has it.
            extended_ecx: __cpuid(0x8000_0001).ecx,
            xcr0: if has(OSXSAVE) {
                // SAFETY: OSXSAVE is set, so that XGETBV exists.
                unsafe { _xgetbv(0) }
            } else {
                0
            },
        }
    }
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

/// Of leaf 7's ECX: the kernel has switched on memory protection keys.
const OSPKE: u32 = 4;
/// Of leaf 7's EDX.
const SERIALIZE: u32 = 14;
/// XCR0: the registers of SSE and AVX are saved.
const SAVED: u64 = 0b110;

impl Words {
    /// The first feature of x86-64-v3 that is missing, if any is.
    #[must_use]
    pub fn missing(&self) -> Option<&'static str> {
        FEATURES
            .iter()
            .find(|(_, word, bit)| word(self) >> bit & 1 == 0)
            .map(|&(name, ..)| name)
            .or((self.xcr0 & SAVED != SAVED).then_some("saving of AVX registers (XSAVE)"))
    }

    /// Whether there are memory protection keys, and the kernel lets them be used.
    #[must_use]
    pub const fn has_keys(&self) -> bool {
        self.leaf7_ecx >> OSPKE & 1 != 0
    }

    /// Whether there is the instruction SERIALIZE.
    #[must_use]
    pub const fn has_serialize(&self) -> bool {
        self.leaf7_edx >> SERIALIZE & 1 != 0
    }
}

/// What there is to use.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a bit of CPUID")]
#[allow(missing_docs, reason = "the names are CPUID's")]
pub struct HostFeatures {
    pub avx2: bool,
    pub bmi1: bool,
    pub bmi2: bool,
    pub fma: bool,
    pub f16c: bool,
    pub lzcnt: bool,
    pub movbe: bool,
    /// F, CD, BW, DQ and VL together.
    pub avx512: bool,
    pub vbmi: bool,
    pub vbmi2: bool,
    pub vnni: bool,
    pub bitalg: bool,
    pub vpopcntdq: bool,
    pub gfni: bool,
    pub sha: bool,
    pub aes: bool,
    pub pclmul: bool,
    pub vaes: bool,
    pub vpclmul: bool,
}

impl HostFeatures {
    /// A processor that has everything: the same on every machine.
    pub const ALL: Self = Self {
        avx2: true,
        bmi1: true,
        bmi2: true,
        fma: true,
        f16c: true,
        lzcnt: true,
        movbe: true,
        avx512: true,
        vbmi: true,
        vbmi2: true,
        vnni: true,
        bitalg: true,
        vpopcntdq: true,
        gfni: true,
        sha: true,
        aes: true,
        pclmul: true,
        vaes: true,
        vpclmul: true,
    };

    /// This processor's, with what the kernel saves for it.
    #[must_use]
    pub fn detect() -> Self {
        Self::of(&Words::read())
    }

    /// Those of a processor that says this of itself.
    #[must_use]
    pub fn of(words: &Words) -> Self {
        let bit = |word: u32, n: u32| word >> n & 1 == 1;
        let &Words {
            leaf1_ecx,
            leaf7_ebx,
            leaf7_ecx,
            extended_ecx,
            xcr0: saved,
            ..
        } = words;
        let (ymm, zmm) = (saved & 6 == 6, saved & 0xe6 == 0xe6);
        let avx512 = zmm && [16, 17, 28, 30, 31].into_iter().all(|n| bit(leaf7_ebx, n));
        Self {
            avx2: ymm && bit(leaf7_ebx, 5),
            bmi1: bit(leaf7_ebx, 3),
            bmi2: bit(leaf7_ebx, 8),
            fma: ymm && bit(leaf1_ecx, 12),
            f16c: ymm && bit(leaf1_ecx, 29),
            lzcnt: bit(extended_ecx, 5),
            movbe: bit(leaf1_ecx, 22),
            avx512,
            vbmi: avx512 && bit(leaf7_ecx, 1),
            vbmi2: avx512 && bit(leaf7_ecx, 6),
            vnni: avx512 && bit(leaf7_ecx, 11),
            bitalg: avx512 && bit(leaf7_ecx, 12),
            vpopcntdq: avx512 && bit(leaf7_ecx, 14),
            gfni: bit(leaf7_ecx, 8),
            sha: bit(leaf7_ebx, 29),
            aes: bit(leaf1_ecx, 25),
            pclmul: bit(leaf1_ecx, 1),
            vaes: avx512 && bit(leaf7_ecx, 9),
            vpclmul: avx512 && bit(leaf7_ecx, 10),
        }
    }

    /// Whether it reaches x86-64-v3, the least that translation needs.
    #[must_use]
    pub const fn v3(&self) -> bool {
        self.avx2 && self.bmi1 && self.bmi2 && self.fma && self.f16c && self.lzcnt && self.movbe
    }

    /// The same processor without AVX-512: what most of them are.
    #[must_use]
    pub const fn without_avx512(self) -> Self {
        Self {
            avx512: false,
            vbmi: false,
            vbmi2: false,
            vnni: false,
            bitalg: false,
            vpopcntdq: false,
            vaes: false,
            vpclmul: false,
            ..self
        }
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
