//! A vector and a scalar: one element of a D register, the second operand of every lane.

use lanes::element::{Element, collect};
use lanes::float::{Lane, collect as collect_floats};
use softfp::Fp;

use super::registers::{Vector, d, m, n};
use super::{Status, different, float, same};
use crate::cpu::Cpu;
use crate::decode::simd::{Insn, Op};

/// The register and the number of the scalar: of halfwords among D0 to D7, of words among D0 to D15.
const fn place(i: Insn) -> (Vector, u32) {
    if i.size() == 1 {
        (Vector::double(i.vm() & 7), m(i) >> 3)
    } else {
        (Vector::double(i.vm()), i.m())
    }
}

/// Executes one.
pub(super) fn execute(cpu: &Cpu, status: &mut Status, i: Insn) -> Option<(Vector, u128)> {
    let (register, index) = place(i);
    let scalar = register.read(cpu);
    let bits = 8 << i.size();
    match i.op {
        Op::VMLA_fp_scalar | Op::VMLS_fp_scalar | Op::VMUL_fp_scalar => {
            if bits == 16 {
                floats(cpu, &mut status.fp, i, u16::get(scalar, index))
            } else {
                floats(cpu, &mut status.fp, i, u32::get(scalar, index))
            }
        }
        Op::VMLAL_scalar
        | Op::VMLSL_scalar
        | Op::VMULL_scalar
        | Op::VQDMLAL_scalar
        | Op::VQDMLSL_scalar
        | Op::VQDMULL_scalar => different::long(cpu, &mut status.saturation, i, bits, |_, bits| {
            Element::get(scalar, index, bits)
        }),
        _ => {
            let to = Vector::of(d(i), i.q24() == 1);
            let x = Vector::of(n(i), i.q24() == 1).read(cpu);
            let (old, y) = (to.read(cpu), Element::get(scalar, index, bits));
            let result = collect(bits, to.count(bits), |index| {
                let [d, x] = [old, x].map(|v| Element::get(v, index, bits));
                same::product(i.op, &mut status.saturation, d, x, y)
            })?;
            Some((to, result))
        }
    }
}

fn floats<F: Lane>(cpu: &Cpu, fp: &mut Fp, i: Insn, y: F) -> Option<(Vector, u128)> {
    let to = Vector::of(d(i), i.q24() == 1);
    let x = Vector::of(n(i), i.q24() == 1).read(cpu);
    let old = to.read(cpu);
    let result = collect_floats(to.count(F::BITS), |index| {
        float::arithmetic(i.op, fp, F::get(old, index), F::get(x, index), y)
    })?;
    Some((to, result))
}
