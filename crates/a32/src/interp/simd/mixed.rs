//! What mixes lanes or formats: dot products and products of matrices, complex numbers, products of half
//! precision or `BFloat16` that are added to single precision.

use lanes::element::{Element, Value, collect, matrix_product, products};
use lanes::float::{self, Lane};
use softfp::{Complex, Fp};

use super::registers::{Vector, d, is_quad, m, n};
use crate::cpu::Cpu;
use crate::decode::simd::{Insn, Op};

/// The element of words that a row by element multiplies all by: one of D0 to D15.
fn word(cpu: &Cpu, i: Insn) -> u128 {
    Vector::double(i.vm()).read(cpu) >> (32 * i.m())
}

/// Products of bytes and of `BFloat16` numbers, of vectors and of matrices.
pub(super) fn dot(cpu: &Cpu, i: Insn) -> Option<(Vector, u128)> {
    use Op as O;
    let (x, y): (Value, Value) = match i.op {
        O::VSDOT | O::VSDOT_element | O::VSMMLA => (Element::sint, Element::sint),
        O::VUDOT | O::VUDOT_element | O::VUMMLA => (Element::uint, Element::uint),
        O::VUSDOT | O::VUSDOT_element | O::VUSMMLA => (Element::uint, Element::sint),
        O::VSUDOT_element => (Element::sint, Element::uint),
        _ => return bfloat(cpu, i),
    };
    let to = Vector::of(d(i), is_quad(i));
    let [old, first] = [to, Vector::of(n(i), is_quad(i))].map(|v| v.read(cpu));
    let second = Vector::of(m(i), is_quad(i)).read(cpu);
    let result = match i.op {
        O::VSMMLA | O::VUMMLA | O::VUSMMLA => matrix_product(old, first, second, x, y)?,
        _ => collect(32, to.count(32), |index| {
            let [old, first] = [old, first].map(|v| Element::get(v, index, 32));
            let second = match by_element(i.op) {
                true => Element::get(word(cpu, i), 0, 32),
                false => Element::get(second, index, 32),
            };
            Some(old.uint() + products(first.raw(), second.raw(), 4, x, y))
        })?,
    };
    Some((to, result))
}

const fn by_element(op: Op) -> bool {
    matches!(
        op,
        Op::VSDOT_element
            | Op::VUDOT_element
            | Op::VUSDOT_element
            | Op::VSUDOT_element
            | Op::VDOT_bf16_element
    )
}

/// VDOT and VMMLA of `BFloat16`, which heed no mode and set no status.
fn bfloat(cpu: &Cpu, i: Insn) -> Option<(Vector, u128)> {
    let to = Vector::of(d(i), is_quad(i));
    let [old, x, y] = [d(i), n(i), m(i)].map(|r| Vector::of(r, is_quad(i)).read(cpu));
    let result = match i.op {
        Op::VDOT_bf16 | Op::VDOT_bf16_element => float::collect(to.count(32), |index| {
            let (y, pair) = match by_element(i.op) {
                true => (word(cpu, i), 0),
                false => (y, index),
            };
            let [a, b] = [0, 1].map(|n| u16::get(x, 2 * index + n));
            let [c, d] = [0, 1].map(|n| u16::get(y, 2 * pair + n));
            Some(softfp::bf_dot_add(u32::get(old, index), a, b, c, d))
        })?,
        Op::VMMLA => {
            let sums = softfp::bf_mat_mul_add(
                core::array::from_fn(|index| u32::get(old, index as u32)),
                core::array::from_fn(|index| u16::get(x, index as u32)),
                core::array::from_fn(|index| u16::get(y, index as u32)),
            );
            float::collect(4, |index| Some(sums[index as usize]))?
        }
        _ => return None,
    };
    Some((to, result))
}

/// VCADD and VCMLA: pairs of elements are complex numbers, the real part first.
pub(super) fn complex(cpu: &Cpu, fp: &mut Fp, i: Insn) -> Option<(Vector, u128)> {
    let single = if i.op == Op::VCMLA_element {
        i.sz23() == 1
    } else {
        i.sz() == 1
    };
    if single {
        Some(complex_sized::<u32>(cpu, fp, i))
    } else {
        Some(complex_sized::<u16>(cpu, fp, i))
    }
}

