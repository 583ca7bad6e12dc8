//! Loads and stores of SIMD&FP registers, one or two. A load clears what of
//! the register it does not fill.

use super::address::{literal as literal_address, place};
use super::{access, is_load};
use crate::cpu::Cpu;
use crate::insn::Insn;
use guest::memory::{Fault, Memory, Size};

/// LDR (literal, SIMD&FP).
pub(super) fn literal<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn) -> Result<(), Fault> {
    let size = Size::from_log2(2 + insn.ldst_opc());
    cpu.v[insn.rt() as usize] = access::load(mem, literal_address(cpu, insn), size)?;
    Ok(())
}

/// One register of 1 to 16 bytes.
pub(super) fn single<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn) -> Result<(), Fault> {
    // opc, bits 23:22: the high bit belongs to the size, the low one loads.
    let scale = insn.opc1() << 2 | insn.ldst_size();
    let size = Size::from_log2(scale);
    let place = place(cpu, insn, scale)?;
    let t = insn.rt() as usize;
    if is_load(insn) {
        cpu.v[t] = access::load(mem, place.address, size)?;
    } else {
        access::store(mem, place.address, size, cpu.v[t])?;
    }
    place.write_back(cpu);
    Ok(())
}

/// Two registers of 4 to 16 bytes.
pub(super) fn pair<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn) -> Result<(), Fault> {
    let scale = 2 + insn.ldst_opc();
    let size = Size::from_log2(scale);
    let place = place(cpu, insn, scale)?;
    let second = place.address.wrapping_add(size.bytes());
    let (t, t2) = (insn.rt() as usize, insn.rt2() as usize);
    if is_load(insn) {
        let value = access::load(mem, place.address, size)?;
        let value2 = access::load(mem, second, size)?;
        // When both are one register, it gets the second (CONSTRAINED
        // UNPREDICTABLE).
        cpu.v[t] = value;
        cpu.v[t2] = value2;
    } else {
        access::store(mem, place.address, size, cpu.v[t])?;
        access::store(mem, second, size, cpu.v[t2])?;
    }
    place.write_back(cpu);
    Ok(())
}
