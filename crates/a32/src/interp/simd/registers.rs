//! The vectors of an instruction: D0 to D31 are the halves of Q0 to Q15.

use crate::cpu::Cpu;
use crate::decode::simd::Insn;

/// A D register or, with an even number, the Q register that it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vector {
    number: u32,
    quad: bool,
}

impl Vector {
    /// A D register.
    pub(super) const fn double(number: u32) -> Self {
        Self {
            number: number & 31,
            quad: false,
        }
    }

    /// The Q register that a D register begins.
    pub(super) const fn quad(number: u32) -> Self {
        Self {
            number: number & 30,
            quad: true,
        }
    }

    /// One or the other.
    pub(super) const fn of(number: u32, quad: bool) -> Self {
        if quad {
            Self::quad(number)
        } else {
            Self::double(number)
        }
    }

    /// Its bits, zero-extended.
    pub(super) const fn read(self, cpu: &Cpu) -> u128 {
        let whole = cpu.v[(self.number / 2) as usize];
        if self.quad {
            whole
        } else {
            whole >> (64 * (self.number % 2)) & u64::MAX as u128
        }
    }

    /// Sets it.
    pub(super) const fn write(self, cpu: &mut Cpu, value: u128) {
        let whole = &mut cpu.v[(self.number / 2) as usize];
        if self.quad {
            *whole = value;
        } else {
            let at = 64 * (self.number % 2);
            let mask = (u64::MAX as u128) << at;
            *whole = *whole & !mask | value << at & mask;
        }
    }

    /// How many elements of a size it has.
    pub(super) const fn count(self, bits: u32) -> u32 {
        (if self.quad { 128 } else { 64 }) / bits
    }
}

/// D:Vd.
pub(super) const fn d(i: Insn) -> u32 {
    i.d() << 4 | i.vd()
}

/// N:Vn.
pub(super) const fn n(i: Insn) -> u32 {
    i.n() << 4 | i.vn()
}

/// M:Vm.
pub(super) const fn m(i: Insn) -> u32 {
    i.m() << 4 | i.vm()
}

/// Whether bit 6, Q, says that vectors have 128 bits.
pub(super) const fn is_quad(i: Insn) -> bool {
    i.q() == 1
}
