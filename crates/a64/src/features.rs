//! What the guest is told it has: HWCAP, HWCAP2 and the ID registers.
//!
//! All three are made of one list, [`FEATURES`]: the features that the table's rows name. So
//! what is advertised is what is decoded. ID registers read as the arm64 kernel shows them to
//! EL0: hidden fields have the safe values that the kernel substitutes. The identification is
//! that of a Neoverse N2, for which programs choose the code that runs fastest here
//! (docs/engine-design.md, "Identity").

/// An architectural feature with instructions in the table, by the manual's
/// name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(non_camel_case_types, reason = "the manual's names")]
pub enum Feature {
    /// Armv8.0's instructions that belong to no feature.
    BASE,
    /// Scalar floating point.
    FEAT_FP,
    /// Vectors.
    FEAT_AdvSIMD,
    /// Half-precision arithmetic.
    FEAT_FP16,
    /// AESE and its kind.
    FEAT_AES,
    /// PMULL of doublewords.
    FEAT_PMULL,
    /// SHA-1.
    FEAT_SHA1,
    /// SHA-256.
    FEAT_SHA256,
    /// SHA-512.
    FEAT_SHA512,
    /// SHA-3.
    FEAT_SHA3,
    /// SM3.
    FEAT_SM3,
    /// SM4.
    FEAT_SM4,
    /// CRC32 and CRC32C.
    FEAT_CRC32,
    /// Large System Extensions: atomics.
    FEAT_LSE,
    /// Limited ordering regions: LDLAR, STLLR.
    FEAT_LOR,
    /// SQRDMLAH, SQRDMLSH.
    FEAT_RDM,
    /// LDAPR.
    FEAT_LRCPC,
    /// LDAPUR, STLUR.
    FEAT_LRCPC2,
    /// FJCVTZS.
    FEAT_JSCVT,
    /// Complex numbers.
    FEAT_FCMA,
    /// SDOT, UDOT.
    FEAT_DotProd,
    /// FMLAL, FMLSL.
    FEAT_FHM,
    /// Data-independent timing.
    FEAT_DIT,
    /// CFINV, RMIF, SETF.
    FEAT_FlagM,
    /// AXFLAG, XAFLAG.
    FEAT_FlagM2,
    /// FRINT32 and FRINT64.
    FEAT_FRINTTS,
    /// Integer matrix multiplication.
    FEAT_I8MM,
    /// BFloat16.
    FEAT_BF16,
    /// The speculation barrier.
    FEAT_SB,
    /// Memory copy and set.
    FEAT_MOPS,
}

/// An ID register with a field that [`FEATURES`] sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdRegister {
    /// `ID_AA64PFR0_EL1`.
    Pfr0,
    /// `ID_AA64ISAR0_EL1`.
    Isar0,
    /// `ID_AA64ISAR1_EL1`.
    Isar1,
    /// `ID_AA64ISAR2_EL1`.
    Isar2,
}

/// A field of an ID register, and the least value that tells of a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdField {
    /// The register.
    pub register: IdRegister,
    /// The lowest of the field's four bits.
    pub lsb: u32,
    /// The value; a larger one tells of the feature too.
    pub value: u64,
}

/// How a feature is advertised.
#[derive(Clone, Copy, Debug)]
pub struct FeatureInfo {
    /// The feature.
    pub feature: Feature,
    /// Its bits of `AT_HWCAP`.
    pub hwcap: u64,
    /// Its bits of `AT_HWCAP2`.
    pub hwcap2: u64,
    /// Its fields of the ID registers. None for what Linux hides.
    pub fields: &'static [IdField],
}

/// Linux's bit numbers of `AT_HWCAP`.
#[allow(missing_docs, reason = "named as in asm/hwcap.h")]
pub mod hwcap {
    pub const FP: u32 = 0;
    pub const ASIMD: u32 = 1;
    pub const EVTSTRM: u32 = 2;
    pub const AES: u32 = 3;
    pub const PMULL: u32 = 4;
    pub const SHA1: u32 = 5;
    pub const SHA2: u32 = 6;
    pub const CRC32: u32 = 7;
    pub const ATOMICS: u32 = 8;
    pub const FPHP: u32 = 9;
    pub const ASIMDHP: u32 = 10;
    pub const CPUID: u32 = 11;
    pub const ASIMDRDM: u32 = 12;
    pub const JSCVT: u32 = 13;
    pub const FCMA: u32 = 14;
    pub const LRCPC: u32 = 15;
    pub const SHA3: u32 = 17;
    pub const SM3: u32 = 18;
    pub const SM4: u32 = 19;
    pub const ASIMDDP: u32 = 20;
    pub const SHA512: u32 = 21;
    pub const ASIMDFHM: u32 = 23;
    pub const DIT: u32 = 24;
    pub const ILRCPC: u32 = 26;
    pub const FLAGM: u32 = 27;
    pub const SB: u32 = 29;
}

