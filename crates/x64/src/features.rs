//! What the host's processor can do, as far as translation makes use of it.

use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

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
        let (one, max) = (__cpuid(1), __cpuid(0).eax);
        let seven = if max >= 7 {
            __cpuid_count(7, 0)
        } else {
            __cpuid(0x8000_0000)
        };
        let extended = __cpuid(0x8000_0001);
        let bit = |word: u32, n: u32| word >> n & 1 == 1;
        if max < 7 || !bit(one.ecx, 27) {
            return Self::default();
        }
        // SAFETY: OSXSAVE is set, so that XGETBV exists.
        let saved = unsafe { _xgetbv(0) };
        let (ymm, zmm) = (saved & 6 == 6, saved & 0xe6 == 0xe6);
        let avx512 = zmm && [16, 17, 28, 30, 31].into_iter().all(|n| bit(seven.ebx, n));
        Self {
            avx2: ymm && bit(seven.ebx, 5),
            bmi1: bit(seven.ebx, 3),
            bmi2: bit(seven.ebx, 8),
            fma: ymm && bit(one.ecx, 12),
            f16c: ymm && bit(one.ecx, 29),
            lzcnt: bit(extended.ecx, 5),
            movbe: bit(one.ecx, 22),
            avx512,
            vbmi: avx512 && bit(seven.ecx, 1),
            vbmi2: avx512 && bit(seven.ecx, 6),
            vnni: avx512 && bit(seven.ecx, 11),
            bitalg: avx512 && bit(seven.ecx, 12),
            vpopcntdq: avx512 && bit(seven.ecx, 14),
            gfni: bit(seven.ecx, 8),
            sha: bit(seven.ebx, 29),
            aes: bit(one.ecx, 25),
            pclmul: bit(one.ecx, 1),
            vaes: avx512 && bit(seven.ecx, 9),
            vpclmul: avx512 && bit(seven.ecx, 10),
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
