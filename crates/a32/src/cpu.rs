//! The guest's state: the one struct that interpreter, translated code and the Linux
//! layer share.
//!
//! Invariants: the upper halves of `r` are zero, and `r[15]` means nothing (`pc` does);
//! `pc` has the bits of an address alone, `thumb` is what its bit 0 would say (bit 1 means nothing in A32
//! state: a branch may have set it); IT is 0 in A32 state. D0 to D31 are the halves of Q0 to Q15, the first of `v`. What translated code computes
//! with beside the registers is in slots of `r`, too ([`IT`], [`GE`], [`Q`], [`FP_FLAGS`]); the rest of
//! `r` and `v` is its scratch.

pub use guest::Flags;

use crate::decode::State;

/// The slot of `PSTATE.IT`.
pub const IT: usize = 16;
/// The slot of `PSTATE.GE`: a byte of ones for each bit that is set, as packed results have them.
pub const GE: usize = 17;
/// The slot of `PSTATE.Q`: 1 when something has saturated.
pub const Q: usize = 18;
/// The slot of N, Z, C and V of FPSCR, in bits 31 to 28.
pub const FP_FLAGS: usize = 19;

/// The local exclusive monitor: what the last load-exclusive read.
///
/// A store-exclusive succeeds when address and size match and memory still holds `value`
/// (compare and swap). `size` 0 means the monitor is open.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Monitor {
    /// The guest address of the last load-exclusive.
    pub address: u64,
    /// The bytes read, in the low half.
    pub value: [u64; 2],
    /// Bytes monitored: 1, 2, 4 or 8; 0 when open.
    pub size: u64,
}

/// The state of one guest thread as far as EL0 code sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Cpu {
    /// R0 to R14, then what has a slot, and scratch.
    pub r: [u64; 32],
    /// Q0 to Q15.
    pub v: [u128; 32],
    /// The address of the next instruction.
    pub pc: u64,
    /// N, Z, C and V.
    pub flags: Flags,
    /// FPSCR's control bits: AHP, DN, FZ, `RMode`, FZ16, and Stride and Len, which do nothing.
    pub fpcr: u32,
    /// FPSCR's status bits: QC and the cumulative exceptions.
    pub fpsr: u32,
    /// `PSTATE.T`: 1 in T32 state.
    pub thumb: u32,
    /// `PSTATE.E`: 1 when data are big-endian.
    pub big_endian: u32,
    /// TPIDRURO, the thread pointer that the kernel sets.
    pub tpidruro: u64,
    /// TPIDRURW, which programs may set.
    pub tpidrurw: u64,
    /// The exclusive monitor.
    pub monitor: Monitor,
}

/// The bits of CPSR that EL0 reads: N, Z, C, V, Q, GE, E, and the mode, which is User.
const USER_MODE: u32 = 0x10;

/// AHP, DN, FZ, `RMode` and FZ16.
const CONTROL: u32 = 0x07c8_0000;
/// QC, IDC, IXC, UFC, OFC, DZC and IOC.
const STATUS: u32 = 0x0800_009f;

impl Cpu {
    /// Which instructions words are.
    #[must_use]
    pub const fn state(&self) -> State {
        if self.thumb == 0 {
            State::Arm
        } else {
            State::Thumb
        }
    }

    /// A register; R15 is the address of the instruction plus 8, in T32 state plus 4.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the upper halves are zero")]
    pub const fn reg(&self, n: u8) -> u32 {
        if n == 15 {
            let (aligned, ahead) = if self.thumb == 0 { (!3, 8) } else { (!1, 4) };
            (self.pc as u32 & aligned).wrapping_add(ahead)
        } else {
            self.r[n as usize] as u32
        }
    }

    /// Sets a register other than R15.
    pub const fn set_reg(&mut self, n: u8, value: u32) {
        self.r[n as usize] = value as u64;
    }

    /// `PSTATE.IT`.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "eight bits")]
    pub const fn it(&self) -> u32 {
        self.r[IT] as u32
    }

    /// Sets it.
    pub const fn set_it(&mut self, it: u32) {
        self.r[IT] = it as u64;
    }

