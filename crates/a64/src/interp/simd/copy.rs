//! Single elements between vector and general registers. The lowest bit set
//! in `imm5` tells the size; the bits above it are the index.

use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;
use lanes::element::{Element, collect};

/// Executes one of `simd_copy` or `scalar_copy`.
pub(super) fn execute(cpu: &mut Cpu, insn: Insn) -> Option<()> {
    let log2_bytes = insn.imm5().trailing_zeros();
    let bits = 8 << log2_bytes;
    let index = insn.imm5() >> (log2_bytes + 1);
    let (d, n) = (insn.rd() as usize, insn.rn() as usize);
    let vector = cpu.v[n];
    let general = if n == 31 { 0 } else { cpu.x[n] };
    match insn.op {
        Op::DUP_element => {
            let x = Element::get(vector, index, bits).uint();
            cpu.v[d] = collect(bits, (64 << insn.q()) / bits, |_| Some(x))?;
        }
        Op::DUP_general => {
            cpu.v[d] = collect(bits, (64 << insn.q()) / bits, |_| Some(general.into()))?;
        }
        Op::DUP_element_scalar => cpu.v[d] = Element::get(vector, index, bits).uint() as u128,
        Op::INS_element => {
            let x = Element::get(vector, insn.imm4() >> log2_bytes, bits);
            cpu.v[d] = inserted(cpu.v[d], index, x);
        }
        Op::INS_general => {
            let x = Element::get(general.into(), 0, bits);
            cpu.v[d] = inserted(cpu.v[d], index, x);
        }
        Op::SMOV => {
            // Q is the size of the general register.
            let x = Element::get(vector, index, bits).sint() as u64;
            let mask = u64::MAX >> (32 - 32 * insn.q());
            set_general(cpu, d, x & mask);
        }
        Op::UMOV => {
            let x = Element::get(vector, index, bits).raw();
            set_general(cpu, d, x);
        }
        _ => return None,
    }
    Some(())
}

/// `register` with its element `index` replaced.
fn inserted(register: u128, index: u32, element: Element) -> u128 {
    let place = index * element.bits();
    let mask = u128::from(u64::MAX >> (64 - element.bits())) << place;
    register & !mask | u128::from(element.raw()) << place
}

/// Writes X`register`; 31 is XZR.
fn set_general(cpu: &mut Cpu, register: usize, value: u64) {
    if register != 31 {
        cpu.x[register] = value;
    }
}
