//! What architectures choose, each choice by an example beside Arm's.

use armistice_softfp::{
    self as fp, FPSR_IOC, FPSR_IXC, FPSR_UFC, Fp, NanToInteger, Nans, NumberForms, Rounding, Rules,
    Tininess,
};

const QUIET: u32 = 0xFFC0_0001;
const SIGNALLING: u32 = 0x7F80_0002;
const ONE: u32 = 0x3F80_0000;
const DEFAULT: u32 = 0x7FC0_0000;

/// Runs an operation by these rules: its result and exceptions.
fn run<T>(rules: Rules, operation: impl FnOnce(&mut Fp) -> T) -> (T, u32) {
    let mut fp = Fp {
        rules,
        ..Fp::new(0)
    };
    let result = operation(&mut fp);
    (result, fp.fpsr)
}

#[test]
fn which_nan_comes_out() {
    let sum = |nans, a, b| {
        let rules = Rules { nans, ..Rules::ARM };
        run(rules, |fp| fp::add(fp, a, b))
    };
    let quieted = SIGNALLING | 0x0040_0000;
    for (nans, result) in [
        (Nans::SignallingFirst, quieted),
        (Nans::FirstOperand, QUIET),
        (Nans::Default, DEFAULT),
    ] {
        assert_eq!(sum(nans, QUIET, SIGNALLING), (result, FPSR_IOC), "{nans:?}");
    }
    assert_eq!(sum(Nans::FirstOperand, ONE, QUIET), (QUIET, 0));
    let rules = Rules {
        nans: Nans::Default,
        ..Rules::ARM
    };
    let wider = run(rules, |fp| {
        fp::convert::<u32, u64>(fp, QUIET, Rounding::TieEven)
    });
    assert_eq!(wider, (0x7FF8_0000_0000_0000, 0));
}

#[test]
fn when_a_result_is_tiny() {
    let product = |tininess, a: u32, b: u32| {
        let rules = Rules {
            tininess,
            ..Rules::ARM
        };
        run(rules, |fp| fp::mul(fp, a, b))
    };
    // A normal number of one bit more than the smallest has; 1 less 2^-24 and 2^-23.
    let (min_normal, just_below_one, below) = (0x0080_0000, 0x3F7F_FFFF, 0x3F7F_FFFE);
    let (larger, before, after) = (
        0x0080_0001,
        Tininess::BeforeRounding,
        Tininess::AfterRounding,
    );
    let inexact = FPSR_UFC | FPSR_IXC;
    assert_eq!(product(before, larger, below), (min_normal, inexact));
    assert_eq!(product(after, larger, below), (min_normal, FPSR_IXC));
    for tininess in [before, after] {
        assert_eq!(
            product(tininess, min_normal, just_below_one),
            (min_normal, inexact)
        );
        assert_eq!(product(tininess, min_normal, below), (0x007F_FFFF, 0));
    }
}

#[test]
fn maxima_that_prefer_numbers() {
    let max = |number_forms, a, b| {
        let rules = Rules {
            number_forms,
            ..Rules::ARM
        };
        run(rules, |fp| fp::max_num(fp, a, b))
    };
    let (old, new) = (NumberForms::Standard2008, NumberForms::Standard2019);
    let quieted = SIGNALLING | 0x0040_0000;
    assert_eq!(max(old, ONE, SIGNALLING), (quieted, FPSR_IOC));
    assert_eq!(max(new, ONE, SIGNALLING), (ONE, FPSR_IOC));
    assert_eq!(max(new, SIGNALLING, QUIET), (quieted, FPSR_IOC));
    for forms in [old, new] {
        assert_eq!(max(forms, QUIET, ONE), (ONE, 0));
    }
}

#[test]
fn the_integer_that_a_nan_becomes() {
    let convert = |nan_to_integer, unsigned| {
        let rules = Rules {
            nan_to_integer,
            ..Rules::ARM
        };
        run(rules, |fp| {
            fp::to_fixed(fp, QUIET, 0, unsigned, Rounding::Zero, 32)
        })
    };
    for (rule, signed, unsigned) in [
        (NanToInteger::Zero, 0, 0),
        (NanToInteger::Largest, 0x7FFF_FFFF, 0xFFFF_FFFF),
        (NanToInteger::Smallest, 0x8000_0000, 0),
    ] {
        assert_eq!(convert(rule, false), (signed, FPSR_IOC), "{rule:?}");
        assert_eq!(convert(rule, true), (unsigned, FPSR_IOC), "{rule:?}");
    }
}