/// The complex number `index` of a vector.
fn complex_at<F: Lane>(vector: u128, index: u32) -> Complex<F> {
    (F::get(vector, 2 * index), F::get(vector, 2 * index + 1))
}

fn complex_sized<F: Lane>(cpu: &Cpu, fp: &mut Fp, i: Insn) -> (Vector, u128) {
    let to = Vector::of(d(i), is_quad(i));
    let [old, x] = [to, Vector::of(n(i), is_quad(i))].map(|v| v.read(cpu));
    // By element: of half precision one of two in D0 to D15, of single the one in any.
    let (y, element) = match i.op {
        Op::VCMLA_element if F::BITS == 16 => (Vector::double(i.vm()), Some(i.m())),
        Op::VCMLA_element => (Vector::double(m(i)), Some(0)),
        _ => (Vector::of(m(i), is_quad(i)), None),
    };
    let y = y.read(cpu);
    let result = (0..to.count(2 * F::BITS)).fold(0, |result, index| {
        let (a, b) = (
            complex_at::<F>(x, index),
            complex_at::<F>(y, element.unwrap_or(index)),
        );
        let (re, im) = match i.op {
            Op::VCADD => softfp::complex_add(fp, a, b, i.rot24() == 1),
            Op::VCMLA => softfp::complex_mul_add(fp, complex_at(old, index), a, b, i.rot23()),
            _ => softfp::complex_mul_add(fp, complex_at(old, index), a, b, i.rot20()),
        };
        result | re.at(2 * index) | im.at(2 * index + 1)
    });
    (to, result)
}

/// VFMAL and VFMSL of half precision, VFMAB and VFMAT of `BFloat16`.
pub(super) fn long_product(cpu: &Cpu, fp: &mut Fp, i: Insn) -> Option<(Vector, u128)> {
    match i.op {
        Op::VFMA_bf16 | Op::VFMA_bf16_scalar => bfloat_product(cpu, fp, i),
        _ => half_product(cpu, fp, i),
    }
}

/// An S register, of which two are a D register.
fn single(cpu: &Cpu, number: u32) -> u128 {
    Vector::double(number >> 1).read(cpu) >> (32 * (number & 1))
}

fn half_product(cpu: &Cpu, fp: &mut Fp, i: Insn) -> Option<(Vector, u128)> {
    let to = Vector::of(d(i), is_quad(i));
    let (old, negated) = (to.read(cpu), matches!(i.op, Op::VFMSL | Op::VFMSL_element));
    let x = if is_quad(i) {
        Vector::double(n(i)).read(cpu)
    } else {
        single(cpu, i.vn() << 1 | i.n())
    };
    let (y, element) = match (i.op, is_quad(i)) {
        (Op::VFMAL | Op::VFMSL, true) => (Vector::double(m(i)).read(cpu), None),
        (Op::VFMAL | Op::VFMSL, false) => (single(cpu, i.vm() << 1 | i.m()), None),
        (_, true) => {
            let register = Vector::double(i.vm() & 7);
            (register.read(cpu), Some(m(i) >> 3))
        }
        (_, false) => (single(cpu, (i.vm() & 7) << 1 | i.m()), Some(i.vm() >> 3)),
    };
    let result = float::collect(to.count(32), |index| {
        let x = u16::get(x, index);
        let x = if negated { softfp::neg(x) } else { x };
        let y = u16::get(y, element.unwrap_or(index));
        Some(softfp::mul_add_h(fp, u32::get(old, index), x, y))
    })?;
    Some((to, result))
}

/// Bit 6 tells which of each two factors.
fn bfloat_product(cpu: &Cpu, fp: &mut Fp, i: Insn) -> Option<(Vector, u128)> {
    let to = Vector::quad(d(i));
    let [old, x] = [to, Vector::quad(n(i))].map(|v| v.read(cpu));
    let (y, element) = if i.op == Op::VFMA_bf16_scalar {
        (Vector::double(i.vm() & 7), Some(m(i) >> 3))
    } else {
        (Vector::quad(m(i)), None)
    };
    let y = y.read(cpu);
    let result = float::collect(4, |index| {
        let place = 2 * index + i.t6();
        let (x, y) = (u16::get(x, place), u16::get(y, element.unwrap_or(place)));
        Some(softfp::bf_mul_add_h(fp, u32::get(old, index), x, y))
    })?;
    Some((to, result))
}
