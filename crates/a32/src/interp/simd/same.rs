//! Three vectors of integers of one size.

use lanes::element::{Element, Saturation, collect, polynomial_product, truth};
use lanes::shift::shifted;

use super::registers::{Vector, d, is_quad, m, n};
use crate::cpu::Cpu;
use crate::decode::simd::{Insn, Op};

/// `UInt` or `SInt`, as U says.
pub(super) fn value(unsigned: bool, x: Element) -> i128 {
    if unsigned { x.uint() } else { x.sint() }
}

/// `SatQ`.
pub(super) fn saturated(sat: &mut Saturation, unsigned: bool, value: i128, bits: u32) -> i128 {
    if unsigned {
        sat.unsigned(value, bits)
    } else {
        sat.signed(value, bits)
    }
}

/// The bitwise instructions, which have no elements.
pub(super) fn bitwise(cpu: &Cpu, i: Insn) -> Option<(Vector, u128)> {
    let to = Vector::of(d(i), is_quad(i));
    let [x, y] = [n(i), m(i)].map(|r| Vector::of(r, is_quad(i)).read(cpu));
    let old = to.read(cpu);
    let value = match i.op {
        Op::VAND_register => x & y,
        Op::VBIC_register => x & !y,
        Op::VORR_register => x | y,
        Op::VORN_register => x | !y,
        Op::VEOR => x ^ y,
        Op::VBSL => x & old | y & !old,
        Op::VBIT => x & y | old & !y,
        Op::VBIF => x & !y | old & y,
        _ => return None,
    };
    Some((to, value))
}

/// The pairs of Dn, then those of Dm.
pub(super) fn pairs(cpu: &Cpu, i: Insn) -> Option<(Vector, u128)> {
    let (to, bits, unsigned) = (Vector::double(d(i)), 8 << i.size(), i.u() == 1);
    if !matches!(
        i.op,
        Op::VPADD_integer | Op::VPMAX_integer | Op::VPMIN_integer
    ) {
        return None;
    }
    let [low, high] = [n(i), m(i)].map(|r| Vector::double(r).read(cpu));
    let all = high << 64 | low;
    let result = collect(bits, to.count(bits), |index| {
        let x = Element::get(all, 2 * index, bits);
        let y = Element::get(all, 2 * index + 1, bits);
        let (sx, sy) = (value(unsigned, x), value(unsigned, y));
        Some(match i.op {
            Op::VPADD_integer => x.uint() + y.uint(),
            Op::VPMAX_integer => sx.max(sy),
            _ => sx.min(sy),
        })
    })?;
    Some((to, result))
}

/// All that does the same to each lane.
pub(super) fn integer(cpu: &Cpu, sat: &mut Saturation, i: Insn) -> Option<(Vector, u128)> {
    let (to, bits) = (Vector::of(d(i), is_quad(i)), 8 << i.size());
    let [x, y] = [n(i), m(i)].map(|r| Vector::of(r, is_quad(i)).read(cpu));
    let old = to.read(cpu);
    let result = collect(bits, to.count(bits), |index| {
        let [d, x, y] = [old, x, y].map(|v| Element::get(v, index, bits));
        sum_or_compare(i, sat, x, y)
            .or_else(|| difference_or_extreme(i, d, x, y))
            .or_else(|| product(i.op, sat, d, x, y))
            .or_else(|| shift(i, sat, x, y))
    })?;
    Some((to, result))
}

/// Sums, differences, their halves, and comparisons.
fn sum_or_compare(i: Insn, sat: &mut Saturation, x: Element, y: Element) -> Option<i128> {
    let (unsigned, bits) = (i.u() == 1, x.bits());
    let (sx, sy) = (value(unsigned, x), value(unsigned, y));
    Some(match i.op {
        Op::VADD_integer => x.uint() + y.uint(),
        Op::VSUB_integer => x.uint() - y.uint(),
        Op::VHADD => (sx + sy) >> 1,
        Op::VRHADD => (sx + sy + 1) >> 1,
        Op::VHSUB => (sx - sy) >> 1,
        Op::VQADD => saturated(sat, unsigned, sx + sy, bits),
        Op::VQSUB => saturated(sat, unsigned, sx - sy, bits),
        Op::VCGT_register => truth(sx > sy),
        Op::VCGE_register => truth(sx >= sy),
        Op::VCEQ_register => truth(x.uint() == y.uint()),
        Op::VTST => truth(x.uint() & y.uint() != 0),
        _ => return None,
    })
}

/// Absolute differences, maxima and minima.
fn difference_or_extreme(i: Insn, d: Element, x: Element, y: Element) -> Option<i128> {
    let unsigned = i.u() == 1;
    let (x, y) = (value(unsigned, x), value(unsigned, y));
    Some(match i.op {
        Op::VABD_integer => (x - y).abs(),
        Op::VABA => d.uint() + (x - y).abs(),
        Op::VMAX_integer => x.max(y),
        Op::VMIN_integer => x.min(y),
        _ => return None,
    })
}

/// Products, whole or the high half of their doubles; also those with a scalar.
pub(super) fn product(
    op: Op,
    sat: &mut Saturation,
    d: Element,
    x: Element,
    y: Element,
) -> Option<i128> {
    let bits = x.bits();
    // Not of doublewords, which no product has.
    let doubled = || 2 * x.sint() * y.sint();
    let half = 1 << (bits - 1);
    Some(match op {
        Op::VMUL_integer | Op::VMUL_scalar => x.uint() * y.uint(),
        Op::VMLA_integer | Op::VMLA_scalar => d.uint() + x.uint() * y.uint(),
        Op::VMLS_integer | Op::VMLS_scalar => d.uint() - x.uint() * y.uint(),
        Op::VMUL_polynomial => polynomial_product(x, y) as i128,
        Op::VQDMULH | Op::VQDMULH_scalar => sat.signed(doubled() >> bits, bits),
        Op::VQRDMULH | Op::VQRDMULH_scalar => sat.signed((doubled() + half) >> bits, bits),
        Op::VQRDMLAH | Op::VQRDMLAH_scalar => {
            let sum = (d.sint() << bits) + doubled();
            sat.signed((sum + half) >> bits, bits)
        }
        Op::VQRDMLSH | Op::VQRDMLSH_scalar => {
            let difference = (d.sint() << bits) - doubled();
            sat.signed((difference + half) >> bits, bits)
        }
        _ => return None,
    })
}

/// The second operand shifted by the signed low byte of the first: to the left, or to the right when it
/// is negative.
fn shift(i: Insn, sat: &mut Saturation, by: Element, x: Element) -> Option<i128> {
    let (unsigned, by) = (i.u() == 1, i32::from(by.raw() as i8));
    let (bits, x) = (x.bits(), value(unsigned, x));
    Some(match i.op {
        Op::VSHL_register => shifted(x, by, false),
        Op::VRSHL => shifted(x, by, true),
        Op::VQSHL_register => saturated(sat, unsigned, shifted(x, by, false), bits),
        Op::VQRSHL => saturated(sat, unsigned, shifted(x, by, true), bits),
        _ => return None,
    })
}
