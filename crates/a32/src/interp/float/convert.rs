//! Conversions: between formats, and between floating point and integers.
#![allow(clippy::cast_possible_truncation, reason = "results have their width")]

use softfp::{Fp, Rounding};

use super::registers::Register;
use crate::cpu::{Cpu, Flags};
use crate::decode::fp::{Class, Insn, Op};

/// Executes one.
pub(super) fn execute(cpu: &mut Cpu, fp: &mut Fp, i: Insn) {
    match (i.op.class(), i.vsize()) {
        (Class::half, _) => half(cpu, fp, i),
        (Class::half_bf16, _) => {
            let value = u32::read(cpu, u32::number(i.vm(), i.m()));
            let value = softfp::convert_bf(fp, value);
            set_half(cpu, i, i.op == Op::VCVTT_bf16, value);
        }
        (Class::convert, _) => between(cpu, fp, i),
        (Class::javascript, _) => {
            let value = u64::read(cpu, u64::number(i.vm(), i.m()));
            let (value, z) = softfp::to_fixed_js(fp, value);
            u32::write(cpu, u32::number(i.vd(), i.d()), value);
            cpu.set_fp_flags(Flags::from_nzcv(u8::from(z) << 2));
        }
        (Class::from_integer, 1) => from_integer::<u16>(cpu, fp, i),
        (Class::from_integer, 2) => from_integer::<u32>(cpu, fp, i),
        (Class::from_integer, _) => from_integer::<u64>(cpu, fp, i),
        (Class::to_integer, 1) => to_integer::<u16>(cpu, fp, i),
        (Class::to_integer, 2) => to_integer::<u32>(cpu, fp, i),
        (Class::to_integer, _) => to_integer::<u64>(cpu, fp, i),
        (_, 1) => fixed::<u16>(cpu, fp, i),
        (_, 2) => fixed::<u32>(cpu, fp, i),
        _ => fixed::<u64>(cpu, fp, i),
    }
}

/// VCVTB and VCVTT: one half of an S register, the other of which stays.
fn half(cpu: &mut Cpu, fp: &mut Fp, i: Insn) {
    let (rounding, double) = (fp.rounding(), i.sz() == 1);
    let shift = if i.op == Op::VCVTT { 16 } else { 0 };
    if i.op16() == 0 {
        let value = (u32::read(cpu, u32::number(i.vm(), i.m())) >> shift) as u16;
        if double {
            let value = softfp::convert::<u16, u64>(fp, value, rounding);
            u64::write(cpu, u64::number(i.vd(), i.d()), value);
        } else {
            let value = softfp::convert::<u16, u32>(fp, value, rounding);
            u32::write(cpu, u32::number(i.vd(), i.d()), value);
        }
        return;
    }
    let value: u16 = if double {
        let value = u64::read(cpu, u64::number(i.vm(), i.m()));
        softfp::convert(fp, value, rounding)
    } else {
        let value = u32::read(cpu, u32::number(i.vm(), i.m()));
        softfp::convert(fp, value, rounding)
    };
    set_half(cpu, i, i.op == Op::VCVTT, value);
}

/// Writes one half of an S register.
fn set_half(cpu: &mut Cpu, i: Insn, top: bool, value: u16) {
    let (d, shift) = (u32::number(i.vd(), i.d()), if top { 16 } else { 0 });
    let kept = u32::read(cpu, d) & !(0xffff << shift);
    u32::write(cpu, d, kept | u32::from(value) << shift);
}

/// Single to double precision, or with sz the reverse.
fn between(cpu: &mut Cpu, fp: &mut Fp, i: Insn) {
    let rounding = fp.rounding();
    if i.sz() == 1 {
        let value = u64::read(cpu, u64::number(i.vm(), i.m()));
        let value = softfp::convert(fp, value, rounding);
        u32::write(cpu, u32::number(i.vd(), i.d()), value);
    } else {
        let value = u32::read(cpu, u32::number(i.vm(), i.m()));
        let value = softfp::convert(fp, value, rounding);
        u64::write(cpu, u64::number(i.vd(), i.d()), value);
    }
}

fn from_integer<F: Register>(cpu: &mut Cpu, fp: &mut Fp, i: Insn) {
    let value = u32::read(cpu, u32::number(i.vm(), i.m()));
    let (unsigned, rounding) = (i.op7() == 0, fp.rounding());
    let value = softfp::from_fixed(fp, value.into(), 0, unsigned, 32, rounding);
    F::write(cpu, F::number(i.vd(), i.d()), value);
}

fn to_integer<F: Register>(cpu: &mut Cpu, fp: &mut Fp, i: Insn) {
    let (rounding, unsigned) = match i.op {
        Op::VCVTA => (Rounding::TieAway, i.op7() == 0),
        Op::VCVTN => (Rounding::TieEven, i.op7() == 0),
        Op::VCVTP => (Rounding::PlusInf, i.op7() == 0),
        Op::VCVTM => (Rounding::MinusInf, i.op7() == 0),
        Op::VCVTR => (fp.rounding(), i.op16() == 0),
        _ => (Rounding::Zero, i.op16() == 0),
    };
    let value = F::read(cpu, F::number(i.vm(), i.m()));
    let value = softfp::to_fixed(fp, value, 0, unsigned, rounding, 32);
    u32::write(cpu, u32::number(i.vd(), i.d()), value as u32);
}

/// Source and destination are one register. More fraction bits than the size has are UNPREDICTABLE: none
/// are meant.
fn fixed<F: Register>(cpu: &mut Cpu, fp: &mut Fp, i: Insn) {
    let size = if i.sx() == 1 { 32 } else { 16 };
    let fraction = size.max(i.imm4l() << 1 | i.i()) - (i.imm4l() << 1 | i.i());
    let (d, unsigned) = (F::number(i.vd(), i.d()), i.u() == 1);
    if i.op == Op::VCVT_fp_to_fixed {
        let value = F::read(cpu, d);
        let value = softfp::to_fixed(fp, value, fraction, unsigned, Rounding::Zero, size);
        let unused = 64 - size;
        let value = if unsigned {
            value << unused >> unused
        } else {
            ((value << unused).cast_signed() >> unused).cast_unsigned()
        };
        if i.vsize() == 3 {
            u64::write(cpu, d, value);
        } else {
            u32::write(cpu, d, value as u32);
        }
    } else {
        let value = if i.vsize() == 3 {
            u64::read(cpu, d)
        } else {
            u32::read(cpu, d).into()
        };
        let value = value & (u64::MAX >> (64 - size));
        let value = softfp::from_fixed(fp, value, fraction, unsigned, size, Rounding::TieEven);
        F::write(cpu, d, value);
    }
}
