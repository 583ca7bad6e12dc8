//! The formats: where sign, exponent and fraction lie.
//!
//! [`Float`] makes `u16`, `u32` and `u64` usable as half, single and double;
//! inside, one `Format` value describes each, so that the code exists once.

/// The shape of a binary format: a sign, `exp_bits` and `frac_bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    pub(super) exp_bits: u32,
    pub(super) frac_bits: u32,
}

impl Format {
    pub(super) const HALF: Self = Self {
        exp_bits: 5,
        frac_bits: 10,
    };
    pub(super) const BF16: Self = Self {
        exp_bits: 8,
        frac_bits: 7,
    };
    pub(super) const SINGLE: Self = Self {
        exp_bits: 8,
        frac_bits: 23,
    };
    pub(super) const DOUBLE: Self = Self {
        exp_bits: 11,
        frac_bits: 52,
    };

    /// Half precision has its own flush control (FZ16) and AHP.
    pub(super) fn is_half(self) -> bool {
        self == Self::HALF
    }

    /// The bits in all.
    pub(super) const fn width(self) -> u32 {
        1 + self.exp_bits + self.frac_bits
    }

    /// The exponent of the smallest normal value.
    pub(super) const fn minimum_exp(self) -> i32 {
        2 - (1 << (self.exp_bits - 1))
    }

    /// All ones in the exponent's field: infinities and NaNs.
    pub(super) const fn exp_ones(self) -> u64 {
        (1 << self.exp_bits) - 1
    }

    /// All ones in the fraction's field.
    pub(super) const fn frac_ones(self) -> u64 {
        (1 << self.frac_bits) - 1
    }

    /// The top bit of the fraction, which tells a quiet NaN.
    pub(super) const fn quiet_bit(self) -> u64 {
        1 << (self.frac_bits - 1)
    }

    /// The sign's bit.
    pub(super) const fn sign_bit(self) -> u64 {
        1 << (self.width() - 1)
    }

    /// Sign, biased exponent and fraction to a value's bits.
    pub(super) const fn pack(self, sign: bool, exp: u64, frac: u64) -> u64 {
        (sign as u64) << (self.width() - 1) | exp << self.frac_bits | frac
    }

    /// The three fields of a value's bits.
    pub(super) const fn fields(self, bits: u64) -> (bool, u64, u64) {
        let sign = bits & self.sign_bit() != 0;
        (
            sign,
            bits >> self.frac_bits & self.exp_ones(),
            bits & self.frac_ones(),
        )
    }

    /// `FPZero`.
    pub(super) const fn zero(self, sign: bool) -> u64 {
        self.pack(sign, 0, 0)
    }

    /// `FPInfinity`.
    pub(super) const fn infinity(self, sign: bool) -> u64 {
        self.pack(sign, self.exp_ones(), 0)
    }

    /// `FPMaxNormal`.
    pub(super) const fn max_normal(self, sign: bool) -> u64 {
        self.pack(sign, self.exp_ones() - 1, self.frac_ones())
    }

    /// `FPDefaultNaN`: positive, quiet, nothing else.
    pub(super) const fn default_nan(self) -> u64 {
        self.pack(false, self.exp_ones(), self.quiet_bit())
    }

    /// `FPTwo`.
    pub(super) const fn two(self, sign: bool) -> u64 {
        self.pack(sign, 1 << (self.exp_bits - 1), 0)
    }

    /// `FPOnePointFive`.
    pub(super) const fn one_point_five(self, sign: bool) -> u64 {
        self.pack(sign, self.exp_ones() >> 1, self.quiet_bit())
    }
}

mod sealed {
    /// The bits of a value, and its format.
    pub trait Bits: Copy {
        const FORMAT: super::Format;
        fn to_u64(self) -> u64;
        fn from_u64(bits: u64) -> Self;
    }
}
pub(super) use sealed::Bits;

/// A floating-point format, named by the integer that holds its bits: `u16`
/// for half, `u32` for single, `u64` for double precision.
pub trait Float: Bits {}

macro_rules! float {
    ($bits:ty, $format:ident) => {
        impl Bits for $bits {
            const FORMAT: Format = Format::$format;

            fn to_u64(self) -> u64 {
                u64::from(self)
            }

            fn from_u64(bits: u64) -> Self {
                bits as Self
            }
        }

        impl Float for $bits {}
    };
}
float!(u16, HALF);
float!(u32, SINGLE);
float!(u64, DOUBLE);
