//! Between general and floating-point registers: conversions, FMOV and
//! FJCVTZS.

use super::convert::{from_integer, to_integer};
use super::shape::{Element, Size, by_size};
use crate::cpu::{Cpu, Flags};
use crate::decode::{Class, Op};
use crate::insn::Insn;
use softfp::{self as fp, Fp};

/// Executes one of `fp_fixed` or `fp_int`.
pub(super) fn execute(cpu: &mut Cpu, fp: &mut Fp, insn: Insn) -> Option<()> {
    match insn.op {
        Op::FMOV_general => fmov(cpu, insn),
        Op::FJCVTZS => {
            let (integer, exact) = fp::to_fixed_js(fp, u64::get(cpu.v[insn.rn() as usize], 0));
            set_general(cpu, insn.rd(), integer.into());
            cpu.flags = Flags::from_nzcv(u8::from(exact) << 2);
            Some(())
        }
        _ => {
            let size = Size::of_ftype(insn.ftype())?;
            by_size!(size, convert(cpu, fp, insn))
        }
    }
}

/// The conversions. A 32-bit result is zero-extended.
fn convert<F: Element>(cpu: &mut Cpu, fp: &mut Fp, insn: Insn) -> Option<()> {
    let width = 32 << insn.sf();
    let fraction_bits = match insn.op.class() {
        Class::fp_fixed => 64 - insn.scale(),
        _ => 0,
    };
    let (d, n) = (insn.rd(), insn.rn());
    if let Some((rounding, unsigned)) = to_integer(insn.op) {
        let x = F::get(cpu.v[n as usize], 0);
        let integer = fp::to_fixed(fp, x, fraction_bits, unsigned, rounding, width);
        set_general(cpu, d, integer);
    } else {
        let unsigned = from_integer(insn.op)?;
        let (x, rounding) = (general(cpu, n), fp.rounding());
        let value: F = fp::from_fixed(fp, x, fraction_bits, unsigned, width, rounding);
        cpu.v[d as usize] = value.at(0);
    }
    Some(())
}

/// FMOV (general): bits as they are. `rmode` 1 is the upper doubleword, whose
/// writing leaves the lower one.
fn fmov(cpu: &mut Cpu, insn: Insn) -> Option<()> {
    let (d, n) = (insn.rd(), insn.rn());
    let bits = match Size::of_ftype(insn.ftype()) {
        Some(size) => size.bits(),
        None => 64,
    };
    let place = 64 * insn.rmode();
    if insn.to_fp() == 0 {
        let register = cpu.v[n as usize] >> place;
        set_general(cpu, d, register as u64 & u64::MAX >> (64 - bits));
    } else {
        let value = u128::from(general(cpu, n) & u64::MAX >> (64 - bits));
        let kept = cpu.v[d as usize] & ((1 << place) - 1);
        cpu.v[d as usize] = value << place | kept;
    }
    Some(())
}

/// X`register`; 31 is XZR.
fn general(cpu: &Cpu, register: u32) -> u64 {
    if register == 31 {
        0
    } else {
        cpu.x[register as usize]
    }
}

/// Writes X`register`; 31 is XZR.
fn set_general(cpu: &mut Cpu, register: u32, value: u64) {
    if register != 31 {
        cpu.x[register as usize] = value;
    }
}
