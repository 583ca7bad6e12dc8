//! Floating point in integers, bit exact: the Arm manual's, and by [`Rules`] that of
//! other architectures.
//!
//! The functions follow the shared pseudocode of the Arm Architecture
//! Reference Manual one by one (`FPAdd` is [`add`], `FPMulAdd` is
//! [`mul_add`], ...), so each can be held beside it. They are the oracle of
//! the interpreter: clarity comes before speed, and the host's own floating
//! point is never used. Control and status are FPCR's and FPSR's bits, whatever a
//! guest calls its own.
//!
//! Values are raw bits: `u16`, `u32` and `u64` are half, single and double
//! precision ([`Float`]). Every function takes the environment [`Fp`], reads
//! its control bits and accumulates the exceptions.
//!
//! The way of an operation: bits are unpacked (`unpack`) to an exact
//! `real::Real`, NaNs are settled, the mathematical result is found exactly
//! or with a sticky bit, and it is rounded once to the format.
//!
//! A caller has one architecture's [`Rules`], a constant. With a constant, compilers copy an
//! operation into each of its callers. That makes an engine larger by 60 KB and no faster:
//! hence the `inline(never)`.
//!
//! Not here: `FEAT_AFP` (AH, FIZ and NEP read as zero), `FEAT_EBF16`, trapped
//! exceptions (their enables read as zero), and QC, which belongs to integer
//! saturation.
#![no_std]
#![allow(
    clippy::cast_possible_truncation,
    reason = "fields are cut from bits, and results fit their format"
)]

mod arith;
mod bf16;
mod compare;
mod convert;
mod estimate;
mod format;
mod fused;
mod minmax;
mod real;
mod round_int;
mod rules;
mod unpack;

pub use arith::{abs, add, div, mul, mulx, neg, sqrt, sub};
pub use bf16::{bf_dot_add, bf_mat_mul_add, bf_mul_add_h, convert_bf};
pub use compare::{compare, compare_eq, compare_ge, compare_gt};
pub use convert::{convert, from_fixed, to_fixed, to_fixed_js};
pub use estimate::{
    recip_estimate, recpx, rsqrt_estimate, unsigned_recip_estimate, unsigned_rsqrt_estimate,
};
pub use format::Float;
pub use fused::{
    Complex, complex_add, complex_mul_add, mul_add, mul_add_h, recip_step, recip_step_chained,
    rsqrt_step, rsqrt_step_chained,
};
pub use minmax::{max, max_num, min, min_num};
pub use round_int::{round_int, round_int_n};
pub use rules::{NanToInteger, Nans, NumberForms, Rules, Tininess};

/// FPCR.AHP: half precision is Arm's alternative format, without infinities
/// and NaNs (conversions only).
pub const FPCR_AHP: u32 = 1 << 26;
/// FPCR.DN: every NaN result is the default NaN.
pub const FPCR_DN: u32 = 1 << 25;
/// FPCR.FZ: single and double denormals are flushed to zero.
pub const FPCR_FZ: u32 = 1 << 24;
/// The place of FPCR.RMode, two bits.
pub const FPCR_RMODE_SHIFT: u32 = 22;
/// FPCR.FZ16: half denormals are flushed to zero (not in conversions between
/// formats).
pub const FPCR_FZ16: u32 = 1 << 19;

/// FPSR.IDC: a denormal input was flushed.
pub const FPSR_IDC: u32 = 1 << 7;
/// FPSR.IXC: a result was inexact.
pub const FPSR_IXC: u32 = 1 << 4;
/// FPSR.UFC: a result underflowed.
pub const FPSR_UFC: u32 = 1 << 3;
/// FPSR.OFC: a result overflowed.
pub const FPSR_OFC: u32 = 1 << 2;
/// FPSR.DZC: a division by zero.
pub const FPSR_DZC: u32 = 1 << 1;
/// FPSR.IOC: an invalid operation.
pub const FPSR_IOC: u32 = 1;

/// The floating-point environment: what FPCR commands and FPSR collects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fp {
    /// Control: RMode, FZ, DN, AHP and FZ16 are read.
    pub fpcr: u32,
    /// Status: the cumulative exception bits are set, never cleared.
    pub fpsr: u32,
    /// What is the architecture's choice.
    pub rules: Rules,
}

impl Fp {
    /// Arm's environment with this control word and no exceptions yet.
    #[must_use]
    pub const fn new(fpcr: u32) -> Self {
        Self {
            fpcr,
            fpsr: 0,
            rules: Rules::ARM,
        }
    }

    /// The rounding mode that FPCR.RMode selects.
    #[must_use]
    pub const fn rounding(&self) -> Rounding {
        match self.fpcr >> FPCR_RMODE_SHIFT & 3 {
            0 => Rounding::TieEven,
            1 => Rounding::PlusInf,
            2 => Rounding::MinusInf,
            _ => Rounding::Zero,
        }
    }

    /// Whether NaNs come out as the default NaN.
    fn default_nans(&self) -> bool {
        self.has(FPCR_DN) || self.rules.nans == Nans::Default
    }

    const fn has(&self, control: u32) -> bool {
        self.fpcr & control != 0
    }

    /// `FPProcessException`, untrapped.
    const fn raise(&mut self, exceptions: u32) {
        self.fpsr |= exceptions;
    }
}

/// How a result that lies between two values is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, ties to the even one.
    TieEven,
    /// Towards plus infinity.
    PlusInf,
    /// Towards minus infinity.
    MinusInf,
    /// Towards zero.
    Zero,
    /// To the nearest, ties away from zero; for results that are integers.
    TieAway,
    /// To the one with the odd significand; for narrowing conversions.
    Odd,
}
