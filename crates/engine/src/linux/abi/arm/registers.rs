//! Registers that have names in Linux's structures, and CPSR as it is kept there: with the bits
//! of the execution state, which a program reads as zero.

use a32::cpu::{Cpu, Flags};

/// The registers of SP, of LR, and of the number of a call.
pub(super) const SP: usize = 13;
pub(super) const LR: usize = 14;
pub(super) const NUMBER: usize = 7;
/// R12 says to a tracer whether a call is entered or left.
pub(super) const DIRECTION: usize = 12;

/// CPSR's bits.
pub(super) mod bits {
    pub(in super::super) const Q: u32 = 1 << 27;
    pub(in super::super) const GE_LSB: u32 = 16;
    pub(in super::super) const E: u32 = 1 << 9;
    /// What a program can't change: interrupts and aborts masked.
    pub(in super::super) const MASKED: u32 = 7 << 6;
    pub(in super::super) const T: u32 = 1 << 5;
    pub(in super::super) const MODE: u32 = 0x1f;
    pub(in super::super) const USER: u32 = 0x10;
}

/// CPSR with the bits of the execution state.
#[must_use]
pub(super) fn cpsr(cpu: &Cpu) -> u32 {
    let it = cpu.it();
    let thumb = if cpu.thumb == 0 { 0 } else { bits::T };
    cpu.cpsr() | thumb | (it & 3) << 25 | (it >> 2) << 10
}

/// Sets all of CPSR that a program has.
pub(super) fn set_cpsr(cpu: &mut Cpu, cpsr: u32) {
    cpu.flags = Flags::from_nzcv((cpsr >> 28) as u8);
    cpu.set_q(u32::from(cpsr & bits::Q != 0));
    cpu.set_ge(cpsr >> bits::GE_LSB & 15);
    cpu.big_endian = u32::from(cpsr & bits::E != 0);
    cpu.thumb = u32::from(cpsr & bits::T != 0);
    let it = cpsr >> 25 & 3 | (cpsr >> 10 & 0x3f) << 2;
    cpu.set_it(if cpu.thumb == 0 { 0 } else { it });
}

/// D0 to D31.
pub(super) fn doubles(cpu: &Cpu) -> impl Iterator<Item = [u8; 8]> {
    cpu.v[..16].iter().flat_map(|quad| {
        let bytes = quad.to_le_bytes();
        let half = |at: usize| core::array::from_fn(|n| bytes[at + n]);
        [half(0), half(8)]
    })
}
