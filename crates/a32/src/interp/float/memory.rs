//! Loads and stores of SIMD&FP registers. Addresses are multiples of 4, of half-precision
//! numbers of 2.
#![allow(clippy::cast_possible_truncation, reason = "parts of registers")]

use guest::memory::{Fault, Memory, Size};

use super::registers::Register;
use crate::cpu::Cpu;
use crate::decode::fp::{Class, Insn, Op};
use crate::interp::memory::{aligned, load, store};

/// Executes one.
pub(super) fn execute<M: Memory>(cpu: &mut Cpu, memory: &mut M, i: Insn) -> Result<(), Fault> {
    if i.op.class() == Class::load_store_multiple {
        return multiple(cpu, memory, i);
    }
    let n = i.rn() as u8;
    let base = if n == 15 {
        cpu.reg(15) & !3
    } else {
        cpu.reg(n)
    };
    let offset = i.imm8() << if i.vsize() == 1 { 1 } else { 2 };
    let address = if i.u23() == 1 {
        base.wrapping_add(offset)
    } else {
        base.wrapping_sub(offset)
    };
    let loads = i.op == Op::VLDR;
    if i.vsize() == 1 {
        let d = u16::number(i.vd(), i.d());
        aligned(address, 2, !loads)?;
        if loads {
            let value = load(cpu, memory, address, Size::Half)?;
            u16::write(cpu, d, value as u16);
        } else {
            store(cpu, memory, address, Size::Half, u16::read(cpu, d).into())?;
        }
        return Ok(());
    }
    words(cpu, memory, registers(i, 1), address, loads)
}

/// The words of so many registers, as numbers of S registers, of which there are as many as D
/// registers have words here; and whether they are D registers.
fn registers(i: Insn, count: u32) -> (core::ops::Range<u32>, bool) {
    let (first, words) = if i.vsize() == 3 {
        (2 * u64::number(i.vd(), i.d()), 2)
    } else {
        (u32::number(i.vd(), i.d()), 1)
    };
    let double = i.vsize() == 3;
    let end = if double { 64 } else { 32 };
    (first..(first + words * count).min(end), double)
}

/// Loads or stores words; all are loaded before one is written. A D register's upper word comes first
/// where data are big-endian.
fn words<M: Memory>(
    cpu: &mut Cpu,
    memory: &mut M,
    (range, double): (core::ops::Range<u32>, bool),
    address: u32,
    loads: bool,
) -> Result<(), Fault> {
    aligned(address, 4, !loads)?;
    let mut values = [0; 64];
    let mut at = address;
    let turned = u32::from(double && cpu.big_endian == 1);
    for n in range.clone().map(|n| n ^ turned) {
        if loads {
            values[n as usize] = load(cpu, memory, at, Size::Word)?;
        } else {
            store(cpu, memory, at, Size::Word, u32::read(cpu, n))?;
        }
        at = at.wrapping_add(4);
    }
    if loads {
        for n in range {
            u32::write(cpu, n, values[n as usize]);
        }
    }
    Ok(())
}

/// More registers than there are is UNPREDICTABLE: those that are there are meant.
fn multiple<M: Memory>(cpu: &mut Cpu, memory: &mut M, i: Insn) -> Result<(), Fault> {
    let (n, bytes) = (i.rn() as u8, i.imm8() << 2);
    let down = matches!(i.op, Op::VLDMDB | Op::VSTMDB);
    let base = if n == 15 {
        cpu.reg(15) & !3
    } else {
        cpu.reg(n)
    };
    let address = if down { base.wrapping_sub(bytes) } else { base };
    let count = if i.vsize() == 3 {
        i.imm8() / 2
    } else {
        i.imm8()
    };
    let loads = matches!(i.op, Op::VLDM | Op::VLDMDB);
    words(cpu, memory, registers(i, count), address, loads)?;
    if n == 15 {
        return Ok(());
    }
    if down {
        cpu.set_reg(n, address);
    } else if i.w() == 1 {
        cpu.set_reg(n, base.wrapping_add(bytes));
    }
    Ok(())
}
