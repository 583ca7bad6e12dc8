//! VLD1 to VLD4 and VST1 to VST4: structures of one to four elements, spread over D registers.
//!
//! Elements are accessed one by one, in the order of their addresses; all are loaded before a register
//! is written. An instruction may say that its address is aligned, which then it must be.

use guest::memory::{Fault, Memory, Size};

use super::registers::{Vector, d};
use crate::cpu::Cpu;
use crate::decode::simd::{Insn, Op};
use crate::interp::memory::aligned;

/// Where the structures are: their number of elements, the registers' distance, and how the address is
/// aligned.
struct Form {
    elements: u32,
    step: u32,
    alignment: u64,
}

/// Whether registers are loaded: bit 21.
const fn is_load(i: Insn) -> bool {
    i.word >> 21 & 1 == 1
}

/// The base, or a fault if it is not as aligned as the instruction says.
fn base(cpu: &Cpu, i: Insn, alignment: u64) -> Result<u32, Fault> {
    let base = cpu.reg(i.rn() as u8);
    aligned(base, alignment, !is_load(i))?;
    Ok(base)
}

/// Moves the base: not with Rm of 15, by the structures' length with 13, else by the register. R15 as
/// base is UNPREDICTABLE, and stays.
fn write_back(cpu: &mut Cpu, i: Insn, base: u32, length: u32) {
    let step = match i.rm() {
        15 => return,
        13 => length,
        m => cpu.reg(m as u8),
    };
    if i.rn() != 15 {
        cpu.set_reg(i.rn() as u8, base.wrapping_add(step));
    }
}

/// The value of a lane as memory has it: turned around where data are big-endian.
const fn in_order(cpu: &Cpu, value: u128, size: Size) -> u128 {
    if cpu.big_endian == 0 {
        value
    } else {
        value.swap_bytes() >> (128 - size.bits())
    }
}

/// D registers that follow one another; more than there are is UNPREDICTABLE, and not decoded.
struct Registers {
    first: u32,
    values: [u64; 8],
}

impl Registers {
    fn read(cpu: &Cpu, first: u32) -> Self {
        Self {
            first,
            values: core::array::from_fn(|n| Vector::double(first + n as u32).read(cpu) as u64),
        }
    }

    fn lane(&self, register: u32, size: Size, index: u32) -> u128 {
        u128::from(self.values[register as usize]) >> (size.bits() * index) & size.mask()
    }

    fn set_lane(&mut self, register: u32, size: Size, index: u32, value: u128) {
        let (at, mask) = (size.bits() * index, size.mask() as u64);
        let all = &mut self.values[register as usize];
        *all = *all & !(mask << at) | (value as u64 & mask) << at;
    }

    /// Writes those that an instruction loads.
    fn write(&self, cpu: &mut Cpu, registers: impl Iterator<Item = u32>) {
        for n in registers {
            let value = self.values[n as usize];
            Vector::double(self.first + n).write(cpu, value.into());
        }
    }
}

/// Loads or stores one lane.
fn access<M: Memory>(
    cpu: &Cpu,
    memory: &mut M,
    i: Insn,
    address: u32,
    (registers, register, index): (&mut Registers, u32, u32),
    size: Size,
) -> Result<(), Fault> {
    if is_load(i) {
        let value = memory.load(address.into(), size)?;
        registers.set_lane(register, size, index, in_order(cpu, value, size));
        return Ok(());
    }
    let value = in_order(cpu, registers.lane(register, size, index), size);
    memory.store(address.into(), size, value)
}

