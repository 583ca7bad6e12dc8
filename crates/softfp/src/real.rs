//! Real numbers, exact or with a sticky bit, as the pseudocode's `real`.
//!
//! A [`Real`] is `±mant·2^exp`. Sums of far terms, quotients and roots cannot be held
//! exactly: their `mant` is cut at 60 or more significant bits, and its lowest bit is set if
//! anything was lost. Every rounding keeps at most 53 bits. So such a value is rounded, and
//! found inexact, as the true value would be.
//!
//! Invariant: operands have at most 106 significant bits (a product of two doubles). Only
//! results may have more, and a result is rounded next.

use core::cmp::Ordering;

/// `±mant·2^exp`; zero when `mant` is zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Real {
    pub(super) negative: bool,
    pub(super) mant: u128,
    pub(super) exp: i32,
}

/// What was cut off in rounding down, against half a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    None,
    BelowHalf,
    Half,
    AboveHalf,
}

/// `value >> shift`, and what was lost.
pub(super) fn shift_right(value: u128, shift: u32) -> (u128, Rest) {
    if shift == 0 || value == 0 {
        return (value, Rest::None);
    }
    if shift > 128 {
        return (0, Rest::BelowHalf);
    }
    let kept = value.checked_shr(shift).unwrap_or(0);
    let lost = value << (128 - shift);
    let rest = match lost.cmp(&(1 << 127)) {
        _ if lost == 0 => Rest::None,
        Ordering::Less => Rest::BelowHalf,
        Ordering::Equal => Rest::Half,
        Ordering::Greater => Rest::AboveHalf,
    };
    (kept, rest)
}

impl Real {
    pub(super) const ZERO: Self = Self {
        negative: false,
        mant: 0,
        exp: 0,
    };

    /// `±mant·2^exp`.
    pub(super) const fn new(negative: bool, mant: u128, exp: i32) -> Self {
        Self {
            negative,
            mant,
            exp,
        }
    }

    pub(super) const fn is_zero(self) -> bool {
        self.mant == 0
    }

    pub(super) const fn neg(self) -> Self {
        Self {
            negative: !self.negative,
            ..self
        }
    }

    /// The exponent of the leading bit: `2^e <= |self| < 2^(e+1)`.
    pub(super) const fn exponent(self) -> i32 {
        self.exp + self.mant.ilog2() as i32
    }

    /// The same value with the leading bit of `mant` at `bit`, above where
    /// it is now.
    const fn with_leading_bit_at(self, bit: u32) -> Self {
        let shift = bit - self.mant.ilog2();
        Self {
            mant: self.mant << shift,
            exp: self.exp - shift as i32,
            ..self
        }
    }

    /// `self·2^n`.
    pub(super) const fn scaled(self, n: i32) -> Self {
        Self {
            exp: self.exp + n,
            ..self
        }
    }

    /// The exact product of two values of at most 64 significant bits.
    pub(super) const fn mul(self, other: Self) -> Self {
        Self {
            negative: self.negative != other.negative,
            mant: self.mant * other.mant,
            exp: self.exp + other.exp,
        }
    }

    /// The sum, sticky.
    pub(super) fn add(self, other: Self) -> Self {
        if self.is_zero() || other.is_zero() {
            return if self.is_zero() { other } else { self };
        }
        // Bit 126 is for the carry. With 106 significant bits, the lowest 20
        // are zero: a term shifted by no more loses nothing, and one shifted
        // by more can cancel at most one leading bit.
        let (x, y) = (
            self.with_leading_bit_at(125),
            other.with_leading_bit_at(125),
        );
        let (big, small) = if (x.exp, x.mant) >= (y.exp, y.mant) {
            (x, y)
        } else {
            (y, x)
        };
        let (shifted, rest) = shift_right(small.mant, (big.exp - small.exp).unsigned_abs());
        let shifted = shifted | u128::from(rest != Rest::None);
        let mant = if big.negative == small.negative {
            big.mant + shifted
        } else {
            big.mant - shifted
        };
        Self { mant, ..big }
    }

    /// The quotient, sticky, of values of at most 64 significant bits;
    /// `other` is not zero.
    pub(super) const fn div(self, other: Self) -> Self {
        let negative = self.negative != other.negative;
        if self.is_zero() {
            return Self::ZERO;
        }
        let dividend = self.with_leading_bit_at(127);
        let quotient = dividend.mant / other.mant;
        let inexact = !dividend.mant.is_multiple_of(other.mant);
        Self {
            negative,
            mant: quotient | inexact as u128,
            exp: dividend.exp - other.exp,
        }
    }

    /// The square root, sticky, of a positive value.
    pub(super) const fn sqrt(self) -> Self {
        // An even exponent, and a leading bit high enough for a root of 63
        // bits, to which a sticky one is appended.
        let even = self.with_leading_bit_at(126);
        let even = if even.exp % 2 == 0 {
            even
        } else {
            self.with_leading_bit_at(125)
        };
        let root = even.mant.isqrt();
        let inexact = root * root != even.mant;
        Self {
            negative: false,
            mant: root << 1 | inexact as u128,
            exp: even.exp / 2 - 1,
        }
    }

    /// Rounded down (towards minus infinity) to an integer, and the rest
    /// above it. Magnitudes of 2^120 and more, which are integers, give
    /// ±2^120: all callers saturate far below.
    pub(super) fn floor(self) -> (i128, Rest) {
        const LIMIT: i128 = 1 << 120;
        if self.is_zero() {
            return (0, Rest::None);
        }
        if self.exponent() >= 120 {
            return (if self.negative { -LIMIT } else { LIMIT }, Rest::None);
        }
        let (magnitude, rest) = if self.exp >= 0 {
            (self.mant << self.exp, Rest::None)
        } else {
            shift_right(self.mant, self.exp.unsigned_abs())
        };
        let magnitude = magnitude.cast_signed();
        match (self.negative, rest) {
            (false, rest) => (magnitude, rest),
            (true, Rest::None) => (-magnitude, Rest::None),
            (true, Rest::BelowHalf) => (-magnitude - 1, Rest::AboveHalf),
            (true, Rest::Half) => (-magnitude - 1, Rest::Half),
            (true, Rest::AboveHalf) => (-magnitude - 1, Rest::BelowHalf),
        }
    }

    /// By value; both zeros are one.
    pub(super) fn compare(self, other: Self) -> Ordering {
        let signum = |x: Self| match (x.is_zero(), x.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let magnitude = |x: Self| {
            let x = x.with_leading_bit_at(127);
            (x.exp, x.mant)
        };
        match (signum(self), signum(other)) {
            (1, 1) => magnitude(self).cmp(&magnitude(other)),
            (-1, -1) => magnitude(other).cmp(&magnitude(self)),
            (a, b) => a.cmp(&b),
        }
    }
}
