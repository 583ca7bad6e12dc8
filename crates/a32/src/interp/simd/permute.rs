//! What only moves elements.

use lanes::element::{Element, collect};

use super::registers::{Vector, d, is_quad, m, n};
use crate::cpu::Cpu;
use crate::decode::simd::{Insn, Op};

/// VSWP, VTRN, VUZP, VZIP, which write both of their registers. One register twice is UNKNOWN: it is
/// what is written last.
pub(super) fn two_results(cpu: &mut Cpu, i: Insn) -> Option<()> {
    let [first, second] = [d(i), m(i)].map(|r| Vector::of(r, is_quad(i)));
    let (x, y) = (first.read(cpu), second.read(cpu));
    let bits = 8 << i.size18();
    let count = first.count(bits);
    // The place among the elements of the first, then those of the second.
    let place = |index: u32| match i.op {
        Op::VTRN => {
            let (register, lane) = (index / count, index % count);
            lane % 2 * count + (lane & !1) + register
        }
        Op::VUZP => 2 * index % (2 * count) + index / count,
        Op::VZIP => index % 2 * count + index / 2,
        _ => index,
    };
    let element = |index: u32| {
        let place = place(index);
        let from = if place < count { x } else { y };
        Some(Element::get(from, place % count, bits).uint())
    };
    let (low, high) = match i.op {
        Op::VSWP => (y, x),
        Op::VTRN | Op::VUZP | Op::VZIP => (
            collect(bits, count, element)?,
            collect(bits, count, |index| element(count + index))?,
        ),
        _ => return None,
    };
    first.write(cpu, low);
    second.write(cpu, high);
    Some(())
}

/// VEXT: bytes of the second operand and the first from a place on.
pub(super) fn extract(cpu: &Cpu, i: Insn) -> Option<(Vector, u128)> {
    let [x, y] = [n(i), m(i)].map(|r| Vector::of(r, is_quad(i)).read(cpu));
    let to = Vector::of(d(i), is_quad(i));
    let count = to.count(8);
    let result = collect(8, count, |index| {
        let place = i.imm4e() + index;
        let from = if place < count { x } else { y };
        Some(Element::get(from, place % count, 8).uint())
    })?;
    Some((to, result))
}

/// VTBL and VTBX: bytes of up to four registers. An index beyond them gives zero or leaves the destination's
/// byte.
pub(super) fn table(cpu: &Cpu, i: Insn) -> Option<(Vector, u128)> {
    let to = Vector::double(d(i));
    let (old, indices) = (to.read(cpu), Vector::double(m(i)).read(cpu));
    let result = collect(8, 8, |index| {
        let place = Element::get(indices, index, 8).raw() as u32;
        let byte = if place < 8 * (i.len() + 1) {
            let from = Vector::double(n(i) + place / 8).read(cpu);
            Element::get(from, place % 8, 8)
        } else if i.op == Op::VTBX {
            Element::get(old, index, 8)
        } else {
            return Some(0);
        };
        Some(byte.uint())
    })?;
    Some((to, result))
}

/// VDUP of a scalar: the lowest bit set in the immediate tells the size; the bits above it are
/// the index.
pub(super) fn duplicate(cpu: &Cpu, i: Insn) -> Option<(Vector, u128)> {
    let log2_bytes = i.imm4d().trailing_zeros().min(2);
    let (bits, index) = (8 << log2_bytes, i.imm4d() >> (log2_bytes + 1));
    let x = Element::get(Vector::double(m(i)).read(cpu), index, bits).uint();
    let to = Vector::of(d(i), is_quad(i));
    Some((to, collect(bits, to.count(bits), |_| Some(x))?))
}

/// VREV16, VREV32, VREV64: elements in the reverse order within containers.
pub(super) fn reversed(cpu: &Cpu, i: Insn) -> Option<(Vector, u128)> {
    let container = match i.op {
        Op::VREV64 => 64,
        Op::VREV32 => 32,
        Op::VREV16 => 16,
        _ => return None,
    };
    let (to, bits) = (Vector::of(d(i), is_quad(i)), 8 << i.size18());
    let x = Vector::of(m(i), is_quad(i)).read(cpu);
    let last = container / bits - 1;
    let result = collect(bits, to.count(bits), |index| {
        Some(Element::get(x, index ^ last, bits).uint())
    })?;
    Some((to, result))
}
