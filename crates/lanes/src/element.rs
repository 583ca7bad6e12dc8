//! Elements, as the manual's pseudocode has them: cut from a register as a
//! signed or an unsigned integer, computed with integers that don't overflow,
//! and put back modulo their size or saturated.
//!
//! No integer here has more than 64 bits, so `i128` stands for the manual's
//! integers of any size.

/// An element of a register: its bits, and how many.
#[derive(Clone, Copy, Debug)]
pub struct Element {
    value: u64,
    bits: u32,
}

impl Element {
    /// The element `index` of a register that is cut into elements of `bits`
    /// (8 to 64).
    #[must_use]
    #[inline]
    pub const fn get(register: u128, index: u32, bits: u32) -> Self {
        let value = (register >> (index * bits)) as u64 & u64::MAX >> (64 - bits);
        Self { value, bits }
    }

    /// How many bits it has.
    #[must_use]
    #[inline]
    pub const fn bits(self) -> u32 {
        self.bits
    }

    /// `UInt`.
    #[must_use]
    #[inline]
    pub fn uint(self) -> i128 {
        self.value.into()
    }

    /// `SInt`.
    #[must_use]
    #[inline]
    pub fn sint(self) -> i128 {
        let above = 64 - self.bits;
        ((self.value << above) as i64 >> above).into()
    }

    /// The bits, zero-extended.
    #[must_use]
    #[inline]
    pub const fn raw(self) -> u64 {
        self.value
    }

    /// `CountLeadingZeroBits`.
    #[must_use]
    #[inline]
    pub fn leading_zeros(self) -> u32 {
        self.top_aligned().leading_zeros().min(self.bits)
    }

    /// `CountLeadingSignBits`: those below the top one that are equal to it.
    #[must_use]
    #[inline]
    pub fn leading_signs(self) -> u32 {
        let top_aligned = self.top_aligned();
        let alike = if top_aligned >> 63 == 1 {
            top_aligned.leading_ones()
        } else {
            top_aligned.leading_zeros()
        };
        alike.min(self.bits) - 1
    }

    const fn top_aligned(self) -> u64 {
        self.value << (64 - self.bits)
    }
}

/// The register of `count` elements of `bits`, the first lowest; zero above
/// them. Of each element's value the low bits are taken. `None` when there is
/// no such element.
#[inline]
pub fn collect(
    bits: u32,
    count: u32,
    mut element: impl FnMut(u32) -> Option<i128>,
) -> Option<u128> {
    let mask = u128::MAX >> (128 - bits);
    (0..count).try_fold(0, |register, index| {
        Some(register | (element(index)? as u128 & mask) << (index * bits))
    })
}

/// All ones or all zeros.
#[must_use]
#[inline]
pub const fn truth(truth: bool) -> i128 {
    if truth { -1 } else { 0 }
}

/// `SatQ` and the bit it sets.
#[derive(Debug, Default)]
pub struct Saturation {
    /// Whether a value was saturated.
    pub occurred: bool,
}

impl Saturation {
    /// `SignedSatQ`.
    #[inline]
    pub fn signed(&mut self, value: i128, bits: u32) -> i128 {
        self.within(value, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    }

    /// `UnsignedSatQ`.
    #[inline]
    pub fn unsigned(&mut self, value: i128, bits: u32) -> i128 {
        self.within(value, 0, (1 << bits) - 1)
    }

    fn within(&mut self, value: i128, least: i128, greatest: i128) -> i128 {
        let saturated = value.clamp(least, greatest);
        self.occurred |= saturated != value;
        saturated
    }
}

/// `PolynomialMult`: the product without carries.
#[must_use]
pub fn polynomial_product(x: Element, y: Element) -> u128 {
    (0..y.bits)
        .filter(|bit| y.raw() >> bit & 1 == 1)
        .fold(0, |product, bit| product ^ u128::from(x.raw()) << bit)
}

/// The value of a byte: [`Element::sint`] or [`Element::uint`].
pub type Value = fn(Element) -> i128;

/// The sum of products of the first `count` bytes of two elements.
#[must_use]
pub fn products(first: u64, second: u64, count: u32, x: Value, y: Value) -> i128 {
    (0..count)
        .map(|byte| {
            let [first, second] = [first, second].map(|all| Element::get(all.into(), byte, 8));
            x(first) * y(second)
        })
        .sum()
}

/// Products of matrices of two rows of eight bytes, added to `d`, a matrix of words: element 2i + j is
/// the sum for row i of `n` and row j of `m`.
#[must_use]
pub fn matrix_product(d: u128, n: u128, m: u128, x: Value, y: Value) -> Option<u128> {
    collect(32, 4, |index| {
        let row = Element::get(n, index / 2, 64);
        let column = Element::get(m, index % 2, 64);
        let d = Element::get(d, index, 32);
        Some(d.uint() + products(row.raw(), column.raw(), 8, x, y))
    })
}
