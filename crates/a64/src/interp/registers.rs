//! General registers as operands: 31 is the zero register or SP, by the
//! instruction; 32-bit forms read the low half and clear the high one.

use crate::cpu::Cpu;

/// The low `bits` (32 or 64) of a value.
pub(super) const fn cut(value: u64, bits: u32) -> u64 {
    if bits == 32 {
        value & 0xffff_ffff
    } else {
        value
    }
}

/// Xn or XZR.
pub(super) const fn read(cpu: &Cpu, n: u32) -> u64 {
    if n == 31 { 0 } else { cpu.x[n as usize & 31] }
}

/// Xn or SP.
pub(super) const fn read_sp(cpu: &Cpu, n: u32) -> u64 {
    cpu.x[n as usize & 31]
}

/// Writes Xn, or nothing for XZR.
pub(super) const fn write(cpu: &mut Cpu, n: u32, value: u64) {
    if n != 31 {
        cpu.x[n as usize & 31] = value;
    }
}

/// Writes Xn or SP.
pub(super) const fn write_sp(cpu: &mut Cpu, n: u32, value: u64) {
    cpu.x[n as usize & 31] = value;
}
