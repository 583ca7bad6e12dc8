//! LD1 to LD4 and ST1 to ST4: structures of one to four elements, spread over
//! as many consecutive registers (V0 follows V31).
//!
//! Elements are accessed one by one, in the order of their addresses.

use super::address::Place;
use super::{access, is_load, x};
use crate::cpu::Cpu;
use crate::decode::Class;
use crate::insn::Insn;
use guest::memory::{Fault, Memory, Size};

/// The registers of an instruction, as they are before or after it.
struct Registers {
    first: u32,
    values: [u128; 4],
}

impl Registers {
    fn new(cpu: &Cpu, first: u32) -> Self {
        let values = [0, 1, 2, 3].map(|i| cpu.v[Self::number(first, i)]);
        Self { first, values }
    }

    /// The number of the register `i` after the first.
    const fn number(first: u32, i: usize) -> usize {
        (first as usize + i) & 31
    }

    fn element(&self, register: usize, size: Size, index: u32) -> u128 {
        self.values[register] >> (index * size.bits()) & size.mask()
    }

    fn set_element(&mut self, register: usize, size: Size, index: u32, value: u128) {
        let shift = index * size.bits();
        let value_before = self.values[register];
        self.values[register] = value_before & !(size.mask() << shift) | value << shift;
    }

    /// Writes the first `count` of them.
    fn commit(&self, cpu: &mut Cpu, count: usize) {
        for (i, value) in self.values.iter().enumerate().take(count) {
            cpu.v[Self::number(self.first, i)] = *value;
        }
    }
}

/// Where the structures are. The base moves by their length, or by Rm.
fn place(cpu: &Cpu, insn: Insn, length: u64) -> Result<Place, Fault> {
    let base = access::base(cpu, insn.rn())?;
    let post = matches!(
        insn.op.class(),
        Class::ldst_multiple_post | Class::ldst_single_post
    );
    if !post {
        return Ok(Place::at(base));
    }
    let step = match insn.rm() {
        31 => length,
        m => x(cpu, m),
    };
    Ok(Place::then(insn, base, base.wrapping_add(step)))
}

/// Multiple structures: whole registers.
pub(super) fn multiple<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn) -> Result<(), Fault> {
    // Repetitions, and elements of a structure; LD1 of several registers
    // repeats one element.
    let (rpt, selem) = match insn.opcode() {
        0b0000 => (1, 4),
        0b0010 => (4, 1),
        0b0100 => (1, 3),
        0b0110 => (3, 1),
        0b1000 => (1, 2),
        0b1010 => (2, 1),
        _ => (1, 1),
    };
    let size = Size::from_log2(insn.struct_size());
    let bytes = 8 << insn.q();
    let elements = bytes / size as u32;
    let count = rpt * selem;
    let place = place(cpu, insn, u64::from(bytes) * count as u64)?;
    let mut registers = Registers::new(cpu, insn.rt());
    if is_load(insn) {
        registers.values = [0; 4];
    }
    let mut address = place.address;
    for r in 0..rpt {
        for index in 0..elements {
            for s in 0..selem {
                if is_load(insn) {
                    let value = access::load(mem, address, size)?;
                    registers.set_element(r + s, size, index, value);
                } else {
                    let value = registers.element(r + s, size, index);
                    access::store(mem, address, size, value)?;
                }
                address = address.wrapping_add(size.bytes());
            }
        }
    }
    if is_load(insn) {
        registers.commit(cpu, count);
    }
    place.write_back(cpu);
    Ok(())
}

/// The number of elements of a structure: bits 13 and 21 are its bits, one
/// subtracted.
const fn selem(insn: Insn) -> usize {
    ((insn.word >> 13 & 1) << 1 | (insn.word >> 21 & 1)) as usize + 1
}

/// A single structure: the others elements of the registers stay.
pub(super) fn single<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn) -> Result<(), Fault> {
    if insn.elem_scale() == 3 {
        return replicate(cpu, mem, insn);
    }
    // The index is the high bits of Q:S:size, as many as the scale leaves; of
    // those it does not, the lowest tells doublewords from words.
    let bits = insn.q() << 3 | insn.s() << 2 | insn.struct_size();
    let (scale, index) = match insn.elem_scale() {
        2 if insn.struct_size() & 1 == 1 => (3, insn.q()),
        scale => (scale, bits >> scale),
    };
    let size = Size::from_log2(scale);
    let count = selem(insn);
    let place = place(cpu, insn, size.bytes() * count as u64)?;
    let mut registers = Registers::new(cpu, insn.rt());
    let mut address = place.address;
    for s in 0..count {
        if is_load(insn) {
            let value = access::load(mem, address, size)?;
            registers.set_element(s, size, index, value);
        } else {
            access::store(mem, address, size, registers.element(s, size, index))?;
        }
        address = address.wrapping_add(size.bytes());
    }
    if is_load(insn) {
        registers.commit(cpu, count);
    }
    place.write_back(cpu);
    Ok(())
}

/// LD1R to LD4R: each element fills its register.
fn replicate<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn) -> Result<(), Fault> {
    let size = Size::from_log2(insn.struct_size());
    let count = selem(insn);
    let place = place(cpu, insn, size.bytes() * count as u64)?;
    let mut registers = Registers::new(cpu, insn.rt());
    registers.values = [0; 4];
    let mut address = place.address;
    for s in 0..count {
        let value = access::load(mem, address, size)?;
        for index in 0..(8 << insn.q()) / size as u32 {
            registers.set_element(s, size, index, value);
        }
        address = address.wrapping_add(size.bytes());
    }
    registers.commit(cpu, count);
    place.write_back(cpu);
    Ok(())
}
