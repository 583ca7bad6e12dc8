//! The instructions that combine elements of one vector: all of them, or
//! pairs.

use super::shape::Shape;
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;
use lanes::element::{Element, collect};

/// All elements into one scalar, larger for the long sums.
pub(super) fn all(cpu: &Cpu, insn: Insn) -> Option<u128> {
    use Op::*;
    let Shape { bits, count, .. } = Shape::of(insn);
    let n = cpu.v[insn.rn() as usize];
    let elements = (0..count).map(|index| Element::get(n, index, bits));
    let (signed, unsigned) = (
        elements.clone().map(Element::sint),
        elements.map(Element::uint),
    );
    let (value, result_bits) = match insn.op {
        ADDV => (unsigned.sum(), bits),
        SADDLV => (signed.sum(), 2 * bits),
        UADDLV => (unsigned.sum(), 2 * bits),
        SMAXV => (signed.max()?, bits),
        UMAXV => (unsigned.max()?, bits),
        SMINV => (signed.min()?, bits),
        UMINV => (unsigned.min()?, bits),
        _ => return None,
    };
    collect(result_bits, 1, |_| Some(value))
}

/// ADDP (scalar): the two doublewords.
pub(super) fn pair(cpu: &Cpu, insn: Insn) -> Option<u128> {
    if insn.op != Op::ADDP_scalar {
        return None;
    }
    let n = cpu.v[insn.rn() as usize];
    let (low, high) = (Element::get(n, 0, 64), Element::get(n, 1, 64));
    collect(64, 1, |_| Some(low.uint() + high.uint()))
}

/// The pairs of Rn, then those of Rm.
pub(super) fn pairs(cpu: &Cpu, insn: Insn) -> Option<u128> {
    use Op::*;
    let Shape { bits, count, .. } = Shape::of(insn);
    let [n, m] = [insn.rn(), insn.rm()].map(|register| cpu.v[register as usize]);
    // The place in Rm:Rn.
    let element = |index| {
        if index < count {
            Element::get(n, index, bits)
        } else {
            Element::get(m, index - count, bits)
        }
    };
    collect(bits, count, |index| {
        let (low, high) = (element(2 * index), element(2 * index + 1));
        Some(match insn.op {
            ADDP_vector => low.uint() + high.uint(),
            SMAXP => low.sint().max(high.sint()),
            UMAXP => low.uint().max(high.uint()),
            SMINP => low.sint().min(high.sint()),
            UMINP => low.uint().min(high.uint()),
            _ => return None,
        })
    })
}

/// The pairs of Rn, as results twice as large, with or without an addend.
pub(super) fn long_pairs(cpu: &Cpu, insn: Insn) -> Option<u128> {
    use Op::*;
    if !matches!(insn.op, SADDLP | UADDLP | SADALP | UADALP) {
        return None;
    }
    let Shape { bits, count, .. } = Shape::of(insn);
    let [d, n] = [insn.rd(), insn.rn()].map(|register| cpu.v[register as usize]);
    collect(2 * bits, count / 2, |index| {
        let low = Element::get(n, 2 * index, bits);
        let high = Element::get(n, 2 * index + 1, bits);
        let addend = Element::get(d, index, 2 * bits);
        Some(match insn.op {
            SADDLP => low.sint() + high.sint(),
            UADDLP => low.uint() + high.uint(),
            SADALP => addend.uint() + low.sint() + high.sint(),
            _ => addend.uint() + low.uint() + high.uint(),
        })
    })
}
