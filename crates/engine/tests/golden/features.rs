//! Whether a host has what a translation uses, by what iced says of each
//! instruction.

use guest::Guest;
use iced_x86::{CpuidFeature, Decoder, DecoderOptions};
use x64::features::HostFeatures;

use crate::translated::Translated;

const NOTHING: HostFeatures = HostFeatures::ALL.without_avx512();

/// More hosts than golden files are kept for: the least that there may be,
/// some without one of the extensions that come and go, and the first with
/// AVX-512.
pub(crate) fn hosts() -> [HostFeatures; 4] {
    let least = HostFeatures {
        gfni: false,
        sha: false,
        aes: false,
        pclmul: false,
        ..NOTHING
    };
    let haswell = HostFeatures {
        aes: true,
        pclmul: true,
        ..least
    };
    let skylake = HostFeatures {
        avx512: true,
        ..haswell
    };
    let cascade = HostFeatures {
        vnni: true,
        ..skylake
    };
    [least, haswell, skylake, cascade]
}

/// Panics if an instruction is none, or is one that the host lacks.
#[track_caller]
pub(crate) fn check<G: Guest>(translated: &Translated<G>, host: &HostFeatures) {
    for insn in Decoder::new(64, &translated.code, DecoderOptions::NONE) {
        let text = || format!("{insn} in\n{}", translated.text());
        assert!(!insn.is_invalid(), "{}", text());
        for &feature in insn.cpuid_features() {
            let has = has(feature, host);
            assert!(has, "{feature:?} is needed for {}", text());
        }
    }
}

fn has(feature: CpuidFeature, host: &HostFeatures) -> bool {
    use CpuidFeature as F;
    match feature {
        // Every processor for x86-64, and x86-64-v3 without a field.
        F::INTEL8086
        | F::INTEL186
        | F::INTEL286
        | F::INTEL386
        | F::INTEL486
        | F::X64
        | F::CMOV
        | F::MULTIBYTENOP
        | F::SSE
        | F::SSE2 => true,
        F::POPCNT | F::SSE4_1 | F::SSE4_2 | F::CMPXCHG16B | F::AVX => host.v3(),
        F::AVX2 => host.avx2,
        F::BMI1 => host.bmi1,
        F::BMI2 => host.bmi2,
        F::FMA => host.fma,
        F::F16C => host.f16c,
        F::LZCNT => host.lzcnt,
        F::MOVBE => host.movbe,
        F::AVX512F | F::AVX512VL | F::AVX512BW | F::AVX512DQ | F::AVX512CD => host.avx512,
        F::AVX512_VBMI => host.vbmi,
        F::AVX512_VBMI2 => host.vbmi2,
        F::AVX512_VNNI => host.vnni,
        F::AVX512_BITALG => host.bitalg,
        F::AVX512_VPOPCNTDQ => host.vpopcntdq,
        F::GFNI => host.gfni,
        F::SHA => host.sha,
        F::AES => host.aes,
        F::PCLMULQDQ => host.pclmul,
        F::VAES => host.vaes,
        F::VPCLMULQDQ => host.vpclmul,
        // An instruction of no kind that translations are made of.
        _ => false,
    }
}
