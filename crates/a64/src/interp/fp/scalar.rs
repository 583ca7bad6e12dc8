//! What only scalars have: comparison into flags, conditional selection, and
//! the immediate.

use super::shape::{Element, Shape, Size, by_size};
use crate::cpu::{Cpu, Flags};
use crate::decode::Op;
use crate::insn::Insn;
use softfp::{self as fp, Fp};

/// FCMP(E) and FCCMP(E); the E raises IOC for quiet NaNs too.
pub(super) fn compare(cpu: &mut Cpu, fp: &mut Fp, insn: Insn) -> Option<()> {
    let (signal_all_nans, with_zero, condition) = match insn.op {
        Op::FCMP => (false, false, None),
        Op::FCMP_zero => (false, true, None),
        Op::FCMPE => (true, false, None),
        Op::FCMPE_zero => (true, true, None),
        Op::FCCMP => (false, false, Some(insn.cond())),
        Op::FCCMPE => (true, false, Some(insn.cond())),
        _ => return None,
    };
    if condition.is_some_and(|condition| !holds(cpu.flags, condition)) {
        cpu.flags = Flags::from_nzcv(insn.nzcv() as u8);
        return Some(());
    }
    let n = cpu.v[insn.rn() as usize];
    let m = if with_zero {
        0
    } else {
        cpu.v[insn.rm() as usize]
    };
    let size = Size::of_ftype(insn.ftype())?;
    cpu.flags = Flags::from_nzcv(by_size!(size, flags(fp, n, m, signal_all_nans)));
    Some(())
}

/// NZCV of two scalars' comparison.
fn flags<F: Element>(fp: &mut Fp, n: u128, m: u128, signal_all_nans: bool) -> u8 {
    fp::compare(fp, F::get(n, 0), F::get(m, 0), signal_all_nans)
}

/// FCSEL: bits as they are.
pub(super) fn select(cpu: &Cpu, insn: Insn) -> Option<u128> {
    fn scalar<F: Element>(register: u128) -> u128 {
        F::get(register, 0).at(0)
    }
    let chosen = if holds(cpu.flags, insn.cond()) {
        insn.rn()
    } else {
        insn.rm()
    };
    let register = cpu.v[chosen as usize];
    Some(by_size!(Shape::of(insn)?.size, scalar(register)))
}

/// `ConditionHolds`.
fn holds(flags: Flags, condition: u32) -> bool {
    let nzcv = flags.nzcv();
    let [n, z, c, v] = [8, 4, 2, 1].map(|bit| nzcv & bit != 0);
    let base = match condition >> 1 {
        0 => z,
        1 => c,
        2 => n,
        3 => v,
        4 => c && !z,
        5 => n == v,
        6 => n == v && !z,
        _ => return true, // AL, and NV too.
    };
    base != (condition & 1 == 1)
}

/// FMOV (scalar, immediate): `VFPExpandImm`.
pub(super) fn immediate(insn: Insn) -> Option<u128> {
    let imm8 = insn.imm8();
    Some(match Size::of_ftype(insn.ftype())? {
        Size::Half => expanded(imm8, 5, 10),
        Size::Single => expanded(imm8, 8, 23),
        Size::Double => expanded(imm8, 11, 52),
    })
}

/// A sign, an exponent of which bit 6 is the inverted top and, repeated, the
/// middle, and bits 5 and 4 the end; a fraction that starts with bits 3 to 0.
pub(in crate::interp) fn expanded(imm8: u32, exp_bits: u32, frac_bits: u32) -> u128 {
    let [sign, exp_top, exp_end, frac] =
        [imm8 >> 7, imm8 >> 6 & 1, imm8 >> 4 & 3, imm8 & 15].map(u128::from);
    let repeated = exp_top * ((1 << (exp_bits - 3)) - 1);
    let exp = (exp_top ^ 1) << (exp_bits - 1) | repeated << 2 | exp_end;
    sign << (exp_bits + frac_bits) | exp << frac_bits | frac << (frac_bits - 4)
}
