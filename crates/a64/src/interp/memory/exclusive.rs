//! Load-exclusive and store-exclusive, of one register or two.
//!
//! The monitor (`Cpu::monitor`) remembers what was loaded; a store succeeds
//! when its address and size are the load's and memory still holds that
//! value. The address is compared with its tag, as it is in the register.

use super::{access, is_load, set_x, x};
use crate::cpu::{Cpu, Monitor};
use crate::insn::Insn;
use guest::memory::{Barrier, Fault, Memory, Size};

/// Executes one.
pub(super) fn execute<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn) -> Result<(), Fault> {
    let address = access::base(cpu, insn.rn())?;
    let element = Size::from_log2(insn.ldst_size());
    // Bit 21, o1: a pair is one access of twice the size.
    let pair = insn.word >> 21 & 1;
    let size = Size::from_log2(insn.ldst_size() + pair);
    if is_load(insn) {
        load(cpu, mem, insn, address, element, size)
    } else {
        store(cpu, mem, insn, address, element, size)
    }
}

fn load<M: Memory>(
    cpu: &mut Cpu,
    mem: &mut M,
    insn: Insn,
    address: u64,
    element: Size,
    size: Size,
) -> Result<(), Fault> {
    access::check_alignment(address, size, false)?;
    let value = access::load(mem, address, size)?;
    if acquires_or_releases(insn) {
        mem.barrier(Barrier::Load);
    }
    cpu.monitor = Monitor {
        address,
        value: [value as u64, (value >> 64) as u64],
        size: size.bytes(),
    };
    set_x(cpu, insn.rt(), (value & element.mask()) as u64);
    if size != element {
        // When both are one register, it gets the second (CONSTRAINED
        // UNPREDICTABLE).
        set_x(cpu, insn.rt2(), (value >> element.bits()) as u64);
    }
    Ok(())
}

/// A store-exclusive. With Rs equal to Rt or Rn (CONSTRAINED UNPREDICTABLE)
/// it stores the register, and where the register says, before it is written.
///
/// Whether a store that fails for the monitor's sake raises the exceptions of
/// its access, alignment's among them, is IMPLEMENTATION DEFINED: it does not,
/// as in QEMU.
fn store<M: Memory>(
    cpu: &mut Cpu,
    mem: &mut M,
    insn: Insn,
    address: u64,
    element: Size,
    size: Size,
) -> Result<(), Fault> {
    let mut new = u128::from(x(cpu, insn.rt())) & element.mask();
    if size != element {
        new |= u128::from(x(cpu, insn.rt2())) << element.bits();
    }
    let Monitor {
        address: marked,
        value: [low, high],
        size: bytes,
    } = cpu.monitor;
    let mut stored = false;
    if bytes == size.bytes() && marked == address {
        let expected = (u128::from(high) << 64 | u128::from(low)) & size.mask();
        // It orders like a full barrier, as a release needs.
        stored = access::compare_exchange(mem, address, size, expected, new)? == expected;
    }
    cpu.monitor.size = 0;
    set_x(cpu, insn.rs(), u64::from(!stored));
    Ok(())
}

/// Bit 15, o0.
const fn acquires_or_releases(insn: Insn) -> bool {
    insn.word >> 15 & 1 == 1
}