/// Linux's bit numbers of `AT_HWCAP2`.
#[allow(missing_docs, reason = "named as in asm/hwcap.h")]
pub mod hwcap2 {
    pub const FLAGM2: u32 = 7;
    pub const FRINT: u32 = 8;
    pub const I8MM: u32 = 13;
    pub const BF16: u32 = 14;
    pub const MOPS: u32 = 43;
}

const fn info(
    feature: Feature,
    hwcap: &[u32],
    hwcap2: &[u32],
    fields: &'static [IdField],
) -> FeatureInfo {
    FeatureInfo {
        feature,
        hwcap: bits(hwcap),
        hwcap2: bits(hwcap2),
        fields,
    }
}

const fn bits(numbers: &[u32]) -> u64 {
    let (mut word, mut i) = (0, 0);
    while i < numbers.len() {
        word |= 1 << numbers[i];
        i += 1;
    }
    word
}

const fn pfr0(lsb: u32, value: u64) -> IdField {
    IdField {
        register: IdRegister::Pfr0,
        lsb,
        value,
    }
}

const fn isar0(lsb: u32, value: u64) -> IdField {
    IdField {
        register: IdRegister::Isar0,
        lsb,
        value,
    }
}

const fn isar1(lsb: u32, value: u64) -> IdField {
    IdField {
        register: IdRegister::Isar1,
        lsb,
        value,
    }
}

const fn isar2(lsb: u32, value: u64) -> IdField {
    IdField {
        register: IdRegister::Isar2,
        lsb,
        value,
    }
}

/// Every feature and how it is advertised. `FP` and `AdvSIMD` are value 0 of
/// fields in which 15 is absence.
pub const FEATURES: &[FeatureInfo] = &[
    info(Feature::BASE, &[], &[], &[]),
    info(Feature::FEAT_FP, &[hwcap::FP], &[], &[pfr0(16, 0)]),
    info(Feature::FEAT_AdvSIMD, &[hwcap::ASIMD], &[], &[pfr0(20, 0)]),
    info(
        Feature::FEAT_FP16,
        &[hwcap::FPHP, hwcap::ASIMDHP],
        &[],
        &[pfr0(16, 1), pfr0(20, 1)],
    ),
    info(Feature::FEAT_AES, &[hwcap::AES], &[], &[isar0(4, 1)]),
    info(Feature::FEAT_PMULL, &[hwcap::PMULL], &[], &[isar0(4, 2)]),
    info(Feature::FEAT_SHA1, &[hwcap::SHA1], &[], &[isar0(8, 1)]),
    info(Feature::FEAT_SHA256, &[hwcap::SHA2], &[], &[isar0(12, 1)]),
    info(Feature::FEAT_SHA512, &[hwcap::SHA512], &[], &[isar0(12, 2)]),
    info(Feature::FEAT_SHA3, &[hwcap::SHA3], &[], &[isar0(32, 1)]),
    info(Feature::FEAT_SM3, &[hwcap::SM3], &[], &[isar0(36, 1)]),
    info(Feature::FEAT_SM4, &[hwcap::SM4], &[], &[isar0(40, 1)]),
    info(Feature::FEAT_CRC32, &[hwcap::CRC32], &[], &[isar0(16, 1)]),
    info(Feature::FEAT_LSE, &[hwcap::ATOMICS], &[], &[isar0(20, 2)]),
    // ID_AA64MMFR1_EL1.LO, which Linux hides.
    info(Feature::FEAT_LOR, &[], &[], &[]),
    info(Feature::FEAT_RDM, &[hwcap::ASIMDRDM], &[], &[isar0(28, 1)]),
    info(Feature::FEAT_LRCPC, &[hwcap::LRCPC], &[], &[isar1(20, 1)]),
    info(Feature::FEAT_LRCPC2, &[hwcap::ILRCPC], &[], &[isar1(20, 2)]),
    info(Feature::FEAT_JSCVT, &[hwcap::JSCVT], &[], &[isar1(12, 1)]),
    info(Feature::FEAT_FCMA, &[hwcap::FCMA], &[], &[isar1(16, 1)]),
    info(
        Feature::FEAT_DotProd,
        &[hwcap::ASIMDDP],
        &[],
        &[isar0(44, 1)],
    ),
    info(Feature::FEAT_FHM, &[hwcap::ASIMDFHM], &[], &[isar0(48, 1)]),
    info(Feature::FEAT_DIT, &[hwcap::DIT], &[], &[pfr0(48, 1)]),
    info(Feature::FEAT_FlagM, &[hwcap::FLAGM], &[], &[isar0(52, 1)]),
    info(
        Feature::FEAT_FlagM2,
        &[],
        &[hwcap2::FLAGM2],
        &[isar0(52, 2)],
    ),
    info(
        Feature::FEAT_FRINTTS,
        &[],
        &[hwcap2::FRINT],
        &[isar1(32, 1)],
    ),
    info(Feature::FEAT_I8MM, &[], &[hwcap2::I8MM], &[isar1(52, 1)]),
    info(Feature::FEAT_BF16, &[], &[hwcap2::BF16], &[isar1(44, 1)]),
    info(Feature::FEAT_SB, &[hwcap::SB], &[], &[isar1(36, 1)]),
    info(Feature::FEAT_MOPS, &[], &[hwcap2::MOPS], &[isar2(16, 1)]),
];

