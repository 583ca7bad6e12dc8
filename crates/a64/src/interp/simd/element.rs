//! Elements, as the manual's pseudocode has them: cut from a register as a
//! signed or an unsigned integer, computed with integers that don't overflow,
//! and put back modulo their size or saturated.
//!
//! No integer here has more than 64 bits, so `i128` stands for the manual's
//! integers of any size.

use crate::cpu::Cpu;

/// The cumulative saturation bit of FPSR.
const FPSR_QC: u32 = 1 << 27;

/// An element of a register: its bits, and how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    value: u64,
    pub(super) bits: u32,
}

impl Element {
    /// The element `index` of a register that is cut into elements of `bits`
    /// (8 to 64).
    pub(super) const fn get(register: u128, index: u32, bits: u32) -> Self {
        let value = (register >> (index * bits)) as u64 & u64::MAX >> (64 - bits);
        Self { value, bits }
    }

    /// `UInt`.
    pub(super) fn uint(self) -> i128 {
        self.value.into()
    }

    /// `SInt`.
    pub(super) fn sint(self) -> i128 {
        let above = 64 - self.bits;
        ((self.value << above) as i64 >> above).into()
    }

    /// The bits, zero-extended.
    pub(super) const fn raw(self) -> u64 {
        self.value
    }
}

/// The register of `count` elements of `bits`, the first lowest; zero above
/// them. Of each element's value the low bits are taken. `None` when there is
/// no such element.
pub(super) fn collect(
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
pub(super) const fn truth(truth: bool) -> i128 {
    if truth { -1 } else { 0 }
}

/// `SatQ` and the bit it sets.
#[derive(Debug, Default)]
pub(super) struct Saturation {
    occurred: bool,
}

impl Saturation {
    /// `SignedSatQ`.
    pub(super) fn signed(&mut self, value: i128, bits: u32) -> i128 {
        self.within(value, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    }

    /// `UnsignedSatQ`.
    pub(super) fn unsigned(&mut self, value: i128, bits: u32) -> i128 {
        self.within(value, 0, (1 << bits) - 1)
    }

    fn within(&mut self, value: i128, least: i128, greatest: i128) -> i128 {
        let saturated = value.clamp(least, greatest);
        self.occurred |= saturated != value;
        saturated
    }

    /// FPSR.QC, which is cumulative.
    pub(super) const fn commit(&self, cpu: &mut Cpu) {
        if self.occurred {
            cpu.fpsr |= FPSR_QC;
        }
    }
}

/// `PolynomialMult`: the product without carries.
pub(super) fn polynomial_product(x: Element, y: Element) -> u128 {
    (0..y.bits)
        .filter(|bit| y.raw() >> bit & 1 == 1)
        .fold(0, |product, bit| product ^ u128::from(x.raw()) << bit)
}
