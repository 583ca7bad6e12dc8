//! The instructions that do the same to each element, scalar ones being those
//! of a single element.

use super::shape::{Element, Shape, by_size, element_operand};
use super::{arithmetic, compare, convert};
use crate::cpu::Cpu;
use crate::decode::Class;
use crate::insn::Insn;
pub(super) use ::lanes::float::collect;
use softfp::Fp;

/// Of Rn.
pub(super) fn one(cpu: &Cpu, fp: &mut Fp, insn: Insn) -> Option<u128> {
    fn each<F: Element>(cpu: &Cpu, fp: &mut Fp, insn: Insn, count: u32) -> Option<u128> {
        let n = cpu.v[insn.rn() as usize];
        collect(count, |index| {
            let x = F::get(n, index);
            arithmetic::one(insn.op, fp, x)
                .or_else(|| compare::with_zero(insn.op, fp, x))
                .or_else(|| convert::lane(insn, fp, x))
        })
    }
    let Shape { size, count } = Shape::of(insn)?;
    by_size!(size, each(cpu, fp, insn, count))
}

/// Of Rn, and Rm or its one element.
pub(super) fn two(cpu: &Cpu, fp: &mut Fp, insn: Insn) -> Option<u128> {
    fn each<F: Element>(cpu: &Cpu, fp: &mut Fp, insn: Insn, shape: Shape) -> Option<u128> {
        let n = cpu.v[insn.rn() as usize];
        collect(shape.count, |index| {
            let (x, y) = (F::get(n, index), second(cpu, insn, shape, index));
            arithmetic::two(insn.op, fp, x, y).or_else(|| compare::two(insn.op, fp, x, y))
        })
    }
    let shape = Shape::of(insn)?;
    by_size!(shape.size, each(cpu, fp, insn, shape))
}

/// Of an addend, Rn, and Rm or its one element. The addend is Ra if there is
/// such a field, else the destination.
pub(super) fn three(cpu: &Cpu, fp: &mut Fp, insn: Insn) -> Option<u128> {
    fn each<F: Element>(cpu: &Cpu, fp: &mut Fp, insn: Insn, shape: Shape) -> Option<u128> {
        let addend = match insn.op.class() {
            Class::fp_3src => insn.ra(),
            _ => insn.rd(),
        };
        let (a, n) = (cpu.v[addend as usize], cpu.v[insn.rn() as usize]);
        collect(shape.count, |index| {
            let y = second(cpu, insn, shape, index);
            arithmetic::three(insn.op, fp, F::get(a, index), F::get(n, index), y)
        })
    }
    let shape = Shape::of(insn)?;
    by_size!(shape.size, each(cpu, fp, insn, shape))
}

/// The second factor for the element `index`.
fn second<F: Element>(cpu: &Cpu, insn: Insn, shape: Shape, index: u32) -> F {
    let (register, index) = match insn.op.class() {
        Class::simd_by_element | Class::scalar_by_element => element_operand(insn, shape.size),
        _ => (insn.rm() as usize, index),
    };
    F::get(cpu.v[register], index)
}
