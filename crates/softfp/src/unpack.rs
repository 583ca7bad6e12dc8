//! Unpacking, NaNs and rounding: `FPUnpack`, `FPProcessNaN(s)`, `FPRound`.
//!
//! All operations enter by [`Fp::unpack`] and leave by [`Fp::round`] or with one of the
//! format's constants. Only these flush and raise exceptions, except where the manual's
//! function does so itself.

use super::format::Format;
use super::real::{Real, Rest, shift_right};
use super::{
    FPCR_AHP, FPCR_FZ, FPCR_FZ16, FPSR_IDC, FPSR_IOC, FPSR_IXC, FPSR_OFC, FPSR_UFC, Fp, Nans,
    Rounding, Tininess,
};

/// `FPType`. A denormal that isn't flushed is `Nonzero`: only `FEAT_AFP`
/// tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Zero,
    Nonzero,
    Infinity,
    QNaN,
    SNaN,
}

/// What [`Fp::unpack`] gives. `value` is zero for a NaN, and larger than any
/// number for an infinity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unpacked {
    pub(super) kind: Kind,
    pub(super) sign: bool,
    pub(super) value: Real,
}

impl Unpacked {
    pub(super) fn is_zero(self) -> bool {
        self.kind == Kind::Zero
    }

    pub(super) fn is_infinity(self) -> bool {
        self.kind == Kind::Infinity
    }

    pub(super) fn is_nan(self) -> bool {
        matches!(self.kind, Kind::QNaN | Kind::SNaN)
    }

    /// The value with the other sign; not for NaNs.
    pub(super) fn negated(self) -> Self {
        Self {
            sign: !self.sign,
            value: self.value.neg(),
            ..self
        }
    }
}

/// The exponent that stands for an infinity's: beyond all sums and scalings.
const INFINITE: i32 = 1_000_000;

/// `FPUnpackBase` without its flushing and alternative format.
pub(super) fn unpack_plain(format: Format, bits: u64) -> Unpacked {
    let (sign, exp, frac) = format.fields(bits);
    let lowest = format.minimum_exp() - format.frac_bits.cast_signed();
    let (kind, mant, exponent) = if exp == 0 {
        (
            if frac == 0 { Kind::Zero } else { Kind::Nonzero },
            frac,
            lowest,
        )
    } else if exp == format.exp_ones() {
        if frac == 0 {
            (Kind::Infinity, 1, INFINITE)
        } else if frac & format.quiet_bit() != 0 {
            (Kind::QNaN, 0, 0)
        } else {
            (Kind::SNaN, 0, 0)
        }
    } else {
        (
            Kind::Nonzero,
            1 << format.frac_bits | frac,
            lowest + exp as i32 - 1,
        )
    };
    Unpacked {
        kind,
        sign,
        value: Real::new(sign, u128::from(mant), exponent),
    }
}

/// A value's magnitude in units of `2^unit`, and what that cuts off.
fn in_units(value: Real, unit: i32) -> (u128, Rest) {
    if value.exp > unit {
        (value.mant << (value.exp - unit), Rest::None)
    } else {
        shift_right(value.mant, (unit - value.exp).unsigned_abs())
    }
}

/// Whether a magnitude whose rest has been cut off is rounded to the next one.
fn rounds_up(rounding: Rounding, sign: bool, mant: u128, rest: Rest) -> bool {
    match rounding {
        Rounding::TieEven => rest == Rest::AboveHalf || rest == Rest::Half && mant & 1 == 1,
        Rounding::TieAway => rest == Rest::AboveHalf || rest == Rest::Half,
        Rounding::PlusInf => rest != Rest::None && !sign,
        Rounding::MinusInf => rest != Rest::None && sign,
        Rounding::Zero | Rounding::Odd => false,
    }
}

impl Fp {
    /// `FPUnpack`: for all but conversions between formats.
    #[inline(never)]
    pub(super) fn unpack(&mut self, format: Format, bits: u64) -> Unpacked {
        let (sign, exp, frac) = format.fields(bits);
        let denormal = exp == 0 && frac != 0;
        let flush = if format.is_half() { FPCR_FZ16 } else { FPCR_FZ };
        if denormal && self.has(flush) {
            // FZ16 is silent.
            if !format.is_half() {
                self.raise(FPSR_IDC);
            }
            return Unpacked {
                kind: Kind::Zero,
                sign,
                value: Real::ZERO,
            };
        }
        unpack_plain(format, bits)
    }

    /// `FPUnpackCV`: for conversions between formats. FZ16 is ignored, and
    /// half precision may be the alternative format.
    pub(super) fn unpack_cv(&mut self, format: Format, bits: u64) -> Unpacked {
        if !format.is_half() {
            return self.unpack(format, bits);
        }
        let (sign, exp, frac) = format.fields(bits);
        if self.has(FPCR_AHP) && exp == format.exp_ones() {
            let value = Real::new(sign, u128::from(1 << 10 | frac), 16 - 10);
            return Unpacked {
                kind: Kind::Nonzero,
                sign,
                value,
            };
        }
        unpack_plain(format, bits)
    }

    /// `FPProcessNaN`: the result that a NaN operand gives.
    #[inline(never)]
    pub(super) fn process_nan(&mut self, format: Format, kind: Kind, bits: u64) -> u64 {
        if kind == Kind::SNaN {
            self.raise(FPSR_IOC);
        }
        if self.default_nans() {
            format.default_nan()
        } else {
            bits | format.quiet_bit()
        }
    }

