//! Conversions between floating-point formats: FCVT, and the lengthening and
//! narrowing ones of vectors. Q is the 2 of the mnemonic: the wide elements
//! come of, or their narrow ones go to, the upper half of the register.

use super::lanes::collect;
use super::shape::{Element, Size, by_size};
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;
use softfp::{self as fp, Fp, Rounding};

/// The destination register.
pub(super) fn execute(cpu: &Cpu, fp: &mut Fp, insn: Insn) -> Option<u128> {
    let n = cpu.v[insn.rn() as usize];
    let current = fp.rounding();
    match insn.op {
        Op::FCVT => precision(fp, insn, n),
        Op::BFCVT => Some(fp::convert_bf(fp, u32::get(n, 0)).at(0)),
        Op::FCVTXN_scalar => {
            let narrow: u32 = fp::convert(fp, u64::get(n, 0), Rounding::Odd);
            Some(narrow.at(0))
        }
        Op::FCVTL if insn.sz() == 0 => lengthen::<u16, u32>(fp, n, insn.q()),
        Op::FCVTL => lengthen::<u32, u64>(fp, n, insn.q()),
        Op::FCVTN if insn.sz() == 0 => {
            narrow::<u32, u16>(cpu, insn, |x| fp::convert(fp, x, current))
        }
        Op::FCVTN => narrow::<u64, u32>(cpu, insn, |x| fp::convert(fp, x, current)),
        Op::FCVTXN => narrow::<u64, u32>(cpu, insn, |x| fp::convert(fp, x, Rounding::Odd)),
        Op::BFCVTN => narrow::<u32, u16>(cpu, insn, |x| fp::convert_bf(fp, x)),
        _ => None,
    }
}

/// FCVT.
fn precision(fp: &mut Fp, insn: Insn, n: u128) -> Option<u128> {
    fn from<S: Element>(fp: &mut Fp, n: u128, size: Size) -> u128 {
        fn to<D: Element, S: Element>(fp: &mut Fp, n: u128) -> u128 {
            let rounding = fp.rounding();
            let converted: D = fp::convert(fp, S::get(n, 0), rounding);
            converted.at(0)
        }
        match size {
            Size::Half => to::<u16, S>(fp, n),
            Size::Single => to::<u32, S>(fp, n),
            Size::Double => to::<u64, S>(fp, n),
        }
    }
    let (source, destination) = (
        Size::of_ftype(insn.ftype())?,
        Size::of_ftype(insn.fcvt_opc())?,
    );
    Some(by_size!(source, from(fp, n, destination)))
}

/// The wider elements of half a register.
fn lengthen<S: Element, D: Element>(fp: &mut Fp, n: u128, part: u32) -> Option<u128> {
    let (count, rounding) = (64 / S::BITS, fp.rounding());
    collect(count, |index| {
        Some(fp::convert::<S, D>(
            fp,
            S::get(n, part * count + index),
            rounding,
        ))
    })
}

/// The narrower elements in half a register. The upper half leaves the lower
/// one; the lower half clears the upper one.
fn narrow<S: Element, D: Element>(
    cpu: &Cpu,
    insn: Insn,
    mut convert: impl FnMut(S) -> D,
) -> Option<u128> {
    let (d, n) = (cpu.v[insn.rd() as usize], cpu.v[insn.rn() as usize]);
    let half = collect(128 / S::BITS, |index| Some(convert(S::get(n, index))))?;
    Some(if insn.q() == 0 {
        half
    } else {
        half << 64 | u128::from(d as u64)
    })
}
