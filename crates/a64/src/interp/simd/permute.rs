//! The instructions that only move elements: permute, extract, table look-up.

use super::shape::Shape;
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;
use lanes::element::{Element, collect};

/// ZIP, UZP, TRN.
pub(super) fn permute(cpu: &Cpu, insn: Insn) -> Option<u128> {
    use Op::*;
    let Shape { bits, count, .. } = Shape::of(insn);
    let [n, m] = [insn.rn(), insn.rm()].map(|register| cpu.v[register as usize]);
    collect(bits, count, |index| {
        // The place in Rm:Rn.
        let odd = index % 2;
        let place = match insn.op {
            ZIP1 => odd * count + index / 2,
            ZIP2 => odd * count + count / 2 + index / 2,
            UZP1 => 2 * index,
            UZP2 => 2 * index + 1,
            TRN1 => odd * count + index - odd,
            TRN2 => odd * count + index - odd + 1,
            _ => return None,
        };
        let (register, place) = if place < count {
            (n, place)
        } else {
            (m, place - count)
        };
        Some(Element::get(register, place, bits).uint())
    })
}

/// EXT: bytes of Rm:Rn from a place on.
pub(super) fn extract(cpu: &Cpu, insn: Insn) -> Option<u128> {
    let [n, m] = [insn.rn(), insn.rm()].map(|register| cpu.v[register as usize]);
    let count = 8 << insn.q();
    collect(8, count, |index| {
        let place = insn.imm4() + index;
        let (register, place) = if place < count {
            (n, place)
        } else {
            (m, place - count)
        };
        Some(Element::get(register, place, 8).uint())
    })
}

/// TBL and TBX: bytes of up to four registers, of which V0 follows V31. An
/// index beyond them gives zero or leaves the destination's byte.
pub(super) fn table(cpu: &Cpu, insn: Insn) -> Option<u128> {
    let [d, m] = [insn.rd(), insn.rm()].map(|register| cpu.v[register as usize]);
    collect(8, 8 << insn.q(), |index| {
        let place = Element::get(m, index, 8).raw() as u32;
        let byte = if place < 16 * (insn.len() + 1) {
            let register = (insn.rn() + place / 16) % 32;
            Element::get(cpu.v[register as usize], place % 16, 8)
        } else if insn.op == Op::TBX {
            Element::get(d, index, 8)
        } else {
            return Some(0);
        };
        Some(byte.uint())
    })
}
