//! The SIMD&FP registers: S0 to S31 are the words of D0 to D15, D0 to D31 the halves of Q0
//! to Q15.
#![allow(
    clippy::cast_possible_truncation,
    reason = "registers are parts of vectors"
)]

use softfp::Float;

use crate::cpu::Cpu;

/// What a register of a size holds. A half-precision number is the lower half of an S register, whose upper half
/// becomes zero.
pub(super) trait Register: Float + Copy {
    /// The number of a register: four bits, and the one that is apart.
    fn number(four: u32, one: u32) -> u32;
    /// Its value.
    fn read(cpu: &Cpu, n: u32) -> Self;
    /// Sets it.
    fn write(cpu: &mut Cpu, n: u32, value: Self);
}

fn part(cpu: &Cpu, n: u32, bits: u32) -> u64 {
    let in_vector = 128 / bits;
    let mask = u64::MAX >> (64 - bits);
    let vector = cpu.v[(n / in_vector) as usize] >> (bits * (n % in_vector));
    vector as u64 & mask
}

fn set_part(cpu: &mut Cpu, n: u32, bits: u32, value: u64) {
    let in_vector = 128 / bits;
    let at = bits * (n % in_vector);
    let vector = &mut cpu.v[(n / in_vector) as usize];
    let mask = u128::from(u64::MAX >> (64 - bits)) << at;
    *vector = *vector & !mask | u128::from(value) << at & mask;
}

impl Register for u16 {
    fn number(four: u32, one: u32) -> u32 {
        four << 1 | one
    }

    fn read(cpu: &Cpu, n: u32) -> Self {
        part(cpu, n, 32) as Self
    }

    fn write(cpu: &mut Cpu, n: u32, value: Self) {
        set_part(cpu, n, 32, value.into());
    }
}

impl Register for u32 {
    fn number(four: u32, one: u32) -> u32 {
        four << 1 | one
    }

    fn read(cpu: &Cpu, n: u32) -> Self {
        part(cpu, n, 32) as Self
    }

    fn write(cpu: &mut Cpu, n: u32, value: Self) {
        set_part(cpu, n, 32, value.into());
    }
}

impl Register for u64 {
    fn number(four: u32, one: u32) -> u32 {
        one << 4 | four
    }

    fn read(cpu: &Cpu, n: u32) -> Self {
        part(cpu, n, 64)
    }

    fn write(cpu: &mut Cpu, n: u32, value: Self) {
        set_part(cpu, n, 64, value);
    }
}
