//! Exclusive, acquiring and releasing accesses, and SWP. All want their address aligned.
//!
//! The monitor (`Cpu::monitor`) remembers what was loaded; a store succeeds when its
//! address and size are the load's and memory still holds that value. What it holds is as
//! memory has it, whatever the order of bytes.

use guest::memory::{Barrier, Fault, Memory, Size};

use super::memory::{aligned, in_order, load, store};
use super::target::{Done, Target};
use crate::cpu::{Cpu, Monitor};
use crate::operation::Operation;

/// Executes one.
pub(super) fn execute<M: Memory>(cpu: &mut Cpu, memory: &mut M, operation: Operation) -> Done {
    match operation {
        Operation::LoadExclusive {
            size,
            t,
            t2,
            n,
            offset,
            acquire,
        } => {
            let address = cpu.reg(n).wrapping_add(offset);
            let value = load_exclusive(cpu, memory, address, size)?;
            if acquire {
                memory.barrier(Barrier::Load);
            }
            write(cpu, size, [t, t2], value);
        }
        Operation::StoreExclusive {
            size,
            d,
            t,
            t2,
            n,
            offset,
        } => {
            let address = cpu.reg(n).wrapping_add(offset);
            let value = read(cpu, size, [t, t2]);
            let stored = store_exclusive(cpu, memory, address, size, value)?;
            cpu.monitor.size = 0;
            cpu.set_reg(d, u32::from(!stored));
        }
        Operation::LoadAcquire { size, t, n } => {
            let address = cpu.reg(n);
            aligned(address, size.bytes(), false)?;
            let value = load(cpu, memory, address, size)?;
            memory.barrier(Barrier::Load);
            cpu.set_reg(t, value);
        }
        Operation::StoreRelease { size, t, n } => {
            let address = cpu.reg(n);
            aligned(address, size.bytes(), true)?;
            memory.barrier(Barrier::Full);
            store(cpu, memory, address, size, cpu.reg(t))?;
            memory.barrier(Barrier::Full);
        }
        Operation::Swap { size, t, m, n } => {
            let address = cpu.reg(n);
            aligned(address, size.bytes(), true)?;
            let new = read(cpu, size, [m, m]);
            let old = memory.update(address.into(), size, &mut |_| new)?;
            write(cpu, size, [t, t], old);
        }
        Operation::ClearExclusive => cpu.monitor.size = 0,
        _ => {}
    }
    Ok(Target::Next)
}

#[allow(clippy::cast_possible_truncation, reason = "what is asked for")]
const fn low(value: u128) -> u32 {
    value as u32
}

fn load_exclusive<M: Memory>(
    cpu: &mut Cpu,
    memory: &mut M,
    address: u32,
    size: Size,
) -> Result<u128, Fault> {
    aligned(address, size.bytes(), false)?;
    let value = memory.load(address.into(), size)?;
    let doubleword = u64::from(low(value >> 32)) << 32 | u64::from(low(value));
    cpu.monitor = Monitor {
        address: address.into(),
        value: [doubleword, 0],
        size: size.bytes(),
    };
    Ok(value)
}

/// Whether it has stored. One that fails for the monitor's sake raises no exception,
/// which is one of the choices.
fn store_exclusive<M: Memory>(
    cpu: &Cpu,
    memory: &mut M,
    address: u32,
    size: Size,
    value: u128,
) -> Result<bool, Fault> {
    let monitor = cpu.monitor;
    if monitor.size != size.bytes() || monitor.address != u64::from(address) {
        return Ok(false);
    }
    let expected = u128::from(monitor.value[0]);
    let old = memory.compare_exchange(address.into(), size, expected, value)?;
    Ok(old == expected)
}

/// What a store of one register or two writes: the first goes to the lower address.
fn read(cpu: &Cpu, size: Size, [t, t2]: [u8; 2]) -> u128 {
    if size == Size::Double {
        let word = |t| u128::from(in_order(cpu, cpu.reg(t), Size::Word));
        return word(t2) << 32 | word(t);
    }
    let value = cpu.reg(t) & (u32::MAX >> (32 - size.bits()));
    in_order(cpu, value, size).into()
}

/// Writes what was loaded.
fn write(cpu: &mut Cpu, size: Size, [t, t2]: [u8; 2], value: u128) {
    if size == Size::Double {
        cpu.set_reg(t2, in_order(cpu, low(value >> 32), Size::Word));
        cpu.set_reg(t, in_order(cpu, low(value), Size::Word));
    } else {
        cpu.set_reg(t, in_order(cpu, low(value), size));
    }
}
