//! What is advertised is what the table has, by HWCAP and by ID register.

use std::collections::BTreeSet;

use armistice_a64::decode::Op;
use armistice_a64::features::{
    self, FEATURES, Feature, HWCAP, HWCAP_OTHER, HWCAP2, IdRegister, id_register,
};

/// What an ID register reads.
fn read(register: IdRegister) -> u64 {
    match register {
        IdRegister::Pfr0 => id_register(4, 0),
        IdRegister::Isar0 => id_register(6, 0),
        IdRegister::Isar1 => id_register(6, 1),
        IdRegister::Isar2 => id_register(6, 2),
    }
}

#[test]
fn every_feature_of_the_table_is_advertised() {
    let in_table: BTreeSet<Feature> = Op::ALL.iter().map(|op| op.info().feature).collect();
    let in_list: BTreeSet<Feature> = FEATURES.iter().map(|f| f.feature).collect();
    assert_eq!(in_list.len(), FEATURES.len(), "a feature is listed twice");
    assert_eq!(in_table, in_list);
    for f in FEATURES {
        assert_eq!(HWCAP & f.hwcap, f.hwcap, "{:?}", f.feature);
        assert_eq!(HWCAP2 & f.hwcap2, f.hwcap2, "{:?}", f.feature);
        for field in f.fields {
            let value = read(field.register) >> field.lsb & 15;
            assert!(value >= field.value && value != 15, "{:?}", f.feature);
        }
        let hidden = matches!(f.feature, Feature::BASE | Feature::FEAT_LOR);
        assert_eq!(f.fields.is_empty(), hidden, "{:?}", f.feature);
        assert_eq!(f.hwcap | f.hwcap2 == 0, hidden, "{:?}", f.feature);
    }
}

#[test]
fn nothing_else_is_advertised() {
    let hwcaps = FEATURES
        .iter()
        .fold((HWCAP_OTHER, 0), |(a, b), f| (a | f.hwcap, b | f.hwcap2));
    assert_eq!((HWCAP, HWCAP2), hwcaps);
    for register in [
        IdRegister::Pfr0,
        IdRegister::Isar0,
        IdRegister::Isar1,
        IdRegister::Isar2,
    ] {
        for lsb in (0..64).step_by(4) {
            let values = FEATURES
                .iter()
                .flat_map(|f| f.fields)
                .filter(|f| f.register == register && f.lsb == lsb)
                .map(|f| f.value);
            // EL0 and EL1 are there, in AArch64 only.
            let least = u64::from(register == IdRegister::Pfr0 && lsb < 8);
            let expected = values.max().unwrap_or(least);
            assert_eq!(
                read(register) >> lsb & 15,
                expected,
                "{register:?} bit {lsb}"
            );
        }
    }
}

/// The numbers as they come out, written down by the manual and asm/hwcap.h.
#[test]
fn registers_read_as_linux_shows_them() {
    assert_eq!(HWCAP, 0x2dbe_ffff);
    assert_eq!(HWCAP2, 1 << 43 | 1 << 14 | 1 << 13 | 1 << 8 | 1 << 7);
    assert_eq!(features::ID_AA64PFR0_EL1, 0x0001_0000_0011_0011);
    assert_eq!(features::ID_AA64ISAR0_EL1, 0x0021_1111_1021_2120);
    assert_eq!(features::ID_AA64ISAR1_EL1, 0x0010_1011_0021_1000);
    assert_eq!(features::ID_AA64ISAR2_EL1, 0x0000_0000_0001_0000);
    let (line, granule) = (features::CTR_EL0 >> 16 & 15, features::DCZID_EL0);
    assert_eq!((4 << line, 4 << granule), (64, 64));
    assert_eq!(features::CTR_EL0 >> 28 & 3, 1, "IDC and not DIC");
}