    /// `FPProcessNaNs` and `FPProcessNaNs3`: which operand decides is a rule, and a
    /// signalling one is invalid wherever it stands.
    #[inline(never)]
    pub(super) fn process_nans(
        &mut self,
        format: Format,
        operands: &[(Unpacked, u64)],
    ) -> Option<u64> {
        let first = |kind| operands.iter().find(|(unpacked, _)| unpacked.kind == kind);
        let signalling = first(Kind::SNaN);
        let (unpacked, bits) = match self.rules.nans {
            Nans::FirstOperand => operands.iter().find(|(unpacked, _)| unpacked.is_nan()),
            _ => signalling.or_else(|| first(Kind::QNaN)),
        }?;
        if signalling.is_some() {
            self.raise(FPSR_IOC);
        }
        Some(self.process_nan(format, unpacked.kind, *bits))
    }

    /// The result of an invalid operation.
    pub(super) const fn invalid(&mut self, format: Format) -> u64 {
        self.raise(FPSR_IOC);
        format.default_nan()
    }

    /// A result that is exactly zero though its terms weren't all zeros of
    /// one sign.
    pub(super) fn cancelled(&self, format: Format) -> u64 {
        format.zero(self.rounding() == Rounding::MinusInf)
    }

    /// `FPRound` with FPCR's rounding; an exact zero is [`Self::cancelled`].
    pub(super) fn round_or_cancel(&mut self, format: Format, value: Real) -> u64 {
        if value.is_zero() {
            return self.cancelled(format);
        }
        self.round(format, value, self.rounding())
    }

    /// `FPRound`, and `FPRoundBase` to BF16: for all but conversions between
    /// formats. `value` is not zero.
    pub(super) fn round(&mut self, format: Format, value: Real, rounding: Rounding) -> u64 {
        let flush = if format.is_half() { FPCR_FZ16 } else { FPCR_FZ };
        self.round_base(format, value, rounding, self.has(flush), false)
    }

    /// `FPRoundCV`: for conversions between formats, where FZ16 is ignored
    /// and half precision may be the alternative format.
    pub(super) fn round_cv(&mut self, format: Format, value: Real, rounding: Rounding) -> u64 {
        let half = format.is_half();
        let flush = !half && self.has(FPCR_FZ);
        self.round_base(format, value, rounding, flush, half && self.has(FPCR_AHP))
    }

    /// Whether a tiny value is none by the rule that looks after rounding: with as
    /// many bits as a normal number has, it becomes the smallest of those.
    fn grows_to_normal(&self, format: Format, value: Real, rounding: Rounding) -> bool {
        if self.rules.tininess == Tininess::BeforeRounding
            || value.exponent() != format.minimum_exp() - 1
        {
            return false;
        }
        let unit = value.exponent() - format.frac_bits.cast_signed();
        let (mant, rest) = in_units(value, unit);
        let all = mant == (1 << (format.frac_bits + 1)) - 1;
        all && rounds_up(rounding, value.negative, mant, rest)
    }

    /// `FPRoundBase`. `flush` and `alternative` say what FPCR means for this
    /// format.
    #[inline(never)]
    fn round_base(
        &mut self,
        format: Format,
        value: Real,
        rounding: Rounding,
        flush: bool,
        alternative: bool,
    ) -> u64 {
        let sign = value.negative;
        let minimum_exp = format.minimum_exp();
        let exponent = value.exponent();
        // Before rounding, also for flushing, which is never inexact.
        let tiny = exponent < minimum_exp;
        if tiny && flush {
            self.raise(FPSR_UFC);
            return format.zero(sign);
        }

        let mut biased_exp = if tiny {
            0
        } else {
            (exponent - minimum_exp + 1) as u64
        };
        let unit = exponent.max(minimum_exp) - format.frac_bits.cast_signed();
        let (mut int_mant, rest) = in_units(value, unit);
        let mut inexact = rest != Rest::None;
        if inexact && tiny && !self.grows_to_normal(format, value, rounding) {
            self.raise(FPSR_UFC);
        }

        let overflow_to_inf = match rounding {
            Rounding::TieEven | Rounding::TieAway => true,
            Rounding::PlusInf => !sign,
            Rounding::MinusInf => sign,
            Rounding::Zero | Rounding::Odd => false,
        };
        if rounds_up(rounding, sign, int_mant, rest) {
            int_mant += 1;
            if int_mant == 1 << format.frac_bits {
                biased_exp = 1; // From denormal to normal.
            }
            if int_mant == 1 << (format.frac_bits + 1) {
                biased_exp += 1;
                int_mant >>= 1;
            }
        }
        if inexact && rounding == Rounding::Odd {
            int_mant |= 1;
        }

        let frac = int_mant as u64 & format.frac_ones();
        let result = if alternative && biased_exp > format.exp_ones() {
            self.raise(FPSR_IOC);
            inexact = false;
            format.pack(sign, format.exp_ones(), format.frac_ones())
        } else if !alternative && biased_exp >= format.exp_ones() {
            self.raise(FPSR_OFC);
            inexact = true;
            if overflow_to_inf {
                format.infinity(sign)
            } else {
                format.max_normal(sign)
            }
        } else {
            format.pack(sign, biased_exp, frac)
        };
        if inexact {
            self.raise(FPSR_IXC);
        }
        result
    }
}
