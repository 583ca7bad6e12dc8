//! Bits moved between general and SIMD&FP registers, and FPSCR.
#![allow(clippy::cast_possible_truncation, reason = "parts of registers")]

use super::registers::Register;
use crate::cpu::Cpu;
use crate::decode::fp::{Class, Insn, Op};

/// Executes one.
pub(super) fn execute(cpu: &mut Cpu, i: Insn) {
    let t = i.rt() as u8;
    match i.op.class() {
        Class::status => status(cpu, i.op, t),
        Class::move_single => {
            let mask = if i.op == Op::VMOV_half {
                0xffff
            } else {
                u32::MAX
            };
            let n = u32::number(i.vn(), i.n());
            if i.op20() == 1 {
                cpu.set_reg(t, u32::read(cpu, n) & mask);
            } else {
                u32::write(cpu, n, cpu.reg(t) & mask);
            }
        }
        Class::move_scalar => scalar(cpu, i, t),
        Class::move_pair => pair(cpu, i, [t, i.rt2() as u8]),
        Class::duplicate => {
            let value = u64::from(cpu.reg(t));
            let value = match i.b22() << 1 | i.e5() {
                0 => (value & 0xffff_ffff) * 0x1_0000_0001,
                1 => (value & 0xffff) * 0x0001_0001_0001_0001,
                _ => (value & 0xff) * 0x0101_0101_0101_0101,
            };
            let d = u64::number(i.vn(), i.n());
            u64::write(cpu, d, value);
            if i.q21() == 1 {
                u64::write(cpu, d | 1, value);
            }
        }
        _ => {
            let (d, m) = (u32::number(i.vd(), i.d()), u32::number(i.vm(), i.m()));
            let m = u32::read(cpu, m);
            let value = if i.op == Op::VINS {
                m << 16 | u32::read(cpu, d) & 0xffff
            } else {
                m >> 16
            };
            u32::write(cpu, d, value);
        }
    }
}

/// VMSR, and VMRS, whose R15 are the flags.
fn status(cpu: &mut Cpu, op: Op, t: u8) {
    if op == Op::VMSR {
        cpu.set_fpscr(cpu.reg(t));
    } else if t == 15 {
        cpu.flags = cpu.fp_flags();
    } else {
        cpu.set_reg(t, cpu.fpscr());
    }
}

/// A lane of a D register: opc1 and opc2 tell its size and number.
fn scalar(cpu: &mut Cpu, i: Insn, t: u8) {
    let (high, opc2) = (i.opc1() & 1, i.opc2());
    let (bits, lane) = if i.opc1() & 2 != 0 {
        (8, high << 2 | opc2)
    } else if opc2 & 1 != 0 {
        (16, high << 1 | opc2 >> 1)
    } else {
        (32, high)
    };
    let (n, at) = (u64::number(i.vn(), i.n()), bits * lane);
    let (value, mask) = (u64::read(cpu, n), u64::MAX >> (64 - bits));
    if i.op == Op::VMOV_general_to_scalar {
        let lane = u64::from(cpu.reg(t)) & mask;
        u64::write(cpu, n, value & !(mask << at) | lane << at);
        return;
    }
    let lane = (value >> at & mask) as u32;
    let unused = 32 - bits;
    let lane = if i.u23() == 1 {
        lane
    } else {
        ((lane << unused).cast_signed() >> unused).cast_unsigned()
    };
    cpu.set_reg(t, lane);
}

/// Two general registers, and a D register or two S registers; S32 is UNPREDICTABLE, and is S0.
fn pair(cpu: &mut Cpu, i: Insn, [t, t2]: [u8; 2]) {
    let [low, high] = if i.op == Op::VMOV_double {
        let m = u64::number(i.vm(), i.m());
        [2 * m, 2 * m + 1]
    } else {
        let m = u32::number(i.vm(), i.m());
        [m, (m + 1) & 31]
    };
    // Words of all registers, also of those that have no S.
    if i.op20() == 1 {
        let (first, second) = (u32::read(cpu, low), u32::read(cpu, high));
        cpu.set_reg(t, first);
        cpu.set_reg(t2, second);
    } else {
        let (first, second) = (cpu.reg(t), cpu.reg(t2));
        u32::write(cpu, low, first);
        u32::write(cpu, high, second);
    }
}
