//! Loads and stores.
//!
//! An access of one register works at any address, as `SCTLR.A` of 0 has it. Those of two
//! and more want words aligned.

use guest::memory::{Fault, FaultKind, Memory, Size};

use super::shift;
use super::target::{Done, Target, exchange};
use crate::cpu::Cpu;
use crate::operation::{Address, Index, Multiple, Offset, Operation, Reg};

/// A value as memory has it: turned around where data are big-endian.
pub(super) const fn in_order(cpu: &Cpu, value: u32, size: Size) -> u32 {
    if cpu.big_endian == 0 {
        value
    } else {
        value.swap_bytes() >> (32 - size.bits())
    }
}

/// Up to 4 bytes.
#[allow(clippy::cast_possible_truncation, reason = "4 bytes at most")]
pub(super) fn load<M: Memory>(
    cpu: &Cpu,
    memory: &mut M,
    address: u32,
    size: Size,
) -> Result<u32, Fault> {
    let value = memory.load(address.into(), size)? as u32;
    Ok(in_order(cpu, value, size))
}

/// Up to 4 bytes.
pub(super) fn store<M: Memory>(
    cpu: &Cpu,
    memory: &mut M,
    address: u32,
    size: Size,
    value: u32,
) -> Result<(), Fault> {
    let value = value & (u32::MAX >> (32 - size.bits()));
    memory.store(address.into(), size, in_order(cpu, value, size).into())
}

/// A fault unless the address is a multiple of so many bytes.
pub(super) fn aligned(address: u32, bytes: u64, write: bool) -> Result<(), Fault> {
    let address = u64::from(address);
    if address.is_multiple_of(bytes) {
        return Ok(());
    }
    Err(Fault {
        address,
        kind: FaultKind::Alignment,
        write,
    })
}

/// The address of an access, and what the base becomes.
fn addresses(cpu: &Cpu, address: Address) -> (u32, Option<u32>) {
    let offset = match address.offset {
        Offset::Immediate(offset) => offset,
        Offset::Register { m, shift, amount } => {
            let carry = cpu.flags.nzcv() & 2 != 0;
            shift::shifted(cpu.reg(m), shift, amount.into(), carry).0
        }
    };
    let mut base = cpu.reg(address.n);
    if address.n == 15 {
        base &= !3;
    }
    let moved = if address.add {
        base.wrapping_add(offset)
    } else {
        base.wrapping_sub(offset)
    };
    match address.index {
        Index::Offset => (moved, None),
        Index::Pre => (moved, Some(moved)),
        Index::Post => (base, Some(moved)),
    }
}

/// Writes the base; R15 as one is UNPREDICTABLE, and stays.
fn write_base(cpu: &mut Cpu, n: Reg, value: Option<u32>) {
    if let Some(value) = value
        && n != 15
    {
        cpu.set_reg(n, value);
    }
}

/// Executes one.
pub(super) fn execute<M: Memory>(cpu: &mut Cpu, memory: &mut M, operation: Operation) -> Done {
    match operation {
        Operation::Load {
            size,
            signed,
            t,
            address,
        } => {
            let (from, base) = addresses(cpu, address);
            let mut value = load(cpu, memory, from, size)?;
            if signed {
                let unused = 32 - size.bits();
                value = ((value << unused).cast_signed() >> unused).cast_unsigned();
            }
            write_base(cpu, address.n, base);
            if t == 15 {
                return Ok(exchange(value));
            }
            cpu.set_reg(t, value);
        }
        Operation::Store { size, t, address } => {
            let (to, base) = addresses(cpu, address);
            store(cpu, memory, to, size, cpu.reg(t))?;
            write_base(cpu, address.n, base);
        }
        Operation::LoadDual { t, t2, address } => {
            let (from, base) = addresses(cpu, address);
            aligned(from, 4, false)?;
            let first = load(cpu, memory, from, Size::Word)?;
            let second = load(cpu, memory, from.wrapping_add(4), Size::Word)?;
            write_base(cpu, address.n, base);
            for (t, value) in [(t, first), (t2, second)] {
                if t != 15 {
                    cpu.set_reg(t, value);
                }
            }
        }
        Operation::StoreDual { t, t2, address } => {
            let (to, base) = addresses(cpu, address);
            aligned(to, 4, true)?;
            store(cpu, memory, to, Size::Word, cpu.reg(t))?;
            store(cpu, memory, to.wrapping_add(4), Size::Word, cpu.reg(t2))?;
            write_base(cpu, address.n, base);
        }
        Operation::LoadMultiple(multiple) => return load_multiple(cpu, memory, multiple),
        Operation::StoreMultiple(multiple) => store_multiple(cpu, memory, multiple)?,
        _ => {}
    }
    Ok(Target::Next)
}

/// The first address, and the base behind.
const fn span(cpu: &Cpu, multiple: Multiple) -> (u32, u32) {
    let (base, bytes) = (cpu.reg(multiple.n), 4 * multiple.registers.count_ones());
    let past = if multiple.before == multiple.up { 4 } else { 0 };
    if multiple.up {
        (base.wrapping_add(past), base.wrapping_add(bytes))
    } else {
        let first = base.wrapping_sub(bytes);
        (first.wrapping_add(past), first)
    }
}

fn listed(registers: u32) -> impl Iterator<Item = Reg> {
    (0..16).filter(move |n| registers >> n & 1 == 1)
}

/// All is loaded before a register is written; a base in the list is what was loaded.
fn load_multiple<M: Memory>(cpu: &mut Cpu, memory: &mut M, multiple: Multiple) -> Done {
    let (first, behind) = span(cpu, multiple);
    aligned(first, 4, false)?;
    let mut values = [0; 16];
    let mut address = first;
    for n in listed(multiple.registers) {
        values[usize::from(n)] = load(cpu, memory, address, Size::Word)?;
        address = address.wrapping_add(4);
    }
    write_base(cpu, multiple.n, multiple.writeback.then_some(behind));
    for n in listed(multiple.registers & 0x7fff) {
        cpu.set_reg(n, values[usize::from(n)]);
    }
    if multiple.registers >> 15 == 1 {
        return Ok(exchange(values[15]));
    }
    Ok(Target::Next)
}

fn store_multiple<M: Memory>(
    cpu: &mut Cpu,
    memory: &mut M,
    multiple: Multiple,
) -> Result<(), Fault> {
    let (first, behind) = span(cpu, multiple);
    aligned(first, 4, true)?;
    let mut address = first;
    for n in listed(multiple.registers) {
        store(cpu, memory, address, Size::Word, cpu.reg(n))?;
        address = address.wrapping_add(4);
    }
    write_base(cpu, multiple.n, multiple.writeback.then_some(behind));
    Ok(())
}
