//! Where an instruction's elements lie: their size and count, by its class,
//! and which element of Rm goes with which.

use crate::cpu::Cpu;
use crate::decode::Class;
use crate::insn::Insn;
use lanes::element::Element;

/// The elements of an instruction. A scalar is a vector of one element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// The size of an element; where elements of two sizes take part, that of
    /// the smaller ones.
    pub(super) bits: u32,
    /// How many there are of that size in the register's part that takes part.
    pub(super) count: u32,
    /// Q of vectors: for long and narrowing instructions, which half of the
    /// register of smaller elements.
    q: u32,
    scalar: bool,
}

impl Shape {
    /// By the instruction's class and its fields `size`, `immh` and `Q`.
    pub(super) fn of(insn: Insn) -> Self {
        use Class::*;
        let class = insn.op.class();
        let log2_bytes = match class {
            simd_shift_imm | scalar_shift_imm => insn.immh().checked_ilog2().unwrap_or(0),
            _ => insn.size(),
        };
        let bits = 8 << log2_bytes;
        let scalar = matches!(
            class,
            scalar_three_same
                | scalar_three_same_extra
                | scalar_three_different
                | scalar_two_misc
                | scalar_shift_imm
                | scalar_by_element
        );
        let q = if scalar { 0 } else { insn.q() };
        let count = if scalar { 1 } else { (64 << q) / bits };
        Self {
            bits,
            count,
            q,
            scalar,
        }
    }

    /// How many of the larger elements there are: a register's worth, or one.
    pub(super) const fn wide_count(self) -> u32 {
        if self.scalar { 1 } else { 64 / self.bits }
    }

    /// Where the smaller element is that belongs to the larger one `index`.
    pub(super) const fn narrow_index(self, index: u32) -> u32 {
        self.q * self.wide_count() + index
    }

    /// The smaller element that belongs to the larger one `index`.
    pub(super) const fn narrow(self, register: u128, index: u32) -> Element {
        Element::get(register, self.narrow_index(index), self.bits)
    }

    /// The larger element `index`.
    pub(super) const fn wide(self, register: u128, index: u32) -> Element {
        Element::get(register, index, 2 * self.bits)
    }

    /// What becomes of `d` when a half of it is written: the upper half leaves
    /// the lower one, the lower half or a scalar clears what is above.
    pub(super) fn half_written(self, d: u128, half: u128) -> u128 {
        if self.q == 0 {
            half
        } else {
            half << 64 | u128::from(d as u64)
        }
    }
}

/// The second operand's element of `bits` for the element `index` of a vector:
/// that of Rm, or the one that a by-element instruction multiplies all by.
/// What of H:L:M isn't needed for its index belongs to the register. `None`
/// for sizes that no integer instruction by element has.
pub(super) fn second(cpu: &Cpu, insn: Insn, bits: u32, index: u32) -> Option<Element> {
    let by_element = matches!(
        insn.op.class(),
        Class::simd_by_element | Class::scalar_by_element
    );
    let (register, index) = match bits {
        _ if !by_element => (insn.rm(), index),
        16 => (insn.rm4(), insn.hlm()),
        32 => (insn.rm(), insn.hl()),
        _ => return None,
    };
    Some(Element::get(cpu.v[register as usize], index, bits))
}
