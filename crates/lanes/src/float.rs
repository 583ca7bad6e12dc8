//! Lanes that are floating-point numbers.

use softfp::Float;

/// A value that is an element of a vector register.
pub trait Lane: Float {
    /// How many bits it has.
    const BITS: u32;

    /// The element's bits, zero-extended.
    fn bits(self) -> u64 {
        self.to_u64()
    }

    /// Of the low bits.
    #[must_use]
    fn of_bits(bits: u64) -> Self {
        Self::from_u64(bits)
    }

    /// The element `index` of a register.
    #[must_use]
    fn get(register: u128, index: u32) -> Self {
        Self::of_bits((register >> (index * Self::BITS)) as u64)
    }

    /// As the element `index` of a register that is zero elsewhere.
    fn at(self, index: u32) -> u128 {
        u128::from(self.bits()) << (index * Self::BITS)
    }

    /// What a vector comparison gives: all ones or all zeros.
    #[must_use]
    fn of_truth(truth: bool) -> Self {
        Self::of_bits(if truth { u64::MAX } else { 0 })
    }
}

impl Lane for u16 {
    const BITS: u32 = 16;
}
impl Lane for u32 {
    const BITS: u32 = 32;
}
impl Lane for u64 {
    const BITS: u32 = 64;
}

/// The register that elements make, the first one lowest; `None` when there
/// is no such element.
pub fn collect<F: Lane>(count: u32, mut element: impl FnMut(u32) -> Option<F>) -> Option<u128> {
    (0..count).try_fold(0, |register, index| {
        Some(register | element(index)?.at(index))
    })
}
