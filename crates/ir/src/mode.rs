//! What a translation takes for granted beside the guest's code: its mode.
//!
//! A mode is a few bits that a guest gives a meaning. Code for one address in two
//! modes is two translations, found by [`Key`]; a region is of one mode, and may
//! go on in another.

/// A set of bits, each of which changes how code is translated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Mode(u8);

impl Mode {
    /// How many modes there may be.
    pub const COUNT: usize = 64;
    /// No bit.
    pub const PLAIN: Self = Self(0);

    /// The mode whose only bit is that of this number.
    ///
    /// # Panics
    /// When there is no such bit.
    #[must_use]
    pub const fn bit(number: u8) -> Self {
        assert!((1 << number) < Self::COUNT);
        Self(1 << number)
    }

    /// The mode of this number; bits that are none are dropped.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "less than COUNT")]
    pub const fn from_number(number: u32) -> Self {
        Self((number % Self::COUNT as u32) as u8)
    }

    /// Its number, less than [`Mode::COUNT`].
    #[must_use]
    pub const fn number(self) -> usize {
        self.0 as usize
    }

    /// Whether it has all of these bits.
    #[must_use]
    pub const fn has(self, bits: Self) -> bool {
        self.0 & bits.0 == bits.0
    }

    /// The same, these bits set or not.
    #[must_use]
    pub const fn with(self, bits: Self, set: bool) -> Self {
        if set {
            Self(self.0 | bits.0)
        } else {
            Self(self.0 & !bits.0)
        }
    }
}

/// What a translation is found by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    /// The guest's address.
    pub pc: u64,
    /// How it is translated.
    pub mode: Mode,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_set_and_cleared_alone() {
        let (a, b) = (Mode::bit(0), Mode::bit(1));
        let both = Mode::PLAIN.with(a, true).with(b, true);
        assert!(both.has(a) && both.has(b));
        assert_eq!(both.with(a, false), b);
        assert_eq!(b.with(a, false), b);
        assert!(!b.has(a) && !b.has(both));
        for number in 0..64 {
            assert_eq!(Mode::from_number(number).number(), number as usize);
        }
        assert_eq!(Mode::from_number(0x147).number(), 7);
    }
}