/// Bits of `AT_HWCAP` that tell of no instruction: CPUID is the kernel's
/// emulation of MRS for the ID registers; EVTSTRM that WFE ends by itself.
pub const HWCAP_OTHER: u64 = bits(&[hwcap::CPUID, hwcap::EVTSTRM]);

/// `AT_HWCAP`.
pub const HWCAP: u64 = {
    let (mut word, mut i) = (HWCAP_OTHER, 0);
    while i < FEATURES.len() {
        word |= FEATURES[i].hwcap;
        i += 1;
    }
    word
};

/// `AT_HWCAP2`.
pub const HWCAP2: u64 = {
    let (mut word, mut i) = (0, 0);
    while i < FEATURES.len() {
        word |= FEATURES[i].hwcap2;
        i += 1;
    }
    word
};

/// A register with the fields of [`FEATURES`] over `hidden`, the values of
/// the fields that Linux hides.
const fn register(register: IdRegister, hidden: u64) -> u64 {
    let (mut word, mut i) = (hidden, 0);
    while i < FEATURES.len() {
        let fields = FEATURES[i].fields;
        let mut j = 0;
        while j < fields.len() {
            let IdField { lsb, value, .. } = fields[j];
            if fields[j].register as u8 == register as u8 && word >> lsb & 15 < value {
                word = word & !(15 << lsb) | value << lsb;
            }
            j += 1;
        }
        i += 1;
    }
    word
}

/// `MIDR_EL1`: Arm, Neoverse N2, r0p3.
pub const MIDR_EL1: u64 = 0x410f_d493;
/// `MPIDR_EL1` as Linux shows it: the bit that is always one.
pub const MPIDR_EL1: u64 = 1 << 31;
/// `REVIDR_EL1` as Linux shows it.
pub const REVIDR_EL1: u64 = 0;
/// `ID_AA64PFR0_EL1`; EL0 and EL1 are shown as of AArch64 only.
pub const ID_AA64PFR0_EL1: u64 = register(IdRegister::Pfr0, 0x11);
/// `ID_AA64ISAR0_EL1`.
pub const ID_AA64ISAR0_EL1: u64 = register(IdRegister::Isar0, 0);
/// `ID_AA64ISAR1_EL1`.
pub const ID_AA64ISAR1_EL1: u64 = register(IdRegister::Isar1, 0);
/// `ID_AA64ISAR2_EL1`.
pub const ID_AA64ISAR2_EL1: u64 = register(IdRegister::Isar2, 0);
/// `ID_AA64MMFR0_EL1`: all of it hidden; no granules in stage 1 (15), each in
/// stage 2 as "not supported" (1).
pub const ID_AA64MMFR0_EL1: u64 = 0x111_ff00_0000;
/// `ID_AA64DFR0_EL1`: `DebugVer` of Armv8.0, the rest hidden.
pub const ID_AA64DFR0_EL1: u64 = 6;

/// `CTR_EL0`: lines of 64 bytes, IDC set (no clean to the point of
/// unification needed) and DIC clear (IC IVAU needed, and noticed).
pub const CTR_EL0: u64 = 0x9444_c004;
/// `DCZID_EL0`: DC ZVA allowed, 64 bytes.
pub const DCZID_EL0: u64 = 4;

/// What MRS reads of op0 3, op1 0, `CRn` 0, by `CRm` and op2 (the row
/// `MRS_ID`); registers that are not named here read as zero.
#[must_use]
pub const fn id_register(crm: u32, op2: u32) -> u64 {
    match (crm, op2) {
        (0, 0) => MIDR_EL1,
        (0, 5) => MPIDR_EL1,
        (0, 6) => REVIDR_EL1,
        (4, 0) => ID_AA64PFR0_EL1,
        (5, 0) => ID_AA64DFR0_EL1,
        (6, 0) => ID_AA64ISAR0_EL1,
        (6, 1) => ID_AA64ISAR1_EL1,
        (6, 2) => ID_AA64ISAR2_EL1,
        (7, 0) => ID_AA64MMFR0_EL1,
        _ => 0,
    }
}
