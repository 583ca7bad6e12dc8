//! Where architectures differ, because IEEE 754 leaves a choice.
//!
//! [`Rules::ARM`] is what the Arm manual says for both of its states; other guests choose
//! others. All else is the same for all architectures, or is a function of its own: a fused
//! and an unfused operation are two functions.

/// Which NaN an operation with NaNs among its operands gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nans {
    /// The first signalling operand, else the first quiet one, made quiet (Arm).
    #[default]
    SignallingFirst,
    /// The first operand that is one, made quiet (Power, s390x).
    FirstOperand,
    /// The default NaN, whatever the operands (RISC-V). FPCR.DN asks for the same.
    Default,
}

/// When a result counts as tiny, which is underflow if it is inexact too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tininess {
    /// When the exact result is below the smallest normal number (Arm, Power).
    #[default]
    BeforeRounding,
    /// When it still is after rounding without a bound on exponents (x86, RISC-V).
    AfterRounding,
}

/// What the `_num` forms of maximum and minimum do with a signalling NaN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumberForms {
    /// It is the result, made quiet: `maxNum` of IEEE 754-2008 (Arm).
    #[default]
    Standard2008,
    /// The number is, and the operation invalid: `maximumNumber` of IEEE 754-2019
    /// (RISC-V).
    Standard2019,
}

/// The integer that a NaN becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NanToInteger {
    /// Zero (Arm).
    #[default]
    Zero,
    /// The largest (RISC-V).
    Largest,
    /// The smallest (Power).
    Smallest,
}

/// The choices of an architecture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Which NaN comes out.
    pub nans: Nans,
    /// When a result is tiny.
    pub tininess: Tininess,
    /// Maximum and minimum that prefer numbers.
    pub number_forms: NumberForms,
    /// NaNs converted to integers.
    pub nan_to_integer: NanToInteger,
}

impl Rules {
    /// The Arm manual's.
    pub const ARM: Self = Self {
        nans: Nans::SignallingFirst,
        tininess: Tininess::BeforeRounding,
        number_forms: NumberForms::Standard2008,
        nan_to_integer: NanToInteger::Zero,
    };
}