/// Multiple structures: whole registers. Those of one element repeat it.
pub(super) fn multiple<M: Memory>(cpu: &mut Cpu, memory: &mut M, i: Insn) -> Result<(), Fault> {
    use Op as O;
    let (repeats, elements, step) = match i.op {
        O::VLD1_one | O::VST1_one => (1, 1, 1),
        O::VLD1_two | O::VST1_two => (2, 1, 1),
        O::VLD1_three | O::VST1_three => (3, 1, 1),
        O::VLD1_four | O::VST1_four => (4, 1, 1),
        O::VLD2_one | O::VST2_one => (1, 2, 1),
        O::VLD2_two | O::VST2_two => (1, 2, 2),
        O::VLD2_four | O::VST2_four => (2, 2, 2),
        O::VLD3_one | O::VST3_one => (1, 3, 1),
        O::VLD3_two | O::VST3_two => (1, 3, 2),
        O::VLD4_one | O::VST4_one => (1, 4, 1),
        _ => (1, 4, 2),
    };
    let size = Size::from_log2(i.lsize());
    let alignment = match i.lalign() {
        0 => 1,
        align => 4 << align,
    };
    let base = base(cpu, i, alignment)?;
    let mut registers = Registers::read(cpu, d(i));
    let mut address = base;
    for repeat in 0..repeats {
        for index in 0..64 / size.bits() {
            for element in 0..elements {
                let lane = (&mut registers, repeat + element * step, index);
                access(cpu, memory, i, address, lane, size)?;
                address = address.wrapping_add(size.bytes() as u32);
            }
        }
    }
    if is_load(i) {
        let listed = (0..repeats).flat_map(|r| (0..elements).map(move |e| r + e * step));
        registers.write(cpu, listed);
    }
    write_back(cpu, i, base, 8 * repeats * elements);
    Ok(())
}

/// How many elements a single structure has: bits 9:8, less one.
const fn elements(i: Insn) -> u32 {
    (i.word >> 8 & 3) + 1
}

/// A single structure: the other lanes of the registers stay.
pub(super) fn single<M: Memory>(cpu: &mut Cpu, memory: &mut M, i: Insn) -> Result<(), Fault> {
    if i.ssize() == 3 {
        return all_lanes(cpu, memory, i);
    }
    let size = Size::from_log2(i.ssize());
    let index = i.salign() >> (i.ssize() + 1);
    let form = single_form(i, size);
    let base = base(cpu, i, form.alignment)?;
    let mut registers = Registers::read(cpu, d(i));
    let mut address = base;
    for element in 0..form.elements {
        let lane = (&mut registers, element * form.step, index);
        access(cpu, memory, i, address, lane, size)?;
        address = address.wrapping_add(size.bytes() as u32);
    }
    if is_load(i) {
        registers.write(cpu, (0..form.elements).map(|n| n * form.step));
    }
    write_back(cpu, i, base, address.wrapping_sub(base));
    Ok(())
}

/// What `index_align` says beside the index.
const fn single_form(i: Insn, size: Size) -> Form {
    let (elements, low, size) = (elements(i), i.salign(), size.bytes());
    let is_aligned = match (elements, i.ssize()) {
        (3, _) => false,
        (_, 2) => low & 3 != 0,
        (1, 0) => false,
        _ => low & 1 == 1,
    };
    // VLD4 of words has two alignments.
    let alignment = match (elements, i.ssize(), low & 3) {
        _ if !is_aligned => 1,
        (4, 2, 2) => 16,
        (4, 2, _) => 8,
        _ => elements as u64 * size,
    };
    let step = match i.ssize() {
        0 => 0,
        log2 => low >> log2 & 1,
    };
    Form {
        elements,
        step: if elements == 1 { 1 } else { step + 1 },
        alignment,
    }
}

/// VLD1 to VLD4 to all lanes: each element fills its register, VLD1's one or two.
fn all_lanes<M: Memory>(cpu: &mut Cpu, memory: &mut M, i: Insn) -> Result<(), Fault> {
    // VLD4 of words says so by 3 that they are aligned to 16 bytes.
    let size = Size::from_log2(if i.lsize() == 3 { 2 } else { i.lsize() });
    let elements = elements(i);
    let alignment = match (i.a4(), i.lsize(), elements) {
        (0, ..) => 1,
        (_, 3, _) => 16,
        (_, 2, 4) => 8,
        _ => u64::from(elements) * size.bytes(),
    };
    let base = base(cpu, i, alignment)?;
    let mut registers = Registers::read(cpu, d(i));
    let step = i.t5() + 1;
    let mut address = base;
    for element in 0..elements {
        let value = in_order(cpu, memory.load(address.into(), size)?, size);
        for index in 0..64 / size.bits() {
            registers.set_lane(element * step, size, index, value);
        }
        address = address.wrapping_add(size.bytes() as u32);
    }
    if elements == 1 && step == 2 {
        registers.values[1] = registers.values[0];
        registers.write(cpu, 0..2);
    } else {
        registers.write(cpu, (0..elements).map(|n| n * step));
    }
    write_back(cpu, i, base, address.wrapping_sub(base));
    Ok(())
}