    /// `PSTATE.GE`, four bits.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the upper halves are zero")]
    pub const fn ge(&self) -> u32 {
        let mask = self.r[GE] as u32 & 0x0804_0201;
        (mask | mask >> 8 | mask >> 16 | mask >> 24) & 15
    }

    /// Sets it.
    pub const fn set_ge(&mut self, ge: u32) {
        let bits = ge & 1 | (ge & 2) << 7 | (ge & 4) << 14 | (ge & 8) << 21;
        self.r[GE] = (bits * 0xff) as u64;
    }

    /// `PSTATE.Q`, one bit.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "one bit")]
    pub const fn q(&self) -> u32 {
        self.r[Q] as u32
    }

    /// Sets it.
    pub const fn set_q(&mut self, q: u32) {
        self.r[Q] = q as u64;
    }

    /// N, Z, C and V of FPSCR.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "four bits")]
    pub const fn fp_flags(&self) -> Flags {
        Flags::from_nzcv((self.r[FP_FLAGS] >> 28) as u8)
    }

    /// Sets them.
    pub const fn set_fp_flags(&mut self, flags: Flags) {
        self.r[FP_FLAGS] = (flags.nzcv() as u64) << 28;
    }

    /// FPSCR as VMRS reads it.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the upper halves are zero")]
    pub const fn fpscr(&self) -> u32 {
        self.r[FP_FLAGS] as u32 | self.fpcr | self.fpsr
    }

    /// Sets it as VMSR does: what is in no register is dropped.
    pub const fn set_fpscr(&mut self, value: u32) {
        self.r[FP_FLAGS] = (value & 0xf000_0000) as u64;
        self.fpcr = value & CONTROL;
        self.fpsr = value & STATUS;
    }

    /// CPSR as MRS reads it: the bits of the execution state read as zero.
    #[must_use]
    pub fn cpsr(&self) -> u32 {
        u32::from(self.flags.nzcv()) << 28
            | self.q() << 27
            | self.ge() << 16
            | self.big_endian << 9
            | USER_MODE
    }

    /// Whether a condition of the manual's numbers holds.
    #[must_use]
    pub const fn holds(&self, cond: u32) -> bool {
        let nzcv = self.flags.nzcv();
        let (n, z) = (nzcv & 8 != 0, nzcv & 4 != 0);
        let (c, v) = (nzcv & 2 != 0, nzcv & 1 != 0);
        let holds = match cond >> 1 {
            0 => z,
            1 => c,
            2 => n,
            3 => v,
            4 => c && !z,
            5 => n == v,
            6 => n == v && !z,
            _ => return true,
        };
        holds != (cond & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_the_manuals() {
        let mut cpu = Cpu::default();
        for nzcv in 0..16u8 {
            cpu.flags = Flags::from_nzcv(nzcv);
            let bit = |n: u8| nzcv >> n & 1 == 1;
            let (n, z, c, v) = (bit(3), bit(2), bit(1), bit(0));
            let expected = [
                z,
                !z,
                c,
                !c,
                n,
                !n,
                v,
                !v,
                c && !z,
                !c || z,
                n == v,
                n != v,
                !z && n == v,
                z || n != v,
                true,
            ];
            for (cond, &expected) in (0..).zip(&expected) {
                assert_eq!(cpu.holds(cond), expected, "{cond} of {nzcv:04b}");
            }
        }
    }

    #[test]
    fn the_program_counter_reads_ahead() {
        let mut cpu = Cpu {
            pc: 0xffff_fffc,
            ..Cpu::default()
        };
        assert_eq!(cpu.reg(15), 4);
        cpu.thumb = 1;
        assert_eq!(cpu.reg(15), 0);
    }

    #[test]
    fn a_byte_of_ones_stands_for_each_bit_of_ge() {
        let mut cpu = Cpu::default();
        for ge in 0..16 {
            cpu.set_ge(ge);
            assert_eq!(cpu.ge(), ge);
            for (bit, byte) in (0..4).zip(cpu.r[GE].to_le_bytes()) {
                assert_eq!(byte, if ge >> bit & 1 == 1 { 0xff } else { 0 });
            }
        }
    }
}
